"""A sheet of what `data align` found: mean edges and some pictures, as they are, moved, and real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ...components import Domain
from ..aligning import Found
from ..pictures import fitted
from .cells import CELL, GAP, HEAD, put, save, thumbnail, write

_PICTURES = 6


def write_aligned_sheet(path: Path, found: Found, synthetic: Domain, real: Domain) -> None:
    """Write a PNG: a column for synthetic pictures as they are, one as they are moved, one for real ones. Raises OSError."""
    before, after = found.edges
    fit = found.alignment.fit(found.size)
    rows = [
        [edges[..., None] for edges in (before[axis], fitted(before[axis][..., None], fit)[..., 0], after[axis])]
        for axis in (0, 1)
    ]
    for number in range(_PICTURES):
        one, other = (domain[number * len(domain) // _PICTURES] for domain in (synthetic, real))
        rows.append([one, fitted(one, fit), other])
    titles = "synthetic", "aligned", "real"
    block = Image.new("RGB", (len(titles) * (CELL + GAP) + GAP, HEAD + len(rows) * (CELL + GAP) + GAP), "white")
    for column, title in enumerate(titles):
        write(block, (GAP + column * (CELL + GAP), GAP), title)
    for number, row in enumerate(rows):
        for column, image in enumerate(row):
            white = float(max(part.max() for part in row)) if number < len(before) else _white(image)
            put(block, thumbnail(image, (0.0, white)), number, column)
    save(block, path)


def _white(image: np.ndarray) -> float:
    return float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else 1.0
