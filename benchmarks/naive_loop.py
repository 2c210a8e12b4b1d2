"""SimGAN's step as public code has it: the peer that ours is measured beside.

The mathematics are the same: networks, losses, λ, two updates of R for one of D, B. What differs is what such code does not care
for: contiguous layout, activations and sums that are new tensors (as torch's layers make them unless told), float images that are
fetched from the host for each update, `.item()` for each figure, a pool in host memory that is concatenated and shuffled whole,
optimizers as they come, memory that is freed and mapped anew, threads that spin while they wait. It is spared what else can be
found: D's weights are frozen in R's updates, D's images are made without a graph, no average of R is kept.

It runs in a process of its own, for what ours tells the C library holds for a whole process:

    python benchmarks/naive_loop.py laptop 32 cpu      does a step and prints its seconds for each line that it reads
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from step_case import Case, open_case
from torch import Tensor, nn

from simgan_plugin.refiner import ResNetBlock


class NaiveLoop:
    """Holds what the loop needs; a call is one round."""

    def __init__(self, case: Case, device: str) -> None:
        session = open_case(case, device)
        recipe: Any = session.recipe
        self.refiner, self.discriminator = plain(recipe.refiner), plain(recipe.discriminator)
        self.adversarial, self.regularization = recipe.adversarial, recipe.regularization
        self.config, self.batch, self.device = recipe.config, case.batch, device
        self.refiner_optimizer, self.discriminator_optimizer = (
            self.optimizer(network) for network in (self.refiner, self.discriminator)
        )
        draws = session.draws
        self.synthetic, self.real = (
            np.concatenate([draw().cpu().numpy() for _ in range(2)]) for draw in (draws.source, draws.target)
        )
        self.pool: np.ndarray = np.concatenate([self.synthetic] * (1 + case.history // len(self.synthetic)))[: case.history]

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        if self.config.optimizer == "sgd":
            return torch.optim.SGD(network.parameters(), lr=self.config.refiner_lr)
        return torch.optim.Adam(network.parameters(), lr=self.config.refiner_lr, betas=(self.config.beta1, 0.999))

    def fetch(self, images: np.ndarray) -> Tensor:
        return torch.from_numpy(images[np.random.choice(len(images), self.batch, replace=False)]).to(self.device)

    def __call__(self) -> dict[str, float]:
        figures = {}
        for _ in range(2):
            synthetic = self.fetch(self.synthetic)
            refined = self.refiner(synthetic)
            regularization = self.regularization(refined, synthetic)
            self.discriminator.requires_grad_(False)
            realism = self.adversarial.generator(self.discriminator(refined))
            self.discriminator.requires_grad_(True)
            loss = realism + self.config.lambda_reg * regularization
            self.refiner_optimizer.zero_grad()
            loss.backward()
            self.refiner_optimizer.step()
            figures |= {"refiner": loss.item(), "regularization": regularization.item(), "realism": realism.item()}
        with torch.no_grad():
            shown = self.exchange(self.refiner(self.fetch(self.synthetic)))
        real_logits, refined_logits = self.discriminator(self.fetch(self.real)), self.discriminator(shown)
        loss = self.adversarial.discriminator(real_logits, refined_logits)
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self.discriminator_optimizer.step()
        return figures | {
            "discriminator": loss.item(),
            "accuracy_real": (real_logits > 0).float().mean().item(),
            "accuracy_refined": (refined_logits < 0).float().mean().item(),
        }

    def exchange(self, fresh: Tensor) -> Tensor:
        half = len(fresh) // 2
        recalled = self.pool[:half]
        self.pool = np.concatenate([fresh[:half].cpu().numpy(), self.pool[half:]])
        shown = torch.cat([fresh[half:], torch.from_numpy(recalled).to(self.device)])
        np.random.shuffle(self.pool)
        return shown


class PlainBlock(nn.Module):
    """The block of a refiner with a new tensor for each result."""

    def __init__(self, block: ResNetBlock) -> None:
        super().__init__()
        self.conv1, self.conv2 = block.conv1, block.conv2

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(maps + self.conv2(F.relu(self.conv1(maps))))


def plain(network: nn.Module) -> nn.Module:
    """The same network, with a new tensor for each result."""
    for layer in network.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    blocks: Any = getattr(network, "blocks", ())
    for number, block in enumerate(blocks):
        blocks[number] = PlainBlock(block)
    return network


class NaiveProcess:
    """The loop in a process of its own; a call does one round there and waits for it."""

    def __init__(self, preset: str, batch: int, device: str) -> None:
        words = [sys.executable, str(Path(__file__).resolve()), preset, str(batch), device]
        # Threads wait as torch lets them, too.
        environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, bufsize=1, env=environment)

    def __call__(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        if not self._process.stdout.readline():
            raise RuntimeError(f"the naive loop ended with code {self._process.wait()}")

    def close(self) -> None:
        self._process.communicate()


def main(preset: str, batch: int, device: str) -> None:
    loop = NaiveLoop(Case(preset=preset, batch=batch, settings={"channels_last": False}), device)
    for _ in sys.stdin:
        began = time.perf_counter()
        loop()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
