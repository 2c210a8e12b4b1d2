from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gantool import NoOptions
from gantool.components import AdversarialLoss, PairLoss
from simgan_plugin.losses import LocalAdversarialLoss, SelfRegularization
from simgan_plugin.options import SelfRegularizationOptions

PIXEL_PSI = ["identity", "channel-mean", "gradient"]


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def adversarial() -> LocalAdversarialLoss:
    return LocalAdversarialLoss(config=NoOptions())


def regularization(psi: str = "identity", **options: object) -> SelfRegularization:
    return SelfRegularization(config=SelfRegularizationOptions(psi=psi, **options))  # type: ignore[arg-type]


# Local adversarial loss


def refined_probability(maps: np.ndarray) -> np.ndarray:
    """The paper's D: a softmax over two maps (N, 2, h, w), the second of which stands for "refined"."""
    exponents = np.exp(maps - maps.max(axis=1, keepdims=True))
    return (exponents / exponents.sum(axis=1, keepdims=True))[:, 1]


def as_logits(maps: np.ndarray) -> Tensor:
    """One map of logits, higher is real, that says the same as two maps."""
    return torch.from_numpy(maps[:, :1] - maps[:, 1:])


def test_it_is_the_paper_s_two_equations() -> None:
    rng = np.random.default_rng(0)
    real_maps, refined_maps = rng.normal(0, 3, (4, 2, 9, 14)), rng.normal(0, 3, (4, 2, 9, 14))
    refined, real = refined_probability(refined_maps), refined_probability(real_maps)
    equation_2 = -np.log(refined).mean() - np.log(1 - real).mean()
    equation_4 = -np.log(1 - refined).mean()
    loss = adversarial()
    assert isinstance(loss, AdversarialLoss)
    assert loss.discriminator(as_logits(real_maps), as_logits(refined_maps)).item() == pytest.approx(equation_2, rel=1e-12)
    assert loss.generator(as_logits(refined_maps)).item() == pytest.approx(equation_4, rel=1e-12)


def test_every_patch_weighs_the_same() -> None:
    flat = torch.zeros(2, 1, 3, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(adversarial().generator(flat), flat)
    torch.testing.assert_close(gradient, torch.full_like(gradient, -0.5 / 30))


def test_adversarial_gradients() -> None:
    real, fake = drawn(2, 1, 2, 3).requires_grad_(), drawn(2, 1, 2, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(adversarial().discriminator, (real, fake))
    assert torch.autograd.gradcheck(adversarial().generator, (fake,))


def test_adversarial_loss_refuses_other_shapes() -> None:
    good = torch.zeros(2, 1, 3, 3)
    for call in (
        lambda: adversarial().generator(torch.zeros(2, 2, 3, 3)),
        lambda: adversarial().discriminator(good, torch.zeros(2, 1, 3, 4)),
        lambda: adversarial().discriminator(torch.zeros(2, 3), good),
    ):
        with pytest.raises(ValueError, match="logit"):
            call()


def test_bf16_logits_are_averaged_in_float32() -> None:
    logits = drawn(64, 1, 40, 40, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = adversarial().discriminator(logits, -logits)
    assert loss.dtype == torch.float32
    expected = adversarial().discriminator(logits.double(), -logits.double())
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)


# Self-regularization


def reference(psi: str, a: np.ndarray, b: np.ndarray) -> float:
    difference = a - b
    if psi == "identity":
        return float(np.abs(difference).mean())
    if psi == "channel-mean":
        return float(np.abs(difference.mean(axis=1)).mean())
    right, lower = np.zeros_like(difference), np.zeros_like(difference)
    right[..., :-1] = difference[..., 1:] - difference[..., :-1]
    lower[..., :-1, :] = difference[..., 1:, :] - difference[..., :-1, :]
    return float((np.abs(right).mean() + np.abs(lower).mean()) / 2)


@pytest.mark.parametrize("psi", PIXEL_PSI)
@pytest.mark.parametrize("shape", [(3, 3, 7, 5), (2, 1, 1, 6), (1, 2, 1, 1)])
def test_pixel_psi_match_float64_references(psi: str, shape: tuple[int, ...]) -> None:
    loss = regularization(psi)
    assert isinstance(loss, PairLoss)
    a, b = drawn(*shape), drawn(*shape, seed=1)
    got = loss(a, b)
    assert got.shape == ()
    assert got.item() == pytest.approx(reference(psi, a.numpy(), b.numpy()), rel=1e-12, abs=1e-15)
    assert loss(a, a).item() == 0
    assert loss(b, a).item() == got.item()


@pytest.mark.parametrize("psi", PIXEL_PSI)
def test_pixel_gradients(psi: str) -> None:
    a, b = drawn(2, 3, 4, 3).requires_grad_(), drawn(2, 3, 4, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(regularization(psi), (a, b))


def test_each_psi_allows_what_it_says() -> None:
    a = drawn(2, 3, 8, 8)
    brighter = a + 0.25
    tinted = a + torch.tensor([0.25, -0.25, 0.0]).reshape(3, 1, 1)
    assert regularization("gradient")(brighter, a).item() == pytest.approx(0, abs=1e-12)
    assert regularization("channel-mean")(tinted, a).item() == pytest.approx(0, abs=1e-12)
    assert regularization("identity")(brighter, a).item() == pytest.approx(0.25)
    assert regularization("channel-mean")(brighter, a).item() == pytest.approx(0.25)
    assert regularization("identity")(tinted, a).item() == pytest.approx(0.5 / 3)


@pytest.mark.parametrize("psi", PIXEL_PSI)
@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (1, 3, 4, 4), (2, 3, 4, 1), (3, 4, 4)])
def test_shapes_that_differ_are_refused(psi: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        regularization(psi)(torch.zeros(2, 3, 4, 4), torch.zeros(shape))


def test_bf16_images_are_compared_in_float32() -> None:
    a = drawn(8, 1, 35, 55, dtype=torch.float32)
    for psi in PIXEL_PSI:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = regularization(psi)(a.bfloat16(), a)
        assert loss.dtype == torch.float32
        expected = regularization(psi)(a.bfloat16().double(), a.double())
        torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=0)


# ψ = features


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1))


def by_features(layers: tuple[str, ...]) -> SelfRegularization:
    return regularization("features", network=f"{__name__}:small_network", layers=layers)


def test_features_are_averaged_over_elements_then_over_layers() -> None:
    a, b = drawn(2, 1, 9, 7, dtype=torch.float32), drawn(2, 1, 9, 7, seed=1, dtype=torch.float32)
    network = small_network().eval()
    first, last = network[0](a) - network[0](b), network(a) - network(b)
    expected = (first.abs().mean() + last.abs().mean()) / 2
    torch.testing.assert_close(by_features(("0", "3"))(a, b), expected)
    torch.testing.assert_close(by_features(())(a, b), last.abs().mean())


def test_gradients_flow_through_features_to_the_images_only() -> None:
    loss = by_features(("0", "3"))
    refined, synthetic = drawn(2, 1, 9, 7, dtype=torch.float32).requires_grad_(), drawn(2, 1, 9, 7, dtype=torch.float32, seed=1)
    assert all(not part.requires_grad for part in loss.psi(synthetic))
    assert all(part.requires_grad for part in loss.psi(refined))
    loss(refined, synthetic).backward()
    assert refined.grad is not None
    assert refined.grad.abs().sum() > 0
    assert loss.features is not None
    assert all(p.grad is None for p in loss.features.network.parameters())


def test_feature_gradients() -> None:
    loss = by_features(("0", "3")).double()
    a, b = drawn(1, 1, 5, 4).requires_grad_(), drawn(1, 1, 5, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(loss, (a, b))


def test_the_frozen_network_is_not_saved() -> None:
    loss = by_features(("0",))
    assert loss.state_dict() == {}
    loss.load_state_dict({})
    assert list(loss.parameters()) == []
