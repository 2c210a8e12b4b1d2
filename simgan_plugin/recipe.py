"""SimGAN's training: Algorithm 1 of Shrivastava et al., CVPR 2017."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gantool import Setup
from gantool.components import AdversarialLoss, Draw, Penalty, ReplayBuffer
from gantool.training import apply_in_eval, decayed, frozen, in_parts, mean_of, restore, set_rate, state_of

from .optimizers import make_optimizer
from .recipe_options import SimGANOptions

REFINER_WARMUP, DISCRIMINATOR_WARMUP, ADVERSARIAL = "refiner warm-up", "discriminator warm-up", "adversarial"


class SimGAN:
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
        accelerator, config = setup.accelerator, self.config
        self.backward = accelerator.backward
        self.unwrap = accelerator.unwrap_model
        self.rounds = setup.length
        # Refined batches of this round that D may be shown, the newest last.
        self.reusable: deque[Tensor] = deque(maxlen=config.discriminator_updates if config.reuse_refined else 0)
        self.accelerator, self.parts = accelerator, setup.accumulate
        for network in (self.refiner, self.discriminator, self.regularization):
            if isinstance(network, nn.Module):
                network.to(accelerator.device)
        layout = torch.channels_last if setup.channels_last else torch.contiguous_format
        for network in (self.refiner, self.discriminator):
            network.to(memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.refiner).requires_grad_(False).eval() if config.average else None
        if setup.compile:
            self.refiner.compile()
            self.discriminator.compile()
        refiner_optimizer = make_optimizer(self.refiner, config, lr=config.refiner_lr)
        discriminator_optimizer = make_optimizer(self.discriminator, config, lr=config.discriminator_lr)
        self.refiner, self.refiner_optimizer = accelerator.prepare(self.refiner, refiner_optimizer)
        self.discriminator, self.discriminator_optimizer = accelerator.prepare(self.discriminator, discriminator_optimizer)

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
        self.set_rates(step)
        self.reusable.clear()
        if phase == REFINER_WARMUP:
            return self.update_refiner(draw.source(), adversarial=False)
        if phase == DISCRIMINATOR_WARMUP:
            return self.update_discriminator(self.refined(draw), draw.target())
        figures: dict[str, Tensor] = {}
        for _ in range(self.config.refiner_updates):
            figures |= self.update_refiner(draw.source())
        for _ in range(self.config.discriminator_updates):
            figures |= self.update_discriminator(self.refined(draw), draw.target())
        return figures

    def update_refiner(self, synthetic: Tensor, *, adversarial: bool = True) -> dict[str, Tensor]:
        """Step R on Eq. 4 (on its regularization alone in the warm-up). `synthetic`: (N, C, H, W) in [-1, 1]."""
        rows, made = [], []
        self.refiner_optimizer.zero_grad()
        for (images,) in self.in_parts((self.refiner, self.discriminator), synthetic):
            refined = self.refiner(images)
            loss, figures = self.refiner_loss(refined, images, adversarial=adversarial)
            self.backward(loss / self.parts)
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
        return joined([self.refiner(images) for (images,) in self.in_parts((self.refiner,), draw.source())])

    def update_discriminator(self, refined: Tensor, real: Tensor) -> dict[str, Tensor]:
        """Step D on Eq. 2, with half of the refined images from the history. Both: (N, C, H, W) in [-1, 1]."""
        # The history is shown the whole batch at once, so that it does not depend on the number of parts.
        refined = self.history.exchange(refined)
        rows = []
        self.discriminator_optimizer.zero_grad()
        for pair in self.in_parts((self.discriminator,), real, refined):
            loss, figures = self.discriminator_loss(*pair)
            self.backward(loss / self.parts)
            rows.append({"discriminator_loss": loss.detach(), **figures})
        self.discriminator_optimizer.step()
        return mean_of(rows)

    def discriminator_loss(self, real: Tensor, refined: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Eq. 2, 0-d, with the penalty of a loss that has one, and its figures. Both: (N, C, H, W) in [-1, 1]."""
        real_logits, refined_logits = self.judge(real, refined)
        loss = self.adversarial.discriminator(real_logits, refined_logits)
        if isinstance(self.adversarial, Penalty):
            loss = loss + self.adversarial.penalty(self.discriminator, real, refined)
        return loss, {
            "accuracy_real": (real_logits.detach() > 0).float().mean(),
            "accuracy_refined": (refined_logits.detach() < 0).float().mean(),
        }

    def judge(self, real: Tensor, refined: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits (N, 1, h, w) of both, from a forward pass each or, with `joint_batch`, from one."""
        if not self.config.joint_batch:
            return self.discriminator(real), self.discriminator(refined)
        logits = self.discriminator(torch.cat((real, refined)))
        return logits[: len(real)], logits[len(real) :]

    def in_parts(self, networks: Sequence[nn.Module], *batches: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """See `gantool.training.in_parts`."""
        return in_parts(self.accelerator, networks, self.parts, *batches)

    def set_rates(self, step: int) -> None:
        """Let both learning rates fall to 0 over the last part of the run that `decay` says."""
        left = decayed(step, self.rounds, self.config.decay)
        set_rate(self.refiner_optimizer, self.config.refiner_lr * left)
        set_rate(self.discriminator_optimizer, self.config.discriminator_lr * left)

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
        network: nn.Module = self.unwrap(self.refiner) if self.average is None else self.average
        return network

    def refine(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> refined, same shape and range."""
        return apply_in_eval(self.generator(), images)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later steps depend on."""
        return state_of(self._stateful())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        restore(self._stateful(), state)

    def _stateful(self) -> dict[str, Any]:
        parts = {
            "refiner": self.unwrap(self.refiner),
            "discriminator": self.unwrap(self.discriminator),
            "refiner_optimizer": self.refiner_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "history": self.history,
        }
        return parts if self.average is None else {**parts, "average": self.average}


def joined(parts: list[Tensor]) -> Tensor:
    """The parts of a batch as one, without a copy where there is one."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)
