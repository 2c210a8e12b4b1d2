"""SimGAN's recipe on small networks and random images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import gantool
from gantool import Batch, Setup
from gantool.compute.device import make_accelerator
from simgan_plugin.options import SimGANOptions
from simgan_plugin.recipe import SimGAN

SHAPE = (4, 1, 10, 12)


class Batches:
    """Synthetic batches 0, 1, 2, … and real ones, told apart by their values."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.calls: list[str] = []

    def _next(self, name: str) -> Batch:
        self.calls.append(name)
        return Batch((torch.rand(SHAPE, generator=self.generator) * 1.8 - 0.9).to(memory_format=torch.channels_last))

    def source(self) -> Batch:
        return self._next("source")

    def target(self) -> Batch:
        return self._next("target")


def make(precision: str = "fp32", parts: dict | None = None, **options) -> SimGAN:
    torch.manual_seed(0)
    built = {
        "generator": gantool.build("generator", "refiner", channels=1, width=4, blocks=1),
        "discriminator": gantool.build("discriminator", "local", channels=1, width_factor=0.05),
        "loss": gantool.build("loss", "local-adversarial"),
        "regularization": gantool.build("loss", "self-regularization"),
        "buffer": gantool.build("buffer", "history", generator=torch.Generator().manual_seed(1), size=8),
    }
    steps = options.pop("steps", 8)
    config = SimGANOptions(**{"refiner_warmup": 2, "discriminator_warmup": 1, **options})
    recipe = SimGAN(config=config, parts=built | (parts or {}))
    accelerator = make_accelerator("cpu", precision)
    recipe.setup(
        Setup(accelerator=accelerator, sample=torch.zeros(SHAPE), channels_last=True, length=recipe.length(steps), compile=False)
    )
    return recipe


def weights(network: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def updates(optimizer) -> int:
    """How often Adam stepped, by its own count."""
    steps = {int(state["step"]) for state in optimizer.state_dict()["state"].values()}
    assert len(steps) <= 1
    return steps.pop() if steps else 0
