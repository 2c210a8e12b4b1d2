"""What recipes have in common, so that one says only what is its own: its networks, their state and the step. Imports torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..components import Batch, Draw, Setup
from .steps import Batches, apply_in_eval, in_parts


class RecipeBase(ABC):
    """A `gantool.components.TrainingRecipe` without `setup`, `step`, `generator` and what its state consists of.

    A subclass calls `place` first in its `setup`; the attributes are there from then on.

    Example::

        class Training(RecipeBase):
            def __init__(self, *, config, parts):
                self.network, self.discriminator, self.loss = parts["generator"], parts["discriminator"], parts["loss"]

            def setup(self, setup):
                self.place(setup, self.network, self.discriminator, others=[self.loss])
                optimizer = make_adam(self.network, lr=2e-4, beta1=0.5)
                self.network, self.optimizer = self.accelerator.prepare(self.network, optimizer)
    """

    accelerator: Accelerator
    steps: int
    """Calls of `step` in the whole run."""
    accumulate: int
    """Parts in which each update takes its batch, as `in_parts` does."""

    @abstractmethod
    def setup(self, setup: Setup) -> None:
        """Place networks, make optimizers. Called once, before `load_state_dict` and the first step."""

    @abstractmethod
    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """Do call number `step` (from 0): figures as detached 0-d tensors."""

    @abstractmethod
    def generator(self) -> nn.Module:
        """The network that a run hands over, unwrapped."""

    @abstractmethod
    def stateful(self) -> Mapping[str, Any]:
        """Networks, optimizers and buffers by name: all that later steps depend on. A network that fills a slot has its name."""

    def place(self, setup: Setup, *networks: nn.Module, others: Iterable[Any] = ()) -> None:
        """Bring networks to the run's device, lay them out and compile them, as `setup` says.

        Args:
            setup: What the host gave.
            networks: All that are trained, before they are prepared by the accelerator.
            others: Parts that may have to be moved, too, such as losses. Those that are no modules stay as they are.
        """
        self.accelerator, self.steps, self.accumulate = setup.accelerator, setup.length, setup.accumulate
        for part in (*networks, *others):
            if isinstance(part, nn.Module):
                part.to(setup.accelerator.device)
        for network in networks:
            network.to(memory_format=torch.channels_last if setup.channels_last else torch.contiguous_format)  # type: ignore[call-overload]
            if setup.compile:
                network.compile()

    def unwrap(self, network: nn.Module) -> nn.Module:
        """A network without what the accelerator wrapped it in."""
        bare: nn.Module = self.accelerator.unwrap_model(network)
        return bare

    def in_parts(self, networks: Sequence[nn.Module], *batches: *Batches) -> Iterator[tuple[*Batches]]:
        """Work through batches of one length, tensors or `gantool.Batch`, in as many parts as the user asked for, as
        `gantool.training.in_parts` does.

        Call `accelerator.backward(loss / self.accumulate)` for each.
        """
        return in_parts(self.accelerator, networks, self.accumulate, *batches)

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """One update of the weights of `optimizer` by the gradient of a loss, 0-d, of the whole batch."""
        optimizer.zero_grad()
        self.accelerator.backward(loss)
        optimizer.step()

    def length(self, steps: int) -> int:
        """Calls of `step` for the user's `--steps`: as many."""
        return steps

    def refine(self, batch: Batch) -> Tensor:
        """What `generator` makes of a batch, (N, C, H, W) in [-1, 1], without gradients."""
        return apply_in_eval(self.generator(), batch)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on, beside torch's own generator, which the host keeps."""
        return {name: part.state_dict() for name, part in self._unwrapped()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned. Raises `KeyError` for a part that is missing there."""
        for name, part in self._unwrapped():
            part.load_state_dict(state[name])

    def _unwrapped(self) -> Iterator[tuple[str, Any]]:
        for name, part in self.stateful().items():
            yield name, self.unwrap(part) if isinstance(part, nn.Module) else part
