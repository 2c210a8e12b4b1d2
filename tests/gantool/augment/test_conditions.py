"""Transforms of a run that saw passes: what each library calls them, and the same pixels as the loaded network gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from framed import NORMAL

import gantool
from gantool.augment.torch import Refine
from gantool.components import Channels
from gantool.conditioning import split
from gantool.data.conditions import Condition
from gantool.data.frames import PassKind
from gantool.errors import GantoolError
from gantool.model.bundle import Recorded, write_bundle

OPTIONS = {"width": 4, "blocks": 1, "residual": True}
CONDITIONS = {
    "depth": Condition(PassKind.DEPTH, limits=(0.0, 100.0)),
    "normals": Condition(PassKind.NORMALS),
    "instances": Condition(PassKind.INSTANCES),
}
CHANNELS = Channels(3, {name: found.channels for name, found in CONDITIONS.items()})
SIZE = (21, 26)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conditioned")
    torch.manual_seed(3)
    network = gantool.build("generator", "simgan:refiner", channels=CHANNELS, **OPTIONS)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    recorded = Recorded(component="simgan:refiner", options=OPTIONS, channels=CHANNELS, conditions=CONDITIONS)
    write_bundle(folder, network.state_dict(), recorded)
    return folder


@pytest.fixture
def passes() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    depth = random.integers(0, 120, SIZE).astype(np.uint16)
    ids = np.where(np.arange(SIZE[1]) < 11, 4, 200).astype(np.uint8)[None].repeat(SIZE[0], axis=0)
    return {"depth": depth, "normals": np.full((*SIZE, 3), NORMAL, np.uint8), "instances": ids}


@torch.no_grad()
def wanted(run: Path, images: torch.Tensor, known: torch.Tensor | None) -> torch.Tensor:
    given = None if known is None else split(known.expand(len(images), -1, -1, -1), CHANNELS.conditions)
    return (gantool.load(run)(images * 2 - 1, conditions=given) + 1) / 2


def test_torch_takes_conditions_as_further_channels(run: Path, passes: dict[str, np.ndarray]):
    transform, images = Refine(run), torch.rand(2, 3, *SIZE)
    known = transform.encode(**passes)
    assert known.shape == (6, *SIZE)
    assert torch.equal(known[0], torch.from_numpy(passes["depth"] / 50 - 1).float().clamp(-1, 1).half().float())
    given = torch.cat([images, known.expand(2, -1, -1, -1)], dim=1)
    refined = transform(given)
    assert torch.equal(refined[:, 3:], given[:, 3:])
    torch.testing.assert_close(refined[:, :3], wanted(run, images, known), atol=1e-5, rtol=0)
    torch.testing.assert_close(transform(images), wanted(run, images, None), atol=1e-5, rtol=0)
    assert not torch.allclose(refined[:, :3], transform(images), atol=0.05)
    assert (transform((images * 255).to(torch.uint8)).float() / 255 - wanted(run, images, None)).abs().max() < 0.05
    large = torch.cat([images, known.expand(2, -1, -1, -1)], dim=1).repeat(1, 1, 3, 3)
    torch.testing.assert_close(Refine(run, tile=40)(large), transform(large), atol=1e-5, rtol=0)
    only = transform.encode(depth=passes["depth"])
    assert torch.equal(only[:2], known[:2])
    assert not only[2:].any()


def test_images_with_other_channels_are_refused(run: Path):
    with pytest.raises(GantoolError, match="refines images of 3 channels, or 9 with those of depth, normals, instances, got 5"):
        Refine(run)(torch.rand(1, 5, *SIZE))
    with pytest.raises(TypeError, match="images with conditions as floats, got torch.uint8"):
        Refine(run)(torch.zeros(1, 9, *SIZE, dtype=torch.uint8))


def test_gradients_reach_images_and_not_the_shared_network(run: Path, passes: dict[str, np.ndarray]):
    transform = Refine(run)
    given = torch.cat([torch.rand(3, *SIZE), transform.encode(**passes)])[None].requires_grad_()
    transform(given)[:, :3].sum().backward()
    assert given.grad is not None
    assert given.grad[:, :3].any()


def test_kornia_gives_conditions_back_and_replays(run: Path, passes: dict[str, np.ndarray]):
    kornia = pytest.importorskip("kornia")
    from gantool.augment.kornia import RandomRefine

    transform = RandomRefine(run, strength=(0.2, 1.0), p=0.5)
    given = torch.cat([torch.rand(8, 3, *SIZE), transform.encode(**passes).expand(8, -1, -1, -1)], dim=1)
    pipeline = kornia.augmentation.AugmentationSequential(transform, data_keys=["input", "mask"])
    mask = torch.rand(8, 1, *SIZE)
    refined, kept = pipeline(given, mask)
    assert torch.equal(refined[:, 3:], given[:, 3:])
    assert torch.equal(kept, mask)
    rows = (refined != given).flatten(1).any(1)
    assert 0 < rows.sum() < 8
    again, _ = pipeline(given, mask, params=pipeline._params)
    assert torch.equal(again, refined)


def test_albumentations_takes_passes_as_masks(run: Path, passes: dict[str, np.ndarray]):
    from gantool.augment.albumentations import Refine as Transform

    import albumentations as A  # isort: skip

    image = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    targets = {"additional_targets": dict.fromkeys(passes, "mask")}
    pipeline = A.Compose([A.CenterCrop(16, 20), Transform(run, p=1)], **targets)
    found = pipeline(image=image, **passes)
    cut = {name: values[2:18, 3:23] for name, values in passes.items()}
    assert all(np.array_equal(found[name], values) for name, values in cut.items())
    known, pixels = Refine(run).encode(**cut), torch.from_numpy(image[2:18, 3:23]).permute(2, 0, 1)[None] / 255
    assert np.abs(found["image"] / 255 - wanted(run, pixels, known)[0].permute(1, 2, 0).numpy()).max() < 0.5 / 255 + 1e-4
    without = pipeline(image=image)["image"]
    assert np.abs(without / 255 - wanted(run, pixels, None)[0].permute(1, 2, 0).numpy()).max() < 0.5 / 255 + 1e-4
    replayed = A.ReplayCompose([Transform(run, (0.3, 1.0), p=1)], **targets)
    drawn = replayed(image=image, **passes)
    json.dumps(drawn["replay"])
    flat = {**passes, "depth": np.zeros_like(passes["depth"])}
    again = [A.ReplayCompose.replay(drawn["replay"], image=image, **given)["image"] for given in (passes, flat)]
    assert np.array_equal(again[0], drawn["image"])
    assert not np.array_equal(again[1], drawn["image"])
