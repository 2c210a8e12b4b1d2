"""Checks of generators that provide "stochastic" and, with the options they are built with, take noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..components import Channels
from ..noise import noise_channels, pixel_noise
from .conditioned import aged, check_tiles, images_of
from .material import noise as material
from .subject import Subject, only_if


@only_if("stochastic")
def check_sees_noise(subject: Subject) -> None:
    """Other noise gives another result, the same noise the same one, in each row by itself, and gradients reach all weights."""
    network, images, planes = _fresh(subject)
    if not planes:
        return
    noise = pixel_noise([1, 2], planes, *images.shape[2:])
    first, again, other = (_infer(subject, network, images, given) for given in (noise, noise, noise.flip(0)))
    subject.require(first.shape == images.shape, f"with noise it turns {tuple(images.shape)} into {tuple(first.shape)}")
    subject.require(torch.equal(first, again), "it gives two results for one image and noise")
    subject.require(not torch.equal(first, other), "other noise gives the same result")
    alone = torch.cat([_infer(subject, network, images[row : row + 1], noise[row : row + 1]) for row in range(2)])
    subject.require(bool((alone - first).abs().max() < 1e-4), "the result depends on the noise of other images of the batch")
    result: Tensor = network.train()(images, noise=noise)
    (result * torch.rand_like(result)).sum().backward()  # type: ignore[no-untyped-call]
    without = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    subject.require(not without, f"with noise, no gradient reaches the parameter {', '.join(without[:3])}")


@only_if("stochastic")
def check_noise_can_be_tiled(subject: Subject) -> None:
    """Where tiles of images make the whole image, tiles of images and noise do, too."""
    network, images, planes = _fresh(subject)
    if planes:
        check_tiles(subject, network, Channels(images.shape[1], noise=planes), "noise")


CHECKS = (check_sees_noise, check_noise_can_be_tiled)


def _fresh(subject: Subject) -> tuple[nn.Module, Tensor, int]:
    torch.manual_seed(0)
    count = images_of(subject)
    network = aged(subject.build(channels=Channels(count)))
    return network, material(2, count, subject.size, seed=1), noise_channels(network)


def _infer(subject: Subject, network: nn.Module, images: Tensor, noise: Tensor) -> Tensor:
    with torch.no_grad(), subject.calling(f"its forward of {tuple(images.shape)} with noise {tuple(noise.shape)}"):
        result: Tensor = network.eval()(images, noise=noise)
    return result
