from __future__ import annotations

import copy
import io
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gantool.components import Channels
from simgan_plugin.layers import replicate
from simgan_plugin.options import RefinerOptions
from simgan_plugin.refiner import Refiner, move

SMALL = {"width": 8, "blocks": 2}


def make(*, channels: int = 1, **options: object) -> Refiner:
    torch.manual_seed(0)
    return Refiner(config=RefinerOptions(**{**SMALL, **options}), channels=Channels(channels))


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def awaken(refiner: Refiner) -> Refiner:
    """Give a residual refiner a last layer that is not zero."""
    torch.nn.init.normal_(refiner.head.weight)
    return refiner


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 1), (35, 55), (16, 64)])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "zeros"])
@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_any_size_keeps_its_size_and_range(size: tuple[int, int], padding: str, kernel: int) -> None:
    refiner = make(padding=padding, kernel=kernel, blocks=1)
    refined = refiner(images(2, 1, *size))
    assert refined.shape == (2, 1, *size)
    assert refined.isfinite().all()
    assert refined.abs().max() <= 1


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_channels(channels: int) -> None:
    assert make(channels=channels)(images(1, channels, 9, 9)).shape == (1, channels, 9, 9)


@pytest.mark.parametrize("channels", [0, -1])
def test_channels_below_one_are_refused(channels: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make(channels=channels)


def test_the_paper_s_eyes() -> None:
    refiner = Refiner(config=RefinerOptions(), channels=Channels(1))
    convolutions = [layer for layer in refiner.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [c.kernel_size for c in convolutions] == [(3, 3)] * 9 + [(1, 1)]
    assert [c.out_channels for c in convolutions] == [64] * 9 + [1]
    assert sum(p.numel() for p in refiner.parameters()) == (9 + 1) * 64 + 8 * (64 * 64 * 9 + 64) + 64 + 1


def test_no_layer_couples_the_images_of_a_batch() -> None:
    refiner, batch = make(), images(3, 1, 12, 10)
    alone = torch.cat([refiner(image[None]) for image in batch])
    torch.testing.assert_close(refiner.train()(batch), alone)


def test_it_computes_the_paper_s_network() -> None:
    refiner, x = make().double(), images(2, 1, 9, 9).double()
    weights = refiner.state_dict()

    def conv(x: Tensor, name: str) -> Tensor:
        edges = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(edges, weights[f"{name}.weight"], weights[f"{name}.bias"])

    maps = conv(x, "stem.0").relu()
    for block in range(2):
        maps = (maps + conv(conv(maps, f"blocks.{block}.conv1").relu(), f"blocks.{block}.conv2")).relu()
    expected = F.conv2d(maps, weights["head.weight"], weights["head.bias"]).tanh()
    torch.testing.assert_close(refiner(x), expected, rtol=1e-12, atol=1e-12)


# No frame


@pytest.mark.parametrize("margin", [0, 1, 3])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (6, 4)])
def test_replicate_is_torch_s_own(margin: int, size: tuple[int, int]) -> None:
    maps = images(2, 3, *size).double().requires_grad_()
    expected = F.pad(maps, (margin,) * 4, mode="replicate")
    weights = torch.rand(expected.shape, dtype=torch.float64)
    assert torch.equal(replicate(maps, margin), expected)
    (got,) = torch.autograd.grad((replicate(maps, margin) * weights).sum(), maps)
    torch.testing.assert_close(got, torch.autograd.grad((expected * weights).sum(), maps)[0])


def frame_of_a_constant_image(padding: str, *, residual: bool = False) -> float:
    """How much a refined constant image varies."""
    refiner = awaken(make(padding=padding, residual=residual))
    refined = refiner(torch.full((1, 1, 35, 55), 0.5))
    return float((refined.amax() - refined.amin()).detach())


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("padding", ["reflect", "replicate"])
def test_a_constant_image_stays_constant(padding: str, residual: bool) -> None:
    assert frame_of_a_constant_image(padding, residual=residual) < 1e-5


def test_zero_padding_draws_a_frame() -> None:
    assert frame_of_a_constant_image("zeros") > 0.05


def border_shift(padding: str) -> float:
    """Mean of border less mean of centre pixels of refined noise, in standard deviations: the mean over six refiners."""
    shifts = []
    for seed in range(6):
        torch.manual_seed(seed)
        refiner = Refiner(config=RefinerOptions(**SMALL, padding=padding), channels=Channels(1))
        refined = refiner(images(64, 1, 24, 24) * 0.5 + 0.4).detach()
        centre = refined[..., 8:16, 8:16]
        border = torch.cat((refined[..., 0, :].flatten(), refined[..., -1, :].flatten(), refined[..., 0].flatten()))
        shifts.append(float((border.mean() - centre.mean()).abs() / centre.std()))
    return sum(shifts) / len(shifts)


def test_borders_of_refined_noise_look_like_its_centre() -> None:
    assert border_shift("reflect") < 0.1
    assert border_shift("replicate") < 0.1
    assert border_shift("zeros") > 0.3


# Locality


def changed_by_one_pixel(refiner: Refiner, size: int) -> Tensor:
    """Which pixels of the result change with the middle one, over several images; (size, size) bool."""
    changed = torch.zeros(size, size, dtype=torch.bool)
    refiner = refiner.double()
    for seed in range(8):
        image = images(1, 1, size, size, seed=seed).double()
        touched = image.clone()
        touched[..., size // 2, size // 2] *= -1
        changed |= (refiner(touched) != refiner(image))[0, 0]
    return changed


@pytest.mark.parametrize("options", [{}, {"kernel": 5}, {"blocks": 0}, {"blocks": 3}, {"residual": True}, {"kernel": 1}])
def test_receptive_field_is_what_is_measured(options: dict[str, object]) -> None:
    refiner = awaken(make(**options))
    side = refiner.config.receptive_field
    size = 2 * side + 5
    changed = changed_by_one_pixel(refiner, size)
    inside = slice(size // 2 - side // 2, size // 2 + side // 2 + 1)
    assert not changed.clone().index_fill_(0, torch.arange(size)[inside], False).any()
    assert not changed.clone().index_fill_(1, torch.arange(size)[inside], False).any()
    rows, columns = changed.any(1).nonzero(), changed.any(0).nonzero()
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (side, side)


# Residual output


def test_a_residual_refiner_starts_as_the_identity() -> None:
    batch = images(2, 3, 9, 9)
    batch[0, 0, 0], batch[0, 0, 1] = 1, -1
    refiner = make(channels=3, residual=True)
    assert torch.equal(refiner(batch), batch)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_move_never_leaves_the_range(dtype: torch.dtype) -> None:
    x = torch.cat((images(20000).to(dtype), torch.tensor([-1, 1, 0, 1 - 2**-8, -1 + 2**-8], dtype=dtype)))
    amount = torch.tensor([-1, -0.7, -1e-3, 0, 1e-3, 0.3, 1], dtype=dtype)[:, None]
    moved = move(x, amount)
    assert moved.abs().max() <= 1
    assert torch.equal(moved[3], x)
    rounding = torch.finfo(dtype).eps
    torch.testing.assert_close(moved[0], -torch.ones_like(x), atol=rounding, rtol=0)
    torch.testing.assert_close(moved[-1], torch.ones_like(x), atol=rounding, rtol=0)


def test_a_move_has_a_gradient_where_a_clip_has_none() -> None:
    white = torch.ones(1, requires_grad=True)
    for start, expected in ((0.0, 1.0), (-0.2, 2.0)):
        amount = torch.tensor([start], requires_grad=True)
        (gradient,) = torch.autograd.grad(move(white, amount).sum(), amount)
        assert gradient.item() == expected
    x = images(4, 5).double().requires_grad_()
    assert torch.autograd.gradcheck(move, (x, (images(4, 5, seed=1) * 0.9).double().requires_grad_()))


def test_a_residual_refiner_is_not_clipped() -> None:
    refiner = make(residual=True)
    with torch.no_grad():
        refiner.head.bias.fill_(math.atanh(0.5))
    refined = refiner(torch.full((1, 1, 5, 5), 0.9))
    torch.testing.assert_close(refined, torch.full_like(refined, 0.95))
    refined.mean().backward()
    assert refiner.head.bias.grad.item() == pytest.approx((1 - 0.9) * (1 - 0.5**2), rel=1e-4)


def test_a_residual_refiner_learns_from_its_first_step() -> None:
    refiner, batch = make(residual=True), images(2, 1, 9, 9)
    optimizer = torch.optim.SGD(refiner.parameters(), lr=1)
    for _ in range(2):
        optimizer.zero_grad()
        (refiner(batch) + 1).square().mean().backward()
        optimizer.step()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in refiner.parameters())


# Devices, layouts, dtypes, compilers


@pytest.mark.parametrize("residual", [False, True])
def test_channels_last_gives_the_same(residual: bool) -> None:
    refiner, batch = awaken(make(channels=3, residual=residual)), images(2, 3, 11, 13)
    expected = refiner(batch)
    laid_out = copy.deepcopy(refiner).to(memory_format=torch.channels_last)
    torch.testing.assert_close(laid_out(batch.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("residual", [False, True])
def test_bf16_autocast_stays_close(residual: bool) -> None:
    refiner, batch = awaken(make(residual=residual)), images(2, 1, 11, 13)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        refined = refiner(batch)
    assert refined.abs().max() <= 1
    torch.testing.assert_close(refined.float(), refiner(batch), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("size", [(9, 9), (1, 5)])
@pytest.mark.parametrize("residual", [False, True])
def test_compiles_to_one_graph(size: tuple[int, int], residual: bool) -> None:
    refiner, batch = awaken(make(residual=residual, blocks=1)), images(2, 1, *size)
    expected = refiner(batch)
    compiled = torch.compile(refiner, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(batch), expected)


def test_exports_with_any_batch_and_size() -> None:
    refiner = make().eval()
    dynamic = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    program = torch.export.export(refiner, (images(2, 1, 12, 14),), dynamic_shapes=(dynamic,))
    other = images(3, 1, 21, 17)
    torch.testing.assert_close(program.module()(other), refiner(other))


def test_weights_alone_restore_it() -> None:
    refiner, batch = make(), images(1, 1, 9, 9)
    buffer = io.BytesIO()
    torch.save(refiner.state_dict(), buffer)
    buffer.seek(0)
    torch.manual_seed(1)
    other = Refiner(config=refiner.config, channels=Channels(1))
    assert not torch.equal(other(batch), refiner(batch))
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other(batch), refiner(batch))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_does_not_wait() -> None:
    refiner, batch = make(residual=True).cuda(), images(2, 1, 9, 9).cuda()
    refiner(batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        refiner(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
