"""Passes that the generator sees: the same crop as the picture, dropped as a whole, and the same again after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from framed import write_frames, write_pictures

import gantool
from gantool import Batch
from gantool.components import Channels, Pair
from gantool.data.conditions import MOST_IDS, Condition, choose
from gantool.data.domains import Preprocess
from gantool.data.frames import PassForm, PassKind
from gantool.data.opening import open_images
from gantool.data.prepare import prepare
from gantool.errors import GantoolError
from gantool.plan import Choices, resolve
from gantool.plugins import load_plugins
from gantool.training.draws import Draws, dropped_rows
from gantool.training.feeds import Feed, Share, open_feed
from gantool.training.session import open_session
from gantool.training.sheets import shown

ALL = ("depth", "normals", "instances", "classes")
SHARE = Share(seed=3, batch_size=4, rank=0, world_size=1, device=torch.device("cpu"))
SMALL = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.1,
    "recipe.discriminator_warmup": 1,
    "recipe.decay": 0,
}


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "frames")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos")


def feed_of(frames: Path, preprocess: Preprocess | None = None, patch: object = "off", *, cache_gib: float = 1) -> Feed:
    images = open_images(frames)
    source, _, _ = prepare(Pair(images, images), preprocess or Preprocess(), patch, choose(ALL, images))  # type: ignore[arg-type]
    return open_feed(source, SHARE, cache_gib=cache_gib, workers=0, what="synthetic")


@pytest.mark.parametrize("patch", ["off", (16, 20)])
@pytest.mark.parametrize("cache_gib", [1, 1e-9])
def test_picture_and_passes_are_the_same_crop(frames: Path, patch: object, cache_gib: float):
    batch = feed_of(frames, patch=patch, cache_gib=cache_gib).next()
    assert {name: values.shape[1] for name, values in batch.conditions.items()} == dict(zip(ALL, (2, 3, 1, 3), strict=True))
    rows, columns = batch.images.add(1).mul(127.5).round()[:, :2].unbind(1)
    depth = batch.conditions["depth"]
    low, high = choose(["depth"], open_images(frames))["depth"].limits or (0, 0)
    wanted = ((1000 + columns + 100 * rows - low) / (high - low) * 2 - 1).clamp(-1, 1)
    assert torch.allclose(depth[:, 0], wanted, atol=2e-3)
    assert not depth[:, 1].any()
    bands = torch.stack([(rows * 3 / 40).floor() == band for band in range(3)], dim=1).float()
    assert torch.equal(batch.conditions["classes"], bands)
    edges = batch.conditions["instances"][:, 0].bool()
    assert ((columns[edges] >= 23) & (columns[edges] <= 26)).all()
    normal = torch.tensor([86, 164, 242]) / 127.5 - 1
    assert torch.allclose(batch.conditions["normals"].mean(dim=(0, 2, 3)), normal / normal.norm(), atol=2e-3)


def test_passes_follow_the_size_of_the_pictures(frames: Path):
    batch = feed_of(frames, Preprocess(size=(20, 24))).next()
    assert batch.conditions["classes"].shape == (4, 3, 20, 24)
    assert torch.equal(batch.conditions["classes"].sum(1), torch.ones(4, 20, 24))
    cropped = feed_of(frames, Preprocess(size=(20, 24), fit="crop")).next()
    columns = cropped.images.add(1).mul(127.5).round()[:, 1]
    assert (columns[cropped.conditions["instances"][:, 0] > 0] >= 23).all()


def test_a_pass_that_is_missing_is_zero_and_one_of_another_size_is_named(frames: Path):
    (frames / "depth" / "0002.png").unlink()
    images = open_images(frames)
    source, _, _ = prepare(Pair(images, images), Preprocess(), conditions=choose(["depth", "classes"], images))
    assert not source.frame(2)[1][..., :2].any()
    assert source.frame(2)[1][..., 2:].any()
    assert source.frame(1)[1][..., :2].any()
    (frames / "depth" / "0001.png").write_bytes(
        (write_frames(frames.parent / "other", size=(8, 9)) / "depth/0001.png").read_bytes()
    )
    with pytest.raises(GantoolError, match=r"rgb/0001.png, pass depth: it is 8x9, the picture 40x48"):
        source.frame(1)


def test_whole_images_go_without_conditions_the_same_ones_again(frames: Path):
    share, dropped = Share(seed=3, batch_size=4, rank=0, world_size=1, device=torch.device("cpu")), 0
    draws = Draws(feed_of(frames), feed_of(frames), dropped_rows(share, 0.3))
    first = [draws.source() for _ in range(40)]
    for batch in first:
        there = torch.stack([values.flatten(1).any(1) for values in batch.conditions.values()])
        assert torch.equal(there.any(0), there.all(0))
        dropped += int((~there[0]).sum())
    assert 0.2 < dropped / 160 < 0.4
    draws.load_state_dict({"source": 7, "target": 0})
    again = draws.source()
    assert all(torch.equal(again.conditions[name], values) for name, values in first[7].conditions.items())
    both = [dropped_rows(Share(seed=3, batch_size=2, rank=rank, world_size=2, device=share.device), 0.3) for rank in (0, 1)]
    assert np.array_equal(np.concatenate([rows(5) for rows in both if rows]), (dropped_rows(share, 0.3) or both[0])(5))
    assert dropped_rows(share, 0) is None


def test_the_most_common_ids_get_channels():
    class Many:
        passes: ClassVar = {"kinds": PassForm(PassKind.CLASSES)}

        def __len__(self) -> int:
            return 2

        def read_pass(self, index: int, name: str) -> tuple[np.ndarray, PassForm]:
            # The ids 0 to 9 have a pixel each, all others several.
            ids = np.concatenate([np.arange(50), np.repeat(np.arange(10, 50), 3)]).astype(np.uint8)
            return ids.reshape(10, 17, 1), self.passes[name]

    found = choose(["classes"], Many())["classes"]
    assert found.channels == len(found.ids) == MOST_IDS
    assert min(found.ids) >= 10


def test_a_pass_that_is_not_there_is_named_with_those_that_are(frames: Path, photos: Path):
    with pytest.raises(GantoolError, match=r"--condition albedo: .*frames has no such pass.*; it has: classes, depth, instances"):
        choose(["albedo"], open_images(frames))
    with pytest.raises(GantoolError, match=r"--condition depth: .*photos has no such pass, .*it has: none"):
        choose(["depth"], open_images(photos))
    with pytest.raises(GantoolError, match=r"--condition depth: built-in eyes, synthetic has no such pass"):
        choose(["depth"], load_plugins().find("dataset", "simgan:eyes").with_options({}, where="").build().source)


def test_both_ways_to_say_it_and_a_generator_that_cannot(site):
    said = [Choices(plugin="simgan", settings={"conditions": ("depth", "normals")})]
    said += [Choices(plugin="simgan", options={"dataset.conditions": ["depth", "normals"]})]
    assert [resolve(load_plugins(), each).settings.conditions for each in said] == [("depth", "normals")] * 2
    site.plant("plain")
    with pytest.raises(
        GantoolError, match=r"--condition: .*provides 'conditioned'; plain:unet does not; installed ones .*simgan:refiner"
    ):
        resolve(load_plugins(), said[0], Choices(parts={"generator": "plain:unet"}))


@pytest.mark.parametrize("plugin", ["simgan", "cyclegan", "cut"])
def test_only_the_generator_of_the_run_sees_conditions(frames: Path, photos: Path, plugin: str):
    settings = {"conditions": ("normals", "classes"), "batch_size": 2, "patch": "off", "device": "cpu"}
    paths = {"dataset.synthetic": str(frames), "dataset.real": str(photos)}
    plan = resolve(load_plugins(), Choices(plugin=plugin, dataset="gantool:files", options=paths, settings=settings))
    session = open_session(plan)
    assert session.recorded.channels == Channels(3, {"normals": 3, "classes": 3})
    assert session.recorded.conditions["classes"] == Condition(PassKind.CLASSES, ids=(4, 5, 6))
    modules = session.recipe.__dict__.items()
    built = {
        name for name, part in modules if isinstance(part, torch.nn.Module) and getattr(part, "modulation", None) is not None
    }
    assert built <= {"refiner", "average", "network", "to_target"}
    assert built
    before = {name: values.clone() for name, values in session.recipe.generator().state_dict().items() if "modulation" in name}
    for step in range(2 if plugin != "simgan" else 54):
        if plugin != "simgan" or step > 49:
            session.recipe.step(step, session.draws)
    after = session.recipe.generator().state_dict()
    assert all(not torch.equal(after[name], values) for name, values in before.items())
    batch = session.held(slice(4))
    known, unknown = session.recipe.refine(batch), session.recipe.refine(Batch(batch.images))
    assert not torch.equal(known, unknown)


def test_resume_is_to_the_bit(frames: Path, photos: Path, tmp_path: Path):
    said = {"synthetic": frames, "real": photos, "batch_size": 2, "patch": "16x16", "device": "cpu", "log": ("none",)}
    said |= {"conditions": ("depth", "instances"), "condition_dropout": 0.4, "options": SMALL, "checkpoint_every": 3}
    whole = gantool.train("simgan", output=tmp_path / "whole", steps=6, **said)
    begun = gantool.train("simgan", output=tmp_path / "begun", steps=3, **said)
    gantool.train(resume=begun, steps=6)
    ours, theirs = (gantool.load(run).state_dict() for run in (whole, begun))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert json.loads((whole / "run.json").read_text())["conditions"] == ["depth", "instances"]
    assert json.loads((whole / "config.json").read_text())["conditions"]["depth"]["limits"] is not None


def test_sheets_show_each_pass(frames: Path):
    images = open_images(frames)
    batch = feed_of(frames).next()
    seen = shown(batch.conditions, choose(ALL, images))
    assert {name: pixels.shape for name, pixels in seen.items()} == dict.fromkeys(ALL, (4, 40, 48, 3))
    assert len(np.unique(seen["classes"].reshape(-1, 3), axis=0)) == 3
    assert set(np.unique(seen["instances"])) == {0, 255}
    assert np.abs(seen["normals"][0, 0, 0].astype(int) - (86, 164, 242)).max() <= 3
    assert (np.diff(seen["depth"][0, :, 0, 0].astype(int)) >= 0).all()
