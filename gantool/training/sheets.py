"""Sample sheets: synthetic | refined | difference | real, side by side in one PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..model.tensors import eight_bits
from ..runs.files import write_file

COLUMNS = ("synthetic", "refined", "difference", "real")
_HEADER, _GAP = 14, 4


def write_sheet(path: Path, synthetic: torch.Tensor, refined: torch.Tensor, real: torch.Tensor, *, groups: int = 2) -> None:
    """Write a sheet; all (N, C, H, W) in [-1, 1].

    Rows are laid out in `groups` blocks of four columns. The difference is refined - synthetic around mid-grey. Images of
    more than three channels show the first; small ones are enlarged by a whole factor, so that pixels stay square.
    """
    cells = [to_bytes(images) for images in (synthetic, refined, (refined - synthetic) / 2, real)]
    height, width = cells[0].shape[1:3]
    scale = max(1, 128 // max(height, width))
    groups = min(groups, len(cells[0]))
    rows = -(-len(cells[0]) // groups)
    step_x, step_y = width * scale + _GAP, height * scale + _GAP
    block = len(COLUMNS) * step_x + 2 * _GAP
    sheet = Image.new("RGB", (groups * block, _HEADER + rows * step_y + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (name, images) in enumerate(zip(COLUMNS, cells, strict=True)):
        for number, image in enumerate(images):
            group, row = divmod(number, rows)
            left = _GAP + group * block + column * step_x
            if row == 0:
                draw.text((left, 1), name, fill="black")
            cell = Image.fromarray(image).resize((width * scale, height * scale), Image.Resampling.NEAREST)
            sheet.paste(cell, (left, _HEADER + row * step_y))
    write_file(path, sheet.save)


def to_bytes(images: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] to (N, H, W, 3) uint8."""
    shown = images if images.shape[1] == 3 else images[:, :1].expand(-1, 3, -1, -1)
    return eight_bits(shown)
