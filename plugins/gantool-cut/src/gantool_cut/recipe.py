"""CUT's training (Park, Efros, Zhang and Zhu, ECCV 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from gantool import Setup
from gantool.components import AdversarialLoss, Draw, Features, Relativistic, ReplayBuffer
from gantool.training import RecipeBase, decay_rates, decayed, discriminator_loss, generate, generator_loss, make_adam

from .contrast import Projections, draw_places, patch_nce
from .options import CUTOptions

CONSTANT, FALLING = "constant rate", "falling rate"


class CUT(RecipeBase):
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
        config, prepare = self.config, setup.accelerator.prepare
        self.place(setup, self.network, self.discriminator, others=[self.adversarial])
        with torch.no_grad():
            channels = [each.shape[1] for each in cast(Features, self.network).features(setup.sample[:1])]
        self.projections: nn.Module = Projections(channels, width=config.width).to(self.accelerator.device)
        generator_optimizer = make_adam(self.network, self.projections, lr=config.generator_lr, beta1=config.beta1)
        discriminator_optimizer = make_adam(self.discriminator, lr=config.discriminator_lr, beta1=config.beta1)
        self.network, self.projections, self.generator_optimizer = prepare(self.network, self.projections, generator_optimizer)
        self.discriminator, self.discriminator_optimizer = prepare(self.discriminator, discriminator_optimizer)

    def phase(self, step: int) -> str:
        """Whether the learning rates are constant or fall in step number `step`."""
        return CONSTANT if decayed(step, self.steps, self.config.decay) == 1 else FALLING

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """One update of D, then one of G and the projections, on the same images."""
        decay_rates(step, self.steps, self.config.decay, self.generator_optimizer, self.discriminator_optimizer)
        batch, target = draw.source(), draw.target().images
        source, flipped = batch.images, self.config.flip and bool(torch.rand(()) < 0.5)
        if batch.conditions:
            flipped = False  # mirrored normals would point the wrong way
        fake = generate(self.network, replace(batch, images=mirrored(source, flipped)))
        return self.update_discriminator(target, fake) | self.update_generator(source, target, fake, flipped=flipped)

    def update_discriminator(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Step D on real and generated images, (N, C, H, W) in [-1, 1]."""
        fake = self.buffer.exchange(fake.detach())
        loss = discriminator_loss(self.adversarial, self.discriminator, real, fake)
        self.update(self.discriminator_optimizer, loss)
        return {"discriminator_loss": loss.detach()}

    def update_generator(self, source: Tensor, target: Tensor, fake: Tensor, *, flipped: bool) -> dict[str, Tensor]:
        """Step G and the projections. `fake` is G(source), of the mirrored source if `flipped`; (N, C, H, W) in [-1, 1]."""
        config = self.config
        realism = generator_loss(self.adversarial, self.discriminator, fake, target)
        contrast = self.contrast(source, fake, flipped=flipped)
        figures = {"realism_loss": realism.detach(), "contrast_loss": contrast.detach()}
        if config.identity:
            identity = self.contrast(target, self.network(mirrored(target, flipped)), flipped=flipped)
            contrast = (contrast + identity) / 2
            figures["identity_loss"] = identity.detach()
        loss = config.lambda_adversarial * realism + config.lambda_nce * contrast
        self.update(self.generator_optimizer, loss)
        change = (fake.detach() - mirrored(source, flipped)).abs().mean()
        return {"generator_loss": loss.detach(), **figures, "change": change}

    def contrast(self, images: Tensor, translated: Tensor, *, flipped: bool) -> Tensor:
        """Eq. 3: PatchNCE of `translated` (of mirrored images if `flipped`) and `images`, averaged over maps. 0-d."""
        encoder = cast(Features, self.unwrap(self.network))
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
        return self.unwrap(self.network)

    def stateful(self) -> dict[str, Any]:
        """Networks, optimizers and buffer."""
        others = ("projections", "discriminator", "generator_optimizer", "discriminator_optimizer", "buffer")
        return {"generator": self.network} | {name: getattr(self, name) for name in others}


def mirrored(images: Tensor, flipped: bool) -> Tensor:
    """Images or maps, (N, C, H, W), left to right if `flipped`."""
    return images.flip(3) if flipped else images
