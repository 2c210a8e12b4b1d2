from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("kornia", reason="needs the extra kornia")

from kornia.augmentation import (
    AugmentationSequential,
    ImageSequential,
    RandomHorizontalFlip,
    VideoSequential,
)
from kornia.geometry.boxes import Boxes

from gantool.augment.kornia import RandomRefine
from gantool.errors import GantoolError

from .conftest import Saved, Watch

Expected = Callable[..., Tensor]


def rows_changed(before: Tensor, after: Tensor) -> Tensor:
    return (before != after).flatten(1).any(1)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(7, 9), (1, 5)])
def test_a_batch_is_refined(channels: int, size: tuple[int, int], runs: Saved, expected: Expected) -> None:
    images = torch.rand(2, channels, *size)
    torch.testing.assert_close(RandomRefine(runs(channels), p=1.0)(images), expected(runs(channels), images))


def test_the_network_sees_only_the_rows_that_p_chose(runs: Saved, seen: Watch) -> None:
    torch.manual_seed(0)
    images, transform = torch.rand(200, 3, 4, 4), RandomRefine(runs(), p=0.1)
    with seen(runs()) as counts:
        refined = transform(images)
    chosen = transform._params["batch_prob"] > 0.5
    assert counts == [int(chosen.sum())]
    assert 10 <= counts[0] <= 30
    assert torch.equal(rows_changed(images, refined), chosen)


def test_with_p_0_nothing_is_computed_and_nothing_is_aliased(runs: Saved, seen: Watch) -> None:
    images = torch.rand(4, 3, 4, 4)
    with seen(runs()) as counts:
        refined = RandomRefine(runs(), p=0.0)(images)
    assert counts == []
    assert torch.equal(refined, images)
    assert refined.data_ptr() != images.data_ptr()


def test_same_on_batch_decides_and_draws_once(runs: Saved, expected: Expected) -> None:
    images, transform = torch.rand(6, 3, 4, 4), RandomRefine(runs(), (0, 1), p=0.5, same_on_batch=True)
    outcomes = set()
    for _ in range(20):
        refined = transform(images)
        strengths = transform._params["strength"]
        assert len(strengths) == 6
        assert len(set(strengths.tolist())) == 1
        changed = rows_changed(images, refined)
        assert len(set(changed.tolist())) == 1
        outcomes.add(bool(changed[0]))
        wanted = expected(runs(), images, strengths[0]) if changed[0] else images
        torch.testing.assert_close(refined, wanted)
    assert outcomes == {False, True}


def test_strength_is_drawn_for_each_image(runs: Saved, expected: Expected) -> None:
    images, transform = torch.rand(4, 3, 4, 4), RandomRefine(runs(), (0.2, 0.9), p=1.0)
    refined = transform(images)
    strengths = transform._params["strength"]
    assert len(set(strengths.tolist())) == 4
    assert 0.2 <= strengths.min() <= strengths.max() <= 0.9
    torch.testing.assert_close(refined, expected(runs(), images, strengths.view(-1, 1, 1, 1)))


@pytest.mark.parametrize("shape", [(6, 5), (1, 6, 5), (2, 1, 6, 5)])
@pytest.mark.parametrize("p", [0.5, 1.0])
def test_keepdim_keeps_the_rank(shape: tuple[int, ...], p: float, runs: Saved) -> None:
    images = torch.rand(shape)
    assert RandomRefine(runs(1), p=p, keepdim=True)(images).shape == shape
    assert RandomRefine(runs(1), p=p)(images).shape == (1,) * (4 - len(shape)) + shape


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtypes_come_back_as_they_went_in(dtype: torch.dtype, runs: Saved, expected: Expected) -> None:
    images = torch.rand(2, 3, 6, 5).to(dtype)
    for transform in (RandomRefine(runs(), p=1.0), RandomRefine(runs(), p=1.0).to(dtype)):
        refined = transform(images)
        assert refined.dtype == dtype
        torch.testing.assert_close(refined.float(), expected(runs(), images.float()), atol=1e-2, rtol=0)


def test_under_autocast_the_images_keep_their_dtype(runs: Saved, expected: Expected) -> None:
    images = torch.rand(2, 3, 6, 5)
    for p in (1.0, 0.999):
        with torch.autocast("cpu", torch.bfloat16):
            refined = RandomRefine(runs(), p=p)(images)
        assert refined.dtype == torch.float32
        torch.testing.assert_close(refined, expected(runs(), images), atol=1e-2, rtol=0)


def test_an_empty_batch_stays_empty(runs: Saved) -> None:
    for p in (0.5, 1.0):
        assert RandomRefine(runs(), p=p)(torch.rand(0, 3, 6, 5)).shape == (0, 3, 6, 5)


def test_gradients_reach_the_images_through_chosen_and_other_rows(runs: Saved) -> None:
    torch.manual_seed(1)
    images, transform = torch.rand(8, 3, 5, 5, requires_grad=True), RandomRefine(runs(), p=0.5)
    transform(images).sum().backward()
    chosen = transform._params["batch_prob"] > 0.5
    assert 0 < chosen.sum() < 8
    assert images.grad is not None
    assert torch.equal(images.grad[~chosen], torch.ones_like(images.grad[~chosen]))
    assert not torch.equal(images.grad[chosen], torch.ones_like(images.grad[chosen]))


def test_the_gradient_is_that_of_the_network(runs: Saved) -> None:
    import gantool

    network = gantool.load(runs())
    images = torch.rand(1, 3, 5, 5, requires_grad=True)
    wanted = torch.autograd.grad(((network(images * 2 - 1) + 1) / 2).square().sum(), images)[0]
    found = torch.autograd.grad(RandomRefine(runs(), p=1.0)(images).square().sum(), images)[0]
    torch.testing.assert_close(found, wanted)


def test_the_refiner_trains_only_where_asked_and_stays_in_eval_mode(runs: Saved) -> None:
    frozen, own = RandomRefine(runs(), p=1.0).train(), RandomRefine(runs(), p=1.0, trainable=True).train()
    assert not list(frozen.parameters())
    assert not frozen.state_dict()
    own(torch.rand(2, 3, 5, 5)).sum().backward()
    assert all(parameter.grad is not None for parameter in own.parameters())
    assert not any(module.training for module in own.refiner.modules())
    assert own.to(torch.bfloat16)(torch.rand(2, 3, 5, 5)).dtype == torch.float32


def test_draws_are_replayed_on_other_images(runs: Saved, expected: Expected) -> None:
    first, other = torch.rand(8, 3, 5, 5), torch.rand(8, 3, 5, 5)
    transform = RandomRefine(runs(), (0, 1), p=0.5)
    refined = transform(first)
    params = {name: value.clone() for name, value in transform._params.items()}
    assert all(isinstance(value, Tensor) for value in params.values())
    transform(other)
    assert torch.equal(transform(first, params=params), refined)
    chosen, strength = params["batch_prob"] > 0.5, params["strength"].view(-1, 1, 1, 1)
    torch.testing.assert_close(
        transform(other, params=params), torch.where(chosen.view(-1, 1, 1, 1), expected(runs(), other, strength), other)
    )


def test_no_image_is_kept(runs: Saved) -> None:
    transform = RandomRefine(runs(), p=1.0)
    transform(torch.rand(2, 3, 64, 64))
    assert all(value.numel() <= 4 for value in transform._params.values())
    assert len(pickle.dumps(transform)) < 4000


# On a grid of 1/8 pixel, because kornia's containers add 1 to corners and take it away again, which rounds other numbers.
UPRIGHT = torch.tensor([[[1.125, 1.25, 4.375, 5.5]]]).repeat(4, 1, 1)
LABELS = {
    "mask": torch.randint(0, 2, (4, 1, 8, 8)).float(),
    "bbox_xyxy": UPRIGHT,
    "bbox_xywh": UPRIGHT,
    "bbox": torch.tensor([[[1.0, 1.0], [4.125, 1.0], [4.125, 5.25], [1.0, 5.25]]]).repeat(4, 1, 1, 1),
    "keypoints": torch.rand(4, 3, 2) * 7,
    "class": torch.arange(4),
}


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_every_kind_of_label_passes_bit_for_bit(p: float, runs: Saved) -> None:
    torch.manual_seed(0)
    images = torch.rand(4, 3, 8, 8)
    pipeline = AugmentationSequential(RandomRefine(runs(), p=p), data_keys=["input", *LABELS])
    refined, *labels = pipeline(images, *(label.clone() for label in LABELS.values()))
    assert rows_changed(images, refined).any()
    for name, before, after in zip(LABELS, LABELS.values(), labels, strict=True):
        assert torch.equal(before, after), name
        assert before.dtype == after.dtype


def test_a_rotated_box_passes_bit_for_bit(runs: Saved) -> None:
    corners = torch.tensor([[[[2.1, 1.3], [5.7, 3.2], [4.4, 6.1], [0.9, 4.0]]]])
    boxes = Boxes(corners.clone())
    pipeline = AugmentationSequential(RandomRefine(runs(), p=0.999), data_keys=["input", "bbox"])
    _, after = pipeline(torch.rand(1, 3, 8, 8), boxes)
    assert isinstance(after, Boxes)
    assert torch.equal(after.data, corners)


def test_several_images_get_one_draw(runs: Saved) -> None:
    images = torch.rand(4, 3, 8, 8)
    left, right = AugmentationSequential(RandomRefine(runs(), (0, 1), p=0.5), data_keys=["input", "image"])(
        images, images.clone()
    )
    assert torch.equal(left, right)


def test_a_pipeline_with_geometry_is_replayed_and_inverted(runs: Saved) -> None:
    images, boxes = torch.rand(4, 3, 8, 8), LABELS["bbox_xyxy"]
    pipeline = AugmentationSequential(
        RandomRefine(runs(), (0, 1), p=0.5), RandomHorizontalFlip(p=1.0), data_keys=["input", "bbox_xyxy"]
    )
    refined, flipped = pipeline(images, boxes)
    again, _ = pipeline(images, boxes, params=pipeline._params)
    assert torch.equal(refined, again)
    back, same = pipeline.inverse(refined, flipped)
    assert torch.equal(back, refined.flip(-1))  # pixels stay refined: nothing undoes an intensity augmentation
    torch.testing.assert_close(same, boxes)


def test_image_sequential_chooses_among_transforms(runs: Saved, expected: Expected) -> None:
    images = torch.rand(2, 3, 6, 6)
    pipeline = ImageSequential(RandomRefine(runs(), p=1.0), RandomRefine(runs(seed=1), p=1.0), random_apply=1)
    wanted = [expected(runs(seed=seed), images) for seed in (0, 1)]
    results = [pipeline(images) for _ in range(10)]
    found = {next(seed for seed in (0, 1) if torch.allclose(result, wanted[seed], atol=1e-5)) for result in results}
    assert found == {0, 1}


@pytest.mark.parametrize(("layout", "shape"), [("BCTHW", (2, 3, 4, 6, 5)), ("BTCHW", (2, 4, 3, 6, 5))])
def test_the_frames_of_a_clip_are_treated_alike(layout: str, shape: tuple[int, ...], runs: Saved) -> None:
    torch.manual_seed(0)
    time = layout.index("T")
    clips = torch.rand(2, 3, 6, 5).unsqueeze(time).expand(shape).clone()
    pipeline = VideoSequential(RandomRefine(runs(), (0, 1), p=0.5), data_format=layout, same_on_frame=True)
    for _ in range(4):
        refined = pipeline(clips)
        assert refined.shape == shape
        assert torch.equal(refined, refined.narrow(time, 0, 1).expand(shape))


def test_in_nn_sequential_after_moves_and_copies(runs: Saved, expected: Expected) -> None:
    images = torch.rand(2, 3, 6, 6)
    model = nn.Sequential(RandomRefine(runs(), p=1.0), nn.Identity()).to("cpu").eval().train()
    for each in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(each(images), expected(runs(), images))


def test_one_changed_pixel_stays_local(runs: Saved) -> None:
    images, transform = torch.rand(1, 3, 21, 21), RandomRefine(runs(), p=1.0)
    touched = images.clone()
    touched[..., 10, 10] = 1 - touched[..., 10, 10]
    changed = (transform(images) != transform(touched)).any(1)[0].nonzero()
    reach = 3  # of a 3x3 kernel and one block of two
    assert (changed - 10).abs().max() <= reach
    assert len(changed) > 1


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_compiled_it_is_one_graph_that_equals_eager(p: float, runs: Saved) -> None:
    torch._dynamo.reset()
    transform = RandomRefine(runs(), (0.1, 0.9), p=p)
    compiled = torch.compile(transform, fullgraph=True, backend="eager")
    for size in ((4, 3, 8, 8), (4, 3, 7, 9)):
        images = torch.rand(size)
        torch.testing.assert_close(compiled(images), transform(images, params=transform._params))


def test_exported_it_takes_any_size(runs: Saved, expected: Expected) -> None:
    dynamic = torch.export.Dim.DYNAMIC
    transform = RandomRefine(runs(), p=1.0)
    program = torch.export.export(transform, (torch.rand(2, 3, 8, 7),), dynamic_shapes=({0: dynamic, 2: dynamic, 3: dynamic},))
    images = torch.rand(3, 3, 11, 6)
    torch.testing.assert_close(program.module()(images), expected(runs(), images))


def test_a_stage_of_a_pipeline_becomes_onnx(runs: Saved, expected: Expected) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra export")
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    dynamic = torch.export.Dim.DYNAMIC
    with pytest.warns() as caught:  # torch's own, about its own internals
        program = torch.onnx.export(
            nn.Sequential(RandomRefine(runs(), p=1.0)).eval(),
            (torch.rand(2, 3, 8, 7),),
            dynamo=True,
            verbose=False,
            dynamic_shapes=({0: dynamic, 2: dynamic, 3: dynamic},),
        )
    del caught
    assert program is not None
    session = runtime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    images = torch.rand(3, 3, 11, 6)
    [refined] = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    torch.testing.assert_close(torch.from_numpy(refined), expected(runs(), images), atol=1e-5, rtol=0)


def test_a_large_image_in_tiles_is_the_same(runs: Saved, seen: Watch) -> None:
    images = torch.rand(1, 3, 50, 70)
    with seen(runs()) as counts:
        tiled = RandomRefine(runs(), p=1.0, tile=32)(images)
    assert len(counts) > 4
    torch.testing.assert_close(tiled, RandomRefine(runs(), p=1.0)(images), atol=1e-5, rtol=0)


def test_integers_are_refused_as_kornia_does(runs: Saved) -> None:
    with pytest.raises(TypeError):
        RandomRefine(runs(), p=1.0)(torch.ones(1, 3, 4, 4, dtype=torch.uint8))


def test_wrong_images_are_refused(runs: Saved) -> None:
    for p in (0.9, 1.0):
        transform = RandomRefine(runs(), p=p, same_on_batch=True)
        with pytest.raises(GantoolError, match="refines images of 3 channels, got 1"):
            transform(torch.rand(2, 1, 4, 4))


def test_values_out_of_range_are_clipped_with_a_warning_once(runs: Saved) -> None:
    transform, images = RandomRefine(runs(), p=1.0), torch.rand(1, 3, 4, 4) * 3 - 1
    with pytest.warns(UserWarning, match=r"^RandomRefine takes images in \[0, 1\], got .*: divide 8-bit values by 255") as told:
        refined = transform(images)
    assert len(told) == 1
    assert torch.equal(transform(images), refined)  # a second warning would be an error here
    assert torch.equal(refined, transform(images.clamp(0, 1)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("cast", [False, True])
def test_images_of_any_precision_under_autocast(dtype: torch.dtype, cast: bool, runs: Saved, expected: Expected) -> None:
    torch.manual_seed(0)
    images, transform = torch.rand(8, 3, 6, 5).to(dtype), RandomRefine(runs(), p=0.5)
    transform = transform.to(dtype) if cast else transform
    with torch.autocast("cpu", torch.bfloat16):
        refined = transform(images)
    chosen = transform._params["batch_prob"] > 0.5
    assert 0 < int(chosen.sum()) < 8
    assert refined.dtype == dtype
    assert torch.equal(refined[~chosen], images[~chosen])
    torch.testing.assert_close(refined.float()[chosen], expected(runs(), images.float())[chosen], atol=2e-2, rtol=0)


@pytest.mark.parametrize("trainable", [False, True])
def test_double_computes_in_float64(trainable: bool, runs: Saved) -> None:
    torch.manual_seed(2)
    transform = RandomRefine(runs(), (0.5, 0.5), p=1.0, trainable=trainable).double()
    images = (torch.rand(1, 3, 4, 5, dtype=torch.float64) * 0.8 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(transform, (images,))
    assert transform(images).dtype == torch.float64
    single = transform.float()(images.detach().float())
    assert 0 < float((single - transform.double()(images.detach())).detach().abs().max()) < 1e-5


def test_wrong_arguments_are_refused_at_construction(runs: Saved) -> None:
    with pytest.raises(ValueError, match="strength"):
        RandomRefine(runs(), strength=(0.0, 2.0))
    with pytest.raises(GantoolError, match="p: a probability"):
        RandomRefine(runs(), p=1.5)
    with pytest.raises(GantoolError, match="is no run folder"):
        RandomRefine("nowhere")
    with pytest.raises(GantoolError, match="tile 9 is too small for an overlap of"):
        RandomRefine(runs(), tile=9)
    with pytest.raises(GantoolError, match="has changed since"):
        RandomRefine(runs(), digest="0" * 64)


def test_its_text_names_the_run(runs: Saved) -> None:
    assert f"run={runs()}, strength=(1.0, 1.0)" in repr(RandomRefine(runs(), p=0.25))
