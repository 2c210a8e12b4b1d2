"""Classical ways to make synthetic images look real, which a refiner has to beat. They see no label and no test image.

None moves anything, so that labels stay true. Images are (N, C, H, W) in [-1, 1], C = 1 or 3, and so is what comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from ..data.preprocess import equalize
from ..errors import require
from ..model.tensors import eight_bits, normalise, to_tensor

_STRONG: Mapping[str, Mapping[str, Any]] = {
    "ColorJitter": {"brightness": (0.6, 1.4), "contrast": (0.6, 1.4), "saturation": (0.6, 1.4), "hue": (-0.05, 0.05), "p": 0.8},
    "RandomGamma": {"gamma_limit": (60, 160), "p": 0.5},
    "GaussianBlur": {"blur_limit": 0, "sigma_limit": (0.1, 1.5), "p": 0.5},
    "GaussNoise": {"std_range": (0.0, 0.05), "p": 0.5},
    "ImageCompression": {"quality_range": (40, 95), "p": 0.5},
}
"""Transforms of albumentations that stand for a camera: light, lens, sensor, file. The ranges are about those that detectors and
contrastive learners are commonly trained with (SimCLR's colour jitter at half strength: full strength turns red cells green)."""

_DEGRADED: Mapping[str, Mapping[str, Any]] = {
    "GaussNoise": {"std_range": (0.01, 0.01), "p": 1},
    "ImageCompression": {"quality_range": (85, 85), "p": 1},
}
"""Hardly seen by an eye, and the end of a code in the last bits (Chu et al. 2017, "CycleGAN, a master of steganography")."""


class Augmentation:
    """Strong random augmentation, drawn anew for each image of each call: whoever asks in the same order gets the same.

    Args:
        seed: Decides what is drawn.

    Raises `MissingExtra` without albumentations.
    """

    def __init__(self, seed: int) -> None:
        self._change = _compose("augmentation", _STRONG, seed)

    def __call__(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] on any device to the same there."""
        return _each(self._change, images).to(images.device)


def degraded(images: Tensor, *, seed: int) -> Tensor:
    """Slight noise, then JPEG. Raises `MissingExtra`."""
    return _each(_compose("degraded", _DEGRADED, seed), images)


def equalised(images: Tensor) -> Tensor:
    """Equalise the histogram of each, as `gantool train --equalize`."""
    return normalise(to_tensor(np.stack([equalize(image, "an image") for image in eight_bits(images)])))


def reinhard(images: Tensor, references: Tensor, *, seed: int) -> Tensor:
    """Give each image the mean and standard deviation of one random reference, channel by channel, in CIELAB if it has colours.

    Reinhard et al. 2001, "Color transfer between images", equations 10 and 11. Theirs is lαβ, a logarithm of cone responses,
    which has no value for black; CIELAB, as OpenCV computes it, is what is used in its place.
    """
    random = np.random.default_rng(seed)
    chosen = torch.from_numpy(random.integers(len(references), size=len(images)))
    pairs = zip(_shares(images), _shares(references[chosen]), strict=True)
    changed = np.stack([_transferred(image, reference) for image, reference in pairs])
    return torch.from_numpy(changed).mul(2).sub(1).permute(0, 3, 1, 2)


def _shares(images: Tensor) -> np.ndarray:
    """(N, H, W, C) float32 in [0, 1]."""
    shares: np.ndarray = images.add(1).div(2).clamp(0, 1).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return shares


def _transferred(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    colours = image.shape[2] == 3
    own, wanted = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB) if colours else each for each in (image, reference))
    spread = wanted.std((0, 1)) / np.maximum(own.std((0, 1)), 1e-6)
    moved = ((own - own.mean((0, 1))) * spread + wanted.mean((0, 1))).astype(np.float32)
    changed: np.ndarray = cv2.cvtColor(moved, cv2.COLOR_LAB2RGB) if colours else moved
    return changed.clip(0, 1)


def with_references(name: str, images: Tensor, references: Tensor, *, seed: int) -> Tensor:
    """Apply a transform of albumentations with its own defaults, to each image with one random reference.

    Raises `MissingExtra`.
    """
    change = _compose(name, {name: {"p": 1, "metadata_key": "references"}}, seed)
    chosen = torch.randint(len(references), (len(images),), generator=torch.Generator().manual_seed(seed))
    return _each(change, images, references[chosen])


def _compose(what: str, transforms: Mapping[str, Mapping[str, Any]], seed: int) -> Any:
    """Transforms by name, one after the other. `what`: whom an error names. Raises `MissingExtra`."""
    # It would ask PyPI for a newer version while it is imported.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    require(what, "albumentations", "albumentations")
    import albumentations

    made = [getattr(albumentations, name)(**options) for name, options in transforms.items()]
    return albumentations.Compose(made, seed=seed)


def _each(change: Any, images: Tensor, references: Tensor | None = None) -> Tensor:
    pixels = eight_bits(images)
    beside = [{}] * len(pixels) if references is None else [{"references": [real]} for real in eight_bits(references)]
    return normalise(
        to_tensor(np.stack([change(image=image, **more)["image"] for image, more in zip(pixels, beside, strict=True)]))
    )


Peer = Callable[..., Tensor]
REFERENCED: dict[str, Peer] = {
    "histogram-matching": partial(with_references, "HistogramMatching"),
    "reinhard": reinhard,
    "fda": partial(with_references, "FDA"),  # Yang and Soatto 2020
}
"""Arms that need unlabelled real images, (N, C, H, W) in [-1, 1]."""
OF_ALBUMENTATIONS = ("histogram-matching", "fda", "refined-degraded")
"""Arms that need its extra."""
