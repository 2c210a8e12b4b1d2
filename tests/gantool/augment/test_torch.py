from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

import gantool
from gantool.augment.torch import Refine
from gantool.errors import GantoolError

from ..conftest import Site
from .conftest import Saved, Watch

Expected = Callable[..., Tensor]


@pytest.fixture
def tv(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Classes of the names of torchvision's: tensors that are marked as an image, a clip, boxes."""
    module = ModuleType("torchvision.tv_tensors")
    base = type("TVTensor", (Tensor,), {"__module__": "torchvision.tv_tensors._tv_tensor"})
    for name in ("Image", "Video", "BoundingBoxes", "Mask"):
        setattr(module, name, type(name, (base,), {"__module__": f"torchvision.tv_tensors._{name.lower()}"}))
    return module


def compose(*transforms: Callable[..., object]) -> Callable[..., object]:
    """What torchvision's v2.Compose does with its arguments."""

    def call(*inputs: object) -> object:
        for transform in transforms:
            outputs = transform(*inputs)
            inputs = outputs if len(inputs) > 1 else (outputs,)  # type: ignore[assignment]
        return outputs

    return call


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(7, 9), (1, 5)])
def test_an_image_and_a_batch_are_refined(channels: int, size: tuple[int, int], runs: Saved, expected: Expected) -> None:
    images = torch.rand(2, channels, *size)
    refined = Refine(runs(channels))(images)
    torch.testing.assert_close(refined, expected(runs(channels), images))
    torch.testing.assert_close(Refine(runs(channels))(images[0]), refined[0])


def test_a_batch_of_clips_has_one_strength_for_all_frames_of_a_clip(runs: Saved, expected: Expected) -> None:
    clips = torch.rand(2, 3, 8, 8)[:, None].expand(2, 4, 3, 8, 8)
    refined = Refine(runs(), strength=(0, 1))(clips)
    assert refined.shape == clips.shape
    assert torch.equal(refined, refined[:, :1].expand_as(refined))
    change = expected(runs(), clips[:, 0]) - clips[:, 0]
    strengths = ((refined - clips)[:, 0] * change).sum((1, 2, 3)) / change.square().sum((1, 2, 3))
    assert strengths[0] != pytest.approx(strengths[1])


def test_8_bit_images_come_back_as_8_bit(runs: Saved, expected: Expected) -> None:
    images = torch.randint(0, 256, (2, 3, 6, 5), dtype=torch.uint8)
    refined = Refine(runs())(images)
    assert refined.dtype == torch.uint8
    assert torch.equal(refined, (expected(runs(), images / 255) * 255).round().to(torch.uint8))


def test_p_chooses_images_and_the_network_sees_no_others(runs: Saved, seen: Watch) -> None:
    torch.manual_seed(0)
    images = torch.rand(200, 3, 4, 4)
    with seen(runs()) as counts:
        refined = Refine(runs(), p=0.1)(images)
    changed = int((refined != images).flatten(1).any(1).sum())
    assert counts == [changed]
    assert 10 <= changed <= 30


def test_seeding_torch_repeats_the_draws(runs: Saved) -> None:
    transform, images = Refine(runs(), (0, 1), p=0.5), torch.rand(8, 3, 4, 4)
    torch.manual_seed(5)
    first, other = transform(images), transform(images)
    torch.manual_seed(5)
    assert torch.equal(transform(images), first)
    assert not torch.equal(other, first)


def test_several_arguments_come_back_in_their_places(runs: Saved) -> None:
    image, boxes, label = torch.rand(3, 6, 6), torch.tensor([[1.0, 2.0, 3.0, 4.0]]), "eye"
    outputs = compose(Refine(runs()), Refine(runs()))(image, boxes, label)
    assert isinstance(outputs, tuple)
    assert not torch.equal(outputs[0], image)
    assert outputs[1] is boxes
    assert outputs[2] is label


def test_marked_images_are_refined_wherever_they_are(runs: Saved, tv: ModuleType, expected: Expected) -> None:
    image = torch.rand(3, 6, 6)
    marked, boxes = image.as_subclass(tv.Image), torch.rand(2, 4).as_subclass(tv.BoundingBoxes)
    mask, score = torch.ones(6, 6).as_subclass(tv.Mask), torch.rand(3, 6, 6)
    sample = {"boxes": boxes, "score": score, "views": [marked, (mask, 7)]}
    result = compose(Refine(runs()))(sample)
    assert isinstance(result, dict)
    refined, (same_mask, seven) = result["views"]
    assert type(refined) is tv.Image
    torch.testing.assert_close(refined.as_subclass(Tensor), expected(runs(), image[None])[0])
    assert (result["boxes"], result["score"], same_mask, seven) == (boxes, score, mask, 7)
    assert result["boxes"] is boxes
    assert same_mask is mask
    assert sample["views"][0] is marked


def test_views_of_one_sample_share_their_draw(runs: Saved, tv: ModuleType) -> None:
    view = torch.rand(3, 6, 6).as_subclass(tv.Image)
    left, right = Refine(runs(), (0, 1))(view, view.clone())
    assert torch.equal(left, right)


def test_a_clip_has_one_draw(runs: Saved, tv: ModuleType) -> None:
    clip = torch.rand(3, 6, 6).expand(5, 3, 6, 6).as_subclass(tv.Video)
    refined = Refine(runs(), (0, 1))(clip)
    assert type(refined) is tv.Video
    assert torch.equal(refined.as_subclass(Tensor), refined[:1].as_subclass(Tensor).expand(5, 3, 6, 6))


def test_a_pil_image_is_refused_with_the_way_out(runs: Saved) -> None:
    from PIL import Image

    with pytest.raises(GantoolError, match=r"put v2\.ToImage\(\) before it"):
        Refine(runs())(Image.new("RGB", (4, 4)), torch.rand(1, 4))


@pytest.mark.parametrize("sample", [[], "text", {"label": 3}])
def test_a_sample_without_an_image_is_refused(sample: object, runs: Saved) -> None:
    with pytest.raises(GantoolError, match="found no image"):
        Refine(runs())(sample)
    with pytest.raises(GantoolError, match="found no image among nothing"):
        Refine(runs())()


def test_wrong_tensors_are_refused(runs: Saved) -> None:
    transform = Refine(runs())
    with pytest.raises(TypeError, match=r"got torch\.int64"):
        transform(torch.ones(3, 4, 4, dtype=torch.int64))
    with pytest.raises(GantoolError, match=r"got a tensor \(4, 4\)"):
        transform(torch.rand(4, 4))
    with pytest.raises(GantoolError, match=r"refines images of 3 channels, got 1 in \(2, 1, 4, 4\)"):
        transform(torch.rand(2, 1, 4, 4))
    with pytest.raises(GantoolError, match=r"takes images in \[0, 1\]"):
        transform(torch.rand(2, 3, 4, 4) * 255)


def test_the_shared_network_is_no_part_of_the_transform(runs: Saved) -> None:
    transform, again = Refine(runs()), Refine(runs())
    images = torch.rand(1, 3, 5, 5)
    before = again(images)
    transform.half().train().requires_grad_(True)
    assert not list(transform.parameters())
    assert not transform.state_dict()
    assert torch.equal(again(images), before)
    assert len(pickle.dumps(transform)) < 2000
    assert torch.equal(pickle.loads(pickle.dumps(transform))(images), before)
    assert torch.equal(copy.deepcopy(transform)(images), before)


def test_gradients_reach_the_images_and_a_network_of_its_own_if_asked(runs: Saved) -> None:
    images = torch.rand(2, 3, 5, 5, requires_grad=True)
    Refine(runs())(images).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    model = nn.Sequential(Refine(runs(), trainable=True)).train()
    torch.testing.assert_close(model(images), Refine(runs())(images))
    model(images).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert not any(module.training for module in model[0].refiner.modules())
    with torch.no_grad():
        next(iter(model.parameters())).zero_()
    assert not torch.equal(model(images), Refine(runs())(images))


def test_a_graph_of_any_size_equals_eager(runs: Saved, expected: Expected) -> None:
    dynamic = torch.export.Dim.DYNAMIC
    program = torch.export.export(
        Refine(runs()), (torch.rand(2, 3, 9, 8),), dynamic_shapes=(({0: dynamic, 2: dynamic, 3: dynamic},),)
    )
    images = torch.rand(3, 3, 13, 6)
    torch.testing.assert_close(program.module()(images), expected(runs(), images))


def test_any_generator_of_a_plugin_will_do(site: Site, tmp_path: Path) -> None:
    source = """
from gantool import Component, hookimpl

@hookimpl
def gantool_generators():
    yield Component(name="invert", factory="MODULE:make", summary="The negative")

def make(*, config, channels):
    import torch
    class Invert(torch.nn.Module):
        def forward(self, images):
            return -images
    return Invert()
"""
    site.plant("invert", source)
    run = gantool.save(gantool.build("generator", "invert:invert", channels=2), tmp_path / "run")
    images = torch.rand(2, 2, 3, 3)
    torch.testing.assert_close(Refine(run)(images), 1 - images)


def test_a_layer_that_the_component_froze_is_not_trained(site: Site, tmp_path: Path) -> None:
    source = """
from gantool import Component, hookimpl

@hookimpl
def gantool_generators():
    yield Component(name="half", factory="MODULE:make", summary="A frozen layer and one that learns")

def make(*, config, channels):
    import torch
    frozen, head = torch.nn.Conv2d(channels.images, 4, 1), torch.nn.Conv2d(4, channels.images, 1)
    return torch.nn.Sequential(frozen.requires_grad_(False), head, torch.nn.Tanh())
"""
    site.plant("half", source)
    run = gantool.save(gantool.build("generator", "half:half", channels=1), tmp_path / "run")
    transform = Refine(run, trainable=True)
    transform(torch.rand(2, 1, 3, 3)).sum().backward()
    gradients = {name.rpartition("own.")[2]: weight.grad is not None for name, weight in transform.named_parameters()}
    assert gradients == {"0.weight": False, "0.bias": False, "1.weight": True, "1.bias": True}


def test_it_needs_neither_kornia_nor_albumentations_nor_torchvision() -> None:
    import subprocess

    code = "import sys, gantool.augment.torch; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"kornia", "albumentations", "torchvision"} & set(loaded)


def test_a_network_that_looks_at_the_whole_image_cannot_be_tiled(site: Site, tmp_path: Path) -> None:
    source = """
from gantool import Component, hookimpl

@hookimpl
def gantool_generators():
    yield Component(name="normalise", factory="MODULE:make", summary="Norm over the image")

def make(*, config, channels):
    import torch
    count = channels.images
    return torch.nn.Sequential(torch.nn.Conv2d(count, count, 3, padding=1), torch.nn.InstanceNorm2d(count))
"""
    site.plant("norm", source)
    run = gantool.save(gantool.build("generator", "norm:normalise", channels=1), tmp_path / "run")
    with pytest.raises(GantoolError, match="^Refine tile: .*the whole image.*leave it out to compute images whole$"):
        Refine(run, tile=256)
