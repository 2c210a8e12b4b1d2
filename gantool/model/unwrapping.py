"""The generator that `build` made inside of what was put around it since."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize

from ..errors import GantoolError
from ..plugins.registry import load_plugins
from .bundle import Recorded, build_generator, check_fits

_AROUND = ("_orig_mod", "module")
"""Where torch.compile and those that copy or average a module (DataParallel, AveragedModel) keep it."""


def unwrap(module: nn.Module) -> nn.Module:
    """Return the generator that `module` is, or that it was put around."""
    while "_gantool_recorded" not in vars(module):
        inner = next((each for name in _AROUND if isinstance(each := getattr(module, name, None), nn.Module)), None)
        if inner is None:
            break
        module = inner
    return module


def weights_of(module: nn.Module, recorded: Recorded) -> dict[str, torch.Tensor]:
    """Return the state dict of a generator as `load` wants it. Raises `GantoolError` where the network was altered."""
    fresh = build_generator(load_plugins(), recorded)
    if any(map(parametrize.is_parametrized, module.modules())):
        module = _without_parametrizations(module, fresh)
    # Parts that were compiled alone.
    weights = {name.replace("_orig_mod.", ""): value for name, value in module.state_dict().items()}
    check_fits(fresh, weights, f"this network is no longer {recorded.component} as it was built, so nothing could load it")
    unreal = next((name for name, value in weights.items() if value.is_meta), None)
    if unreal:
        raise GantoolError(f"{unreal} of this network is on the device meta and has no values: nothing was written")
    return weights


def _without_parametrizations(module: nn.Module, fresh: nn.Module) -> nn.Module:
    """A copy whose weights are what parametrizations made of them, but for those that the component itself has."""
    own = {name for name, part in fresh.named_modules() if parametrize.is_parametrized(part)}
    plain = copy.deepcopy(module)
    for name, part in list(plain.named_modules()):
        if name not in own and parametrize.is_parametrized(part):
            for weight in list(part.parametrizations):
                parametrize.remove_parametrizations(part, weight)
    return plain
