"""A contact sheet: what a set of images looks like, on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..images import ImageReadError, Images
from ..preprocess import drop_alpha, resize
from ..writing import temporary_for
from .survey import Survey, sample_numbers

_COLUMNS, _ROWS = 8, 6
_CELL, _GAP, _HEAD = 96, 4, 20


def write_sheet(path: Path, sets: Sequence[tuple[str, Images, Survey]]) -> None:
    """Write a PNG with a block of at most 48 thumbnails per set, one beside the other; each is a title, images, their survey.

    An image that cannot be read is a red cell. Raises OSError.
    """
    blocks = [_block(title, images, survey) for title, images, survey in sets]
    height = max(block.height for block in blocks)
    sheet = Image.new("RGB", (sum(block.width for block in blocks) + 4 * _GAP * (len(blocks) - 1), height), "white")
    left = 0
    for block in blocks:
        sheet.paste(block, (left, 0))
        left += block.width + 4 * _GAP
    temporary = temporary_for(path)
    try:
        sheet.save(temporary, format="PNG")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _block(title: str, images: Images, survey: Survey) -> Image.Image:
    numbers = sample_numbers(len(images), _COLUMNS * _ROWS)
    rows = -(-len(numbers) // _COLUMNS)
    block = Image.new("RGB", (_COLUMNS * (_CELL + _GAP) + _GAP, _HEAD + rows * (_CELL + _GAP) + _GAP), "white")
    heading = f"{title}: {len(images):,} images"
    ImageDraw.Draw(block).text((_GAP, _GAP), heading.encode("latin-1", "replace").decode("latin-1"), fill="black")
    for place, number in enumerate(numbers):
        row, column = divmod(place, _COLUMNS)
        try:
            cell = _thumbnail(images[number], survey.scale if survey.scale != (0.0, 65535.0) else survey.percentiles)
        except ImageReadError:
            cell = Image.new("RGB", (_CELL, _CELL), "#c00000")
        top, left = _HEAD + row * (_CELL + _GAP), _GAP + column * (_CELL + _GAP)
        block.paste(cell, (left + (_CELL - cell.width) // 2, top + (_CELL - cell.height) // 2))
    return block


def _thumbnail(image: np.ndarray, scale: tuple[float, float]) -> Image.Image:
    colours = drop_alpha(image)
    colours = colours if colours.shape[2] in (1, 3) else colours[..., :1]
    factor = _CELL / max(image.shape[:2])
    small = resize(colours, (max(1, round(image.shape[0] * factor)), max(1, round(image.shape[1] * factor))))
    low, high = scale
    unit = (np.nan_to_num(small.astype(np.float32)) - low) / ((high - low) or 1)
    pixels = np.rint(unit.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels).convert("RGB")
