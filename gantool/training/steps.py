"""Small tools for the steps of recipes: public, for every plugin. Imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVarTuple, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..components import AdversarialLoss, Batch, Penalty, Relativistic

Batches = TypeVarTuple("Batches")
"""Each a tensor of N rows, or a `gantool.Batch`."""


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


def decay_rates(step: int, steps: int, decay: float, *optimizers: torch.optim.Optimizer) -> None:
    """Give all weights of `optimizers` the part of their first learning rate that `decayed` says."""
    left = decayed(step, steps, decay)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * left


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Spare the weights of networks their gradients, then give them back to those that had some.

    A layer that its owner froze stays frozen. Under DDP this also keeps them out of the all-reduce.
    """
    trained = [weight for network in networks for weight in network.parameters() if weight.requires_grad]
    for weight in trained:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)


def generator_loss(loss: AdversarialLoss | Relativistic, discriminator: nn.Module, fake: Tensor, real: Tensor) -> Tensor:
    """The generator's term of either kind of adversarial loss.

    Args:
        loss: A plain one, or one that compares with real images and so "needs" `relativistic`.
        discriminator: Left as it is: the gradient goes to `fake` alone.
        fake: Generated images, (N, C, H, W) in [-1, 1].
        real: Real ones, which a plain loss does not look at.

    Returns:
        0-d.
    """
    with frozen(discriminator):
        if isinstance(loss, Relativistic):
            return loss.relative_generator(discriminator(real), discriminator(fake))
        return loss.generator(discriminator(fake))


def discriminator_loss(loss: AdversarialLoss | Relativistic, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's term of an adversarial loss, with the penalty of one that has one.

    Args:
        loss: Any adversarial loss, also one that "needs" `penalty`.
        discriminator: Gets the gradient.
        real: Real images, (N, C, H, W) in [-1, 1].
        fake: Generated ones, without a graph.

    Returns:
        0-d.
    """
    term = loss.discriminator(discriminator(real), discriminator(fake))
    return term + loss.penalty(discriminator, real, fake) if isinstance(loss, Penalty) else term


def in_parts(
    accelerator: Accelerator, networks: Sequence[nn.Module], count: int, *batches: *Batches
) -> Iterator[tuple[*Batches]]:
    """Work through batches of one length, tensors or `gantool.Batch`, in `count` equal parts, of which only one at a time needs
    memory.

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
    parts = zip(*(cast(Any, batch).chunk(count) for batch in batches), strict=True)
    for number, part in enumerate(parts, 1):
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
        with ExitStack() as stack:
            for network in networks if number < count else ():
                stack.enter_context(accelerator.no_sync(network))
            yield cast("tuple[*Batches]", part)


def mean_of(figures: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The means of the figures (0-d) of all parts of a batch, by name."""
    rows = list(figures)
    if len(rows) == 1:
        return dict(rows[0])
    return {name: torch.stack([row[name] for row in rows]).mean() for name in rows[0]}


def generate(network: nn.Module, batch: Batch) -> Tensor:
    """What a generator makes of a batch, (N, C, H, W) in [-1, 1]: of its images, and of conditions and noise that come with them.

    Any generator can be called so: one that is not conditioned never gets a batch with conditions, nor noise if it takes none.
    """
    with_them = {"conditions": batch.conditions or None, "noise": batch.noise}
    refined: Tensor = network(batch.images, **{name: value for name, value in with_them.items() if value is not None})
    return refined


@torch.no_grad()
def apply_in_eval(network: nn.Module, batch: Batch) -> Tensor:
    """What a generator makes of a batch in eval mode, without gradients; its modules are then in the modes that they were in."""
    training = [module for module in network.modules() if module.training]
    try:
        result = generate(network.eval(), batch)
    finally:
        for module in training:
            module.training = True
    return result
