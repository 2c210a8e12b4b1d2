"""How the networks are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gantool import Setup
from gantool.components import AdversarialLoss, Draw, PairLoss
from gantool.training import RecipeBase, discriminator_loss, generate, generator_loss, make_adam

from .options import RecipeOptions


class Training(RecipeBase):
    """Each step updates the discriminator once and then the generator once."""

    def __init__(self, *, config: RecipeOptions, parts: Mapping[str, Any]) -> None:
        self.config = config
        self.network: nn.Module = parts["generator"]
        self.discriminator: nn.Module = parts["discriminator"]
        self.adversarial: AdversarialLoss = parts["loss"]
        self.closeness: PairLoss = parts["closeness"]

    def setup(self, setup: Setup) -> None:
        """Place networks and losses, and make optimizers."""
        rate, prepare = self.config.learning_rate, setup.accelerator.prepare
        self.place(setup, self.network, self.discriminator, others=[self.adversarial, self.closeness])
        self.network, self.optimizer = prepare(self.network, make_adam(self.network, lr=rate, beta1=0.5))
        self.discriminator, self.discriminator_optimizer = prepare(
            self.discriminator, make_adam(self.discriminator, lr=rate, beta1=0.5)
        )

    def phase(self, step: int) -> str:
        """There is only one."""
        del step
        return "training"

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """Update the discriminator, then the generator. Figures are detached and stay on the device."""
        del step  # nothing here depends on how far the run is
        synthetic, real = draw.source(), draw.target().images
        refined = generate(self.network, synthetic)

        loss = discriminator_loss(self.adversarial, self.discriminator, real, refined.detach())
        self.update(self.discriminator_optimizer, loss)

        realism = generator_loss(self.adversarial, self.discriminator, refined, real)
        closeness = self.closeness(refined, synthetic.images)
        self.update(self.optimizer, realism + self.config.closeness_weight * closeness)

        return {
            "discriminator_loss": loss.detach(),
            "realism_loss": realism.detach(),
            "closeness": closeness.detach(),
        }

    def generator(self) -> nn.Module:
        """The network that `gantool.load` gives back."""
        return self.unwrap(self.network)

    def stateful(self) -> dict[str, Any]:
        """Everything that later steps depend on."""
        return {
            "generator": self.network,
            "discriminator": self.discriminator,
            "optimizer": self.optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }
