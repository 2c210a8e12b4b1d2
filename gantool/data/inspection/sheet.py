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
from ..moving import moves
from ..prepare import widen
from ..stored import read_pass
from .cells import CELL, COLUMNS, GAP, HEAD, damaged, put, save, thumbnail, write
from .content import Content, block_of_content
from .frames import boxes_of, in_colours, points_of, shown_masks
from .measure import sample_numbers
from .survey import Survey, widest

_ROWS = 6


def write_sheet(path: Path, sets: Sequence[tuple[str, Images, Survey]], content: Content | None = None) -> None:
    """Write a PNG with a block of at most 48 thumbnails per set, one beside the other; each is a title, images, their survey.

    `content`: of two sets, what both hold; a further block.

    An image that cannot be read is a red cell. Raises OSError.
    """
    blocks = [_block(title, images, survey) for title, images, survey in sets]
    blocks += [block_of_content(content)] if content else []
    height = max(block.height for block in blocks)
    sheet = Image.new("RGB", (sum(block.width for block in blocks) + 4 * GAP * (len(blocks) - 1), height), "white")
    left = 0
    for block in blocks:
        sheet.paste(block, (left, 0))
        left += block.width + 4 * GAP
    save(sheet, path)


def _block(title: str, images: Images, survey: Survey) -> Image.Image:
    if isinstance(images, FolderImages) and images.frames and _has_more(images.frames):
        return _block_of_frames(title, images, images.frames, survey)
    numbers = sample_numbers(len(images), COLUMNS * _ROWS)
    rows = -(-len(numbers) // COLUMNS)
    block = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, HEAD + rows * (CELL + GAP) + GAP), "white")
    write(block, (GAP, GAP), f"{title}: {counted(len(images), 'image')}")
    for place, number in enumerate(numbers):
        row, column = divmod(place, COLUMNS)
        try:
            cell = _picture(images[number], survey)
        except ImageReadError:
            cell = damaged()
        put(block, cell, row, column)
    return block


def _has_more(frames: Frames) -> bool:
    """Return whether there is something to show beside the pictures, or on them."""
    return bool(frames.passes) or any(form.kind == LabelKind.MASKS or moves(form) for form in frames.labels.values())


def _block_of_frames(title: str, images: FolderImages, frames: Frames, survey: Survey) -> Image.Image:
    """A row per frame: its picture with boxes, then its passes, those that are the least known last, and its masks."""
    numbers = sample_numbers(len(images), _ROWS)
    names = sorted(frames.passes, key=lambda name: frames.passes[name].kind == PassKind.OTHER)
    masks = [name for name, form in frames.labels.items() if form.kind == LabelKind.MASKS][:1]
    columns = [*names[: COLUMNS - 1 - len(masks)], *masks]
    height = HEAD + GAP + len(numbers) * (CELL + GAP) + GAP + HEAD
    block = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, height), "white")
    write(block, (GAP, GAP), f"{title}: {counted(len(images), 'frame')} ({frames.layout})")
    for column, name in enumerate(["picture", *columns]):
        write(block, (GAP + column * (CELL + GAP), HEAD), name[:16])
    for row, number in enumerate(numbers):
        frame = frames.frames[number]
        try:
            picture = images[number]
            cell = _picture(picture, survey)
            _draw_labels(cell, images.root, frames, frame, picture.shape[:2])
        except ImageReadError:
            cell = damaged()
        put(block, cell, row, 0, top=2 * HEAD)
        for column, name in enumerate(columns, 1):
            try:
                shown = _shown(images.root, frames, frame, name)
            except (ImageReadError, ValueError):
                put(block, damaged(), row, column, top=2 * HEAD)
                continue
            if shown is not None:
                put(block, thumbnail(shown, (0.0, 255.0)), row, column, top=2 * HEAD)
    return block


def _shown(root: Path, frames: Frames, frame: Frame, name: str) -> np.ndarray | None:
    if name not in frames.passes:
        return shown_masks(root, frame.labels.get(name, ()))
    place, form = frame.passes.get(name), frames.passes[name]
    return None if place is None else in_colours(read_pass(root, place, form), form, place)


def _draw_labels(cell: Image.Image, root: Path, frames: Frames, frame: Frame, size: tuple[int, int]) -> None:
    draw, scale = ImageDraw.Draw(cell), np.array([cell.width / size[1], cell.height / size[0]])
    for left, top, right, bottom in boxes_of(root, frames, frame, size) * np.tile(scale, 2):
        if right > left and bottom > top:
            draw.rectangle((left, top, right - 1, bottom - 1), outline=(255, 200, 0))
    for x, y in points_of(root, frames, frame, size) * scale:
        draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(0, 255, 255))


def _picture(image: np.ndarray, survey: Survey) -> Image.Image:
    shown = survey.scale if survey.scale != (0.0, 65535.0) else survey.percentiles
    return thumbnail(widen(image, widest(survey.dtypes)), shown)
