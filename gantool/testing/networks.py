"""Checks of networks: what holds for all of them, and what for generators, discriminators and other networks alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..components import Channels
from ..runs.state import plain, read_tensors, write_tensors
from . import conditioned, stochastic
from .material import finite, noise, smooth
from .subject import Subject, only_if

_TOLERANCE = 1e-4
"""By how much two ways of computing one thing in float32 may differ, relative to the largest value."""
_UPDATES, _SEEDS = 100, 3

# Generators


def check_keeps_the_size(subject: Subject) -> None:
    """(N, C, H, W) gives the same shape, odd sizes too."""
    for images, result in _of_all_sizes(subject):
        got, wanted = tuple(result.shape), tuple(images.shape)
        subject.require(got == wanted, f"images of {wanted} give {got}: the shape must stay, odd heights and widths too")


def check_stays_in_range(subject: Subject) -> None:
    """Results are finite and in [-1, 1], with any weights."""
    network, images = _fresh(subject)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3)  # training takes weights to where only a bounded last layer keeps the range
    for given in (images, images.sign()):
        result = _infer(subject, network.eval(), given)
        subject.require(finite(result), "with larger weights its result is not finite")
        low, high = float(result.min()), float(result.max())
        subject.require(
            low >= -1 - 1e-4 and high <= 1 + 1e-4,
            f"its result leaves [-1, 1]: with weights three times as large it reaches from {low:.2f} to {high:.2f}",
        )


@only_if("features")
def check_features_are_maps(subject: Subject) -> None:
    """`features`, where it is provided, gives (N, C_l, h_l, w_l) maps whose C_l do not depend on the size of the image."""
    (network, images), channels = _fresh(subject), []
    for size in _sizes(subject):
        given = noise(2, images.shape[1], size).requires_grad_()
        maps = subject.ask(tuple, f"features of {tuple(given.shape)}", network.eval().features, given)  # type: ignore[arg-type]
        subject.require(bool(maps), "features returned no map")
        for index, each in enumerate(maps):
            subject.require(
                each.ndim == 4 and len(each) == 2,
                f"features[{index}] of 2 images has shape {tuple(each.shape)}, not (2, C, h, w)",
            )
            subject.require(each.requires_grad, f"features[{index}] has no gradient: it is detached")
        channels.append([each.shape[1] for each in maps])
    subject.require(
        channels.count(channels[0]) == len(channels), f"the channels of features depend on the image's size: {channels}"
    )


# Discriminators


def check_gives_one_map(subject: Subject) -> None:
    """(N, C, H, W) gives (N, 1, h, w)."""
    for images, result in _of_all_sizes(subject):
        got, count = tuple(result.shape), len(images)
        subject.require(
            len(got) == 4 and got[:2] == (count, 1) and min(got) > 0,
            f"images of {tuple(images.shape)} give {got}, not ({count}, 1, h, w)",
        )


def check_learns_raw_logits_where_higher_is_real(subject: Subject) -> None:
    """Trained by a loss of the host's convention, it gives logits above 1 to real images and below -1 to others.

    Nothing that ends in a sigmoid, a tanh or a ReLU can. Small networks may start with dead units, so that one of a few seeds
    is enough.
    """
    channels = _channels_of(subject)[0]
    real, fake = noise(4, channels, subject.size), smooth(4, channels, subject.size)
    low, high = math.inf, -math.inf
    for seed in range(_SEEDS):
        for on_real, on_fake in _train(subject, _fresh(subject, seed=seed)[0].train(), real, fake):
            both = torch.cat((on_real.detach().flatten(), on_fake.detach().flatten()))
            low, high = min(low, float(both.min())), max(high, float(both.max()))
            if on_real.mean() > 1 and on_fake.mean() < -1:
                return
    what = "it must give raw logits, with no sigmoid, tanh or ReLU at the end" if low >= -1 or high <= 1 else "it does not learn"
    raise subject.fault(
        f"after {_UPDATES} updates that reward higher logits for noise than for smooth images its results are still not above 1 "
        f"and below -1 (they were between {low:.2f} and {high:.2f}): {what}"
    )


def _train(subject: Subject, network: nn.Module, real: Tensor, fake: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the logits of real and of other images before each update."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(_UPDATES):
        on_real, on_fake = _run(subject, network, real), _run(subject, network, fake)
        yield on_real, on_fake
        optimizer.zero_grad()
        (F.softplus(-on_real).mean() + F.softplus(on_fake).mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


# Other networks


def check_gives_a_row_per_image(subject: Subject) -> None:
    """(N, C, H, W) gives a tensor, or a tuple of tensors, of N finite rows each, odd sizes too."""
    for images, result in _of_all_sizes(subject):
        subject.require(finite(result), f"its result for images of {tuple(images.shape)} is not finite")


# All


def check_gradients_reach_everything(subject: Subject) -> None:
    """Each parameter that learns, and the image, receives a gradient."""
    network, images = _fresh(subject)
    result = _run(subject, network.train(), images.requires_grad_())
    subject.require(result.requires_grad, "its result has no gradient: something in its forward is detached")
    (result * torch.rand_like(result)).sum().backward()  # type: ignore[no-untyped-call]
    found = {name: weight.grad for name, weight in network.named_parameters() if weight.requires_grad}
    without = [name for name, gradient in found.items() if gradient is None]
    subject.require(not without, f"no gradient reaches the parameter {', '.join(without[:3])}")
    broken = [name for name, gradient in found.items() if gradient is not None and not finite(gradient)]
    subject.require(not broken, f"the gradient of {', '.join(broken[:3])} is not finite")
    subject.require(images.grad is not None, "no gradient reaches the image that it is given")


def check_is_deterministic_in_eval(subject: Subject) -> None:
    """In eval mode, one image gives one result."""
    network, images = _fresh(subject)
    first = _infer(subject, network.eval(), images)
    torch.manual_seed(12345)
    subject.require(
        torch.equal(first, _infer(subject, network, images)),
        "in eval mode it gives two results for one image: something in it is random",
    )


def check_rows_are_independent_in_eval(subject: Subject) -> None:
    """In eval mode, what else is in the batch does not matter."""
    network, images = _fresh(subject, count=4)
    _infer(subject, network.train(), images)  # fills running statistics, which a fresh network has not
    together = _infer(subject, network.eval(), images)
    alone = torch.cat([_infer(subject, network, image[None]) for image in images])
    subject.require(
        together.shape == alone.shape and _close(together, alone),
        "in eval mode the result for an image depends on the other images of its batch (batch statistics?)",
    )


def check_state_survives_safetensors(subject: Subject) -> None:
    """A network that is built anew and given the saved state computes the same."""
    (original, images), (restored, _) = _fresh(subject, seed=1), _fresh(subject, seed=2)
    _run(subject, original.train(), images)
    file = subject.folder / "state.safetensors"
    with subject.calling("saving its state_dict"):
        write_tensors(file, {key: plain(value) for key, value in original.state_dict().items()})
    with subject.calling("its load_state_dict"):
        restored.load_state_dict(read_tensors(file))
    before, after = (_infer(subject, network.eval(), images) for network in (original, restored))
    subject.require(
        torch.equal(before, after),
        "after its state_dict was saved and loaded it computes something else: "
        "something that it depends on is neither parameter nor buffer",
    )


def check_runs_in_other_precisions(subject: Subject) -> None:
    """float64 in gives float64 out, and bfloat16 autocast works."""
    network, images = _fresh(subject)
    with torch.autocast("cpu", torch.bfloat16):
        result = _infer(subject, network.eval(), images)
    subject.require(finite(result), "under bfloat16 autocast (--precision bf16) its result is not finite")
    double = _infer(subject, network.double(), images.double())
    subject.require(double.dtype == torch.float64, f"as float64 it returns {double.dtype}: something in it is cast")


def check_leaves_its_input_alone(subject: Subject) -> None:
    """The images that it is given are the same afterwards, in both modes."""
    network, images = _fresh(subject)
    before = images.clone()
    for training in (True, False):
        _infer(subject, network.train(training), images)
        subject.require(torch.equal(images, before), "it changes the images that it is given (an inplace operation?)")


def check_takes_channels_last(subject: Subject) -> None:
    """Weights and images in channels-last layout, which runs use where it is faster, give the same."""
    network, images = _fresh(subject)
    wanted = _infer(subject, network.eval(), images)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    given = images.to(memory_format=torch.channels_last)
    subject.require(
        _close(_infer(subject, network, given, "channels-last layout: its forward (reshape where view is?)"), wanted),
        "with images in channels-last layout it computes something else",
    )


_OF_ALL = (
    check_gradients_reach_everything,
    check_is_deterministic_in_eval,
    check_rows_are_independent_in_eval,
    check_state_survives_safetensors,
    check_runs_in_other_precisions,
    check_leaves_its_input_alone,
    check_takes_channels_last,
)
CHECKS = {
    "generator": (
        check_keeps_the_size,
        check_stays_in_range,
        check_features_are_maps,
        *conditioned.CHECKS,
        *stochastic.CHECKS,
        *_OF_ALL,
    ),
    "discriminator": (check_gives_one_map, check_learns_raw_logits_where_higher_is_real, *_OF_ALL),
    "network": (check_gives_a_row_per_image, *_OF_ALL),
}


def _channels_of(subject: Subject) -> list[int]:
    """Return those of the subject's channels that the network takes. Raises `Fault` where it takes none."""
    taken, refused = [], ""
    for channels in subject.channels:
        try:
            _build(subject, channels)
            taken.append(channels)
        except ValueError as error:
            refused = str(error)
    subject.require(
        bool(taken),
        f"it takes images of neither {' nor '.join(map(str, subject.channels))} channels ({refused}); say which: channels=(…,)",
    )
    return taken


def _build(subject: Subject, channels: int, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network: nn.Module = subject.build(channels=Channels(channels))
    subject.require(isinstance(network, nn.Module), f"its factory returned a {type(network).__name__}, not a torch.nn.Module")
    return network


def _fresh(subject: Subject, *, count: int = 2, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """Build the network, with the weights of a seed, for the first channels that it takes; and (count, C, H, W) in [-1, 1]."""
    channels = _channels_of(subject)[0]
    return _build(subject, channels, seed=seed), noise(count, channels, subject.size, seed=1)


def _run(subject: Subject, network: nn.Module, images: Tensor, what: str = "") -> Tensor:
    """Call the network; put the results of one that may give a tuple of them side by side, a row for each image."""
    what = what or f"its forward of {tuple(images.shape)}"
    if subject.provided.kind != "network":
        result: Tensor = subject.ask(Tensor, what, network, images)
        return result
    with subject.calling(what):
        given = network(images)
    parts = given if isinstance(given, tuple) else (given,)
    subject.require(
        all(isinstance(part, Tensor) and part.ndim > 0 and len(part) == len(images) for part in parts) and bool(parts),
        f"{what} gives no tensor, or tuple of tensors, with a row for each image",
    )
    return torch.cat([part.reshape(len(images), -1) for part in parts], 1)


def _infer(subject: Subject, network: nn.Module, images: Tensor, what: str = "") -> Tensor:
    with torch.no_grad():
        return _run(subject, network, images, what)


def _of_all_sizes(subject: Subject) -> Iterator[tuple[Tensor, Tensor]]:
    """Images of all channels that the network takes and of several sizes, and its result for them in eval mode."""
    for channels in _channels_of(subject):
        network = _build(subject, channels).eval()
        for size, count in zip(_sizes(subject), (2, 1, 3), strict=True):
            images = noise(count, channels, size)
            yield images, _infer(subject, network, images)


def _sizes(subject: Subject) -> list[tuple[int, int]]:
    """The subject's size, one with odd numbers, and one that is no multiple of 4."""
    height, width = subject.size
    return [(height, width), (height + 1, width + 3), (height + 5, width + 2)]


def _close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= _TOLERANCE * max(1.0, float(a.abs().max())))
