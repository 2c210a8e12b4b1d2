"""UnityEyes (Wood et al. 2016): N.jpg and N.json in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gantool import GantoolError
from gantool.datasets import Labels, LazyArrays, Listed
from gantool.errors import cause

from .geometry import facing_from_unity, from_unity, gaze_labels
from .pictures import Grey, Window, opened, read_grey

LABELS = ("gaze_pitch_yaw_rad", "gaze_xyz", "head_pitch_yaw_rad", "pupil_xy", "corners_xy", "lids_xy", "iris_xy")
"""Positions are (x, y) in pixels of the crop: `pupil_xy` (N, 2), the mean of the iris' rim; `corners_xy` (N, 2, 2), inner then
outer; `lids_xy` (N, K, 2), the margin of the lids; `iris_xy` (N, 32, 2), the rim."""

_SUFFIXES = (".jpg", ".jpeg", ".png")
_OUTER_CORNER = 8
"""Which point of `interior_margin_2d` is the outer corner (Park et al. 2018, GazeML)."""
_POINTS = {"interior_margin_2d": _OUTER_CORNER + 1, "caruncle_2d": 1, "iris_2d": 3}
"""Lists of points that are read, and how many of them there must be."""


def open_unityeyes(folder: str | Path, *, size: tuple[int, int], zoom: float = 1.5) -> Listed:
    """Open what UnityEyes wrote; images are crops around the eye, (h, w) = `size`. JSON files are read with their images.

    The crop is GazeML's: as wide as `zoom` times the eye, from the caruncle to the outer corner, around the middle of the lids'
    margin. Raises `GantoolError`: no images, an image without its JSON file; later, for a file that is damaged.
    """
    root = _root(Path(folder))
    images = _list(root)
    jsons = [path.with_suffix(".json") for path in images]
    found = {path.name for path in root.glob("*.json")}
    missing = [path.name for path in jsons if path.name not in found]
    if missing:
        raise GantoolError(f"{root}: {missing[0]} is missing, and {len(missing) - 1} more: each image needs its JSON file")

    def read(index: int) -> Grey:
        picture = read_grey(images[index])
        points = _points(_read_json(jsons[index]), jsons[index], len(picture))
        return _window(points, size, zoom, jsons[index]).cut(picture, size)

    # All are read when the first one is asked for: training needs none of them.
    labels = cache(lambda: _labels(images, jsons, size, zoom))
    return Listed(str(root), [str(path) for path in images], read, LazyArrays(LABELS, lambda name: labels()[name]))


def is_unityeyes(folder: Path) -> bool:
    """Return whether a folder holds an image with a JSON file of UnityEyes beside it."""
    if not folder.is_dir():
        return False
    first = next(_root(folder).glob("*.json"), None)
    return first is not None and "look_vec" in first.read_text(encoding="utf-8", errors="replace")


def parse_vector(text: Any, count: int, where: str) -> list[float]:
    """`"(0.22, 0.47, -0.85, 0.0)"` to its first `count` numbers; decimal commas, as Unity writes them in some countries, too.

    Raises `GantoolError`, which begins with `where`.
    """
    inner = str(text).strip().removeprefix("(").removesuffix(")")
    words = inner.split(", ") if ", " in inner else inner.split(",")
    try:
        numbers = [float(word.strip().replace(",", ".")) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) < count or not np.isfinite(numbers).all():
        raise GantoolError(f"{where} is {text!r}, not {count} or more numbers in the form (x, y, z)")
    return numbers[:count]


def _root(folder: Path) -> Path:
    # The program writes into a folder `imgs` beside itself.
    inner = folder / "imgs"
    return inner if inner.is_dir() and not any(folder.glob("*.json")) else folder


def _list(root: Path) -> list[Path]:
    if not root.is_dir():
        raise GantoolError(f"{root} is no folder: give the one that UnityEyes wrote N.jpg and N.json into")
    images = [path for path in root.iterdir() if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")]
    if not images:
        raise GantoolError(f"no images in {root}: give the folder that UnityEyes wrote N.jpg and N.json into")
    return sorted(images, key=lambda path: (len(path.stem), path.name) if path.stem.isdigit() else (1 << 30, path.name))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors leave a byte order mark
    except (OSError, ValueError) as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None
    if not isinstance(found, dict):
        raise GantoolError(f"{path} holds no JSON object: is it of UnityEyes?")
    return found


def _points(details: dict[str, Any], path: Path, height: int) -> dict[str, NDArray[np.float64]]:
    """{name: (K, 2)} positions from the picture's top left corner: Unity counts y from the bottom."""
    result = {}
    for name, least in _POINTS.items():
        texts = details.get(name)
        if not isinstance(texts, list) or len(texts) < least:
            raise GantoolError(f"{path}: {name} is not a list of {least} or more points")
        points = np.array([parse_vector(text, 2, f"{path}: a point of {name}") for text in texts])
        result[name] = np.stack((points[:, 0], height - points[:, 1]), axis=1)
    return result


def _corners(points: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.stack((points["caruncle_2d"].mean(0), points["interior_margin_2d"][_OUTER_CORNER]))


def _window(points: dict[str, NDArray[np.float64]], size: tuple[int, int], zoom: float, path: Path) -> Window:
    inner, outer = _corners(points)
    width = zoom * abs(outer[0] - inner[0])
    if width < 1:
        raise GantoolError(f"{path}: the corners of the eye lie above each other, so it cannot be cropped")
    margin = points["interior_margin_2d"]
    x, y = (margin.min(0) + margin.max(0)) / 2
    height = width * size[0] / size[1]
    return Window(float(x - width / 2), float(y - height / 2), float(width), float(height))


def _labels(images: Sequence[Path], jsons: Sequence[Path], size: tuple[int, int], zoom: float) -> Labels:
    looks, heads, places = [], [], []
    for image, path in zip(images, jsons, strict=True):
        details = _read_json(path)
        eye = details.get("eye_details")
        if not isinstance(eye, dict) or "look_vec" not in eye:
            raise GantoolError(f"{path} has no eye_details.look_vec: is it of UnityEyes?")
        looks.append(parse_vector(eye["look_vec"], 3, f"{path}: look_vec"))
        heads.append(parse_vector(details.get("head_pose"), 3, f"{path}: head_pose"))
        with opened(image) as picture:
            height = picture.height
        points = _points(details, path, height)
        window = _window(points, size, zoom, path)
        iris = points["iris_2d"]
        found = (iris.mean(0), _corners(points), points["interior_margin_2d"], iris)
        places.append([window.moved(each, size).astype(np.float32) for each in found])
        # Checked here, where the file is known.
        if not np.any(looks[-1]):
            raise GantoolError(f"{path}: look_vec is {eye['look_vec']!r}, which is no direction")
    try:
        positions = {name: np.stack(rows) for name, rows in zip(LABELS[3:], zip(*places, strict=True), strict=True)}
    except ValueError:
        raise GantoolError(f"{jsons[0].parent}: files differ in how many points interior_margin_2d or iris_2d have") from None
    return {**gaze_labels(from_unity(looks), facing_from_unity(heads)), **positions}
