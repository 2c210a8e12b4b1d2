"""A trained generator in plain torch pipelines, and in those of torchvision's `transforms.v2`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..conditioning import Joined, apply_joined
from ..errors import InvalidType, InvalidValue
from .pixels import (
    Network,
    Tiles,
    check_probability,
    check_range,
    check_strength,
    draw_keys,
    draw_strength,
    refine_rows,
    with_noise,
)
from .reference import Reference

Draw = tuple[Tensor, Tensor, Tensor | None]
"""Strengths, whether to refine at all, and keys of noise, (N,) each."""


class Refiner(nn.Module):
    """The network of a transform: shared and frozen, or a copy of its own that trains.

    The shared one is no submodule: it is in no state dict and no pickle, and moves and casts of a pipeline do not reach it.
    """

    def __init__(
        self, run: str | Path, *, digest: str | None, trainable: bool, tile: int | None, where: str, strict: bool = True
    ) -> None:
        """`strict`: values beyond [0, 1] are an error, else one warning, and clipped."""
        super().__init__()
        self.strict = strict
        self.dtype = torch.float32
        self.reference = Reference(run, digest)
        self.where = where
        self._checked = self._told = False
        channels, shared = self.reference.channels, self.reference.network(torch.device("cpu"))
        self.own = self.reference.own_network() if trainable else None
        self.tiles = None if tile is None else Tiles(Joined(shared, channels), channels.joined, tile, where)

    def train(self, mode: bool = True) -> Refiner:
        """Stay in eval mode: a refiner inside a pipeline is no part of the model that trains."""
        del mode
        return super().train(False)

    def draw_keys(self, count: int) -> Tensor | None:
        """(count,) of the noise of as many images; None where the network takes none."""
        return draw_keys(count) if self.reference.channels.noise else None

    def forward(self, images: Tensor, strength: Tensor, chosen: Tensor, keys: Tensor | None = None) -> Tensor:
        """Refine the `chosen` rows as `refine_rows` does; conditions may be further channels. `keys`: (N,), of their noise.

        Raises `GantoolError` for other channels, or values beyond [0, 1].
        """
        channels, given = self.reference.channels, images.shape[1]
        self.reference.check_channels(given, tuple(images.shape))
        if given > channels.images and not images.is_floating_point():
            raise InvalidType(
                f"{self.where} takes images with conditions as floats, got {images.dtype}: divide the colours by 255"
            )
        network: Network = self._apply_shared if self.own is None else self._apply_own
        if self.tiles is not None:
            network = partial(self.tiles, network)
        if not torch.compiler.is_compiling():
            self._check_range(images[:, : channels.images], chosen)
        if keys is not None:
            rows = keys if torch.compiler.is_compiling() else keys[chosen.to(keys.device)]
            network = with_noise(network, rows, channels.noise)
        if (lacking := channels.joined - channels.noise - given) > 0:
            count, _, *size = images.shape
            images = torch.cat([images, images.new_zeros(count, lacking, *size)], dim=1)
        return refine_rows(network, images, strength, chosen, channels.images)[:, :given]

    def encode(self, passes: Mapping[str, np.ndarray], size: tuple[int, int]) -> Tensor:
        """(K, H, W), as `Reference.encode` makes it."""
        return torch.from_numpy(self.reference.encode(passes, size)).permute(2, 0, 1)

    def _apply_shared(self, images: Tensor) -> Tensor:
        network = self.reference.network(images.device, self.dtype)
        return apply_joined(network, self.reference.channels, images.to(self.dtype))

    def _apply_own(self, images: Tensor) -> Tensor:
        # Casts of the pipeline reach a network of its own.
        assert self.own is not None
        dtype = next((parameter.dtype for parameter in self.own.parameters()), images.dtype)
        return apply_joined(self.own, self.reference.channels, images.to(dtype))

    def _check_range(self, images: Tensor, chosen: Tensor) -> None:
        # Looking at values waits for a GPU, so there it is done once; a pipeline gets its unit wrong always or never.
        if images.device.type == "cpu" or not self._checked:
            rows = images if bool(chosen.all()) else images[chosen.to(images.device)]
            try:
                check_range(rows, self.where)
            except InvalidValue as error:
                if self.strict:
                    raise
                if not self._told:
                    warnings.warn(f"{error}; this once is said, and they are clipped", stacklevel=2)
                self._told = True
            self._checked = len(rows) > 0

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Refiner:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        probe = fn(torch.zeros((), dtype=self.dtype, device="cpu"))
        # `double` is for gradients that are checked; in halves the network is not computed.
        self.dtype = torch.float64 if probe.dtype == torch.float64 else torch.float32
        # So that a compiled pipeline on a GPU finds its network there and need not load it while it is being traced.
        if self.own is None:
            self.reference.network(probe.device, self.dtype)
        return self

    def extra_repr(self) -> str:
        """Say which run."""
        return f"run={self.reference.run!r}, digest={self.reference.digest[:12]}"


class Refine(nn.Module):
    """x + s (R(x) − x) with probability `p`, s drawn uniformly between the bounds of `strength`, both anew for each image.

    Called with a tensor (…, C, H, W), it refines it: floats in [0, 1] of any precision, or uint8. A batch (N, C, H, W) has a
    draw per image, a batch of clips (N, T, C, H, W) one per clip. Called as torchvision's v2 transforms are, with a sample of
    any structure or with several arguments, it refines each `tv_tensors.Image` and `Video` (one draw for all frames), or, where
    there is none, the first plain tensor; everything else comes back as the very objects that went in.

    A network that takes noise gets some of its own for each image and call, all frames of a clip alike.

    A run of `--condition` takes what it saw as further channels of a float image, which come back as they were: `encode` makes
    them of passes. Images without them are refined without.

    Args:
        run: A run folder, a folder of `gantool.save`, or a Hugging Face repository in the local cache.
        strength: Lowest and highest s, 0 to 1.
        p: Probability to refine an image.
        digest: The content that is expected in `run`.
        trainable: Give the transform a copy of the network of its own, whose parameters get gradients and are part of its state
            dict; otherwise the network is frozen and shared, and gradients pass through to the images only.
        tile: Compute images larger than so many pixels in overlapping tiles of that side, in the memory of one.

    Raises:
        GantoolError: A run that cannot be used.
        ValueError: An argument that cannot be used, other channels than the run's, or values beyond [0, 1] (on a GPU: in the
            first batch).
        TypeError: Integers other than uint8, and what is no image.

    Example:
        >>> transform = Refine("runs/simgan-001", strength=(0.3, 1.0), p=0.8)
        >>> refined = transform(torch.rand(4, 1, 35, 55))
    """

    def __init__(
        self,
        run: str | Path,
        strength: tuple[float, float] = (1.0, 1.0),
        p: float = 1.0,
        *,
        digest: str | None = None,
        trainable: bool = False,
        tile: int | None = None,
    ) -> None:
        super().__init__()
        self.strength = check_strength(strength, "Refine")
        self.p = check_probability(p, "Refine")
        self.refiner = Refiner(run, digest=digest, trainable=trainable, tile=tile, where="Refine")

    def forward(self, *inputs: Any) -> Any:
        """Refine a tensor, or the images of a sample."""
        if len(inputs) == 1 and _is_plain(inputs[0]):
            return self._refine(inputs[0], self._draw(_draws_of(inputs[0])))
        leaves, structure = tree_flatten(inputs[0] if len(inputs) == 1 else inputs)
        drawn: dict[int, Draw] = {}
        for index in _images_of(leaves):
            count = _draws_of(leaves[index])
            # Several views of one scene share what was drawn, as in torchvision.
            draw = drawn[count] = drawn.get(count) or self._draw(count)
            leaves[index] = self._refine(leaves[index], draw)
        return tree_unflatten(leaves, structure)

    def _refine(self, image: Tensor, draw: Draw) -> Tensor:
        strength, chosen, keys = draw
        if image.dim() > 4 or _is_of_torchvision(image, "Video"):
            frames = math.prod(image.shape[:-3]) // max(len(strength), 1)
            strength, chosen = strength.repeat_interleave(frames), chosen.repeat_interleave(frames)
            keys = None if keys is None else keys.repeat_interleave(frames)
        if _is_plain(image):
            return self._refine_frames(image, strength, chosen, keys)
        return self._refine_frames(image.as_subclass(Tensor), strength, chosen, keys).as_subclass(type(image))

    def _refine_frames(self, images: Tensor, strength: Tensor, chosen: Tensor, keys: Tensor | None) -> Tensor:
        flat = images if images.dim() == 4 else images.reshape(-1, *images.shape[-3:])
        refined: Tensor = self.refiner(flat, strength, chosen, keys)
        return refined.reshape(images.shape)

    def encode(self, **passes: np.ndarray) -> Tensor:
        """Passes as further channels of an image, (K, H, W): `torch.cat([image, transform.encode(depth=depth)])`.

        Args:
            **passes: (H, W) or (H, W, C) each, as `gantool.augment.reference.Reference.encode` takes them; one at least.
        """
        return self.refiner.encode(passes, next(iter(passes.values())).shape[:2])

    def _draw(self, count: int) -> Draw:
        """(count,) of each, on the CPU, so that selecting rows never waits for a GPU."""
        strength = draw_strength(self.strength, count)
        chosen = (
            torch.ones(count, dtype=torch.bool, device="cpu")
            if self.p == 1
            else torch.rand(count, dtype=torch.float32, device="cpu") < self.p
        )
        return strength, chosen, self.refiner.draw_keys(count)

    def extra_repr(self) -> str:
        """Say how much and how often."""
        return f"strength={self.strength}, p={self.p}"


def _draws_of(image: Tensor) -> int:
    """Return how many draws an image, a batch of them or a clip takes. Raises as `Refine`."""
    if not (image.is_floating_point() or image.dtype == torch.uint8):
        raise InvalidType(f"Refine takes floats in [0, 1] or uint8, got {image.dtype}")
    if image.dim() < 3:
        raise InvalidValue(f"Refine takes images (…, C, H, W), got a tensor {tuple(image.shape)}")
    clip = image.dim() == 4 and _is_of_torchvision(image, "Video")
    return 1 if image.dim() == 3 or clip else image.shape[0]


def _images_of(leaves: list[Any]) -> list[int]:
    """Return which leaves are images, by the rule of torchvision's v2 transforms. Raises `GantoolError` where none is."""
    marked = [index for index, leaf in enumerate(leaves) if _is_of_torchvision(leaf, "Image", "Video")]
    if marked:
        return marked
    if any(type(leaf).__module__.startswith("PIL.") for leaf in leaves):
        raise InvalidType("Refine takes tensors, got a PIL image: put v2.ToImage() before it")
    plain = [index for index, leaf in enumerate(leaves) if _is_plain(leaf)]
    if not plain:
        raise InvalidValue(f"Refine found no image among {', '.join(type(leaf).__name__ for leaf in leaves) or 'nothing'}")
    return plain[:1]


def _is_of_torchvision(leaf: Any, *names: str) -> bool:
    """Whether a value is such a `tv_tensors` class; told by name, because torchvision need not be installed."""
    return any(base.__name__ in names and base.__module__.startswith("torchvision.") for base in type(leaf).__mro__)


def _is_plain(leaf: Any) -> bool:
    """Whether a value is a tensor that torchvision has not marked as something, such as boxes or a mask."""
    return isinstance(leaf, Tensor) and not _is_of_torchvision(leaf, "TVTensor")
