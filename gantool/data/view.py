"""Linear light to the values of a display, and back: what a view transform does to the colours of a render."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import GantoolError, cause

NAMES = ("srgb", "none")
_STEPS = 12
_NEAR = 1e-4
_MOST = 256


@dataclass(frozen=True)
class View:
    """A view transform: `"srgb"`, `"none"`, or the path of a .cube file."""

    name: str
    forward: Callable[[np.ndarray], np.ndarray]
    """(..., 3) or (..., 1) linear in [0, 1] to display values in [0, 1]."""
    inverse: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Display values, and linear values to start from, to linear values in [0, 1]."""

    def to_display(self, linear: np.ndarray) -> np.ndarray:
        """(H, W, C) linear to (H, W, C) float32 in [0, 1]; what lies outside of [0, 1] is clipped, NaN is black."""
        return self.forward(_within(linear)).clip(0, 1).astype(np.float32)

    def to_linear(self, display: np.ndarray, original: np.ndarray) -> np.ndarray:
        """Undo `to_display`.

        Args:
            display: (H, W, C) refined display values in [0, 1].
            original: (H, W, C) linear values before refinement. Where they are above 1 the result is as many times as
                large as they were; what is below 0 or not finite stays as it was.

        Returns (H, W, C) float32.
        """
        wide = original.astype(np.float32)
        new = self.inverse(display.clip(0, 1).astype(np.float32), _within(original))
        new = new * np.maximum(wide, 1, where=np.isfinite(wide), out=np.ones_like(wide))
        return np.where(np.isfinite(wide) & (wide >= 0), new, wide).astype(np.float32)


def digest(name: str) -> str:
    """Return what tells the view transform of a name from others: its name, or a hash of the table in its file.

    Raises `GantoolError` where the file cannot be read.
    """
    if not name.lower().endswith(".cube"):
        return "srgb" if name == "auto" else name
    try:
        return f"{Path(name).name}:{hashlib.sha256(Path(name).read_bytes()).hexdigest()[:16]}"
    except OSError as error:
        raise GantoolError(f"cannot read LUT {name}: {cause(error)}") from None


def view(name: str) -> View:
    """Return a view transform by its name, or from a .cube file. Raises `GantoolError` for another name or a damaged file."""
    if name == "srgb":
        return View(name, _srgb, lambda display, _: _from_srgb(display))
    if name == "none":
        return View(name, lambda linear: linear, lambda display, _: display)
    if name.lower().endswith(".cube"):
        return _read_cube(Path(name))
    raise GantoolError(f"--view {name}: choose one of {', '.join(NAMES)}, or give a .cube file")


def _within(linear: np.ndarray) -> np.ndarray:
    return np.nan_to_num(linear.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)


def _srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def _from_srgb(display: np.ndarray) -> np.ndarray:
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


def _read_cube(path: Path) -> View:
    try:
        low, high, table, three = _parse_cube(path.read_text("utf-8"))
    except (OSError, ValueError, IndexError) as error:
        raise GantoolError(f"cannot read LUT {path}: {cause(error)}") from None
    size = round(len(table) ** (1 / 3)) if three else len(table)

    def rows(linear: np.ndarray) -> np.ndarray:
        return np.asarray(((linear - low) / (high - low)).clip(0, 1) * (size - 1))

    if not three:
        return View(
            str(path),
            lambda linear: _each(lambda x, c: np.interp(x, np.arange(size), table[:, c]), rows(linear)),
            lambda display, _: _each(
                lambda y, c: np.interp(y, *_rising(table[:, c], np.linspace(low[c], high[c], size))), display
            ),
        )
    cube = table.reshape(size, size, size, 3).transpose(2, 1, 0, 3)  # red changes fastest in the file

    def forward(linear: np.ndarray) -> np.ndarray:
        return _trilinear(cube, rows(_colour(linear)))

    return View(str(path), forward, lambda display, start: _solve(forward, _colour(display), _colour(start)))


def _parse_cube(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return the ends of the domain, the colours (N, 3), and whether the table is three-dimensional. Raises `ValueError`."""
    lines = [words for line in text.splitlines() if (words := line.partition("#")[0].split())]
    table = np.array([[float(word) for word in words] for words in lines if _is_number(words[0])], np.float32)
    settings = {words[0]: words[1:] for words in lines if not _is_number(words[0])}
    low, high = (np.array(settings.get(f"DOMAIN_{end}", [value] * 3), np.float32) for end, value in (("MIN", 0), ("MAX", 1)))
    three = "LUT_3D_SIZE" in settings
    size = int(settings.get("LUT_3D_SIZE" if three else "LUT_1D_SIZE", ["0"])[0])
    if not 2 <= size <= (_MOST if three else 65_536) or table.shape != (size**3 if three else size, 3) or (high <= low).any():
        raise ValueError(f"{len(table)} rows of colours do not fill a table of size {size}")
    return low, high, table, three


def _is_number(word: str) -> bool:
    return word.lstrip("+-").replace(".", "", 1)[:1].isdigit()


def _colour(image: np.ndarray) -> np.ndarray:
    if image.shape[-1] != 3:
        raise GantoolError("--view: a three-dimensional LUT is for pictures of three channels; choose another view")
    return image


def _each(function: Callable[[np.ndarray, int], np.ndarray], image: np.ndarray) -> np.ndarray:
    """One function per channel; grey takes green's."""
    grey = image.shape[-1] == 1
    return np.stack([function(image[..., c], 1 if grey else c) for c in range(image.shape[-1])], axis=-1)


def _rising(values: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rising = np.maximum.accumulate(values)
    first = np.diff(rising, prepend=-np.inf) > 0
    return rising[first], places[first]


def _trilinear(cube: np.ndarray, places: np.ndarray) -> np.ndarray:
    first = np.minimum(places.astype(np.int64), len(cube) - 2)
    part = places - first
    result = np.zeros_like(places)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=-1, keepdims=True)
        r, g, b = np.moveaxis(first + corner, -1, 0)
        result += weight * cube[r, g, b]
    return result


def _solve(forward: Callable[[np.ndarray], np.ndarray], wanted: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Newton's method per pixel, damped by Tikhonov: a LUT may be flat, and what no colour leads to is met as near as it goes."""
    flat, target = start.reshape(-1, 3).astype(np.float64), wanted.reshape(-1, 3)
    for _ in range(_STEPS):
        error = target - forward(flat)
        if np.abs(error).max(initial=0) < _NEAR:
            break
        steps = np.eye(3) * np.where(flat[:, None, :] < 0.5, 1e-3, -1e-3)
        slopes = np.stack([(forward(flat + steps[:, c]) - forward(flat)) / steps[:, c, c : c + 1] for c in range(3)], axis=-1)
        normal = slopes.swapaxes(1, 2) @ slopes + 1e-5 * np.eye(3)
        flat = (flat + np.linalg.solve(normal, slopes.swapaxes(1, 2) @ error[..., None])[..., 0]).clip(0, 1)
    return flat.reshape(wanted.shape).astype(np.float32)
