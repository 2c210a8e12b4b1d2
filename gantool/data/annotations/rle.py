"""Run-length masks of COCO: columns first, background first, as counts or as the string that pycocotools writes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..geometry import Fit

_CONTINUES, _SIGN, _BITS, _FIRST = 0x20, 0x10, 5, 48


def decode_counts(counts: Any) -> list[int]:
    """Return run lengths. Raises `ValueError` for what is neither a list of them nor such a string."""
    if isinstance(counts, list):
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise ValueError("run lengths must be whole numbers")
        return counts
    if not isinstance(counts, str):
        raise ValueError("counts must be a list or a string")  # noqa: TRY004 - what is wrong is the file
    runs: list[int] = []
    position = 0
    while position < len(counts):
        value = shift = 0
        more = True
        while more:
            if position == len(counts):
                raise ValueError("counts end within a number")
            byte = ord(counts[position]) - _FIRST
            if not 0 <= byte < 2 * _CONTINUES:
                raise ValueError("counts hold a character that does not belong there")
            value |= (byte & 0x1F) << shift
            more, shift, position = bool(byte & _CONTINUES), shift + _BITS, position + 1
        if byte & _SIGN:
            value -= 1 << shift
        # From the third run on, the difference to the run two before is stored.
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    if any(run < 0 for run in runs):
        raise ValueError("run lengths must not be negative")
    return runs


def encode_counts(runs: list[int]) -> str:
    """Undo `decode_counts`, for the string form."""
    text = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            byte = value & 0x1F
            value >>= _BITS
            more = value != (-1 if byte & _SIGN else 0)
            text.append(chr((byte | _CONTINUES if more else byte) + _FIRST))
    return "".join(text)


def fit_mask(mask: dict[str, Any], fit: Fit) -> dict[str, Any]:
    """Return a run-length mask for an image that is resized or cropped, nearest pixels, in its form. Raises `ValueError`."""
    height, width = mask["size"]
    runs = decode_counts(mask["counts"])
    if sum(runs) != height * width:
        raise ValueError(f"run lengths add up to {sum(runs)}, not {height}x{width}")
    if (height, width) != fit.before:
        raise ValueError(f"its mask is of {height}x{width}, the image of {fit.before[0]}x{fit.before[1]}")
    values = np.repeat(np.arange(len(runs), dtype=np.uint8) & 1, runs)
    flat = fit.ids(values.reshape(width, height).T).T.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=np.uint8(0)))
    new = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {**mask, "size": list(fit.size), "counts": new if isinstance(mask["counts"], list) else encode_counts(new)}


def foreground(mask: dict[str, Any]) -> int:
    """Return how many pixels a mask marks."""
    return sum(decode_counts(mask["counts"])[1::2])
