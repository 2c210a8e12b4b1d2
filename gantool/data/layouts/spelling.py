"""What is what, written down: patterns that join passes with their pictures, names of passes, places within files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..frames import DEPTHS, PassForm, PassKind
from .description import Source
from .patterns import pattern
from .tree import ARRAYS, Tree
from .units import Unit, paired, units_of
from .words import PICTURE, roles

MOST = 0.5
_FIELD = re.compile(r"\{(\w+/|\w+(?::\w+)?)\}")
_PER_PICTURE = (".json", ".txt", ".xml")


def arrays_of(tree: Tree) -> list[Unit]:
    """Return files of arrays as units."""
    files = [file for file in tree.files if file.lower().endswith(ARRAYS)]
    return units_of(tree, files) if files else []


def joining(pictures: Sequence[Unit], passes: Sequence[Unit]) -> dict[str, Unit]:
    """Return the patterns of the pictures, in the spelling that agrees with most passes, the most exact ones first."""
    found: dict[str, Unit] = {}
    for unit in pictures:
        text = unit.pattern
        moved = text.replace("{at/}", "{sub/}", 1)
        if "{sub/}" not in text and passes:
            gain = sum(
                paired(one.pattern, one.files, moved, unit.files) - paired(one.pattern, one.files, text, unit.files)
                for one in passes
            )
            text = moved if gain > 0 else text
        found.setdefault(text, unit)
    return dict(sorted(found.items(), key=lambda item: -len(item[0].replace("{frame}", ""))))


def belonging(unit: Unit, pictures: Mapping[str, Unit]) -> tuple[str, bool]:
    """Return the pattern of a unit of labels in a spelling that joins them with their pictures, and whether one has several.

    Names join them where folders do not agree, as far as each is that of one picture; so do folders that hold one picture each.
    """
    text = unit.pattern
    if not any(paired(text, unit.files, other, picture.files) for other, picture in pictures.items()):
        tries = (_apart(text, folders) for folders in (True, False))
        text = next((one for one in tries if any(_joins(one, unit, *other) for other in pictures.items())), text)
    shared = {name for other in pictures for name in pattern(other).fields if name in pattern(text).fields}
    keys = Counter(tuple(found[name] for name in shared) for file in unit.files if (found := pattern(text).match(file)))
    return text, bool(shared) and max(keys.values(), default=0) > 1


def _apart(text: str, folders: bool) -> str:
    """Give the fields of folders, or those of names, other names, so that they are no longer asked to agree."""
    return _FIELD.sub(lambda found: f"{{own_{found[1]}}}" if found[1].endswith("/") == folders else found[0], text)


def _joins(text: str, unit: Unit, pictures: str, of: Unit) -> bool:
    shared = [name for name in pattern(text).fields if name in pattern(pictures).fields]
    keys = [tuple(found[name] for name in shared) for file in of.files if (found := pattern(pictures).match(file))]
    return all(map(any, keys)) and len(set(keys)) == len(keys) and paired(text, unit.files, pictures, of.files) > MOST


def named_passes(tree: Tree, units: Iterable[tuple[Unit, str]]) -> Iterable[tuple[str, tuple[tuple[Source, ...], PassForm]]]:
    """Yield each pass under the name of its kind, or a longer one where there are several of a kind."""
    found: dict[tuple[PassKind, str, str], dict[str, tuple[Source, PassForm]]] = {}
    for unit, text in units:
        kind = PassKind(str(unit.role))
        form = form_of(kind, unit)
        # Depth.exr and Depth0001.exr are one pass, and so is depth of another file type.
        same = found.setdefault((kind, literal(unit.pattern), repr(form)), {})
        same[text] = (source_of(tree, text, unit, kind), form)
    kinds = [kind for kind, _, _ in found]
    taken: set[str] = set()
    for (kind, words, _), sources in found.items():
        name = str(kind) if kinds.count(kind) == 1 and kind != PassKind.OTHER else words
        name = name if name not in taken else f"{name}_{next(iter(sources)).rpartition('.')[2]}"
        taken.add(name)
        yield name, (tuple(source for source, _ in sources.values()), next(iter(sources.values()))[1])


def form_of(kind: PassKind, unit: Unit) -> PassForm:
    """Return what is known of a pass by its kind and its pixels: normals of whole numbers are (n + 1) / 2."""
    if kind == PassKind.NORMALS and unit.look and unit.look.bits < 32:
        return PassForm(kind, scale=2 / (2**unit.look.bits - 1), offset=-1.0)
    if kind in DEPTHS and unit.look and unit.look.channels >= 3 and not unit.look.grey:
        return PassForm(PassKind.OTHER)  # in colours, or packed: only who wrote it knows how
    # No surface is at the camera, and what is beyond the range of a file is clipped.
    clipped = (65535.0,) if unit.look and unit.look.bits == 16 else ()
    return PassForm(kind, background=(0.0, *clipped)) if kind in DEPTHS else PassForm(kind)


def literal(text: str) -> str:
    """Return the words of a pattern that are no fields, as a name."""
    words = [word for place, word in enumerate(pattern(text).pieces) if place % 2 == 0]
    name = "_".join(word.strip("/_-. ") for word in words[:-1] if word.strip("/_-. "))
    last = words[-1].rpartition(".")[0].strip("/_-. ")
    return "_".join(part for part in (name, last) if part).lower().replace(" ", "_").replace("/", "_") or "other"


def source_of(tree: Tree, text: str, unit: Unit, role: PassKind | str) -> Source:
    """Return where a unit's values lie; in an EXR, which channels: a number of its own is written as grey, in three of them."""
    if not unit.files[0].lower().endswith(".exr"):
        return Source(text)
    wanted = {PICTURE: ("RGB", "Y"), PassKind.NORMALS: ("XYZ", "RGB"), PassKind.ALBEDO: ("RGB",), PassKind.MOTION: ("XY", "RG")}
    for part in tree.exr(unit.files[0]):
        # Layers, where it has some: the picture is the one called so, else the first.
        prefixes = sorted({name[: name.rfind(".") + 1] for name in part.channels}, key=lambda one: roles(one) == [])
        for letters in (*wanted.get(role, ()), "V", "Z", "R", "Y", "X"):
            for prefix in prefixes:
                if all(f"{prefix}{letter}" in part.channels for letter in letters):
                    return Source(text, part=part.name, channels=tuple(f"{prefix}{letter}" for letter in letters))
    return Source(text)


def per_picture(tree: Tree, pictures: Mapping[str, Unit]) -> str:
    """Return the pattern of label files that lie beside the pictures, or in `labels/` instead of `images/`; ""."""
    for suffix in _PER_PICTURE:
        files = tree.ending(suffix)
        for text, unit in pictures.items():
            stem = text.rpartition(".")[0]
            for tried in (
                stem,
                stem.replace("images/", "labels/"),
                stem.replace("images/", "annotations/"),
                stem.replace("JPEGImages/", "Annotations/"),
            ):
                if paired(f"{tried}{suffix}", files, text, unit.files):
                    return f"{tried}{suffix}"
    return ""
