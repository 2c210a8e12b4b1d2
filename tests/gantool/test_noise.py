"""Noise hangs on seed, draw, picture and pixel alone: in training, refining, tiles, transforms and exports."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from framed import write_frames, write_pictures

import gantool
from gantool.components import Channels
from gantool.errors import GantoolError
from gantool.model.bundle import open_bundle
from gantool.noise import default_noise, noise_key, pixel_noise
from gantool.training import generate

OPTIONS = {"width": 4, "blocks": 2, "residual": True, "noise": True}
KEY, FIRST = -3140043654688537921, [-0.07654713839292526, 0.15309427678585052, 0.0]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", channels=3, **OPTIONS)
    for name, weight in network.named_parameters():
        torch.nn.init.normal_(weight, std=0.5 if "strength" in name else 0.3)
    return gantool.save(network, tmp_path / "run")


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "frames", count=3)


def pictures(folder: Path) -> np.ndarray:
    return np.stack([cv2.imread(str(file)) for file in sorted((folder / "rgb").glob("*.png"))])  # type: ignore[arg-type]


def test_values_are_normal_and_independent():
    noise = pixel_noise([1, 2], 2, 200, 300)
    assert abs(float(noise.mean())) < 0.01
    assert abs(float(noise.std()) - 1) < 0.01
    shares = (torch.arange(noise.numel()) + 0.5) / noise.numel()
    assert float((torch.special.ndtr(torch.sort(noise.flatten()).values) - shares).abs().max()) < 0.01
    for other in (noise[1, 0], noise[0, 1], noise[0, 0].roll(1, 0), noise[0, 0].roll(1, 1)):
        assert abs(float((noise[0, 0] * other).mean())) < 0.02


def test_a_value_is_of_its_key_plane_and_pixel_alone():
    whole = pixel_noise([7, -3, 2**62], 4, 30, 40)
    assert torch.equal(pixel_noise([-3], 2, 12, 17)[0], whole[1, :2, :12, :17])
    assert torch.equal(default_noise(3, torch.zeros(2, 1, 5, 6)), pixel_noise([0, 0], 3, 5, 6))
    assert len({noise_key(seed, draw, name) for seed in (0, 1) for draw in (0, 1) for name in ("a", "b")}) == 8
    # What it was on the day that it was written: refined pictures must not change with a version of anything.
    assert noise_key(0, 0, "rgb/0001.png") == KEY
    assert torch.allclose(pixel_noise([0], 1, 1, 3).flatten(), torch.tensor(FIRST), atol=1e-6)


def test_the_refiner_takes_noise_and_is_the_same_every_time_without(run: Path):
    bundle = open_bundle(run)
    assert bundle.channels == Channels(3, noise=2)
    network, images = bundle.module, torch.rand(2, 3, 20, 24) * 2 - 1
    with torch.no_grad():
        first, again = network(images), network(images)
        noisy = network(images, noise=pixel_noise([1, 2], 2, 20, 24))
        flat = network(torch.zeros(1, 3, 20, 24), noise=pixel_noise([1], 2, 20, 24))
    assert torch.equal(first, again)
    assert not torch.allclose(first, noisy, atol=0.01)
    assert flat[..., 4:-4, 4:-4].std() > 0.01, "a flat patch becomes texture"
    assert "strength" not in "".join(gantool.build("generator", "simgan:refiner", channels=3, width=4, blocks=1).state_dict())


def test_draws_differ_and_are_the_same_again_with_all_labels(run: Path, frames: Path, tmp_path: Path):
    report = gantool.refine(run, input=frames, output=tmp_path / "out", draws=2, seed=4)
    assert (report.refined, report.failed) == (6, ())
    first, second = (pictures(tmp_path / "out" / f"draw-{draw}") for draw in (0, 1))
    assert not np.array_equal(first, second)
    for draw in (0, 1):
        for file in (frames / "instance").iterdir():
            assert (tmp_path / "out" / f"draw-{draw}" / "instance" / file.name).read_bytes() == file.read_bytes()
    (frames.parent / "moved").mkdir()
    moved = frames.rename(frames.parent / "moved" / "elsewhere")
    for more in ({"tile": 24}, {"batch_size": 1}):
        out = tmp_path / str(more)
        gantool.refine(run, input=moved, output=out, seed=4, backend="torch", **more)
        assert np.abs(pictures(out).astype(int) - first).max() <= 1
    assert not np.array_equal(pictures(tmp_path / str({"batch_size": 1}))[0], first[1])
    with pytest.raises(GantoolError, match=r"was written by run .* with other settings"):
        gantool.refine(run, input=moved, output=tmp_path / "out" / "draw-0", seed=5)


def test_draws_of_what_takes_no_noise_are_refused(frames: Path, tmp_path: Path):
    plain = gantool.save(gantool.build("generator", "simgan:refiner", channels=3, width=2, blocks=0), tmp_path / "plain")
    for said, text in (({"draws": 2}, "--draws 2"), ({"seed": 3}, "--seed 3")):
        with pytest.raises(GantoolError, match=f"{text}: the generator of .* takes no noise"):
            gantool.refine(plain, input=frames, output=tmp_path / "out", **said)


def test_training_with_noise_resumes_to_the_bit(frames: Path, tmp_path: Path):
    photos = write_pictures(tmp_path / "photos")
    options = {"generator.width": 4, "generator.blocks": 1, "generator.noise": True, "discriminator.width_factor": 0.1}
    options |= {"recipe.discriminator_warmup": 1, "recipe.decay": 0}
    said = {
        "synthetic": frames,
        "real": photos,
        "batch_size": 2,
        "patch": "16x16",
        "device": "cpu",
        "log": ("none",),
        "options": options,
    }
    whole = gantool.train("simgan", output=tmp_path / "whole", steps=4, checkpoint_every=2, **said)
    begun = gantool.train("simgan", output=tmp_path / "begun", steps=2, checkpoint_every=2, **said)
    gantool.train(resume=begun, steps=4)
    ours, theirs = (gantool.load(each).state_dict() for each in (whole, begun))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not torch.equal(ours["blocks.0.strength"], torch.full_like(ours["blocks.0.strength"], 0.1)), "strengths are learnt"


def test_batches_bring_noise_of_their_own(run: Path):
    images = torch.rand(4, 3, 9, 11) * 2 - 1
    batch = gantool.Batch(images, noise=pixel_noise(range(4), 2, 9, 11))
    with torch.no_grad():
        parts = torch.cat([generate(gantool.load(run), part) for part in batch.chunk(2)])
        torch.testing.assert_close(parts, generate(gantool.load(run), batch), atol=1e-5, rtol=0)


def test_transforms_draw_noise_and_replay_it(run: Path):
    from gantool.augment.torch import Refine

    images = torch.rand(1, 3, 12, 14).expand(3, -1, -1, -1)
    torch.manual_seed(5)
    refined = Refine(run)(images)
    torch.manual_seed(5)
    assert torch.equal(Refine(run)(images), refined)
    assert not torch.allclose(refined[0], refined[1], atol=0.01)
    clip = Refine(run)(images[None])[0]
    assert torch.allclose(clip[0], clip[1], atol=1e-5), "frames of one clip share their noise"
    torch.manual_seed(5)
    large = Refine(run, tile=24)(images.repeat(1, 1, 4, 4))
    torch.manual_seed(5)
    torch.testing.assert_close(large, Refine(run)(images.repeat(1, 1, 4, 4)), atol=1e-4, rtol=0)

    kornia = pytest.importorskip("kornia")
    from gantool.augment.kornia import RandomRefine

    pipeline = kornia.augmentation.AugmentationSequential(RandomRefine(run, p=0.6), data_keys=["input"])
    drawn = pipeline(images)
    assert torch.equal(pipeline(images, params=pipeline._params), drawn)

    from gantool.augment.albumentations import Refine as Transform

    import albumentations as A  # isort: skip

    image = np.random.default_rng(1).integers(0, 256, (12, 14, 3), dtype=np.uint8)
    replayed = A.ReplayCompose([Transform(run, p=1)])
    first, second = replayed(image=image), replayed(image=image)
    assert not np.array_equal(first["image"], second["image"])
    assert np.array_equal(A.ReplayCompose.replay(first["replay"], image=image)["image"], first["image"])


def test_exports_take_noise_as_an_input(run: Path, tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    gantool.export(run, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    assert [each.name for each in session.get_inputs()] == ["images", "noise"]
    images, noise = torch.rand(2, 3, 9, 11) * 2 - 1, pixel_noise([3, 4], 2, 9, 11)
    (found,) = session.run(None, {"images": images.numpy(), "noise": noise.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), gantool.load(run)(images, noise=noise), atol=1e-5, rtol=0)
