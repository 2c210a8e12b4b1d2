"""Small tools for the steps of recipes: public, for every plugin. Imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn


def make_adam(*networks: nn.Module, lr: float, beta1: float) -> torch.optim.Adam:
    """Adam with β₂ = 0.999 for all weights of `networks`, in its fused form where there is one."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, 0.999), fused=has_fused(parameters))


def has_fused(parameters: Iterable[torch.Tensor]) -> bool:
    """Whether torch has fused optimizers for the device of these weights."""
    return next(iter(parameters)).device.type in ("cpu", "cuda")


def decayed(step: int, steps: int, decay: float) -> float:
    """Part of the learning rate left in step number `step` (from 0) of `steps`.

    1, and over the last `decay` · `steps` of them linearly less, so that it would be 0 in the one after the last.
    """
    return min(1.0, max(0, steps - step) / max(1.0, decay * steps)) if decay else 1.0


def set_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give all weights of `optimizer` this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Spare the weights of networks their gradients. Under DDP this also keeps them out of the all-reduce."""
    for network in networks:
        network.requires_grad_(False)
    try:
        yield
    finally:
        for network in networks:
            network.requires_grad_(True)


def in_parts(
    accelerator: Accelerator, networks: Sequence[nn.Module], count: int, *batches: Tensor
) -> Iterator[tuple[Tensor, ...]]:
    """Work through batches of one length in `count` equal parts, of which only one at a time needs memory.

    Yields a part of each. Call `accelerator.backward(loss / count)` for each, and step the optimizer after the last: gradients
    then are those of the mean loss of the whole batch. `networks`: all that a part goes through. Their buffers, such as the
    vectors of a spectral norm, are put back before each further part, so that every part meets the same weights. In a run on
    several GPUs gradients go from one to the others with the last part only. Do not leave the loop early.
    """
    if count == 1:
        yield batches
        return
    buffers = [buffer for network in networks for buffer in network.buffers()]
    before = [buffer.clone() for buffer in buffers]
    for number, part in enumerate(zip(*(batch.chunk(count) for batch in batches), strict=True), 1):
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
        with ExitStack() as stack:
            for network in networks if number < count else ():
                stack.enter_context(accelerator.no_sync(network))
            yield part


def mean_of(figures: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The means of the figures (0-d) of all parts of a batch, by name."""
    rows = list(figures)
    if len(rows) == 1:
        return dict(rows[0])
    return {name: torch.stack([row[name] for row in rows]).mean() for name in rows[0]}


@torch.no_grad()
def apply_in_eval(network: nn.Module, images: Tensor) -> Tensor:
    """(N, C, H, W) through `network` in eval mode, without gradients; its mode is then what it was."""
    training = network.training
    result: Tensor = network.eval()(images)
    network.train(training)
    return result


def state_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The state of everything that later steps depend on: networks, optimizers and buffers by name."""
    return {name: part.state_dict() for name, part in parts.items()}


def restore(parts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Give `parts` back what `state_of` returned. Raises `KeyError` for one that is missing there."""
    for name, part in parts.items():
        part.load_state_dict(state[name])
