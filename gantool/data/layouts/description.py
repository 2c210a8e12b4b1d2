"""A layout, written down: patterns of the files that hold pictures, passes and labels. Applied to a tree it gives frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import GantoolError
from ...values import counted
from ..frames import Doubt, Frame, Frames, LabelForm, LabelKind, PassForm, PictureForm, Place
from ..records import read_records
from .patterns import fill, natural, pattern, split_suffix
from .tree import Tree
from .units import glob_of, matches, units_of
from .words import PICTURE

_WAY_OUT = "--layout FILE.toml"


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
    """`"FILE#PATH/TO/NUMBER"`: where a JSON file holds the scale of each frame, `{"scale": …, "offset": …}`, or the `{"min": …,
    "max": …}` of a 16-bit pass."""


@dataclass(frozen=True)
class Rows:
    """Tables of which each row names the files of one frame, which their names do not tell."""

    files: str
    """Pattern of the tables."""
    column: str
    """Which column has the names, separated by ";". They lie below the folder of the table."""
    field: str
    """What all of them have of the first one."""


@dataclass(frozen=True)
class Description:
    """What a tree's files are."""

    name: str
    pictures: tuple[Source, ...]
    passes: Mapping[str, tuple[tuple[Source, ...], PassForm]] = field(default_factory=dict)
    """Several sources where frames have it in different places, such as the eyes of a stereo pair."""
    labels: Mapping[str, tuple[Source, LabelForm]] = field(default_factory=dict)
    picture: PictureForm = field(default_factory=PictureForm)
    rows: Rows | None = None
    copy: tuple[str, ...] = ()
    """Patterns of files that are to be left as they are; those without a field are shell patterns, as of `--copy`."""
    image: tuple[str, ...] = ()
    """Shell patterns of the files that are the only pictures, as of `--image`."""
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    missing: str = ""


def apply(description: Description, tree: Tree) -> Frames:
    """Return the frames of a tree that is laid out as described.

    Passes and labels win over pictures where patterns overlap, else the one that says more. An image file that no pattern takes
    is in doubt.

    Raises `GantoolError` for a pattern that is none, and for fields that pictures have not.
    """
    whole, globs = tree, [text for text in description.copy if "{" not in text]
    tree = tree.of(file for file in tree.files if not any(matches(file, glob) for glob in globs)) if globs else tree
    taken = _Taken(description, tree)
    frames = sorted(_frames(description, taken), key=lambda frame: natural(frame.name))
    copied = {file for text in description.copy if text not in globs for file, _ in taken.by_pattern[text]}
    used = {file for found in taken.by_pattern.values() for file, _ in found} - copied
    doubts = list(description.doubts)
    aside: list[str] = []
    if description.image:
        seen = [frame for frame in frames if any(matches(frame.picture.file, glob) for glob in description.image)]
        used -= {frame.picture.file for frame in frames} - {frame.picture.file for frame in seen}
        frames = seen
    elif not doubts:
        aside, doubts = _left_over([file for file in tree.pictures if file not in used and file not in copied], frames, tree)
    alone = () if description.image else _orphans(description, taken, frames)
    notes = (*description.notes, *aside, *_without(description, frames), *alone)
    return Frames(
        description.name,
        description.picture,
        tuple(frames),
        {name: form for name, (_, form) in description.passes.items()},
        {name: form for name, (_, form) in description.labels.items()},
        tuple(file for file in whole.files if file not in used),
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
        copied = [text for text in description.copy if "{" in text]
        others = [*copied, *(source.files for source in description.pictures)]
        others.sort(key=lambda text: -sum(map(len, pattern(text).pieces[::2])))
        patterns = {text: pattern(text) for text in (*beside, *others)}
        self.by_pattern: dict[str, list[tuple[str, dict[str, str]]]] = {text: [] for text in patterns}
        for file in tree.files:
            for text, one in patterns.items():
                if (fields := one.match(file)) is not None:
                    self.by_pattern[text].append((file, fields))
                    break
        if description.rows:
            self._join(description.rows)
        self._joined: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], list[str]]] = {}

    def _join(self, rows: Rows) -> None:
        """Give the files of a row the field of the first of them."""
        by_file = {file: fields for found in self.by_pattern.values() for file, fields in found}
        by_name: dict[str, list[str]] = {}
        for file in by_file:
            by_name.setdefault(file.rpartition("/")[2], []).append(file)
        for table in (file for file in self.tree.files if pattern(rows.files).match(file) is not None):
            folder = table[: table.rfind("/") + 1]
            for (names,) in read_records(self.tree.root, Place(table, rows.column)):
                found = [by_name.get(name.strip(), []) for name in str(names).split(";")]
                files = [file for same in found for file in same if file.startswith(folder)]
                for file in files[1:] if files and rows.field in by_file[files[0]] else ():
                    by_file[file][rows.field] = by_file[files[0]][rows.field]

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
            name = f"{split_suffix(file)[0]}{':' * bool(source.view)}{source.view}"
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
    if isinstance(found, dict) and "scale" in found:
        return found["scale"], found.get("offset")
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
    notes = [f"called {unit.role}, and copied: {counted(len(unit.files), 'file')} such as {unit.files[0]}" for unit in aside]
    unknown = [unit for unit in units if unit not in aside]
    rest = [file for unit in unknown for file in unit.files]
    if not rest:
        return notes, []
    by_stem = {frame.picture.file.rpartition(".")[0]: frame.picture.file for frame in frames}
    twin = next((file for file in rest if file.rpartition(".")[0] in by_stem), "")
    if not twin:
        # One pattern for all of them where there is one; else the shortest for each kind.
        globs = [glob_of(rest, tree.pictures)]
        globs = globs if all(globs) else [glob_of(unit.files, tree.pictures) for unit in unknown]
        words = (" ".join(f"--copy '{glob}'" for glob in globs), _WAY_OUT) if all(globs) else (_WAY_OUT,)
        return notes, [Doubt(frames[0].picture.file, rest[0], "is nothing that this layout knows", words)]
    suffix = twin[twin.rfind(".") :]
    glob = glob_of([file for file in rest if file.endswith(suffix)], tree.pictures)
    words = (f"--image '{glob}'", f"--copy '{glob}'") if glob else (_WAY_OUT,)
    return notes, [Doubt(by_stem[twin.rpartition(".")[0]], twin, "shows the same frame", words)]


def _without(description: Description, frames: Sequence[Frame]) -> Iterator[str]:
    """Yield one note about passes that some or all frames lack."""
    lacking = {name: [frame for frame in frames if name not in frame.passes] for name in description.passes}
    lacking = {name: found for name, found in lacking.items() if found}
    if lacking and frames:
        each = ", ".join(f"{counted(len(found), 'lacks', 'lack')} {name}" for name, found in lacking.items())
        yield f"of {counted(len(frames), 'frame')}, {each}, such as {next(iter(lacking.values()))[0].picture.file}"


def _orphans(description: Description, taken: _Taken, frames: Sequence[Frame]) -> Iterator[str]:
    """Yield a note for each pass, and each kind of mask, of which files belong to no picture."""
    known = frozenset(place.file for frame in frames for place in (*frame.passes.values(), *_masks(description, frame)))
    sources = {name: sources for name, (sources, _) in description.passes.items()}
    sources |= {name: (one,) for name, (one, form) in description.labels.items() if form.kind == LabelKind.MASKS}
    for name, several in sources.items() if frames else ():
        files = [file for source in several for file, _ in taken.by_pattern[source.files] if file not in known]
        if files:
            yield f"no picture for {counted(len(files), 'file')} of {name}, such as {files[0]}"


def _masks(description: Description, frame: Frame) -> Iterator[Place]:
    for name, places in frame.labels.items():
        yield from places if description.labels[name][1].kind == LabelKind.MASKS else ()


def _missing(description: Description) -> str:
    return f"{' and '.join(dict.fromkeys(source.files for source in description.pictures))} matches no file"


def check_fields(description: Description) -> None:
    """Raise `GantoolError` where two pictures of a description have nothing in common with a pass, so that all would share it."""
    fields = {name for source in description.pictures for name in pattern(source.files).fields}
    for name, (sources, _) in description.passes.items():
        for source in sources:
            if not fields & set(pattern(source.files).fields):
                raise GantoolError(f"{name}: {source.files} shares no field with the pictures, such as {{frame}}")
