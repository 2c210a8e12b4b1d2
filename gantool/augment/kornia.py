"""A trained generator as a kornia augmentation (extra `kornia`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from packaging.version import Version
from torch import Tensor

from ..errors import GantoolError, MissingExtra
from .pixels import check_probability, check_strength, draw_strength
from .torch import Refiner

try:
    from kornia import __version__ as _found
    from kornia.augmentation import IntensityAugmentationBase2D
except ModuleNotFoundError as error:
    if error.name and error.name.partition(".")[0] != "kornia":
        raise
    raise MissingExtra("gantool.augment.kornia", "kornia", "kornia") from None

# Older ones give `apply_transform` the chosen rows only, with the draws of all.
if Version(_found) < Version("0.9"):
    raise GantoolError(f"gantool.augment.kornia needs kornia 0.9 or newer, found {_found}: pip install 'simgan-plugin[kornia]'")


class RandomRefine(IntensityAugmentationBase2D):
    """x + s (R(x) − x) with probability `p`, s drawn uniformly between the bounds of `strength`, both anew for each image.

    As any intensity augmentation of kornia: (N, C, H, W), (C, H, W) or (H, W) floats in [0, 1], any precision (values beyond are
    clipped, with a warning once); after `double()` the network computes in float64. Masks, boxes, key points and classes pass
    unchanged; `same_on_batch` and `keepdim` as there; draws are in `_params` and can be replayed. The network sees only the
    images that were chosen (all of them inside `torch.compile` and exports, where shapes are fixed).

    A network that takes noise draws it likewise: keys are in the parameters.

    A run of `--condition` takes what it saw as further channels, which come back as they were: `encode` makes them of passes.
    Images without them are refined without.

    Args:
        run: A run folder, a folder of `gantool.save`, or a Hugging Face repository in the local cache.
        strength: Lowest and highest s, 0 to 1.
        p: Probability to refine an image.
        same_on_batch: Draw once for all images of a batch.
        keepdim: Give images back with the dimensions that they came with.
        digest: The content that is expected in `run`.
        trainable: Give the transform a copy of the network of its own, whose parameters get gradients and are part of its state
            dict; otherwise the network is frozen and shared, and gradients pass through to the images only.
        tile: Compute images larger than so many pixels in overlapping tiles of that side, in the memory of one.

    Raises:
        GantoolError: A run that cannot be used.
        ValueError: An argument that cannot be used, or other channels than the run's.
        TypeError: Integers.

    Example:
        >>> refine = RandomRefine("runs/simgan-001", p=0.8)
        >>> pipeline = kornia.augmentation.AugmentationSequential(refine, data_keys=["input", "mask"])
    """

    def __init__(
        self,
        run: str | Path,
        strength: tuple[float, float] = (1.0, 1.0),
        p: float = 0.5,
        same_on_batch: bool = False,
        keepdim: bool = False,
        *,
        digest: str | None = None,
        trainable: bool = False,
        tile: int | None = None,
    ) -> None:
        p = check_probability(p, "RandomRefine")
        bounds = check_strength(strength, "RandomRefine")
        super().__init__(p=p, same_on_batch=same_on_batch, keepdim=keepdim)
        self.refiner = Refiner(run, digest=digest, trainable=trainable, tile=tile, where="RandomRefine", strict=False)
        self.flags = {"run": self.refiner.reference.run, "strength": bounds}

    def encode(self, **passes: np.ndarray) -> Tensor:
        """Passes as further channels of an image, (K, H, W), as `gantool.augment.torch.Refine.encode` does."""
        return self.refiner.encode(passes, next(iter(passes.values())).shape[:2])

    def set_rng_device_and_dtype(self, device: torch.device, dtype: torch.dtype) -> None:
        """Keep drawing on the CPU: selecting rows by a gate on a GPU would wait for it."""
        del device, dtype
        super().set_rng_device_and_dtype(torch.device("cpu"), torch.float32)

    def generate_parameters(self, batch_shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Draw `strength`, (N,). Not kornia's own generator: that one refuses the dynamic batch size of an export."""
        count = batch_shape[0]
        strength = draw_strength(self.flags["strength"], 1 if self.same_on_batch else count)
        keys = self.refiner.draw_keys(1 if self.same_on_batch else count)
        return {"strength": strength.expand(count), **({} if keys is None else {"noise": keys.expand(count)})}

    def apply_transform(
        self, input: Tensor, params: dict[str, Tensor], flags: dict[str, Any], transform: Tensor | None = None
    ) -> Tensor:
        """(N, C, H, W) in [0, 1] to the same; called by kornia, which gives back the other rows as they were."""
        del flags, transform
        # With p = 1, kornia applies an augmentation to all rows, whatever replayed parameters say.
        chosen = torch.ones(input.shape[0], dtype=torch.bool, device="cpu") if self.p == 1 else params["batch_prob"] > 0.5
        refined: Tensor = self.refiner(input, params["strength"], chosen, params.get("noise"))
        return refined
