"""SimGAN's training: Algorithm 1 of Shrivastava et al., CVPR 2017."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gantool import Batch, Setup
from gantool.components import AdversarialLoss, Draw, Penalty, ReplayBuffer
from gantool.training import RecipeBase, decay_rates, frozen, generate, has_fused, make_adam, mean_of

from .options import SimGANOptions

REFINER_WARMUP, DISCRIMINATOR_WARMUP, ADVERSARIAL = "refiner warm-up", "discriminator warm-up", "adversarial"


class SimGAN(RecipeBase):
    """Trains a refiner R against a discriminator D that sees half current and half earlier refined images.

    The adversarial term and the self-regularization are parts; their sum is Eq. 4 of the paper,
    ``L_R = l_real(R(x)) + λ l_reg(R(x), x)``. D follows Eq. 2.
    """

    def __init__(self, *, config: SimGANOptions, parts: Mapping[str, Any]) -> None:
        self.config = config
        self.refiner: nn.Module = parts["generator"]
        self.discriminator: nn.Module = parts["discriminator"]
        self.adversarial: AdversarialLoss = parts["loss"]
        self.regularization: Any = parts["regularization"]
        self.history: ReplayBuffer = parts["buffer"]

    def setup(self, setup: Setup) -> None:
        """Place networks and make optimizers."""
        config, prepare = self.config, setup.accelerator.prepare
        self.place(setup, self.refiner, self.discriminator, others=[self.adversarial, self.regularization])
        # Refined batches of this round that D may be shown, the newest last.
        self.reusable: deque[Tensor] = deque(maxlen=config.discriminator_updates if config.reuse_refined else 0)
        self.average = copy.deepcopy(self.refiner).requires_grad_(False).eval() if config.average else None
        self.refiner, self.refiner_optimizer = prepare(self.refiner, make_optimizer(self.refiner, config, config.refiner_lr))
        self.discriminator, self.discriminator_optimizer = prepare(
            self.discriminator, make_optimizer(self.discriminator, config, config.discriminator_lr)
        )

    def length(self, steps: int) -> int:
        """Calls of `step` for `steps` discriminator updates after the warm-ups."""
        rounds = -(-steps // self.config.discriminator_updates)
        return self.config.refiner_warmup + self.config.discriminator_warmup + rounds

    def phase(self, step: int) -> str:
        """Name of the phase that step number `step` belongs to."""
        if step < self.config.refiner_warmup:
            return REFINER_WARMUP
        if step < self.config.refiner_warmup + self.config.discriminator_warmup:
            return DISCRIMINATOR_WARMUP
        return ADVERSARIAL

    def step(self, step: int, draw: Draw) -> dict[str, Tensor]:
        """One round of Algorithm 1: K_g updates of R, then K_d of D. In a warm-up, one update of R or of D alone."""
        phase = self.phase(step)
        decay_rates(step, self.steps, self.config.decay, self.refiner_optimizer, self.discriminator_optimizer)
        self.reusable.clear()
        if phase == REFINER_WARMUP:
            return self.update_refiner(draw.source(), adversarial=False)
        if phase == DISCRIMINATOR_WARMUP:
            return self.update_discriminator(self.refined(draw), draw.target().images)
        figures: dict[str, Tensor] = {}
        for _ in range(self.config.refiner_updates):
            figures |= self.update_refiner(draw.source())
        for _ in range(self.config.discriminator_updates):
            figures |= self.update_discriminator(self.refined(draw), draw.target().images)
        return figures

    def update_refiner(self, synthetic: Batch, *, adversarial: bool = True) -> dict[str, Tensor]:
        """Step R on Eq. 4 (on its regularization alone in the warm-up)."""
        rows, made = [], []
        self.refiner_optimizer.zero_grad()
        for (part,) in self.in_parts((self.refiner, self.discriminator), synthetic):
            refined = generate(self.refiner, part)
            loss, figures = self.refiner_loss(refined, part.images, adversarial=adversarial)
            self.accelerator.backward(loss / self.accumulate)
            rows.append({"refiner_loss": loss.detach(), **figures})
            made.append(refined.detach())
        self.refiner_optimizer.step()
        self.update_average()
        self.reusable.append(joined(made))
        return mean_of(rows)

    def refiner_loss(self, refined: Tensor, synthetic: Tensor, *, adversarial: bool) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 4, 0-d, and its figures; or its regularization alone. Both: (N, C, H, W) in [-1, 1]."""
        regularization = self.regularization(refined, synthetic)
        loss = self.config.lambda_reg * regularization
        figures = {"regularization": regularization.detach(), "change": (refined.detach() - synthetic).abs().mean()}
        if adversarial:
            with frozen(self.discriminator):
                realism = self.adversarial.generator(self.discriminator(refined))
            loss = loss + realism
            figures["realism_loss"] = realism.detach()
        return loss, figures

    @torch.no_grad()
    def refined(self, draw: Draw) -> Tensor:
        """What R makes of the next synthetic batch, (N, C, H, W) in [-1, 1]; with `reuse_refined`, what it made in this round."""
        if self.reusable:
            return self.reusable.pop()
        return joined([generate(self.refiner, part) for (part,) in self.in_parts((self.refiner,), draw.source())])

    def update_discriminator(self, refined: Tensor, real: Tensor) -> dict[str, Tensor]:
        """Step D on Eq. 2, with half of the refined images from the history. Both: (N, C, H, W) in [-1, 1]."""
        # The history is shown the whole batch at once, so that it does not depend on the number of parts.
        refined = self.history.exchange(refined)
        rows = []
        self.discriminator_optimizer.zero_grad()
        for pair in self.in_parts((self.discriminator,), real, refined):
            loss, figures = self.discriminator_loss(*pair)
            self.accelerator.backward(loss / self.accumulate)
            rows.append({"discriminator_loss": loss.detach(), **figures})
        self.discriminator_optimizer.step()
        return mean_of(rows)

    def discriminator_loss(self, real: Tensor, refined: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 2, 0-d, with the penalty of a loss that has one, and its figures. Both: (N, C, H, W) in [-1, 1]."""
        real_logits, refined_logits = self.logits(real, refined)
        loss = self.adversarial.discriminator(real_logits, refined_logits)
        if isinstance(self.adversarial, Penalty):
            loss = loss + self.adversarial.penalty(self.discriminator, real, refined)
        return loss, {
            "accuracy_real": (real_logits.detach() > 0).float().mean(),
            "accuracy_refined": (refined_logits.detach() < 0).float().mean(),
        }

    def logits(self, real: Tensor, refined: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits (N, 1, h, w) of both, from a forward pass each or, with `joint_batch`, from one."""
        if not self.config.joint_batch:
            return self.discriminator(real), self.discriminator(refined)
        logits = self.discriminator(torch.cat((real, refined)))
        return logits[: len(real)], logits[len(real) :]

    @torch.no_grad()
    def update_average(self) -> None:
        """Let the averaged refiner follow R."""
        if self.average is not None:
            refiner = self.unwrap(self.refiner)
            ours: list[Tensor] = list(self.average.parameters())
            torch._foreach_lerp_(ours, list(refiner.parameters()), 1 - self.config.average)
            for own, current in zip(self.average.buffers(), refiner.buffers(), strict=True):
                own.copy_(current)  # statistics, such as those of a batch norm, are averages already

    def generator(self) -> nn.Module:
        """The refiner that a finished run hands over: the average of R's weights over time, or R itself."""
        return self.unwrap(self.refiner) if self.average is None else self.average

    def stateful(self) -> dict[str, Any]:
        """Networks, optimizers and history."""
        names = ("refiner", "discriminator", "refiner_optimizer", "discriminator_optimizer", "history", "average")
        return {name: part for name in names if (part := getattr(self, name)) is not None}


def joined(parts: list[Tensor]) -> Tensor:
    """The parts of a batch as one, without a copy where there is one."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def make_optimizer(network: nn.Module, config: SimGANOptions, lr: float) -> torch.optim.Optimizer:
    """Make the optimizer that `config` names for all weights of `network`, in its fused form where there is one."""
    if config.optimizer == "sgd":
        weights = list(network.parameters())
        return torch.optim.SGD(weights, lr=lr, momentum=config.momentum, fused=has_fused(weights))
    return make_adam(network, lr=lr, beta1=config.beta1)
