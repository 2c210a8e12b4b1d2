"""A layout, written down: patterns of the files that hold pictures, passes and labels. Applied to a tree it gives frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import GantoolError
from ..frames import Doubt, Frame, Frames, LabelForm, PassForm, PictureForm, Place
from .patterns import fill, natural, pattern
from .tree import Tree
from .units import glob_of, units_of
from .words import PICTURE


@dataclass(frozen=True)
class Source:
    """Where the values of one picture, pass or label lie, in terms of fields."""

    files: str
    """Pattern of the files (see `patterns`)."""
    key: str = ""
    part: str = ""
    channels: tuple[str, ...] = ()
    row: int | None = None
    """These as in `frames.Place`; `key` may name fields, `{frame:d}` without leading zeros."""
    view: str = ""
    """Of several pictures in one file, such as the eyes of a stereo pair, which one this belongs to; "" is all of them."""
    scale_in: str = ""
    """`"FILE#PATH/TO/NUMBER"`: where a JSON file holds the scale of each frame, or `{"min": …, "max": …}` of a 16-bit pass."""


@dataclass(frozen=True)
class Description:
    """What a tree's files are."""

    name: str
    pictures: tuple[Source, ...]
    passes: Mapping[str, tuple[tuple[Source, ...], PassForm]] = field(default_factory=dict)
    """Several sources where frames have it in different places, such as the eyes of a stereo pair."""
    labels: Mapping[str, tuple[Source, LabelForm]] = field(default_factory=dict)
    picture: PictureForm = field(default_factory=PictureForm)
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Fields of single files that their names do not hold."""
    copy: tuple[str, ...] = ()
    """Patterns of files that look like pictures and are to be left as they are."""
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    missing: str = ""


def apply(description: Description, tree: Tree) -> Frames:
    """Return the frames of a tree that is laid out as described.

    Passes and labels win over pictures where patterns overlap, else the one that says more. An image file that no pattern takes
    is in doubt.

    Raises `GantoolError` for a pattern that is none, and for fields that pictures have not.
    """
    taken = _Taken(description, tree)
    frames = sorted(_frames(description, taken), key=lambda frame: natural(frame.name))
    copied = {file for text in description.copy for file, _ in taken.by_pattern[text]}
    used = {file for found in taken.by_pattern.values() for file, _ in found} - copied
    left = [file for file in tree.pictures if file not in used and file not in copied]
    aside, doubts = _left_over(left, frames, tree) if not description.doubts else ([], list(description.doubts))
    notes = (*description.notes, *aside, *_without(description, frames))
    return Frames(
        description.name,
        description.picture,
        tuple(frames),
        {name: form for name, (_, form) in description.passes.items()},
        {name: form for name, (_, form) in description.labels.items()},
        tuple(file for file in tree.files if file not in used),
        "" if frames else description.missing or _missing(description),
        notes,
        tuple(doubts),
        {} if frames else {name: tuple(_alone(sources, taken)) for name, (sources, _) in description.passes.items()},
    )


class _Taken:
    """Which pattern takes which files."""

    def __init__(self, description: Description, tree: Tree) -> None:
        self.tree = tree
        of_passes = [source for sources, _ in description.passes.values() for source in sources]
        of_labels = [source for source, _ in description.labels.values()]
        beside = [source.files for source in (*of_passes, *of_labels)]
        others = [*description.copy, *(source.files for source in description.pictures)]
        others.sort(key=lambda text: -sum(map(len, pattern(text).pieces[::2])))
        patterns = {text: pattern(text) for text in (*beside, *others)}
        self.by_pattern: dict[str, list[tuple[str, dict[str, str]]]] = {text: [] for text in patterns}
        for file in tree.files:
            for text, one in patterns.items():
                if (fields := one.match(file)) is not None:
                    self.by_pattern[text].append((file, {**fields, **description.fields.get(file, {})}))
                    break
        self._joined: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], list[str]]] = {}

    def beside(self, source: Source, fields: Mapping[str, str]) -> Sequence[str]:
        """Return the files of a source that agree with a picture in all fields that both have."""
        shared = tuple(name for name in pattern(source.files).fields if name in fields)
        index = self._joined.get((source.files, shared))
        if index is None:
            index = self._joined[source.files, shared] = {}
            for file, own in self.by_pattern[source.files]:
                index.setdefault(tuple(own[name] for name in shared), []).append(file)
        return index.get(tuple(fields[name] for name in shared), ())


def _frames(description: Description, taken: _Taken) -> Iterator[Frame]:
    for source in description.pictures:
        for file, fields in taken.by_pattern[source.files]:

            def beside(one: Source, fields: Mapping[str, str] = fields, view: str = source.view) -> list[Place]:
                found = taken.beside(one, fields) if one.view in ("", view) else ()
                return [_place(one, other, fields, taken.tree) for other in sorted(found, key=natural)]

            passes = {
                name: place
                for name, (sources, _) in description.passes.items()
                if (place := next((found[0] for one in sources if (found := beside(one))), None))
            }
            labels = {name: tuple(found) for name, (one, _) in description.labels.items() if (found := beside(one))}
            name = f"{file.rpartition('.')[0]}{':' * bool(source.view)}{source.view}"
            yield Frame(name, _place(source, file, fields, taken.tree), passes, labels)


def _alone(sources: Sequence[Source], taken: _Taken) -> Iterator[Place]:
    for source in sources:
        for file, fields in taken.by_pattern[source.files]:
            yield _place(source, file, fields, taken.tree)


def _place(source: Source, file: str, fields: Mapping[str, str], tree: Tree) -> Place:
    key = fill(source.key, fields) if "{" in source.key else source.key
    scale, offset = _stated_scale(source.scale_in, fields, tree) if source.scale_in else (None, None)
    return Place(file, key, source.part, source.channels, source.row, scale, offset)


def _stated_scale(text: str, fields: Mapping[str, str], tree: Tree) -> tuple[float | None, float | None]:
    file, _, path = fill(text, fields).partition("#")
    found = step(tree.json(file), path)
    if isinstance(found, int | float):
        return float(found), None
    if isinstance(found, dict) and {"min", "max"} <= found.keys():
        return (found["max"] - found["min"]) / 65535, float(found["min"])
    return None, None


def step(data: Any, path: str) -> Any:
    """Return what lies at a path such as `"3/depth_scale"` in JSON; None where there is nothing."""
    for word in path.split("/"):
        if isinstance(data, dict):
            data = data.get(word)
        elif isinstance(data, list) and word.isdigit() and int(word) < len(data):
            data = data[int(word)]
        else:
            return None
    return data


def _left_over(left: Sequence[str], frames: Sequence[Frame], tree: Tree) -> tuple[list[str], list[Doubt]]:
    """Return notes and doubts about image files that no pattern takes; what is called a pass and is no photo is no picture."""
    if not left or not frames:
        return [], []
    units = units_of(tree, left)
    aside = [unit for unit in units if unit.role not in (None, PICTURE) and not unit.photo]
    notes = [f"{unit.files[0]} and its like are {unit.role} by their names, and copied" for unit in aside]
    rest = [file for unit in units if unit not in aside for file in unit.files]
    if not rest:
        return notes, []
    by_stem = {frame.picture.file.rpartition(".")[0]: frame.picture.file for frame in frames}
    twin = next((file for file in rest if file.rpartition(".")[0] in by_stem), "")
    first, second = (by_stem[twin.rpartition(".")[0]], twin) if twin else (frames[0].picture.file, rest[0])
    suffix = second[second.rfind(".") :]
    glob = glob_of([file for file in rest if file.endswith(suffix)], tree.pictures)
    why = "shows the same frame" if twin else "is nothing that this layout knows"
    words = (f"--image '{glob}'", f"--copy '{glob}'") if glob else ("--layout FILE.toml",)
    return notes, [Doubt(first, second, why, words)]


def _without(description: Description, frames: Sequence[Frame]) -> Iterator[str]:
    """Yield one note about passes that some or all frames lack."""
    lacking = {name: [frame for frame in frames if name not in frame.passes] for name in description.passes}
    lacking = {name: found for name, found in lacking.items() if found}
    if lacking and frames:
        each = ", ".join(f"{name} ({len(found):,})" for name, found in lacking.items())
        yield f"some of the {len(frames):,} frames have no {each}, such as {next(iter(lacking.values()))[0].picture.file}"


def _missing(description: Description) -> str:
    return f"{' and '.join(dict.fromkeys(source.files for source in description.pictures))} matches no file"


def only(frames: Frames, pictures: Iterable[str]) -> Frames:
    """Return the frames with these picture files alone; those of the others are copied."""
    wanted = frozenset(pictures)
    kept = tuple(frame for frame in frames.frames if frame.picture.file in wanted)
    dropped = {frame.picture.file for frame in frames.frames} - wanted
    return replace(frames, frames=kept, copied=tuple(sorted({*frames.copied, *dropped})))


def check_fields(description: Description) -> None:
    """Raise `GantoolError` where two pictures of a description have nothing in common with a pass, so that all would share it."""
    fields = {name for source in description.pictures for name in pattern(source.files).fields}
    for name, (sources, _) in description.passes.items():
        for source in sources:
            if not fields & set(pattern(source.files).fields):
                raise GantoolError(f"{name}: {source.files} shares no field with the pictures, such as {{frame}}")
