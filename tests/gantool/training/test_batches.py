"""What a recipe and a metric are given: images with the labels of their rows, where they ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
import torch

from gantool import Batch
from gantool.compute.device import make_accelerator
from gantool.plan import Choices, Plan, resolve
from gantool.plugins import load_plugins
from gantool.plugins.registry import Part
from gantool.training import in_parts
from gantool.training.feeds import Share, open_feed
from gantool.training.selection import choose_best
from gantool.training.session import open_session

SHARE = Share(seed=7, batch_size=3, rank=0, world_size=2, device=torch.device("cpu"))


class Numbered:
    """Images whose every value is their number, and labels that say the number again."""

    def __init__(self, count: int, *, labelled: bool = True) -> None:
        self.labels = {"number": np.arange(count), "pair": np.arange(2 * count).reshape(count, 2)} if labelled else {}
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full((4, 5, 1), index, np.uint8)


def numbers(images: torch.Tensor) -> list[int]:
    return images[:, 0, 0, 0].add(1).mul(127.5).round().int().tolist()


def test_parts_of_a_batch_hold_its_rows():
    images = torch.arange(7.0).reshape(7, 1, 1, 1)
    batch = Batch(images, {"depth": images * 10}, [{"number": number} for number in range(7)])
    assert len(batch) == 7
    parts = list(in_parts(make_accelerator("cpu", "fp32"), (), 3, batch, images))
    assert [len(part) for part, _ in parts] == [3, 3, 1]
    for part, own in parts:
        assert torch.equal(part.images, own)
        assert torch.equal(part.conditions["depth"], own * 10)
        assert [record["number"] for record in part.labels] == own.flatten().tolist()
    ((whole, _),) = in_parts(make_accelerator("cpu", "fp32"), (), 1, batch, images)
    assert whole is batch
    assert Batch(images).chunk(2)[1].labels is None


@pytest.mark.parametrize("cache_gib", [1, 1e-9])
@pytest.mark.parametrize("rank", [0, 1])
def test_labels_are_those_of_the_rows(cache_gib, rank):
    feed = open_feed(Numbered(11), replace(SHARE, rank=rank), cache_gib=cache_gib, workers=0, what="real", labels=True)
    batches = [feed.next() for _ in range(9)]
    feed.drawn = 4
    batches.append(feed.next())
    assert torch.equal(batches[-1].images, batches[4].images)
    for batch in batches:
        assert [record["number"] for record in batch.labels] == numbers(batch.images)
        assert [record["pair"].tolist() for record in batch.labels] == [[2 * n, 2 * n + 1] for n in numbers(batch.images)]


def test_there_are_no_labels_where_nobody_asks_or_none_are_there():
    for domain, asks in ((Numbered(11), False), (Numbered(11, labelled=False), True)):
        assert open_feed(domain, SHARE, cache_gib=1, workers=0, what="real", labels=asks).next().labels is None


@pytest.fixture
def plan(tmp_path) -> Plan:
    for name, start in (("synthetic", 0), ("real", 100)):
        values = np.arange(start, start + 20, dtype=np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=np.broadcast_to(values[:, None, None], (20, 12, 14)), number=values)
    files = {f"dataset.{name}": str(tmp_path / f"{name}.npz") for name in ("synthetic", "real")}
    small = {"generator.width": 2, "generator.blocks": 1, "discriminator.width_factor": 0.05}
    settings = {"batch_size": 4, "device": "cpu"}
    return resolve(load_plugins(), Choices(plugin="simgan", dataset="gantool:files", options=files | small, settings=settings))


def providing(part: Part, words: Iterable[str]) -> Part:
    record = replace(part.provided.record, provides=part.provided.record.provides | set(words))
    return replace(part, provided=replace(part.provided, record=record))


def test_a_recipe_draws_labels_only_where_it_says_so(plan):
    assert open_session(plan).draws.source().labels is None
    draws = open_session(replace(plan, recipe=providing(plan.recipe, {"sees-labels"}))).draws
    for batch in (draws.source(), draws.source(), draws.target()):
        assert [int(record["number"]) for record in batch.labels] == numbers(batch.images)


class Seen:
    def __init__(self) -> None:
        self.calls: list[tuple[list[int], list[int]]] = []

    def update(self, refined, target, *, source, labels):
        del refined, target
        self.calls.append((numbers(source), [int(record["number"]) for record in labels]))

    def compute(self):
        return {"seen": float(len(self.calls))}


def test_a_metric_gets_the_labels_of_the_images_that_were_refined(plan, monkeypatch):
    asking = replace(plan, metric=providing(plan.metric, {"sees-labels", "sees-source"}))
    session, metric = open_session(asking), Seen()
    monkeypatch.setattr(type(session.metric), "build", lambda _: metric)
    choose_best(session, None, step=0, batch_size=8, at_once=4, warn=pytest.fail)
    assert [len(source) for source, _ in metric.calls] == [8, 8, 4]
    assert all(source == labels for source, labels in metric.calls)
    assert sorted(number for source, _ in metric.calls for number in source) == list(range(20))
