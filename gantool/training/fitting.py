"""Training a network on images and their targets, where nothing plays against anything. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn


def fit_network(
    build: Callable[[], nn.Module],
    images: Tensor,
    targets: Tensor,
    loss: Callable[[Any, Tensor], Tensor],
    *,
    seed: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    augment: Callable[[Tensor], Tensor] | None = None,
) -> nn.Module:
    """Build a network and train it with Adam and a one-cycle schedule, for a set number of updates.

    All that is drawn follows from `seed`: first weights, the order of images, and what the network draws on a CPU.

    Args:
        build: Makes the network. Layers that it leaves in eval mode or without gradients stay so.
        images: (N, C, H, W) in [-1, 1]. It computes where they are.
        targets: N rows of any shape.
        loss: What the network makes of a batch, and the targets of that batch, to 0-d.
        seed: Decides what is drawn.
        steps: Updates, at least 2 (count).
        batch_size: Images in one update, fewer where there are not so many (count).
        learning_rate: The highest of the schedule.
        augment: Changes the images of each batch, (n, C, H, W) to the same.

    Returns:
        The network, in eval mode, channels-last.
    """
    images = images.contiguous(memory_format=torch.channels_last)

    def draw(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in _batches(len(images), batch_size, generator):
            yield augment(images[rows]) if augment else images[rows], targets[rows]

    return fit_drawn(build, draw, loss, seed=seed, steps=steps, learning_rate=learning_rate, device=images.device)


def fit_drawn(
    build: Callable[[], nn.Module],
    draw: Callable[[torch.Generator], Iterator[tuple[Tensor, Any]]],
    loss: Callable[[Any, Any], Tensor],
    *,
    seed: int,
    steps: int,
    learning_rate: float,
    device: torch.device,
) -> nn.Module:
    """As `fit_network`, with batches from anywhere.

    Args:
        build: As there.
        draw: Yields batches without end, each its images on `device` and whatever `loss` takes; what it draws, it draws from the
            generator that it is given.
        loss: What the network makes of the images, and that, to 0-d.
        seed: As there.
        steps: As there.
        learning_rate: As there.
        device: Where it computes.

    Returns:
        The network, in eval mode, channels-last.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam([weight for weight in network.parameters() if weight.requires_grad])
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
        for images, targets in islice(draw(torch.Generator().manual_seed(seed)), steps):
            optimizer.zero_grad()
            torch.autograd.backward(loss(network(images), targets))
            optimizer.step()
            schedule.step()
    fitted: nn.Module = network.eval()
    return fitted


def _batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers without end: epoch after epoch, each in an order of its own."""
    size = min(size, count)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from order[: count // size * size].reshape(-1, size)
