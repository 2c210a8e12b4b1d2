"""A trained generator as an albumentations transform (extra `albumentations`)."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from ..compute.device import choose_device
from ..conditioning import Joined
from ..errors import InvalidType, InvalidValue, MissingExtra, nearest
from .pixels import Network, Tiles, check_probability, check_range, check_strength, refine_rows, with_noise
from .reference import Reference

# It asks PyPI for a newer version when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
try:
    from albumentations.core.transforms_interface import BaseTransformInitSchema, ImageOnlyTransform
except ModuleNotFoundError as error:
    if error.name and error.name.partition(".")[0] != "albumentations":
        raise
    raise MissingExtra("gantool.augment.albumentations", "albumentations", "albumentations") from None

Passes = Mapping[str, np.ndarray]
_NONE: Passes = MappingProxyType({})
_SAMPLES = hasattr(ImageOnlyTransform, "sample_parameters")
"""Whether this is the fork of the same import name, which draws in another method and refuses classes with the old one."""


class Refine(ImageOnlyTransform):  # type: ignore[misc]
    """x + s (R(x) − x) with probability `p`, s drawn uniformly between the bounds of `strength` for each call.

    Images are (H, W), (H, W, 1) or (H, W, C), floats in [0, 1]; shape and dtype stay. Masks, boxes and key points pass unchanged.
    The images of one call get the same s and are computed `batch_size` at a time.

    A run of `--condition` looks at targets of its conditions' names beside `image`, as they are stored, where there are some:
    ids as numbers, depth in its unit, normals as colours. Let them follow all else as masks do,
    `additional_targets={"depth": "mask", "normals": "mask"}`; they pass unchanged. (No transform turns a normal as it turns its
    pixel: keep flips and rotations behind this one.) `images` and volumes are refined without.

    A network that takes noise gets that of a key that is drawn with s: the images of one call get the same.

    Pickles and serialised pipelines hold `run` and `digest`, no weights.

    Args:
        run: A run folder, a folder of `gantool.save`, or a Hugging Face repository in the local cache.
        strength: Lowest and highest s, 0 to 1.
        p: Probability to refine a call's images.
        batch_size: Images at most that are computed at once.
        device: `"cpu"`, or a GPU where the pipeline runs in the main process.
        digest: The content that is expected in `run`; found at construction, it is part of what `A.to_dict` gives.
        tile: Compute images larger than so many pixels in overlapping tiles of that side, in the memory of one.

    Targets:
        image, images, volume, volumes

    Image types:
        uint8, float32

    Number of channels:
        Those of the run.

    Raises:
        GantoolError: A run that cannot be used.
        ValueError: An argument that cannot be used, other channels than the run's, or values beyond [0, 1].
        TypeError: An argument that does not exist, or other dtypes than those above.

    Example:
        >>> transform = albumentations.Compose([Refine("runs/simgan-001", p=0.8), albumentations.HorizontalFlip()])
    """

    class InitSchema(BaseTransformInitSchema):  # type: ignore[misc]
        """Checks nothing: `__init__` does, because what a validator here raises may turn into defaults, or is many lines."""

        p: Any
        run: Any = None
        strength: Any
        batch_size: Any
        device: Any
        digest: Any
        tile: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Refine:
        """Refuse arguments that do not exist, of which albumentations only warns, or which it drops."""
        known = list(inspect.signature(cls.__init__).parameters)[1:]
        if len(args) > len(known):
            raise InvalidType(f"{cls.__name__} takes {len(known)} arguments, got {len(args)}: {', '.join(known)}")
        for name in kwargs:
            if name not in (*known, "strict"):
                raise InvalidType(f"{cls.__name__} has no argument {name!r}{nearest(name, known, 'there are')}")
        made: Refine = super().__new__(cls)
        return made

    def __init__(
        self,
        run: str | Path,
        strength: tuple[float, float] = (1.0, 1.0),
        p: float = 0.5,
        batch_size: int = 32,
        device: str | torch.device = "cpu",
        digest: str | None = None,
        tile: int | None = None,
    ) -> None:
        super().__init__(p=check_probability(p, "Refine"))
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
            raise InvalidValue(f"Refine batch_size: a whole number, at least 1, got {batch_size!r}")
        if not isinstance(device, str | torch.device):
            raise InvalidType(f"Refine device: a name such as 'cpu' or 'cuda:0', got {device!r}")
        choose_device(str(device))
        self._reference = Reference(run, digest)
        self.run = self._reference.run
        self.digest = self._reference.digest
        self.strength = check_strength(strength, "Refine")
        self.batch_size = batch_size
        self.device = str(device)
        self.tile = tile
        channels, shared = self._reference.channels, self._reference.network(torch.device("cpu"))
        self._tiles = None if tile is None else Tiles(Joined(shared, channels), channels.joined, tile, "Refine")

    if _SAMPLES:

        def sample_parameters(self, params: Any, data: Any, targets: Any, sampling: Any) -> Any:
            """Draw s, as the fork wants it."""
            from albumentations.core.transform_params import SampledParams

            del params, data, targets
            return SampledParams(params=self._draw(sampling.py_random))

    else:

        def get_params(self) -> dict[str, Any]:
            """Draw s."""
            return self._draw(self.py_random)

    def _draw(self, random: Any) -> dict[str, Any]:
        drawn = {"strength": random.uniform(*self.strength)}
        return {**drawn, "noise": random.randrange(2**62)} if self._reference.channels.noise else drawn

    def apply_with_params(self, params: dict[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Take passes along with what was drawn; they are no draw, so that a replay looks at those of its own image."""
        passes = {name: kwargs[name] for name in self._reference.conditions if kwargs.get(name) is not None}
        taken: dict[str, Any] = super().apply_with_params({**params, "passes": passes}, *args, **kwargs)
        return taken

    def apply(self, img: np.ndarray, strength: float, passes: Passes = _NONE, noise: int = 0, **_: Any) -> np.ndarray:
        """(H, W) or (H, W, C)."""
        return self._refine(img, strength, leading=0, noise=noise, passes=passes)

    def apply_to_images(self, images: np.ndarray, strength: float, noise: int = 0, **_: Any) -> np.ndarray:
        """(N, H, W) or (N, H, W, C)."""
        return self._refine(np.asarray(images), strength, leading=1, noise=noise)

    def apply_to_volume(self, volume: np.ndarray, strength: float, noise: int = 0, **_: Any) -> np.ndarray:
        """(D, H, W) or (D, H, W, C), each slice an image."""
        return self._refine(volume, strength, leading=1, noise=noise)

    def apply_to_volumes(self, volumes: np.ndarray, strength: float, noise: int = 0, **_: Any) -> np.ndarray:
        """(N, D, H, W) or (N, D, H, W, C), each slice an image."""
        return self._refine(np.asarray(volumes), strength, leading=2, noise=noise)

    def _refine(self, array: np.ndarray, strength: float, *, leading: int, noise: int, passes: Passes = _NONE) -> np.ndarray:
        """`leading`: axes before (H, W) or (H, W, C)."""
        if array.dtype not in (np.uint8, np.float32):
            raise InvalidType(f"Refine takes uint8 or float32 in [0, 1], got {array.dtype}: put A.ToFloat(max_value=…) before it")
        height, width = array.shape[leading : leading + 2]
        channels = array.shape[-1] if array.ndim == leading + 3 else 1
        if channels != self._reference.channels.images:
            self._reference.check_channels(channels, array.shape)
        known = self._reference.encode(passes, (height, width))
        images = array.reshape(-1, height, width, channels)
        refined = np.empty_like(images, order="C")
        for start in range(0, len(images), self.batch_size):
            batch = slice(start, start + self.batch_size)
            refined[batch] = self._compute(images[batch], strength, noise, known)
        return refined.reshape(array.shape)

    @torch.inference_mode()
    def _compute(self, images: np.ndarray, strength: float, noise: int, known: np.ndarray) -> np.ndarray:
        """(N, H, W, C) to the same; `noise`: its key; `known`: (H, W, K), what the network sees beside each."""
        device, channels = choose_device(self.device), self._reference.channels
        # A copy: torch does not take negative strides, nor memory that is read-only without a warning.
        batch = torch.from_numpy(images.copy(order="C")).permute(0, 3, 1, 2).to(device)
        check_range(batch, "Refine")
        joined: Network = Joined(self._reference.network(device), channels)
        network = joined if self._tiles is None else partial(self._tiles, joined)
        count = len(images)
        if channels.noise:
            network = with_noise(network, torch.full((count,), noise), channels.noise)
        seen = torch.from_numpy(known).permute(2, 0, 1).to(device).expand(count, -1, -1, -1)

        def see(colours: torch.Tensor) -> torch.Tensor:
            # Conditions are floats beside an image of 8 bits, so they are joined where the network takes floats.
            return network(torch.cat([colours, seen], dim=1))

        chosen = torch.ones(count, dtype=torch.bool)
        refined = refine_rows(see if known.size else network, batch, torch.full((count,), strength), chosen, channels.images)
        computed: np.ndarray = refined.permute(0, 2, 3, 1).cpu().numpy()
        return computed
