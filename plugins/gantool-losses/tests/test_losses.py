"""Each loss against closed forms, in float64."""

import math

import pytest
import torch
from gantool_losses.adversarial import R1, Relativistic, WassersteinGP
from gantool_losses.options import PerceptualOptions, R1Options, RelativisticOptions, WassersteinOptions
from gantool_losses.perceptual import Perceptual
from torch import nn

import gantool

IMAGES = (3, 2, 4, 5)


def draw(seed, shape=IMAGES):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def linear(weight):
    """D(x) = w·x for each image, whose gradient is w everywhere."""
    return lambda images: (images * weight).flatten(1).sum(1)[:, None, None, None]


def test_penalties_of_a_linear_discriminator():
    weight, real, fake = draw(0, IMAGES[1:]), draw(1), draw(2)
    length = weight.norm().item()
    wgan = WassersteinGP(config=WassersteinOptions(weight=10.0)).penalty(linear(weight), real, fake)
    assert wgan.item() == pytest.approx(10 * (length - 1) ** 2)
    r1 = R1(config=R1Options(gamma=4.0)).penalty(linear(weight), real, fake)
    assert r1.item() == pytest.approx(4 / 2 * length**2)


def test_penalties_do_not_depend_on_the_number_of_patches():
    weight, real, fake = draw(0, IMAGES[1:]), draw(1), draw(2)
    patches = lambda images: linear(weight)(images).expand(-1, 1, 6, 7)  # noqa: E731
    for loss in (WassersteinGP(config=WassersteinOptions()), R1(config=R1Options())):
        assert loss.penalty(patches, real, fake).item() == pytest.approx(loss.penalty(linear(weight), real, fake).item())


def test_r1_looks_at_real_images_and_wgan_gp_between():
    seen = []

    def square(images):
        seen.append(images.detach())
        return images.square().flatten(1).sum(1)[:, None, None, None]

    real, fake = draw(1), draw(2)
    r1 = R1(config=R1Options(gamma=1.0)).penalty(square, real, fake)
    assert r1.item() == pytest.approx((4 * real.square()).flatten(1).sum(1).mean().item() / 2)
    WassersteinGP(config=WassersteinOptions()).penalty(square, real, fake)
    place = (seen[-1] - fake) / (real - fake)
    assert (place.flatten(1).std(1) < 1e-6).all()
    assert ((place > 0) & (place < 1)).all()
    assert len(place.flatten(1).mean(1).unique()) == len(real)


@pytest.mark.parametrize("loss", [WassersteinGP(config=WassersteinOptions()), R1(config=R1Options())])
def test_penalties_teach_the_discriminator_what_finite_differences_say(loss):
    weight, real, fake = draw(0, (1, 2, 3, 3)).requires_grad_(), draw(1), draw(2)

    def penalty(weight):
        torch.manual_seed(0)
        return loss.penalty(lambda images: torch.tanh(nn.functional.conv2d(images, weight)), real, fake)

    torch.autograd.gradcheck(penalty, weight)


def test_penalties_leave_images_alone():
    real, fake = draw(1).requires_grad_(), draw(2).requires_grad_()
    weight = draw(0, IMAGES[1:]).requires_grad_()
    for loss in (WassersteinGP(config=WassersteinOptions()), R1(config=R1Options())):
        loss.penalty(linear(weight), real, fake).backward()
        assert real.grad is None
        assert fake.grad is None


def test_wasserstein_terms():
    loss = WassersteinGP(config=WassersteinOptions())
    real, fake = draw(0, (2, 1, 3, 3)), draw(1, (4, 1, 3, 3))
    assert loss.discriminator(real, fake).item() == pytest.approx(fake.mean().item() - real.mean().item())
    assert loss.generator(fake).item() == pytest.approx(-fake.mean().item())
    with pytest.raises(ValueError, match="one shape"):
        loss.penalty(linear(1.0), draw(0), draw(1)[:2])


def test_r1_takes_its_terms_from_any_adversarial_loss():
    real, fake = draw(0, (2, 1, 3, 3)), draw(1, (2, 1, 3, 3))
    for name in ("gantool:bce", "gantool:hinge"):
        plain, r1 = gantool.build("loss", name), R1(config=R1Options(loss=name))
        assert r1.discriminator(real, fake) == plain.discriminator(real, fake)
        assert r1.generator(fake) == plain.generator(fake)


@pytest.mark.parametrize("name", ["gantool:l1", "losses:wgan-gp"])
def test_r1_refuses_what_is_no_plain_adversarial_loss(name):
    with pytest.raises(gantool.GantoolError, match=f"plain adversarial loss.*{name} is none"):
        R1(config=R1Options(loss=name))


def cost(form, margin, *, positive):
    sign = 1 if positive else -1
    match form:
        case "bce":
            return math.log1p(math.exp(-sign * margin))
        case "least-squares":
            return (margin - sign) ** 2
    return max(0.0, 1 - sign * margin)


@pytest.mark.parametrize("form", ["bce", "least-squares", "hinge"])
def test_relativistic_terms(form):
    loss = Relativistic(config=RelativisticOptions(form=form))
    real, fake = draw(0, (2, 1, 2, 2)), draw(1, (3, 1, 2, 2))
    real_margins = [value - fake.mean().item() for value in real.flatten().tolist()]
    fake_margins = [value - real.mean().item() for value in fake.flatten().tolist()]

    def mean(margins, *, positive):
        return sum(cost(form, margin, positive=positive) for margin in margins) / len(margins)

    expected = mean(real_margins, positive=True) + mean(fake_margins, positive=False)
    assert loss.discriminator(real, fake).item() == pytest.approx(expected)
    expected = mean(fake_margins, positive=True) + mean(real_margins, positive=False)
    assert loss.relative_generator(real, fake).item() == pytest.approx(expected)


def tiny():
    """A network that a test can compute by hand: three channels, a weighted sum of two."""
    network = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False, dtype=torch.float64))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])[:, :, None, None])
    return network


def test_perceptual_is_the_squared_distance_of_directions():
    loss = Perceptual(config=PerceptualOptions(network=f"{__name__}:tiny", layers=("0", "0")))
    a, b = draw(0), draw(1)
    total = 0.0
    for x, y in zip(a.permute(0, 2, 3, 1).flatten(0, 2), b.permute(0, 2, 3, 1).flatten(0, 2), strict=True):
        x, y = (torch.stack([v[0], v[1], v[0] + v[1]]) for v in (x, y))
        total += 2 - 2 * float(x @ y / x.norm() / y.norm())
    assert loss(a, b).item() == pytest.approx(total / 60)


def test_perceptual_is_blind_to_contrast_where_the_network_is_linear():
    loss = Perceptual(config=PerceptualOptions(network=f"{__name__}:tiny"))
    assert loss(draw(0), 3 * draw(0)).item() == pytest.approx(0, abs=1e-9)


def test_perceptual_with_the_bundled_weights_sees_blur_before_shift_of_brightness():
    pytest.importorskip("efficientnet_lite_pytorch")
    loss = Perceptual(config=PerceptualOptions())
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5
    blurred = nn.functional.avg_pool2d(nn.functional.pad(images, (1, 1, 1, 1), mode="reflect"), 3, 1)
    brighter = images + (blurred - images).abs().mean()
    assert loss(images, blurred) > 2 * loss(images, brighter) > 0
    assert not loss.state_dict()
    assert not list(loss.parameters())


def test_perceptual_has_a_gradient_where_all_features_are_zero():
    loss = Perceptual(config=PerceptualOptions(network=f"{__name__}:tiny"))
    images = torch.zeros(IMAGES, dtype=torch.float64, requires_grad=True)
    loss(images, draw(0)).backward()
    assert torch.isfinite(images.grad).all()
