from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gantool import NoOptions
from gantool.builtin.losses import BCE, L1, L2, LSGAN, Hinge, widen
from gantool.components import AdversarialLoss, PairLoss

ADVERSARIAL = [BCE, LSGAN, Hinge]
PAIRS = [L1, L2]
Array = np.ndarray


def drawn(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3).to(dtype)


def probability(logits: Array) -> Array:
    return 1 / (1 + np.exp(-logits))


# (discriminator, generator), written as the papers do, in float64.
REFERENCES: dict[type, tuple[Callable[[Array, Array], float], Callable[[Array], float]]] = {
    BCE: (
        lambda real, fake: -np.log(probability(real)).mean() - np.log(1 - probability(fake)).mean(),
        lambda fake: -np.log(probability(fake)).mean(),
    ),
    LSGAN: (
        lambda real, fake: 0.5 * ((real - 1) ** 2).mean() + 0.5 * (fake**2).mean(),
        lambda fake: 0.5 * ((fake - 1) ** 2).mean(),
    ),
    Hinge: (
        lambda real, fake: -np.minimum(0, real - 1).mean() - np.minimum(0, -1 - fake).mean(),
        lambda fake: -fake.mean(),
    ),
}

PAIR_REFERENCES: dict[type, Callable[[Array, Array], float]] = {
    L1: lambda a, b: np.abs(a - b).mean(),
    L2: lambda a, b: ((a - b) ** 2).mean(),
}


@pytest.mark.parametrize("cls", ADVERSARIAL)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_adversarial_losses_match_float64_references(cls: type, dtype: torch.dtype, tolerance: float) -> None:
    real, fake = drawn(4, 1, 3, 5, seed=0, dtype=dtype), drawn(6, 1, 3, 5, seed=1, dtype=dtype)
    loss = cls(config=NoOptions())
    assert isinstance(loss, AdversarialLoss)
    discriminator, generator = REFERENCES[cls]
    got, expected = loss.discriminator(real, fake), discriminator(real.double().numpy(), fake.double().numpy())
    assert got.shape == ()
    assert got.item() == pytest.approx(expected, rel=tolerance)
    assert loss.generator(fake).item() == pytest.approx(generator(fake.double().numpy()), rel=tolerance)


@pytest.mark.parametrize("cls", PAIRS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_pair_losses_match_float64_references(cls: type, dtype: torch.dtype, tolerance: float) -> None:
    a, b = drawn(4, 3, 5, 7, seed=0, dtype=dtype), drawn(4, 3, 5, 7, seed=1, dtype=dtype)
    loss = cls(config=NoOptions())
    assert isinstance(loss, PairLoss)
    assert loss(a, b).shape == ()
    assert loss(a, b).item() == pytest.approx(PAIR_REFERENCES[cls](a.double().numpy(), b.double().numpy()), rel=tolerance)
    assert loss(a, a).item() == 0


@pytest.mark.parametrize("cls", ADVERSARIAL)
def test_adversarial_gradients(cls: type) -> None:
    real, fake = drawn(2, 1, 2, 3, seed=0).requires_grad_(), drawn(2, 1, 2, 3, seed=1).requires_grad_()
    loss = cls(config=NoOptions())
    assert torch.autograd.gradcheck(loss.discriminator, (real, fake))
    assert torch.autograd.gradcheck(loss.generator, (fake,))


@pytest.mark.parametrize("cls", PAIRS)
def test_pair_gradients(cls: type) -> None:
    a, b = drawn(2, 2, 3, 3, seed=0).requires_grad_(), drawn(2, 2, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(cls(config=NoOptions()), (a, b))


@pytest.mark.parametrize("cls", ADVERSARIAL)
def test_a_step_moves_logits_the_right_way(cls: type) -> None:
    """Higher means real: D raises real logits and lowers fake ones, G raises fake ones."""
    real, fake = torch.zeros(2, 1, 2, 2, requires_grad=True), torch.zeros(2, 1, 2, 2, requires_grad=True)
    loss = cls(config=NoOptions())
    up_real, up_fake = torch.autograd.grad(loss.discriminator(real, fake), (real, fake), materialize_grads=True)
    (up_generator,) = torch.autograd.grad(loss.generator(fake), fake)
    assert (up_real < 0).all()
    assert (up_generator < 0).all()
    # Least squares aims fake logits at 0, where they are.
    assert (up_fake > 0).all() if cls is not LSGAN else (up_fake == 0).all()


@pytest.mark.parametrize("cls", ADVERSARIAL)
@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 2, 3, 3), (2, 3, 3)])
def test_logits_of_other_shapes_are_refused(cls: type, shape: tuple[int, ...]) -> None:
    loss, good = cls(config=NoOptions()), torch.zeros(2, 1, 3, 3)
    for call in (
        lambda: loss.generator(torch.zeros(shape)),
        lambda: loss.discriminator(good, torch.zeros(shape)),
        lambda: loss.discriminator(torch.zeros(shape), good),
    ):
        with pytest.raises(ValueError, match=r"\(N, 1, h, w\)"):
            call()


@pytest.mark.parametrize("cls", ADVERSARIAL)
def test_maps_of_two_sizes_are_refused(cls: type) -> None:
    with pytest.raises(ValueError, match="differ in size"):
        cls(config=NoOptions()).discriminator(torch.zeros(2, 1, 3, 3), torch.zeros(2, 1, 3, 4))


@pytest.mark.parametrize("cls", PAIRS)
@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (1, 3, 4, 4), (2, 3, 4, 1), (3, 4, 4)])
def test_pairs_that_would_broadcast_are_refused(cls: type, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        cls(config=NoOptions())(torch.zeros(2, 3, 4, 4), torch.zeros(shape))


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([-1e4, 1e4]).reshape(2, 1, 1, 1).requires_grad_()
    loss = BCE(config=NoOptions())
    total = loss.discriminator(logits, logits) + loss.generator(logits)
    total.backward()
    assert total.item() == pytest.approx(1.5e4)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_mean_over_many_half_precision_logits_keeps_its_digits(dtype: torch.dtype) -> None:
    logits = drawn(64, 1, 40, 40, seed=0, dtype=dtype)
    for cls in ADVERSARIAL:
        loss = cls(config=NoOptions())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = loss.discriminator(logits, logits), loss.generator(logits)
        expected = loss.discriminator(logits.double(), logits.double()), loss.generator(logits.double())
        assert [value.dtype for value in got] == [torch.float32, torch.float32]
        torch.testing.assert_close(torch.stack(got).double(), torch.stack(expected), rtol=1e-5, atol=1e-5)


def test_widen_keeps_double() -> None:
    assert widen(torch.zeros(1, dtype=torch.float64)).dtype == torch.float64
    assert widen(torch.zeros(1, dtype=torch.bfloat16)).dtype == torch.float32
