"""Blender: multilayer EXR as 4.x (one part) and 5.x (a part per pass) write it, and what the File Output node writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..exr import ExrPart
from ..frames import Doubt, PassForm, PassKind, PictureForm
from . import generic
from .description import Description, Source
from .model import Written
from .tree import Tree
from .units import glob_of, sorted_by_name
from .words import PICTURE

_WHERE = "{at/}{frame}.exr"
_PICTURES = ("combined", "image")
_PASSES = {
    "depth": ("depth", PassForm(PassKind.DEPTH)),
    "z": ("depth", PassForm(PassKind.DEPTH)),
    "normal": ("normals", PassForm(PassKind.NORMALS, unit="world")),
    "indexob": ("instances", PassForm(PassKind.INSTANCES, background=(0.0,))),
    "objectindex": ("instances", PassForm(PassKind.INSTANCES, background=(0.0,))),
    "indexma": ("materials", PassForm(PassKind.MATERIALS, background=(0.0,))),
    "materialindex": ("materials", PassForm(PassKind.MATERIALS, background=(0.0,))),
    "diffcol": ("albedo", PassForm(PassKind.ALBEDO)),
    "diffusecolor": ("albedo", PassForm(PassKind.ALBEDO)),
}
"""By name without spaces, in small letters: 5.x renamed passes of 4.x."""
_BEFORE = PassForm(PassKind.MOTION, unit="px", factors=(1.0, -1.0))
_AFTER = PassForm(PassKind.MOTION, unit="px", factors=(-1.0, 1.0))
"""Vector counts y upwards; X, Y lead to the place in the frame before, Z, W from the place in the next frame."""
_VIEWS = ("left", "right")
_ORDER = "RGBrgbXYZWUVTIAa"
_COMPOSITE = "Composite"
_MOST_HEADERS = 500


@dataclass(frozen=True)
class _Group:
    """The channels of one pass."""

    part: str
    layer: str
    name: str
    view: str
    channels: tuple[str, ...]

    @property
    def plain(self) -> str:
        """Its name as `_PASSES` has it."""
        return self.name.lower().replace(" ", "").replace("_", "")


def recognise(tree: Tree) -> Description | None:
    """Blender's EXR have channels such as `ViewLayer.Depth.Z`; File Output's files are called `Depth0001.exr`."""
    files = tree.ending(".exr")
    # Pictures of another kind are more: these EXR are something beside them.
    others = [file for file in tree.pictures if file not in set(files)]
    if not files or sum(len(unit.files) for unit in sorted_by_name(others) if unit.role in (None, PICTURE)) > len(files):
        return None
    by_channels: dict[tuple[_Group, ...], list[str]] = {}
    headers = []
    for file in files[:: max(1, len(files) // _MOST_HEADERS)]:
        if parts := tree.exr(file):
            headers.append(parts)
            by_channels.setdefault(tuple(_groups(parts)), []).append(file)
    layered = {groups: found for groups, found in by_channels.items() if any(group.name for group in groups)}
    if not layered:
        return _file_output(tree, headers)
    if len(by_channels) == 1:
        return _multilayer(tree, [(_WHERE, groups) for groups in layered])
    if len(files) > _MOST_HEADERS:
        first, second = (found[0] for found in list(by_channels.values())[:2])
        doubt = Doubt(first, second, "has other channels", (f"--copy '{glob_of([second], files)}'", "--layout FILE.toml"))
        return Description("blender", (Source(_WHERE),), doubts=(doubt,))
    names = {groups: "|".join(file.rpartition("/")[2][: -len(".exr")] for file in found) for groups, found in layered.items()}
    made = _multilayer(tree, [(f"{{at/}}{{frame:{name}}}.exr", groups) for groups, name in names.items()])
    done = {file for found in layered.values() for file in found}
    rest = tree.of(file for file in tree.files if file not in done)
    beside = _file_output(rest, headers) if rest.ending(".exr") else None
    return _both(made, beside) if beside else made


def _both(one: Description, other: Description) -> Description:
    """Return what is in either; passes of one name and form are one pass."""
    passes = dict(one.passes)
    for name, (sources, form) in other.passes.items():
        if name in passes and passes[name][1] == form:
            passes[name] = ((*passes[name][0], *sources), form)
        else:
            passes[name if name not in passes else f"{name}_files"] = (sources, form)
    notes = (*one.notes, *other.notes)
    return replace(one, pictures=(*one.pictures, *other.pictures), passes=passes, notes=notes, doubts=other.doubts)


def _multilayer(tree: Tree, kinds: Sequence[tuple[str, Sequence[_Group]]]) -> Description:
    """Describe files of one or several kinds, each a pattern and what is in such files."""
    pictures: list[Source] = []
    passes: dict[str, tuple[tuple[Source, ...], PassForm]] = {}
    notes: dict[str, None] = {}
    for where, groups in kinds:
        colours = [group for group in groups if group.plain in _PICTURES and len(group.channels) >= 3]
        # What the compositor made is the picture; else the first layer's.
        colours.sort(key=lambda group: group.layer != _COMPOSITE)
        chosen = [group for group in colours if (group.layer, group.name) == (colours[0].layer, colours[0].name)]
        pictures += [Source(where, part=one.part, channels=one.channels[:3], view=one.view) for one in chosen]
        first = chosen[0].layer if chosen else groups[0].layer
        for group in groups:
            if group in colours and group not in chosen:
                notes[f"{group.layer}.{group.name} is the picture of another layer, and stays as it is"] = None
            for name, source, form in _as_passes(group, where) if group not in colours else ():
                name = name if group.layer in (first, "") else f"{group.layer}_{name}"
                passes[name] = ((*passes.get(name, ((), form))[0], source), form)
    if not pictures:
        beside = generic.describe(tree.of(file for file in tree.files if not file.lower().endswith(".exr")))
        missing = "no EXR has a pass Combined or Image"
        return Description("blender", beside.pictures if beside else (), passes, missing=missing)
    return Description("blender", tuple(pictures), passes, picture=PictureForm(linear=True), notes=tuple(notes))


def _groups(parts: Sequence[ExrPart]) -> Iterator[_Group]:
    """Yield what belongs together: channels that differ in their last letter, part by part (parts may name them alike)."""
    for part in parts:
        view = next((view for view in _VIEWS if part.name.endswith(f"-{view}")), "")
        by_prefix: dict[str, list[str]] = {}
        for channel in part.channels:
            by_prefix.setdefault(channel.rpartition(".")[0], []).append(channel)
        for prefix, channels in by_prefix.items():
            words = prefix.split(".")
            own = words.pop() if words[-1] in _VIEWS else view
            ordered = sorted(channels, key=lambda channel: _ORDER.find(channel[-1]))
            yield _Group(part.name, ".".join(words[:-1]), words[-1], own, tuple(ordered))


def _as_passes(group: _Group, where: str) -> Iterator[tuple[str, Source, PassForm]]:
    source = Source(where, part=group.part, channels=group.channels, view=group.view)
    if group.plain == "vector" and len(group.channels) == 4:
        by_letter = {channel[-1]: channel for channel in group.channels}
        yield "motion_before", replace(source, channels=(by_letter["X"], by_letter["Y"])), _BEFORE
        yield "motion_after", replace(source, channels=(by_letter["Z"], by_letter["W"])), _AFTER
        return
    name, form = _PASSES.get(group.plain, (group.name.lower().replace(" ", "_"), PassForm(PassKind.OTHER)))
    yield name, source, form


def _file_output(tree: Tree, headers: Sequence[tuple[ExrPart, ...]]) -> Description | None:
    """Files of single passes: their names say which, as elsewhere; that Blender wrote them says what is in them."""
    if not any("Blender" in str(value) for parts in headers for part in parts for value in part.attributes.values()):
        return None
    found = generic.describe(tree)
    if found is None or not found.passes:
        return None
    known = {form.kind: form for _, form in _PASSES.values()}
    passes = {
        name: (sources, known.get(form.kind, form) if sources[0].files.endswith(".exr") else form)
        for name, (sources, form) in found.passes.items()
    }
    # A PNG went through the view transform, and holds whole numbers up to 65535 alone.
    poor = [
        name for name, (sources, form) in passes.items() if sources[0].files.endswith(".png") and form.kind != PassKind.ALBEDO
    ]
    notes = (
        *found.notes,
        *([f"{', '.join(poor)}: passes that Blender writes as PNG hold next to nothing; write EXR"] * bool(poor)),
    )
    return replace(found, name="blender", passes=passes, notes=notes)


LAYOUT = Written("blender", "Blender (multilayer EXR, File Output node)", recognise)
