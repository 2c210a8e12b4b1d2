"""YOLO: `images/` and `labels/` side by side, a text file per image, and a data.yaml that names the classes.

Coordinates are shares of the image's size, so they stay true at any size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..geometry import Fit
from .model import Fits, ImageIndex, Problem, Size, Sizes, Tally, fit_of
from .objects import AnnotatedObject, of_polygon

_BOX = 5
"""Numbers on a line that is a class and a box; more are a polygon, or the corners of an oriented box."""
_CORNERS = 3
"""Of a polygon, at least."""
_EPSILON = 1e-3
"""Written with six digits, shares may exceed 1 by rounding."""


def read_config(data: bytes) -> dict[str, Any] | None:
    """Return the content of a YOLO data.yaml, or None for another file."""
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    if isinstance(found, dict) and "names" in found and {"train", "val", "test"} & found.keys():
        return found
    return None


def label_path(image: str) -> str:
    """Return where the labels of an image are: `images/` becomes `labels/`, the last time it occurs."""
    head, found, tail = f"/{image}".rpartition("/images/")
    path = f"{head}/labels/{tail}" if found else f"/{image}"
    return path.lstrip("/").rpartition(".")[0] + ".txt"


class Yolo:
    """A YOLO folder. See `model.Annotations`."""

    format = "YOLO"
    follows_size = True

    def __init__(self, root: Path, config: str, others: Sequence[str], index: ImageIndex) -> None:
        self._root, self._config = root, config
        self._base = config.rpartition("/")[0]
        settings = read_config((root / config).read_bytes()) or {}
        names = settings.get("names")
        pairs = names.items() if isinstance(names, dict) else enumerate(names if isinstance(names, list) else [])
        self._names = {key: str(name) for key, name in pairs}
        self._points = settings.get("kpt_shape")
        self._settings = settings
        below = f"{self._base}/" if self._base else ""
        self._images = [image for image in index.images if image.startswith(below)]
        self._labels = {label_path(image): image for image in self._images}
        mine = {file for file in others if file in self._labels}
        self._orphans = [
            file
            for file in others
            if file.startswith(below) and f"/{file}".rpartition("/labels/")[1] and file.endswith(".txt") and file not in mine
        ]
        self.files = (config, *sorted(mine), *self._orphans)

    def tally(self) -> Tally:
        tally = Tally()
        for file in set(self.files) & self._labels.keys():
            tally.images.add(self._labels[file])
            rows = [line.split() for line in (self._root / file).read_text("utf-8", "replace").splitlines() if line.strip()]
            tally.objects += len(rows)
            tally.classes.update(self._class(row[0]) for row in rows)
        return tally

    def objects(self, sizes: Sizes) -> dict[str, list[AnnotatedObject]]:
        """An image without a file of labels shows nothing, as trainers have it."""
        found: dict[str, list[AnnotatedObject]] = {image: [] for image in self._images}
        for file in set(self.files) & self._labels.keys():
            image = self._labels[file]
            size = sizes(image)
            for line in (self._root / file).read_text("utf-8", "replace").splitlines() if size else ():
                if words := line.split():
                    found[image].append(self._object(words, size or (0, 0)))
        return found

    def _object(self, words: list[str], size: Size) -> AnnotatedObject:
        name, values = self._class(words[0]), [float(word) for word in words[1:]]
        box, _ = self._split(values)
        if box is None:
            return AnnotatedObject(name, None)
        if not self._points and len(values) >= 2 * _CORNERS:
            return of_polygon(name, [(x * size[1], y * size[0]) for x, y in zip(values[::2], values[1::2], strict=True)])
        x, y, w, h = box[0] * size[1], box[1] * size[0], box[2] * size[1], box[3] * size[0]
        return AnnotatedObject(name, (x - w / 2, y - h / 2, x + w / 2, y + h / 2))

    def check(self, sizes: Sizes) -> Iterator[Problem]:  # noqa: ARG002 - shares need no size
        count = self._settings.get("nc")
        if isinstance(count, int) and count != len(self._names):
            yield Problem(self._config, f"nc is {count}, but there are {len(self._names)} names")
        yield from self._check_places()
        for file in self._orphans:
            yield Problem(file, "there is no image for these labels")
        for path, times in Counter(label_path(image) for image in self._images).items():
            if times > 1:
                yield Problem(path, f"belongs to {times} images that differ only in their suffix")
        for file in self.files[1:]:
            if file in self._labels:
                text = (self._root / file).read_text("utf-8", "replace")
                for number, line in enumerate(text.splitlines(), 1):
                    if line.strip() and (wrong := self._check_line(line.split())):
                        yield Problem(file, f"line {number}: {wrong}")

    def scaled(self, file: str, data: bytes, sizes: Sizes, fits: Fits) -> bytes:
        """Nothing changes where images are resized; shares of a crop are others, and what is cut off is left out."""
        if file not in self._labels:
            return data
        fit = fit_of(sizes(self._labels[file]), fits, image=self._labels[file])
        if not fit.cuts:
            return data
        lines = [self._cropped(line.split(), fit) for line in data.decode().splitlines() if line.strip()]
        return "".join(f"{line}\n" for line in lines if line).encode()

    def unknown(self, file: str, data: bytes) -> Sequence[str]:  # noqa: ARG002
        return []

    def _cropped(self, words: list[str], fit: Fit) -> str:
        values = [float(word) for word in words[1:]]
        (height, width), (new_height, new_width) = fit.before, fit.size
        if not self._points and len(values) >= 2 * _CORNERS:
            pairs = fit.polygon((x * width, y * height) for x, y in zip(values[::2], values[1::2], strict=True))
            new = [share for x, y in pairs for share in (x / new_width, y / new_height)]
        else:
            x, y, w, h = values[0] * width, values[1] * height, values[2] * width, values[3] * height
            box = fit.box(x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            left, top, right, bottom = box or (0, 0, 0, 0)
            middle, sides = ((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top)
            shares = [edge / side for pair in (middle, sides) for edge, side in zip(pair, fit.size[::-1], strict=True)]
            new = [*shares, *self._cropped_points(values[4:], fit)] if box else []
        return " ".join([words[0], *(f"{value:.10g}" for value in new)]) if new else ""

    def _cropped_points(self, values: list[float], fit: Fit) -> list[float]:
        count, wide = self._points or (0, 2)
        new: list[float] = []
        for start in range(0, count * wide, wide):
            x, y = fit.point(values[start] * fit.before[1], values[start + 1] * fit.before[0])
            inside = fit.inside(x, y)
            shares = [x / fit.size[1], y / fit.size[0]] if inside else [0, 0]
            new += [*shares, *(values[start + 2 : start + wide] if inside else [0] * (wide - 2))]
        return new

    def _check_places(self) -> Iterator[Problem]:
        base = self._root / self._base / str(self._settings.get("path") or "")
        for split in ("train", "val", "test"):
            places = self._settings.get(split)
            for place in places if isinstance(places, list) else [places] if places else []:
                # Exporters write `../train/images` for what lies beside data.yaml, and trainers read it so.
                tries = (base / str(place), self._root / self._base / str(place).removeprefix("../"))
                if not any(path.exists() for path in tries):
                    yield Problem(self._config, f"{split}: {place} is not there")

    def _check_line(self, words: list[str]) -> str:
        try:
            kind, values = int(words[0]), [float(word) for word in words[1:]]
        except ValueError:
            return "not a class number and coordinates"
        if kind not in self._names:
            return f"class {kind} has no name in {self._config}"
        box, points = self._split(values)
        if box is None:
            return f"{len(words)} numbers are neither a box, a polygon nor key points"
        x, y, width, height = box
        if not (width > 0 and height > 0):
            return f"the box has the size {width:g} x {height:g}"
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2, *points)
        if not all(-_EPSILON <= edge <= 1 + _EPSILON for edge in edges):
            return "reaches out of the image: all coordinates are shares, 0 to 1"
        return ""

    def _split(self, values: list[float]) -> tuple[tuple[float, float, float, float] | None, list[float]]:
        """Return the box and the points of a line; None for a number of values that means nothing."""
        if self._points:
            count, width = self._points
            if len(values) != 4 + count * width:
                return None, []
            rows = [values[4 + start * width : 4 + (start + 1) * width] for start in range(count)]
            # A third value of 0 says that the point is not labelled.
            seen = [row[:2] for row in rows if width == 2 or row[2]]
            return (values[0], values[1], values[2], values[3]), [value for row in seen for value in row]
        if len(values) == _BOX - 1:
            return (values[0], values[1], values[2], values[3]), []
        if len(values) < 6 or len(values) % 2:
            return None, []
        xs, ys = values[::2], values[1::2]
        width, height = max(xs) - min(xs), max(ys) - min(ys)
        return (min(xs) + width / 2, min(ys) + height / 2, width, height), []

    def _class(self, word: str) -> str:
        return self._names.get(int(word), word) if word.isdecimal() else word
