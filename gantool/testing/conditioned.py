"""Checks of generators that provide "conditioned": they look at what they are given beside images, and do without."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..components import Channels
from ..conditioning import Joined
from ..model.tiling import NotTileable, find_overlap
from ..noise import noise_channels
from .material import finite, noise
from .subject import Subject, only_if

_CONDITIONS = {"continuous": 3, "ids": 4}
_NEAR = 1e-4


@only_if("conditioned")
def check_sees_conditions(subject: Subject) -> None:
    """Built for conditions, it gives something else with them, in range and of the same shape, and leaves them as they were."""
    network, images, known = _fresh(subject)
    before = {name: values.clone() for name, values in known.items()}
    result = _infer(subject, network, images, known)
    subject.require(result.shape == images.shape, f"with conditions it turns {tuple(images.shape)} into {tuple(result.shape)}")
    subject.require(finite(result) and float(result.abs().max()) <= 1 + _NEAR, "with conditions its result leaves [-1, 1]")
    for name, values in known.items():
        subject.require(torch.equal(values, before[name]), f"it changes the condition {name} that it is given")
        other = _infer(subject, network, images, {**known, name: -values})
        subject.require(not torch.equal(result, other), f"another condition {name} gives the same result")


@only_if("conditioned")
def check_works_without_conditions(subject: Subject) -> None:
    """A condition that is missing is one of zeros: so are all, where none are given."""
    network, images, known = _fresh(subject)
    zeros = {name: torch.zeros_like(values) for name, values in known.items()}
    wanted = _infer(subject, network, images, zeros)
    for what, given in (("no conditions", None), ("an empty mapping of conditions", {})):
        subject.require(
            _close(_infer(subject, network, images, given), wanted), f"{what} give something else than conditions of zeros"
        )
    first = next(iter(known))
    one, filled = ({first: known[first]}, {**zeros, first: known[first]})
    subject.require(
        _close(_infer(subject, network, images, one), _infer(subject, network, images, filled)),
        "a condition that is missing is something else than one of zeros",
    )


@only_if("conditioned")
def check_conditions_need_no_gradient(subject: Subject) -> None:
    """Gradients reach the image and all weights, while conditions ask for none."""
    network, images, known = _fresh(subject)
    with subject.calling("its forward with conditions"):
        result: Tensor = network.train()(images.requires_grad_(), conditions=known)
    (result * torch.rand_like(result)).sum().backward()  # type: ignore[no-untyped-call]
    subject.require(images.grad is not None, "with conditions, no gradient reaches the image")
    without = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    subject.require(not without, f"with conditions, no gradient reaches the parameter {', '.join(without[:3])}")
    subject.require(not any(values.requires_grad for values in known.values()), "it asks conditions for gradients")


@only_if("conditioned")
def check_conditions_of_rows_are_independent(subject: Subject) -> None:
    """In eval mode, the conditions of other images of a batch do not matter."""
    network, images, known = _fresh(subject, count=3)
    together = _infer(subject, network, images, known)
    rows = (slice(number, number + 1) for number in range(3))
    alone = torch.cat([_infer(subject, network, images[row], {name: v[row] for name, v in known.items()}) for row in rows])
    subject.require(_close(together, alone), "the result for an image depends on conditions of other images of its batch")


@only_if("conditioned")
def check_conditions_can_be_tiled(subject: Subject) -> None:
    """Where tiles of images make the whole image, tiles of images and conditions do, too."""
    network, images, _ = _fresh(subject)
    check_tiles(subject, network, Channels(images.shape[1], _CONDITIONS, noise_channels(network)), "conditions")


CHECKS = (
    check_sees_conditions,
    check_works_without_conditions,
    check_conditions_need_no_gradient,
    check_conditions_of_rows_are_independent,
    check_conditions_can_be_tiled,
)


def _fresh(subject: Subject, count: int = 2) -> tuple[nn.Module, Tensor, dict[str, Tensor]]:
    """Build it for conditions."""
    torch.manual_seed(0)
    channels = Channels(images_of(subject), _CONDITIONS)
    network = aged(subject.build(channels=channels))
    known = {name: noise(count, own, subject.size, seed=number) for number, (name, own) in enumerate(_CONDITIONS.items(), 2)}
    return network, noise(count, channels.images, subject.size, seed=1), known


class Quiet(nn.Module):
    """A generator of images alone: noise is 0, since what it takes without any begins anew in each tile."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.planes = network, noise_channels(network)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to the same."""
        count, _, *size = images.shape
        given = {"noise": images.new_zeros(count, self.planes, *size)} if self.planes else {}
        result: Tensor = self.network(images, **given)
        return result


def check_tiles(subject: Subject, network: nn.Module, channels: Channels, what: str) -> None:
    """Require that a network which can be tiled without `what` can be tiled with it. Raises `Fault`."""
    try:
        find_overlap(Quiet(network).eval(), channels.images)
    except NotTileable:
        return
    try:
        find_overlap(Joined(network, channels).eval(), channels.joined)
    except NotTileable as error:
        raise subject.fault(f"images alone can be tiled, with {what} {error}") from None


def aged(network: nn.Module) -> nn.Module:
    """Return a network in eval mode, with weights as after some training: what begins as zero has moved."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return network.eval()


def images_of(subject: Subject) -> int:
    """Return the first of the subject's channels that the network takes."""
    for count in subject.channels:
        try:
            subject.build(channels=Channels(count))
        except ValueError:
            continue
        return count
    return subject.channels[0]  # another check says what is wrong


def _infer(subject: Subject, network: nn.Module, images: Tensor, conditions: dict[str, Tensor] | None) -> Tensor:
    with torch.no_grad(), subject.calling(f"its forward of {tuple(images.shape)} with conditions"):
        result: Tensor = network(images, conditions=conditions)
    subject.require(isinstance(result, Tensor), f"its forward with conditions gives a {type(result).__name__}, not a tensor")
    return result


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= _NEAR)
