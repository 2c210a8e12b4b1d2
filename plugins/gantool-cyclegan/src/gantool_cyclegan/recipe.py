"""CycleGAN's training (Zhu, Park, Isola and Efros, ICCV 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from gantool import Batch, Setup
from gantool.components import AdversarialLoss, Draw, PairLoss, Relativistic, ReplayBuffer
from gantool.training import RecipeBase, decay_rates, decayed, discriminator_loss, generate, generator_loss, make_adam

from .options import CycleGANOptions

CONSTANT, FALLING = "constant rate", "falling rate"


class CycleGAN(RecipeBase):
    """Trains G: source → target and F: target → source with a discriminator of each domain.

    Eq. 3 of the paper, ``L = L_GAN(G, D_Y) + L_GAN(F, D_X) + λ L_cyc(G, F)``, and the identity losses of its Section 5.2. G is
    the result of the run.
    """

    def __init__(self, *, config: CycleGANOptions, parts: Mapping[str, Any]) -> None:
        self.config = config
        self.to_target: nn.Module = parts["to_target"]
        self.to_source: nn.Module = parts["to_source"]
        self.target_discriminator: nn.Module = parts["target_discriminator"]
        self.source_discriminator: nn.Module = parts["source_discriminator"]
        self.adversarial: AdversarialLoss | Relativistic = parts["loss"]
        self.cycle: PairLoss = parts["cycle"]
        self.identity: PairLoss = parts["identity"]
        self.target_buffer: ReplayBuffer = parts["target_buffer"]
        self.source_buffer: ReplayBuffer = parts["source_buffer"]

    def setup(self, setup: Setup) -> None:
        """Place networks and make optimizers."""
        config, prepare = self.config, setup.accelerator.prepare
        generators = self.to_target, self.to_source
        discriminators = self.target_discriminator, self.source_discriminator
        self.place(setup, *generators, *discriminators, others=[self.adversarial, self.cycle, self.identity])
        self.generator_optimizer = prepare(make_adam(*generators, lr=config.generator_lr, beta1=config.beta1))
        self.discriminator_optimizer = prepare(make_adam(*discriminators, lr=config.discriminator_lr, beta1=config.beta1))
        self.to_target, self.to_source = prepare(*generators)
        self.target_discriminator, self.source_discriminator = prepare(*discriminators)

    def phase(self, step: int) -> str:
        """Whether the learning rates are constant or fall in step number `step`."""
        return CONSTANT if decayed(step, self.steps, self.config.decay) == 1 else FALLING

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """One update of both generators, then one of both discriminators, on the same images."""
        decay_rates(step, self.steps, self.config.decay, self.generator_optimizer, self.discriminator_optimizer)
        batch, target = draw.source(), draw.target().images
        source = batch.images
        figures, fake_target, fake_source = self.update_generators(batch, target)
        fake_target, fake_source = self.target_buffer.exchange(fake_target), self.source_buffer.exchange(fake_source)
        return figures | self.update_discriminators(source, target, fake_source=fake_source, fake_target=fake_target)

    def update_generators(self, batch: Batch, target: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Step G and F; figures, G(source) and F(target), detached. Images (N, C, H, W) in [-1, 1].

        Only what is made of the source sees conditions: nobody knows any of real images, nor of what F makes of them.
        """
        config, source = self.config, batch.images
        fake_target, fake_source = generate(self.to_target, batch), self.to_source(target)
        realism = generator_loss(self.adversarial, self.target_discriminator, fake_target, target)
        realism = realism + generator_loss(self.adversarial, self.source_discriminator, fake_source, source)
        cycle = self.cycle(self.to_source(fake_target), source) + self.cycle(self.to_target(fake_source), target)
        loss = config.lambda_adversarial * realism + config.lambda_cycle * cycle
        figures = {"realism_loss": realism.detach(), "cycle_loss": cycle.detach()}
        if config.lambda_identity:
            identity = self.identity(self.to_target(target), target) + self.identity(self.to_source(source), source)
            loss = loss + config.lambda_cycle * config.lambda_identity * identity
            figures["identity_loss"] = identity.detach()
        self.update(self.generator_optimizer, loss)
        fake_target, fake_source = fake_target.detach(), fake_source.detach()
        change = (fake_target - source).abs().mean()
        return {"generator_loss": loss.detach(), **figures, "change": change}, fake_target, fake_source

    def update_discriminators(
        self, source: Tensor, target: Tensor, *, fake_source: Tensor, fake_target: Tensor
    ) -> dict[str, Tensor]:
        """Step D_Y on `target` and D_X on `source`, each against generated images of its domain, (N, C, H, W) in [-1, 1]."""
        loss = discriminator_loss(self.adversarial, self.target_discriminator, target, fake_target)
        loss = loss + discriminator_loss(self.adversarial, self.source_discriminator, source, fake_source)
        self.update(self.discriminator_optimizer, loss)
        return {"discriminator_loss": loss.detach()}

    def generator(self) -> nn.Module:
        """G, unwrapped."""
        return self.unwrap(self.to_target)

    def stateful(self) -> dict[str, Any]:
        """Networks, optimizers and buffers."""
        networks = ("to_target", "to_source", "target_discriminator", "source_discriminator")
        others = ("generator_optimizer", "discriminator_optimizer", "target_buffer", "source_buffer")
        return {name: getattr(self, name) for name in (*networks, *others)}
