"""Optimizers that a recipe option names."""

from __future__ import annotations

import torch
from torch import nn

from .recipe_options import SimGANOptions


def make_optimizer(network: nn.Module, config: SimGANOptions, *, lr: float) -> torch.optim.Optimizer:
    """Make the optimizer that `config` names for all weights of `network`, in its fused form where there is one."""
    parameters = list(network.parameters())
    fused = parameters[0].device.type in ("cpu", "cuda")
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=config.momentum, fused=fused)
    return torch.optim.Adam(parameters, lr=lr, betas=(config.beta1, 0.999), fused=fused)
