"""CUT's training (Park, Efros, Zhang and Zhu, ECCV 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from gantool import Setup
from gantool.components import AdversarialLoss, Draw, Features, Penalty, Relativistic, ReplayBuffer
from gantool.training import apply_in_eval, decayed, frozen, make_adam, restore, set_rate, state_of

from .contrast import Projections, draw_places, patch_nce
from .options import CUTOptions

CONSTANT, FALLING = "constant rate", "falling rate"


class CUT:
    """Trains G: source → target so that each patch of G(x) says more about the patch of x in its place than about others.

    Eq. 4 of the paper, ``L = L_GAN(G, D, X, Y) + λ_X L_PatchNCE(G, H, X) + λ_Y L_PatchNCE(G, H, Y)``. G's encoder is half of
    what compares; H, the other half, is made in `setup` for the maps that the encoder gives.
    """

    def __init__(self, *, config: CUTOptions, parts: Mapping[str, Any]) -> None:
        self.config = config
        self.network: nn.Module = parts["generator"]
        self.discriminator: nn.Module = parts["discriminator"]
        self.adversarial: AdversarialLoss | Relativistic = parts["loss"]
        self.buffer: ReplayBuffer = parts["buffer"]

    def setup(self, setup: Setup) -> None:
        """Place networks, size the projections by a sample, make optimizers."""
        self.accelerator, config = setup.accelerator, self.config
        self.steps = setup.length
        if isinstance(self.adversarial, nn.Module):
            self.adversarial.to(self.accelerator.device)
        layout = torch.channels_last if setup.channels_last else torch.contiguous_format
        for network in (self.network, self.discriminator):
            network.to(self.accelerator.device).to(memory_format=layout)  # type: ignore[call-overload]
        with torch.no_grad():
            channels = [each.shape[1] for each in cast(Features, self.network).features(setup.sample[:1])]
        self.projections: nn.Module = Projections(channels, width=config.width).to(self.accelerator.device)
        if setup.compile:
            self.network.compile()
            self.discriminator.compile()
        generator_optimizer = make_adam(self.network, self.projections, lr=config.generator_lr, beta1=config.beta1)
        discriminator_optimizer = make_adam(self.discriminator, lr=config.discriminator_lr, beta1=config.beta1)
        self.network, self.projections, self.generator_optimizer = self.accelerator.prepare(
            self.network, self.projections, generator_optimizer
        )
        self.discriminator, self.discriminator_optimizer = self.accelerator.prepare(self.discriminator, discriminator_optimizer)

    def length(self, steps: int) -> int:
        """Calls of `step` for `steps` updates of the discriminator: as many."""
        return steps

    def phase(self, step: int) -> str:
        """Whether the learning rates are constant or fall in step number `step`."""
        return CONSTANT if decayed(step, self.steps, self.config.decay) == 1 else FALLING

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """One update of D, then one of G and the projections, on the same images."""
        left = decayed(step, self.steps, self.config.decay)
        set_rate(self.generator_optimizer, self.config.generator_lr * left)
        set_rate(self.discriminator_optimizer, self.config.discriminator_lr * left)
        source, target = draw.source(), draw.target()
        flipped = self.config.flip and bool(torch.rand(()) < 0.5)
        fake = self.network(mirrored(source, flipped))
        return self.update_discriminator(target, fake) | self.update_generator(source, target, fake, flipped=flipped)

    def update_discriminator(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Step D on real and generated images, (N, C, H, W) in [-1, 1]."""
        fake = self.buffer.exchange(fake.detach())
        loss = self.adversarial.discriminator(self.discriminator(real), self.discriminator(fake))
        if isinstance(self.adversarial, Penalty):
            loss = loss + self.adversarial.penalty(self.discriminator, real, fake)
        self.discriminator_optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.discriminator_optimizer.step()
        return {"discriminator_loss": loss.detach()}

    def update_generator(self, source: Tensor, target: Tensor, fake: Tensor, *, flipped: bool) -> dict[str, Tensor]:
        """Step G and the projections. `fake` is G(source), of the mirrored source if `flipped`; (N, C, H, W) in [-1, 1]."""
        config = self.config
        with frozen(self.discriminator):
            realism = self.realism(fake, target)
        contrast = self.contrast(source, fake, flipped=flipped)
        figures = {"realism_loss": realism.detach(), "contrast_loss": contrast.detach()}
        if config.identity:
            identity = self.contrast(target, self.network(mirrored(target, flipped)), flipped=flipped)
            contrast = (contrast + identity) / 2
            figures["identity_loss"] = identity.detach()
        loss = config.lambda_adversarial * realism + config.lambda_nce * contrast
        self.generator_optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.generator_optimizer.step()
        change = (fake.detach() - mirrored(source, flipped)).abs().mean()
        return {"generator_loss": loss.detach(), **figures, "change": change}

    def realism(self, fake: Tensor, real: Tensor) -> Tensor:
        """G's adversarial loss; the weights of D are frozen. 0-d."""
        if isinstance(self.adversarial, Relativistic):
            return self.adversarial.relative_generator(self.discriminator(real), self.discriminator(fake))
        return self.adversarial.generator(self.discriminator(fake))

    def contrast(self, images: Tensor, translated: Tensor, *, flipped: bool) -> Tensor:
        """Eq. 3: PatchNCE of `translated` (of mirrored images if `flipped`) and `images`, averaged over maps. 0-d."""
        encoder = self.accelerator.unwrap_model(self.network)
        # A method of its own, so accelerate's mixed precision, which wraps forward, does not reach it.
        with self.accelerator.autocast():
            queries = [mirrored(each, flipped) for each in encoder.features(translated)]
            with torch.no_grad():
                keys = encoder.features(images)
        places = draw_places(keys, self.config.patches)
        with torch.no_grad():
            keys = self.projections(keys, places)
        pairs = zip(self.projections(queries, places), keys, strict=True)
        return torch.stack([patch_nce(query, key, temperature=self.config.temperature) for query, key in pairs]).mean()

    def generator(self) -> nn.Module:
        """G, unwrapped."""
        network: nn.Module = self.accelerator.unwrap_model(self.network)
        return network

    def refine(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> G of it, same shape and range."""
        return apply_in_eval(self.generator(), images)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on, beside torch's own generator, which the host keeps."""
        return state_of(self._stateful())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        restore(self._stateful(), state)

    def _stateful(self) -> dict[str, Any]:
        unwrap = self.accelerator.unwrap_model
        return {
            "generator": unwrap(self.network),
            "projections": unwrap(self.projections),
            "discriminator": unwrap(self.discriminator),
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "buffer": self.buffer,
        }


def mirrored(images: Tensor, flipped: bool) -> Tensor:
    """Images or maps, (N, C, H, W), left to right if `flipped`."""
    return images.flip(3) if flipped else images
