"""A frame: one picture, the passes a renderer wrote beside it, and the labels that go with it.

Plain data: where things lie and what their numbers mean, never the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..errors import GantoolError
from ..values import counted

_SHOWN = 2


class PassKind(StrEnum):
    """What a pass tells of each pixel."""

    DEPTH = "depth"
    """Distance to the plane of the camera."""
    DISTANCE = "distance"
    """Distance along the ray."""
    NORMALS = "normals"
    INSTANCES = "instances"
    """Ids that only tell one thing from another."""
    CLASSES = "classes"
    """Ids that mean the same in every frame."""
    MATERIALS = "materials"
    ALBEDO = "albedo"
    MOTION = "motion"
    """Pixels, x to the right and y down, from here to where the same point is in another video frame."""
    OTHER = "other"


IDS = frozenset({PassKind.INSTANCES, PassKind.CLASSES, PassKind.MATERIALS})
"""Kinds whose numbers are names: they are compared, never averaged."""
DEPTHS = frozenset({PassKind.DEPTH, PassKind.DISTANCE})


class LabelKind(StrEnum):
    """What a label says about a frame."""

    CLASS = "class"
    NUMBER = "number"
    VECTOR = "vector"
    KEYPOINTS = "keypoints"
    BOXES = "boxes"
    POLYGONS = "polygons"
    MASKS = "masks"
    SIZE = "size"
    """Width and height of the picture, as `corners` orders `w` and `h`."""
    OTHER = "other"


@dataclass(frozen=True)
class PictureForm:
    """How stored numbers become the colours of a picture."""

    linear: bool = False
    """Of pictures in containers: linear light, without upper end; a view transform makes it a picture (see `view`).

    An EXR of colours always is, an image file never."""
    unit: str = ""
    """Of the values, where they are measurements: `"adu"`, `"HU"`."""
    kind: PassKind | None = None
    """Of pictures that are a pass themselves, as in a set of depth alone; None for colours."""
    background: tuple[float, ...] = ()
    """Values of these that say "nothing here", as of `PassForm`."""

    @property
    def values(self) -> PassForm | None:
        """What the numbers of pictures mean that are a pass; None for colours."""
        return None if self.kind is None else PassForm(self.kind, background=self.background)

    def is_linear(self, place: Place) -> bool:
        """Return whether the picture at a place is linear light."""
        if self.kind is not None:
            return False
        suffix = place.file.lower().rpartition(".")[2]
        return suffix == "exr" or (self.linear and suffix in ("hdf5", "h5", "npy"))


@dataclass(frozen=True)
class PassForm:
    """How stored numbers become the values of a pass: (stored · weights) · scale + offset, then per channel · factors."""

    kind: PassKind
    unit: str = ""
    """`"m"`, `"cm"`, `"mm"`, `"px"`; for normals the space they are in, `"world"` or `"camera"`; "" where it is not known."""
    take: tuple[int, ...] = ()
    """Channels that count, in this order; all where empty."""
    weights: tuple[float, ...] = ()
    """One per channel: a number that is packed into several channels is their weighted sum."""
    scale: float = 1.0
    offset: float = 0.0
    factors: tuple[float, ...] = ()
    background: tuple[float, ...] = ()
    """Values, before scale and offset, that say "nothing here". Not finite, or 1e9 and more, always does for depths."""
    range: tuple[float, float] | None = None
    """Lowest and highest value that can be, in the unit; None where it is not known."""
    top_first: bool = False
    """A PFM starts with its top row, against the format's definition."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of ids, by the id as text."""

    def at(self, place: Place) -> PassForm:
        """Return the form of one frame, whose scale and offset its place may bring."""
        own = {name: value for name in ("scale", "offset") if (value := getattr(place, name)) is not None}
        return replace(self, **own) if own else self


@dataclass(frozen=True)
class LabelForm:
    """What the labels of one name are, and how boxes and points are written."""

    kind: LabelKind
    corners: str = ""
    """Of boxes: the order of the four numbers, of `x0 y0 x1 y1` (edges) and `w h` (sizes), such as `"x0 y0 w h"`."""
    point: str = "x y"
    """Of key points and polygons: what the numbers of one point are, in their order. Where `v` is 0 it was not seen, and lies
    nowhere; other words are left as they are, such as `z`."""
    inclusive: bool = False
    """Whether the far corner is the last pixel of the box, not the edge behind it."""
    shares: bool = False
    """Whether coordinates are shares of the picture's size."""
    y_up: bool = False
    """Whether y counts from the bottom."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where values lie: in a file, or in a part of one."""

    file: str
    """Path relative to the tree, "/" between folders."""
    key: str = ""
    """Data set of a container, or the path to the values within JSON, a table or a structured array (see `records`)."""
    part: str = ""
    """Name of an EXR's part; "" is the only or first one."""
    channels: tuple[str, ...] = ()
    """Names of an EXR's channels, in the order of the picture's or pass's."""
    row: int | None = None
    """Index on the first axis."""
    scale: float | None = None
    """In place of the form's, where a file beside says so frame by frame."""
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture with what belongs to it."""

    name: str
    """What tells it from the other frames of the tree."""
    picture: Place
    passes: Mapping[str, Place] = field(default_factory=dict)
    labels: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Doubt:
    """Files that may be pictures or labels: only a person can say."""

    first: str
    second: str
    why: str
    """Of `second`, to follow its name: "looks like ids (4 colours)"."""
    words: tuple[str, ...]
    """What to say on the command line, one of them."""

    def __str__(self) -> str:
        return f"{self.first} is a picture, but {self.second} {self.why}: say {' or '.join(self.words)}"


@dataclass(frozen=True)
class Frames:
    """A tree of files, understood."""

    layout: str
    """Name of the layout that it is in."""
    picture: PictureForm
    frames: tuple[Frame, ...]
    """In natural order: 2 comes before 10."""
    passes: Mapping[str, PassForm]
    labels: Mapping[str, LabelForm]
    copied: tuple[str, ...] = ()
    """Files that are neither, and stay as they are."""
    missing: str = ""
    """Why there is no picture; "" where there are some."""
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    alone: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    """Passes, by name, where there is no picture that they could belong to."""

    def files(self) -> frozenset[str]:
        """Return every file that holds a picture, a pass or a label."""
        return frozenset(
            place.file
            for frame in self.frames
            for places in ((frame.picture,), frame.passes.values(), *frame.labels.values())
            for place in places
        )

    def settled(self, root: object) -> Frames:
        """Return itself; raise `GantoolError`, one line, while anything is in doubt or where there is no picture."""
        if self.doubts:
            more = f" (and {len(self.doubts) - 1} more such)" if len(self.doubts) > 1 else ""
            raise GantoolError(f"{root}: {self.doubts[0]}{more}")
        if not self.frames:
            raise GantoolError(f"{root} has no pictures: {self.missing or 'there are no image files'}")
        return self

    def summary(self) -> str:
        """Say in one line what is what, for a person: "6 frames (replicator): rgb_0000.png; pass depth …, copied as they are"."""
        first = self.frames[0] if self.frames else None
        kind = f" ({self.picture.kind})" if self.picture.kind else ""
        example = f": pictures{kind} such as {first.picture.file}" if first else ""
        parts = [f"{counted(len(self.frames), 'frame')} ({self.layout}){example}"]
        known = {**{name: form.kind for name, form in self.passes.items()}, **{n: f.kind for n, f in self.labels.items()}}
        if known:
            parts.append("not touched: " + ", ".join(n if n == kind else f"{n} ({kind})" for n, kind in known.items()))
        if self.copied:
            shown = ", ".join(self.copied[:_SHOWN]) + (" and others" if len(self.copied) > _SHOWN else "")
            parts.append(f"copied: {shown}")
        return "; ".join(parts)
