"""Classical ways to make synthetic images look real, which a refiner has to beat. They see no label and no test image."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from ..data.preprocess import equalize
from ..errors import MissingExtra
from ..model.tensors import normalise, to_tensor


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
        changed = [self._change(image, random) for image in _as_float(images)]
        return _from_float(np.stack(changed))

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
    stored = _as_bytes(images)
    return normalise(to_tensor(np.stack([equalize(image, "an image") for image in stored])))


def histogram_matching(images: Tensor, references: Tensor, *, seed: int) -> Tensor:
    """albumentations' HistogramMatching with its own defaults, each image to one random reference."""
    return _albumentations("HistogramMatching", images, references, seed)


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


def fourier(images: Tensor, references: Tensor, *, seed: int) -> Tensor:
    """albumentations' FDA (Yang and Soatto 2020) with its own defaults, each image to one random reference."""
    return _albumentations("FDA", images, references, seed)


Peer = Callable[..., Tensor]
REFERENCED: dict[str, Peer] = {
    "histogram-matching": histogram_matching,
    "pixel-distribution": pixel_distribution,
    "fda": fourier,
}
"""Arms that need unlabelled real images, (N, C, H, W) in [-1, 1]. Some raise `MissingExtra` without albumentations."""


def _albumentations(name: str, images: Tensor, references: Tensor, seed: int) -> Tensor:
    library = _import(name)
    transform = library.Compose([getattr(library, name)(p=1, metadata_key="references")], seed=seed)
    chosen = torch.randint(len(references), (len(images),), generator=torch.Generator().manual_seed(seed))
    pairs = zip(_as_bytes(images), _as_bytes(references[chosen]), strict=True)
    return normalise(to_tensor(np.stack([transform(image=image, references=[real])["image"] for image, real in pairs])))


def _import(name: str) -> Any:
    # It would ask PyPI for a newer version while it is imported.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    try:
        import albumentations
    except ImportError:
        raise MissingExtra(name, "albumentations", "albumentations") from None
    return albumentations


def _as_float(images: Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] to (N, H, W, C) float32 in [0, 1]."""
    pixels: np.ndarray = images.add(1).div(2).clamp(0, 1).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels


def _as_bytes(images: Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] to (N, H, W, C) uint8."""
    stored: np.ndarray = np.rint(_as_float(images) * 255).astype(np.uint8)
    return stored


def _from_float(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32)).mul(2).sub(1).permute(0, 3, 1, 2)
