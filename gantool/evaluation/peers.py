"""Classical ways to make synthetic images look real, which a refiner has to beat. They see no label and no test image."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from ..data.preprocess import equalize
from ..errors import require
from ..model.tensors import eight_bits, normalise, to_tensor


@dataclass(frozen=True, kw_only=True)
class Photometric:
    """Ranges of plain photometric randomisation; each value is drawn uniformly and per image. Brightness lies in [0, 1]."""

    gamma: tuple[float, float] = (0.6, 1.6)
    contrast: tuple[float, float] = (0.6, 1.4)
    brightness: tuple[float, float] = (-0.2, 0.2)
    """Added."""
    blur: tuple[float, float] = (0.0, 1.0)
    """Standard deviation (px)."""
    noise: tuple[float, float] = (0.0, 0.05)
    """Standard deviation."""

    def __call__(self, images: Tensor, *, seed: int) -> Tensor:
        """(N, C, H, W) in [-1, 1] to the same."""
        random = np.random.default_rng(seed)
        shares = images.add(1).div(2).clamp(0, 1).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        changed = np.stack([self._change(image, random) for image in shares]).astype(np.float32)
        return torch.from_numpy(changed).mul(2).sub(1).permute(0, 3, 1, 2)

    def _change(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        gamma, contrast, brightness, blur, noise = (
            random.uniform(*limits) for limits in (self.gamma, self.contrast, self.brightness, self.blur, self.noise)
        )
        image = (image**gamma - 0.5) * contrast + 0.5 + brightness
        if blur > 0.1:  # anything less changes no 8-bit value
            image = cv2.GaussianBlur(image, (0, 0), blur, borderType=cv2.BORDER_REFLECT_101).reshape(image.shape)
        changed: np.ndarray = image + noise * random.standard_normal(image.shape)
        return changed.clip(0, 1)


def equalised(images: Tensor) -> Tensor:
    """(N, C, H, W) in [-1, 1], C = 1 or 3, to the same with the histogram of each equalised, as `gantool train --equalize`."""
    return normalise(to_tensor(np.stack([equalize(image, "an image") for image in eight_bits(images)])))


def pixel_distribution(images: Tensor, references: Tensor, *, seed: int) -> Tensor:
    """Give each channel the mean and standard deviation of one random reference, blended with the image.

    PixelDistributionAdaptation with `transform_type="standard"` and its default blend, done here because that of albumentations
    2.0.8 makes images all but black (it scales pixels to [0, 1] and then clips them as bytes).
    """
    random = np.random.default_rng(seed)
    chosen = torch.from_numpy(random.integers(len(references), size=len(images)))
    weight = torch.from_numpy(random.uniform(0.25, 1.0, size=(len(images), 1, 1, 1)).astype(np.float32))
    real, over = references[chosen], (2, 3)
    spread = images.std(over, keepdim=True).clamp_min(1e-6)
    adapted = (images - images.mean(over, keepdim=True)) / spread * real.std(over, keepdim=True) + real.mean(over, keepdim=True)
    return torch.lerp(images, adapted, weight).clamp(-1, 1)


def with_albumentations(name: str, images: Tensor, references: Tensor, *, seed: int) -> Tensor:
    """Apply a transform of albumentations with its own defaults, to each image with one random reference.

    Raises `MissingExtra`.
    """
    # It would ask PyPI for a newer version while it is imported.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    require(name, "albumentations", "albumentations")
    import albumentations

    transform = albumentations.Compose([getattr(albumentations, name)(p=1, metadata_key="references")], seed=seed)
    chosen = torch.randint(len(references), (len(images),), generator=torch.Generator().manual_seed(seed))
    pairs = zip(eight_bits(images), eight_bits(references[chosen]), strict=True)
    return normalise(to_tensor(np.stack([transform(image=image, references=[real])["image"] for image, real in pairs])))


Peer = Callable[..., Tensor]
REFERENCED: dict[str, Peer] = {
    "histogram-matching": partial(with_albumentations, "HistogramMatching"),
    "pixel-distribution": pixel_distribution,
    "fda": partial(with_albumentations, "FDA"),  # Yang and Soatto 2020
}
"""Arms that need unlabelled real images, (N, C, H, W) in [-1, 1]."""
