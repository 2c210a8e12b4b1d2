"""A set of images in figures, by all of them or by a sample."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ...errors import GantoolError
from ..annotations.finding import Folder
from ..formats.folder import FolderImages
from ..images import ImageReadError, Images
from ..parallel import threads
from ..prepare import WIDTHS, widen
from .frames import FramesSummary, survey_frames
from .measure import Measured, measure, sample_numbers

BINS = 32
EQUALISED = 0.04
"""Mean change by equalisation, as a share of the full scale, below which an image counts as equalised. On renders and
photos of eyes, equalised images give at most 0.005, those compressed or resized since 0.038; stretched contrast and CLAHE
at least 0.04 and 0.11 at the median."""
_SHOWN = 20
_COLUMNS = 8
"""Columns of an array of labels that are told apart; wider ones (label maps) are summarised as one."""
_CLASSES = 20
"""Whole numbers or words of at most so many values are counted as classes."""


@dataclass(frozen=True)
class Spread:
    """A figure of each image, over the images."""

    mean: float
    deviation: float
    """Standard deviation between images."""


@dataclass(frozen=True)
class LabelSummary:
    """An array of labels, one row per image."""

    name: str
    rows: int
    """That were looked at."""
    shape: tuple[int, ...]
    """Of one row."""
    dtype: str
    low: tuple[float, ...]
    """Per column; empty for words."""
    high: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    missing: int
    """Rows with NaN."""
    classes: Mapping[str, int]
    """Value: rows, where there are few values."""


@dataclass(frozen=True)
class AnnotationSummary:
    """The annotation files of one kind."""

    format: str
    files: int
    images: int
    """That are annotated."""
    objects: int
    """Boxes, masks, rows, or files."""
    classes: Mapping[str, int]
    """The 20 commonest."""


@dataclass(frozen=True)
class Annotated:
    """All annotation files of a set."""

    summaries: tuple[AnnotationSummary, ...] = ()
    problem_count: int = 0
    problems: tuple[str, ...] = ()
    """The first 20."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a set of images is like. Brightness and contrast are in [0, 1] of `scale`."""

    path: str
    images: int
    """In the whole set."""
    examined: int
    """That were decoded: all, or a random sample."""
    unreadable: int
    """Of those examined."""
    unreadable_names: tuple[str, ...]
    """The first 20, each with its cause."""
    not_finite: int
    """Images with NaN or infinite values."""
    blank: float
    """Share of pixels that are NaN or infinite."""
    sizes: Mapping[str, int]
    """Height x width: images, commonest first."""
    channels: Mapping[int, int]
    dtypes: Mapping[str, int]
    low: float
    high: float
    """Lowest and highest stored values."""
    percentiles: tuple[float, float]
    """Stored values that 0.1 % and 99.9 % of the pixels lie below."""
    unit: str
    """Of the values; "" where it is not said."""
    scale: tuple[float, float]
    """Stored values that stand for black and white: of the type, or for floats out of [0, 1] the range that occurs."""
    brightness: Spread
    contrast: Spread
    black: float
    """Share of pixels at the lowest value of the type."""
    white: float
    histogram: tuple[float, ...]
    """Share of pixels in each of 32 bins from black to white."""
    equalised: float
    """Share of images, of those where it can be told, whose histogram is equalised."""
    grey_as_colour: int
    """Images with three equal channels."""
    flat: int
    """Images of one value."""
    ids: int
    """Images that look like masks: few colours in flat patches."""
    sentinels: Mapping[float, float]
    """Values that hardly are measurements: share of the pixels. Figures of values leave them out."""
    duplicates: tuple[tuple[str, ...], ...]
    """Names of images that are equal pixel by pixel; the first 20 groups."""
    duplicate_count: int
    """Images that repeat another one."""
    labels: tuple[LabelSummary, ...]
    annotated: Annotated
    """Annotation files; these are read whole."""
    frames: FramesSummary | None
    """What belongs to the pictures of a folder; None where there is nothing."""
    digests: Mapping[bytes, str] = field(repr=False)
    """Of every image examined: the name of the first one that has it."""

    @property
    def is_sample(self) -> bool:
        """Whether figures come from a part of the images."""
        return self.examined < self.images

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data; the digests are left out."""
        data = asdict(self)
        del data["digests"]
        return {**data, "is_sample": self.is_sample}


def equalised_share(residuals: Iterable[float | None]) -> float:
    """Return the share of images that are histogram-equalised, by the `equalisation_residual` of each; 0 where none can tell."""
    told = [residual < EQUALISED for residual in residuals if residual is not None]
    return float(np.mean(told)) if told else 0.0


def survey(images: Images, *, limit: int = 1000) -> Survey:
    """Examine at most `limit` images. Raises `GantoolError` where none of them can be read."""

    def look(number: int) -> Measured | ImageReadError:
        try:
            return measure(images[number])
        except ImageReadError as error:
            return error

    numbers = sample_numbers(len(images), limit)
    with ThreadPoolExecutor(threads()) as pool:
        looked = list(zip(numbers, pool.map(look, numbers), strict=True))
    found = _of_one_type(images, [(number, result) for number, result in looked if isinstance(result, Measured)])
    damaged = [result for _, result in looked if isinstance(result, ImageReadError)]
    if not found:
        raise GantoolError(f"none of {len(damaged)} images of {images.name} can be read; the first: {damaged[0]}")
    measured = [result for _, result in found]
    names, repeated = _duplicates(found)
    low, high = (float(f([getattr(m, side) for m in measured])) for f, side in ((np.nanmin, "low"), (np.nanmax, "high")))
    scale = _scale(measured, low, high)
    pixels = np.concatenate([m.pixels for m in measured])
    unit = (pixels - scale[0]) / ((scale[1] - scale[0]) or 1)
    return Survey(
        path=images.name,
        images=len(images),
        examined=len(numbers),
        unreadable=len(damaged),
        unreadable_names=tuple(f"{error.name}: {error.cause}" for error in damaged[:_SHOWN]),
        not_finite=sum(m.blank > 0 for m in measured),
        blank=float(np.mean([m.blank for m in measured])),
        sizes=_counted(f"{m.height}x{m.width}" for m in measured),
        channels=_counted(m.channels for m in measured),
        dtypes=_counted(result.dtype for _, result in looked if isinstance(result, Measured)),
        low=low,
        high=high,
        percentiles=(float(np.percentile(pixels, 0.1)), float(np.percentile(pixels, 99.9))),
        unit=getattr(images, "unit", ""),
        scale=scale,
        brightness=_spread([(m.mean - scale[0]) / ((scale[1] - scale[0]) or 1) for m in measured]),
        contrast=_spread([m.deviation / ((scale[1] - scale[0]) or 1) for m in measured]),
        black=float(np.mean([m.black for m in measured])),
        white=float(np.mean([m.white for m in measured])),
        histogram=tuple((np.histogram(unit.clip(0, 1), BINS, (0, 1))[0] / unit.size).tolist()),
        equalised=equalised_share(m.residual for m in measured),
        grey_as_colour=sum(m.grey for m in measured),
        flat=sum(m.low == m.high for m in measured),
        ids=sum(m.ids for m in measured),
        sentinels={
            value: float(np.mean([m.sentinels.get(value, 0.0) for m in measured]))
            for value in sorted({value for m in measured for value in m.sentinels})
        },
        duplicates=tuple(tuple(group) for group in repeated[:_SHOWN]),
        duplicate_count=sum(len(group) - 1 for group in repeated),
        labels=tuple(_summarise(name, np.asarray(images.labels[name])[numbers]) for name in images.labels),
        annotated=_annotated(images),
        frames=survey_frames(images.root, images.frames) if isinstance(images, FolderImages) and images.frames else None,
        digests=names,
    )


def _of_one_type(images: Images, measured: Sequence[tuple[int, Measured]]) -> list[tuple[str, Measured]]:
    """Return names and measures of images, all in the widest type of them, which they get in training."""
    wide = widest(result.dtype for _, result in measured)
    return [(images.names[n], result if result.dtype == wide else measure(widen(images[n], wide))) for n, result in measured]


def widest(dtypes: Iterable[str]) -> np.dtype:
    """Return the type that images of these types get in training."""
    return np.dtype(max(dtypes, key=WIDTHS.index, default=WIDTHS[0]))


def _scale(measured: list[Measured], low: float, high: float) -> tuple[float, float]:
    dtypes = {m.dtype for m in measured}
    if dtypes <= {"uint8"}:
        return 0.0, 255.0
    if dtypes <= {"uint8", "uint16"}:
        return 0.0, 65535.0
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def _duplicates(found: list[tuple[str, Measured]]) -> tuple[dict[bytes, str], list[list[str]]]:
    groups: dict[bytes, list[str]] = defaultdict(list)
    for name, measured in found:
        groups[measured.digest].append(name)
    return {digest: names[0] for digest, names in groups.items()}, [names for names in groups.values() if len(names) > 1]


def _counted(values: Iterable[Any]) -> dict[Any, int]:
    return dict(Counter(values).most_common())


def _spread(values: list[float]) -> Spread:
    return Spread(float(np.mean(values)), float(np.std(values)))


def _summarise(name: str, rows: np.ndarray) -> LabelSummary:
    """Summarise rows of a label array."""
    columns, missing = np.empty((0, 0)), 0
    if rows.dtype.kind in "biuf":
        flat = rows.reshape(len(rows), -1).astype(np.float64)
        missing = int(np.isnan(flat).any(axis=1).sum())
        columns = flat if flat.shape[1] <= _COLUMNS else flat.reshape(-1, 1)
        columns = columns[~np.isnan(columns).any(axis=1)]
    figures = (
        (columns.min(axis=0), columns.max(axis=0), columns.mean(axis=0), columns.std(axis=0))
        if len(columns)
        else [np.empty(0)] * 4
    )
    low, high, mean, deviation = (tuple(figure.tolist()) for figure in figures)
    return LabelSummary(name, len(rows), rows.shape[1:], str(rows.dtype), low, high, mean, deviation, missing, _classes(rows))


def _classes(rows: np.ndarray) -> dict[str, int]:
    if rows.ndim != 1 or rows.dtype.kind not in "biuSU":
        return {}
    values, counts = np.unique(rows, return_counts=True)
    if len(values) > _CLASSES:
        return {}
    return {_word(value): int(count) for value, count in zip(values.tolist(), counts, strict=True)}


def _word(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _annotated(images: Images) -> Annotated:
    """Count and check annotation files, all of them. Only folders have any, and images that know `problems` of their labels."""
    if not isinstance(images, FolderImages):
        problems = [str(problem) for problem in getattr(images, "problems", tuple)()]
        return Annotated((), len(problems), tuple(problems[:_SHOWN]))
    folder = Folder(images.root, images.listing)
    summaries = []
    for found in folder.annotations:
        tally = found.tally()
        classes = dict(tally.classes.most_common(_CLASSES))
        summaries.append(AnnotationSummary(found.format, len(found.files), len(tally.images), tally.objects, classes))
    problems = [str(problem) for problem in folder.problems()]
    return Annotated(tuple(summaries), len(problems), tuple(problems[:_SHOWN]))
