"""Checks of generators. See `gantool.hookspecs.gantool_generators`."""

from __future__ import annotations

import torch

from . import networks
from .networks import batch_for, build_network, channels_of, run, sizes
from .pictures import noise
from .subject import Subject


def check_keeps_the_size(subject: Subject) -> None:
    """(N, in_channels, H, W) gives (N, out_channels, H, W), odd sizes too."""
    for channels in channels_of(subject):
        network = build_network(subject, channels).eval()
        for size, count in zip(sizes(subject), (2, 1, 3), strict=True):
            images = noise(count, channels, size)
            with torch.no_grad():
                result = run(subject, network, images)
            got, wanted = tuple(result.shape), tuple(images.shape)
            subject.require(got == wanted, f"images of {wanted} give {got}: height and width must stay, odd ones too")


def check_gives_the_channels_asked_for(subject: Subject) -> None:
    """`out_channels` is the number of channels that come out, unless the network refuses another than goes in."""
    for channels in channels_of(subject):
        other = 1 if channels > 1 else 3
        try:
            network = subject.build(in_channels=channels, out_channels=other)
        except ValueError:
            continue
        images = noise(2, channels, subject.size)
        with torch.no_grad():
            result = run(subject, network.eval(), images)
        subject.require(
            result.shape[1] == other,
            f"built with in_channels={channels} and out_channels={other} it gives {result.shape[1]} channels: "
            "raise ValueError in the factory for what it cannot do",
        )


def check_stays_in_range(subject: Subject) -> None:
    """Results are finite and in [-1, 1], with any weights."""
    network, images = build_network(subject).eval(), batch_for(subject)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3)  # training takes weights to where only a bounded last layer keeps the range
        for given in (images, images.sign()):
            result = run(subject, network, given)
            subject.require(bool(torch.isfinite(result).all()), "with larger weights its result is not finite")
            low, high = float(result.min()), float(result.max())
            subject.require(
                low >= -1 - 1e-4 and high <= 1 + 1e-4,
                f"its result leaves [-1, 1]: with weights three times as large it reaches from {low:.2f} to {high:.2f}",
            )


def check_features_are_maps(subject: Subject) -> None:
    """`features`, where it is provided, gives (N, C_l, h_l, w_l) maps whose C_l do not depend on the size of the image."""
    if subject.lacks("features"):
        return
    network, channels = build_network(subject).eval(), []
    for size in sizes(subject):
        images = noise(2, channels_of(subject)[0], size).requires_grad_()
        with subject.calling(f"features of {tuple(images.shape)}"):
            maps = network.features(images)  # type: ignore[operator]  # a method beside forward
        subject.require(isinstance(maps, tuple) and bool(maps), f"features returned {type(maps).__name__}, not a tuple of maps")
        for index, each in enumerate(maps):
            fits = each.ndim == 4 and len(each) == 2
            subject.require(fits, f"features[{index}] of 2 images has shape {tuple(each.shape)}, not (2, C, h, w)")
            subject.require(each.requires_grad, f"features[{index}] has no gradient: it is detached")
        channels.append([each.shape[1] for each in maps])
    subject.require(
        channels.count(channels[0]) == len(channels), f"the channels of features depend on the image's size: {channels}"
    )


CHECKS = (
    check_keeps_the_size,
    check_gives_the_channels_asked_for,
    check_stays_in_range,
    check_features_are_maps,
    *networks.CHECKS,
)
