"""Optimizers that a recipe option names."""

from __future__ import annotations

import torch
from torch import nn

from gantool.training import has_fused, make_adam

from .recipe_options import SimGANOptions


def make_optimizer(network: nn.Module, config: SimGANOptions, *, lr: float) -> torch.optim.Optimizer:
    """Make the optimizer that `config` names for all weights of `network`, in its fused form where there is one."""
    parameters = list(network.parameters())
    if config.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=config.momentum, fused=has_fused(parameters))
    return make_adam(network, lr=lr, beta1=config.beta1)
