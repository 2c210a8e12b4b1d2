"""Cells of contact sheets: thumbnails in a grid, with words above."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...files import replacing
from ..preprocess import drop_alpha, resize

COLUMNS = 8
CELL, GAP, HEAD = 96, 4, 20
"""Pixels: side of a thumbnail, what lies between two, height of a line of words."""


def put(block: Image.Image, cell: Image.Image, row: int, column: int, top: int = HEAD) -> None:
    """Paste a thumbnail into the middle of a cell."""
    left, upper = GAP + column * (CELL + GAP), top + row * (CELL + GAP)
    block.paste(cell, (left + (CELL - cell.width) // 2, upper + (CELL - cell.height) // 2))


def write(block: Image.Image, place: tuple[int, int], text: str) -> None:
    """Write words at (x, y)."""
    ImageDraw.Draw(block).text(place, text.encode("latin-1", "replace").decode("latin-1"), fill="black")


def save(sheet: Image.Image, path: Path) -> None:
    """Write a PNG, whole or not at all. Raises OSError."""
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")


def damaged() -> Image.Image:
    """Return the cell of an image that cannot be read."""
    return Image.new("RGB", (CELL, CELL), "#c00000")


def thumbnail(image: np.ndarray, scale: tuple[float, float]) -> Image.Image:
    """Draw (H, W, C) as large as a cell; `scale`: what is black and what is white."""
    colours = drop_alpha(image)
    colours = colours if colours.shape[2] in (1, 3) else colours[..., :1]
    factor = CELL / max(image.shape[:2])
    small = resize(colours, (max(1, round(image.shape[0] * factor)), max(1, round(image.shape[1] * factor))))
    low, high = scale
    unit = (np.nan_to_num(small.astype(np.float32)) - low) / ((high - low) or 1)
    pixels = np.rint(unit.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels).convert("RGB")
