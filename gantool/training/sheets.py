"""Sample sheets: synthetic | passes | refined | difference | real, side by side in one PNG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..data.conditions import Condition, Conditions
from ..data.frames import PassKind
from ..errors import GantoolError, cause
from ..model.tensors import eight_bits
from ..runs.files import write_file
from ..runs.folder import writing

_HEADER, _GAP = 14, 4
_NOTHING = (20, 20, 60)
"""Where a pass is empty, as in the sheets of `data inspect`."""


def write_sheet(
    path: Path,
    synthetic: torch.Tensor,
    refined: torch.Tensor,
    real: torch.Tensor,
    passes: Mapping[str, np.ndarray] = MappingProxyType({}),
    *,
    groups: int = 2,
) -> None:
    """Write a sheet; all (N, C, H, W) in [-1, 1], `passes` as `shown` gives them.

    Rows are laid out in `groups` blocks of columns. The difference is refined - synthetic around mid-grey. Images of
    more than three channels show the first; small ones are enlarged by a whole factor, so that pixels stay square.
    """
    cells = {"synthetic": to_bytes(synthetic), **passes, "refined": to_bytes(refined)}
    cells |= {"difference": to_bytes((refined - synthetic) / 2), "real": to_bytes(real)}
    count, height, width = cells["synthetic"].shape[:3]
    scale = max(1, 128 // max(height, width))
    groups = min(groups, count)
    rows = -(-count // groups)
    step_x, step_y = width * scale + _GAP, height * scale + _GAP
    block = len(cells) * step_x + 2 * _GAP
    sheet = Image.new("RGB", (groups * block, _HEADER + rows * step_y + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (name, images) in enumerate(cells.items()):
        for number, image in enumerate(images):
            group, row = divmod(number, rows)
            left = _GAP + group * block + column * step_x
            if row == 0:
                draw.text((left, 1), name.encode("latin-1", "replace").decode("latin-1"), fill="black")
            cell = Image.fromarray(image).resize((width * scale, height * scale), Image.Resampling.NEAREST)
            sheet.paste(cell, (left, _HEADER + row * step_y))
    write_file(path, sheet.save)


def shown(channels: Mapping[str, torch.Tensor], conditions: Conditions) -> dict[str, np.ndarray]:
    """Return conditions as a person can look at them, (N, H, W, 3) uint8 each: (N, c, H, W) as a batch has them, by name."""
    return {name: _in_colours(values.cpu().permute(0, 2, 3, 1).numpy(), conditions[name]) for name, values in channels.items()}


def _in_colours(values: np.ndarray, condition: Condition) -> np.ndarray:
    if condition.ids:
        colours = np.random.default_rng(0).integers(60, 255, (condition.channels, 3)).astype(np.float32)
        unit, empty = values @ colours / 255, ~values.any(axis=3)
    elif condition.kind == PassKind.INSTANCES:
        unit, empty = np.repeat(values, 3, axis=3), np.zeros(values.shape[:3], bool)
    elif condition.kind in (PassKind.NORMALS, PassKind.ALBEDO):
        unit, empty = (values + 1) / 2, ~values.any(axis=3)
    elif condition.kind == PassKind.MOTION:
        length = np.linalg.norm(values, axis=3, keepdims=True)
        unit, empty = np.repeat(length / max(float(length.max()), 1e-6), 3, axis=3), length[..., 0] == 0
    else:
        unit, empty = np.repeat((values[..., :1] + 1) / 2, 3, axis=3), values[..., 1] > 0
    pixels: np.ndarray = np.rint(unit.clip(0, 1) * 255).astype(np.uint8)
    pixels[empty] = _NOTHING
    return pixels


def side_by_side(path: Path, sheets: Mapping[str, Path]) -> None:
    """Write several sheets into one PNG, each under its name. Raises `GantoolError` for one that cannot be read."""
    pictures = {}
    for name, file in sheets.items():
        try:
            pictures[name] = Image.open(file).convert("RGB")
        except OSError as error:
            raise GantoolError(f"{file} cannot be read: {cause(error)}") from None
    whole = Image.new(
        "RGB",
        (sum(each.width for each in pictures.values()), _HEADER + max(each.height for each in pictures.values())),
        "white",
    )
    draw, left = ImageDraw.Draw(whole), 0
    for name, picture in pictures.items():
        draw.text((left + _GAP, 1), name, fill="black")
        whole.paste(picture, (left, _HEADER))
        left += picture.width
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, whole.save)


def to_bytes(images: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] to (N, H, W, 3) uint8."""
    shown = images if images.shape[1] == 3 else images[:, :1].expand(-1, 3, -1, -1)
    return eight_bits(shown)
