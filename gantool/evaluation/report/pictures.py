"""Images as data URIs, so that a page needs no files beside it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL import Image

from ...training.sheets import to_bytes

_SIDE = 256
"""Pixels that the longer side of a shown image has at most."""
_LOSSLESS = 48 * 1024
"""Values up to which an image is a PNG; a larger one is a WebP, so that the page stays small."""
_DARKER, _BRIGHTER = np.array([33, 102, 172]), np.array([178, 24, 43])
"""Ends of ColorBrewer's RdBu, which colour-blind people can tell apart."""
_SAME = np.array([247, 247, 247])


@dataclass(frozen=True)
class Picture:
    """What an <img> needs."""

    uri: str
    width: int
    height: int
    """Pixels on the page: a whole multiple of small images, so that their pixels stay square."""


def pictures(images: torch.Tensor) -> list[Picture]:
    """(N, C, H, W) in [-1, 1] to pictures. Of more than three channels the first is shown."""
    grey = images.shape[1] != 3
    return [_picture(image[..., :1] if grey else image) for image in to_bytes(images)]


def differences(before: torch.Tensor, after: torch.Tensor, scale: float) -> list[Picture]:
    """(N, C, H, W) each to maps of after - before: blue is darker, red brighter; full colour at `scale`, a share of the range."""
    shares = (after - before).mean(dim=1).div(2 * scale).clamp(-1, 1).numpy()[..., None]
    colours = np.where(shares < 0, _SAME + (_SAME - _DARKER) * shares, _SAME + (_BRIGHTER - _SAME) * shares)
    return [_picture(np.rint(image).astype(np.uint8)) for image in colours]


def difference_scale(before: torch.Tensor, after: torch.Tensor) -> float:
    """A share of the range black to white that nearly all differences lie within, at least 0.02."""
    size = np.quantile((after - before).mean(dim=1).abs().numpy(), 0.98) / 2
    return max(0.02, float(np.ceil(size * 100) / 100))


def shown_size(height: int, width: int) -> tuple[int, int]:
    """(H, W) on the page."""
    scale = _scale(height, width)
    return round(height * scale), round(width * scale)


def _scale(height: int, width: int) -> float:
    side = max(height, width)
    return min(1.0, _SIDE / side) if side > 160 else float(max(1, 192 // side))


def _picture(image: np.ndarray) -> Picture:
    height, width = image.shape[:2]
    size = shown_size(height, width)
    if size[0] < height:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, -1)
    file = io.BytesIO()
    kind = "png" if image.size <= _LOSSLESS else "webp"
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, kind, **_OPTIONS[kind])
    return Picture(f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}", size[1], size[0])


_OPTIONS: dict[str, dict[str, object]] = {"png": {"optimize": True}, "webp": {"quality": 88}}
