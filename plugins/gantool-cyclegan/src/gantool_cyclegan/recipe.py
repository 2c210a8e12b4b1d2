"""CycleGAN's training (Zhu, Park, Isola and Efros, ICCV 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gantool import Setup
from gantool.components import AdversarialLoss, Draw, PairLoss, Penalty, Relativistic, ReplayBuffer
from gantool.training import apply_in_eval, decayed, frozen, make_adam, restore, set_rate, state_of

from .options import CycleGANOptions

CONSTANT, FALLING = "constant rate", "falling rate"


class CycleGAN:
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
        accelerator, config = setup.accelerator, self.config
        self.backward = accelerator.backward
        self.unwrap = accelerator.unwrap_model
        self.steps = setup.length
        generators = [self.to_target, self.to_source]
        discriminators = [self.target_discriminator, self.source_discriminator]
        for loss in (self.adversarial, self.cycle, self.identity):
            if isinstance(loss, nn.Module):
                loss.to(accelerator.device)
        layout = torch.channels_last if setup.channels_last else torch.contiguous_format
        for network in (*generators, *discriminators):
            network.to(accelerator.device).to(memory_format=layout)  # type: ignore[call-overload]
            if setup.compile:
                network.compile()
        self.generator_optimizer = accelerator.prepare(make_adam(*generators, lr=config.generator_lr, beta1=config.beta1))
        self.discriminator_optimizer = accelerator.prepare(
            make_adam(*discriminators, lr=config.discriminator_lr, beta1=config.beta1)
        )
        self.to_target, self.to_source = accelerator.prepare(*generators)
        self.target_discriminator, self.source_discriminator = accelerator.prepare(*discriminators)

    def length(self, steps: int) -> int:
        """Calls of `step` for `steps` updates of the discriminators: as many."""
        return steps

    def phase(self, step: int) -> str:
        """Whether the learning rates are constant or fall in step number `step`."""
        return CONSTANT if decayed(step, self.steps, self.config.decay) == 1 else FALLING

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """One update of both generators, then one of both discriminators, on the same images."""
        left = decayed(step, self.steps, self.config.decay)
        set_rate(self.generator_optimizer, self.config.generator_lr * left)
        set_rate(self.discriminator_optimizer, self.config.discriminator_lr * left)
        source, target = draw.source(), draw.target()
        figures, fake_target, fake_source = self.update_generators(source, target)
        fake_target, fake_source = self.target_buffer.exchange(fake_target), self.source_buffer.exchange(fake_source)
        return figures | self.update_discriminators(source, target, fake_source=fake_source, fake_target=fake_target)

    def update_generators(self, source: Tensor, target: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Step G and F; figures, G(source) and F(target), detached. Images (N, C, H, W) in [-1, 1]."""
        config = self.config
        fake_target, fake_source = self.to_target(source), self.to_source(target)
        with frozen(self.target_discriminator, self.source_discriminator):
            realism = self.realism(self.target_discriminator, fake_target, target)
            realism = realism + self.realism(self.source_discriminator, fake_source, source)
        cycle = self.cycle(self.to_source(fake_target), source) + self.cycle(self.to_target(fake_source), target)
        loss = config.lambda_adversarial * realism + config.lambda_cycle * cycle
        figures = {"realism_loss": realism.detach(), "cycle_loss": cycle.detach()}
        if config.lambda_identity:
            identity = self.identity(self.to_target(target), target) + self.identity(self.to_source(source), source)
            loss = loss + config.lambda_cycle * config.lambda_identity * identity
            figures["identity_loss"] = identity.detach()
        self.generator_optimizer.zero_grad()
        self.backward(loss)
        self.generator_optimizer.step()
        fake_target, fake_source = fake_target.detach(), fake_source.detach()
        change = (fake_target - source).abs().mean()
        return {"generator_loss": loss.detach(), **figures, "change": change}, fake_target, fake_source

    def update_discriminators(
        self, source: Tensor, target: Tensor, *, fake_source: Tensor, fake_target: Tensor
    ) -> dict[str, Tensor]:
        """Step D_Y on `target` and D_X on `source`, each against generated images of its domain, (N, C, H, W) in [-1, 1]."""
        loss = self.judgement(self.target_discriminator, target, fake_target)
        loss = loss + self.judgement(self.source_discriminator, source, fake_source)
        self.discriminator_optimizer.zero_grad()
        self.backward(loss)
        self.discriminator_optimizer.step()
        return {"discriminator_loss": loss.detach()}

    def realism(self, discriminator: nn.Module, fake: Tensor, real: Tensor) -> Tensor:
        """A generator's loss for images that `discriminator`, whose weights are frozen, judges. 0-d."""
        if isinstance(self.adversarial, Relativistic):
            return self.adversarial.relative_generator(discriminator(real), discriminator(fake))
        return self.adversarial.generator(discriminator(fake))

    def judgement(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        """A discriminator's loss. 0-d."""
        loss = self.adversarial.discriminator(discriminator(real), discriminator(fake))
        if isinstance(self.adversarial, Penalty):
            loss = loss + self.adversarial.penalty(discriminator, real, fake)
        return loss

    def generator(self) -> nn.Module:
        """G, unwrapped."""
        network: nn.Module = self.unwrap(self.to_target)
        return network

    def refine(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> G of it, same shape and range."""
        return apply_in_eval(self.generator(), images)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on."""
        return state_of(self._stateful())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        restore(self._stateful(), state)

    def _stateful(self) -> dict[str, Any]:
        networks = ("to_target", "to_source", "target_discriminator", "source_discriminator")
        others = ("generator_optimizer", "discriminator_optimizer", "target_buffer", "source_buffer")
        parts = {name: self.unwrap(getattr(self, name)) for name in networks}
        return parts | {name: getattr(self, name) for name in others}
