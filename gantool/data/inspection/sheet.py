"""A contact sheet: what a set of images looks like, on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...values import counted
from ..formats.folder import FolderImages
from ..frames import Frame, Frames, LabelKind, PassKind
from ..images import ImageReadError, Images
from ..prepare import widen
from ..preprocess import drop_alpha, resize
from ..stored import read_pass
from ..writing import temporary_for
from .frames import boxes_of, in_colours, shown_masks
from .measure import sample_numbers
from .survey import Survey, widest

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
    if isinstance(images, FolderImages) and images.frames and images.frames.passes:
        return _block_of_frames(title, images, images.frames, survey)
    numbers = sample_numbers(len(images), _COLUMNS * _ROWS)
    rows = -(-len(numbers) // _COLUMNS)
    block = Image.new("RGB", (_COLUMNS * (_CELL + _GAP) + _GAP, _HEAD + rows * (_CELL + _GAP) + _GAP), "white")
    _write(block, (_GAP, _GAP), f"{title}: {counted(len(images), 'image')}")
    for place, number in enumerate(numbers):
        row, column = divmod(place, _COLUMNS)
        try:
            cell = _picture(images[number], survey)
        except ImageReadError:
            cell = _damaged()
        _put(block, cell, row, column)
    return block


def _block_of_frames(title: str, images: FolderImages, frames: Frames, survey: Survey) -> Image.Image:
    """A row per frame: its picture with boxes, then its passes, those that are the least known last, and its masks."""
    numbers = sample_numbers(len(images), _ROWS)
    names = sorted(frames.passes, key=lambda name: frames.passes[name].kind == PassKind.OTHER)
    masks = [name for name, form in frames.labels.items() if form.kind == LabelKind.MASKS][:1]
    columns = [*names[: _COLUMNS - 1 - len(masks)], *masks]
    height = _HEAD + _GAP + len(numbers) * (_CELL + _GAP) + _GAP + _HEAD
    block = Image.new("RGB", (_COLUMNS * (_CELL + _GAP) + _GAP, height), "white")
    _write(block, (_GAP, _GAP), f"{title}: {counted(len(images), 'frame')} ({frames.layout})")
    for column, name in enumerate(["picture", *columns]):
        _write(block, (_GAP + column * (_CELL + _GAP), _HEAD), name[:16])
    for row, number in enumerate(numbers):
        frame = frames.frames[number]
        try:
            picture = images[number]
            cell = _picture(picture, survey)
            _draw_boxes(cell, boxes_of(images.root, frames, frame, picture.shape[:2]), picture.shape[:2])
        except ImageReadError:
            cell = _damaged()
        _put(block, cell, row, 0, top=2 * _HEAD)
        for column, name in enumerate(columns, 1):
            try:
                shown = _shown(images.root, frames, frame, name)
            except (ImageReadError, ValueError):
                _put(block, _damaged(), row, column, top=2 * _HEAD)
                continue
            if shown is not None:
                _put(block, _thumbnail(shown, (0.0, 255.0)), row, column, top=2 * _HEAD)
    return block


def _shown(root: Path, frames: Frames, frame: Frame, name: str) -> np.ndarray | None:
    if name not in frames.passes:
        return shown_masks(root, frame.labels.get(name, ()))
    place, form = frame.passes.get(name), frames.passes[name]
    return None if place is None else in_colours(read_pass(root, place, form), form, place)


def _draw_boxes(cell: Image.Image, boxes: np.ndarray, size: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(cell)
    for left, top, right, bottom in boxes * (np.array([cell.width, cell.height] * 2) / np.array([size[1], size[0]] * 2)):
        if right > left and bottom > top:
            draw.rectangle((left, top, right - 1, bottom - 1), outline=(255, 200, 0))


def _put(block: Image.Image, cell: Image.Image, row: int, column: int, top: int = _HEAD) -> None:
    left, upper = _GAP + column * (_CELL + _GAP), top + row * (_CELL + _GAP)
    block.paste(cell, (left + (_CELL - cell.width) // 2, upper + (_CELL - cell.height) // 2))


def _write(block: Image.Image, place: tuple[int, int], text: str) -> None:
    ImageDraw.Draw(block).text(place, text.encode("latin-1", "replace").decode("latin-1"), fill="black")


def _damaged() -> Image.Image:
    return Image.new("RGB", (_CELL, _CELL), "#c00000")


def _picture(image: np.ndarray, survey: Survey) -> Image.Image:
    shown = survey.scale if survey.scale != (0.0, 65535.0) else survey.percentiles
    return _thumbnail(widen(image, widest(survey.dtypes)), shown)


def _thumbnail(image: np.ndarray, scale: tuple[float, float]) -> Image.Image:
    colours = drop_alpha(image)
    colours = colours if colours.shape[2] in (1, 3) else colours[..., :1]
    factor = _CELL / max(image.shape[:2])
    small = resize(colours, (max(1, round(image.shape[0] * factor)), max(1, round(image.shape[1] * factor))))
    low, high = scale
    unit = (np.nan_to_num(small.astype(np.float32)) - low) / ((high - low) or 1)
    pixels = np.rint(unit.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels).convert("RGB")
