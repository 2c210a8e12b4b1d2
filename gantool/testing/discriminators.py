"""Checks of discriminators. See `gantool.hookspecs.gantool_discriminators`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import networks
from .networks import build_network, channels_of, run, sizes
from .pictures import noise, smooth
from .subject import Subject

_UPDATES, _SEEDS = 100, 3


def check_gives_one_map(subject: Subject) -> None:
    """(N, in_channels, H, W) gives (N, 1, h, w)."""
    for channels in channels_of(subject):
        network = build_network(subject, channels).eval()
        for size, count in zip(sizes(subject), (2, 1, 3), strict=True):
            images = noise(count, channels, size)
            with torch.no_grad():
                result = run(subject, network, images)
            got = tuple(result.shape)
            fits = len(got) == 4 and got[:2] == (count, 1) and min(got) > 0
            subject.require(fits, f"images of {tuple(images.shape)} give {got}, not ({count}, 1, h, w)")


def check_learns_raw_logits_where_higher_is_real(subject: Subject) -> None:
    """Trained by a loss of the host's convention, it gives logits above 1 to real images and below -1 to others.

    Nothing that ends in a sigmoid, a tanh or a ReLU can. Small networks may start with dead units, so that one of a few seeds
    is enough.
    """
    channels = channels_of(subject)[0]
    real, fake = noise(4, channels, subject.size), smooth(4, channels, subject.size)
    low, high = math.inf, -math.inf
    for seed in range(_SEEDS):
        for on_real, on_fake in _train(subject, build_network(subject, channels, seed=seed).train(), real, fake):
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
        on_real, on_fake = run(subject, network, real), run(subject, network, fake)
        yield on_real, on_fake
        optimizer.zero_grad()
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


CHECKS = (check_gives_one_map, check_learns_raw_logits_where_higher_is_real, *networks.CHECKS)
