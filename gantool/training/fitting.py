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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build().to(images.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
        images = images.contiguous(memory_format=torch.channels_last)
        for rows in _batches(len(images), batch_size, steps, torch.Generator().manual_seed(seed)):
            optimizer.zero_grad()
            batch = augment(images[rows]) if augment else images[rows]
            torch.autograd.backward(loss(network(batch), targets[rows]))
            optimizer.step()
            schedule.step()
    fitted: nn.Module = network.eval()
    return fitted


def _batches(count: int, size: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of every step: epoch after epoch, each in an order of its own."""
    size = min(size, count)

    def epochs() -> Iterator[Tensor]:
        while True:
            order = torch.randperm(count, generator=generator)
            yield from order[: count // size * size].reshape(-1, size)

    return islice(epochs(), steps)
