"""How the networks are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gantool import Setup
from gantool.components import AdversarialLoss, Draw, PairLoss
from gantool.training import apply_in_eval, restore, state_of

from .options import RecipeOptions


class Training:
    """Each step updates the discriminator once and then the generator once."""

    def __init__(self, *, config: RecipeOptions, parts: Mapping[str, Any]) -> None:
        self.config = config
        self.network: nn.Module = parts["generator"]
        self.discriminator: nn.Module = parts["discriminator"]
        self.adversarial: AdversarialLoss = parts["loss"]
        self.closeness: PairLoss = parts["closeness"]

    def setup(self, setup: Setup) -> None:
        """Place networks and losses, and make optimizers."""
        accelerator = setup.accelerator
        self.backward, self.unwrap = accelerator.backward, accelerator.unwrap_model
        layout = torch.channels_last if setup.channels_last else torch.contiguous_format
        for part in (self.network, self.discriminator, self.adversarial, self.closeness):
            if isinstance(part, nn.Module):
                part.to(accelerator.device, memory_format=layout)  # type: ignore[call-overload]
        if setup.compile:
            self.network.compile()
            self.discriminator.compile()
        self.network, self.optimizer = accelerator.prepare(self.network, self._adam(self.network))
        self.discriminator, self.judge_optimizer = accelerator.prepare(self.discriminator, self._adam(self.discriminator))

    def _adam(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=self.config.learning_rate, betas=(0.5, 0.999))

    def length(self, steps: int) -> int:
        """One call of `step` per step of the user."""
        return steps

    def phase(self, step: int) -> str:
        """There is only one."""
        del step
        return "training"

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """Update the discriminator, then the generator. Figures are detached and stay on the device."""
        del step  # nothing here depends on how far the run is
        synthetic, real = draw.source(), draw.target()
        refined = self.network(synthetic)

        judged = self.adversarial.discriminator(self.discriminator(real), self.discriminator(refined.detach()))
        self.judge_optimizer.zero_grad()
        self.backward(judged)
        self.judge_optimizer.step()

        self.discriminator.requires_grad_(False)
        realism = self.adversarial.generator(self.discriminator(refined))
        closeness = self.closeness(refined, synthetic)
        self.optimizer.zero_grad()
        self.backward(realism + self.config.closeness_weight * closeness)
        self.optimizer.step()
        self.discriminator.requires_grad_(True)

        return {
            "discriminator_loss": judged.detach(),
            "realism_loss": realism.detach(),
            "closeness": closeness.detach(),
        }

    def generator(self) -> nn.Module:
        """The network that `gantool.load` gives back."""
        network: nn.Module = self.unwrap(self.network)
        return network

    def refine(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> the same shape and range."""
        return apply_in_eval(self.generator(), images)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on."""
        return state_of(self._stateful())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        restore(self._stateful(), state)

    def _stateful(self) -> dict[str, Any]:
        return {
            "generator": self.generator(),
            "discriminator": self.unwrap(self.discriminator),
            "optimizer": self.optimizer,
            "discriminator_optimizer": self.judge_optimizer,
        }
