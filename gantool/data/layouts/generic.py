"""Folders that no simulator wrote, or none that is known: names, annotations and a look at the pixels say what is what.

Nothing is guessed away: what could be a picture or a label is a doubt, which stops with one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...values import counted
from .. import IMAGE_SUFFIXES
from ..frames import DEPTHS, IDS, Doubt, LabelForm, LabelKind, PassKind, PictureForm
from .description import Description, Source
from .listed import listed
from .patterns import split_suffix
from .spelling import MOST, arrays_of, belonging, form_of, joining, literal, named_passes, per_picture, source_of
from .tree import Tree
from .units import Unit, glob_of, paired, units_of
from .words import PICTURE, role, roles, tokens

PLAIN, FOLDERS, COMPANIONS, LISTED = "plain", "folders", "companions", "listed"

_COLOURS = PictureForm()


@dataclass
class _Sorted:
    """Units by what they are taken for."""

    pictures: list[Unit]
    passes: list[Unit]
    doubts: list[Doubt]
    notes: list[str]


def describe(tree: Tree, pictures: Iterable[str] = ()) -> Description | None:
    """Return what a tree seems to be, doubts and all; None where there is no image file.

    Args:
        tree: The files.
        pictures: Files that a person says are the pictures; nothing is in doubt then, and what is no pass is left as it is.
    """
    said = frozenset(pictures)
    return tree.once("generic", repr(sorted(said)), lambda: _describe(tree, said))


def _describe(tree: Tree, said: frozenset[str]) -> Description | None:
    units = units_of(tree, [file for file in tree.pictures if not said or file in said])
    names, shared = listed(tree) if not said else (frozenset[str](), frozenset[str]())
    if not units:
        return None
    if said:
        others = units_of(tree, [file for file in tree.pictures if file not in said])
        found = _Sorted(units, [unit for unit in others if unit.role not in (None, PICTURE)], [], [])
        left = [unit for unit in others if unit not in found.passes]
        return _description(tree, found, names, [unit.pattern for unit in left])
    # What cannot be read, or was not looked at, says nothing of the others; it is reported as what it is called.
    told = [unit for unit in units if unit.look or unit.role not in (None, PICTURE) or not _is_image(unit)] or units
    # A set whose files are all of one kind is a set of pictures, whatever its name.
    kinds = {(unit.role, bool(unit.data), _grey(unit)) if unit.role in (None, PICTURE) else unit.role for unit in told}
    found = _Sorted(list(told), [], [], []) if len(kinds) == 1 else _judge(told, names, shared, tree)
    found.pictures += [unit for unit in units if unit not in told]
    _twins(found)
    return _description(tree, found, names | shared, (), _depth(tree, told) if len(kinds) == 1 else _COLOURS)


def _is_image(unit: Unit) -> bool:
    return unit.files[0].lower().endswith(IMAGE_SUFFIXES)


def _judge(units: Sequence[Unit], names: frozenset[str], shared: frozenset[str], tree: Tree) -> _Sorted:
    """Say of each unit what it is, or doubt it."""

    def are(unit: Unit, known: frozenset[str]) -> bool:
        return sum(file in known for file in unit.files) > MOST * len(unit.files)

    listed_units = [unit for unit in units if are(unit, names) or (are(unit, names | shared) and not unit.data)]
    # A folder of labels may show them in colours, too: GT/COLOR beside GT/LABELS.
    for unit in units:
        if unit.role == PICTURE and unit.data and unit.within is not None and unit not in listed_units:
            unit.role = unit.within
    called = [unit for unit in units if unit.role == PICTURE]
    sure = listed_units or [unit for unit in called if not unit.data] or called
    plain = [unit for unit in units if unit.role in (None, PICTURE) and not unit.data]
    base = sure or [unit for unit in plain if not _grey(unit)] or plain
    found = _Sorted(list(base), [], [], [])
    for unit in (unit for unit in units if unit not in base):
        why = _why(unit, base, certain=bool(sure))
        if why is None:
            found.passes.append(unit)
        elif why:
            first = base[0].files[0] if base else next(one.files[0] for one in units if one is not unit)
            found.doubts.append(_doubt(first, unit, why, base, tree))
        else:
            found.pictures.append(unit)
            if sure and unit.role != PICTURE:
                what = "that no annotation lists" if listed_units else "whose names do not say so"
                found.notes.append(f"also pictures: {counted(len(unit.files), 'image')} {what}, such as {unit.files[0]}")
    return found


def _why(unit: Unit, base: Sequence[Unit], *, certain: bool) -> str | None:
    """Return why a unit is in doubt, "" where it is pictures, None where it is a pass.

    Args:
        unit: What is judged.
        base: The pictures so far.
        certain: Whether names or annotations say that the pictures are pictures.
    """
    if unit.role not in (None, PICTURE):
        beside = max((_pairing(unit, picture) for picture in base), default=0.0)
        # "Normal" is a class of pictures, too.
        odd = unit.role == PassKind.NORMALS and not unit.unit and (beside == 0 or (unit.look is not None and unit.look.lossy))
        wrong = unit.photo and (unit.role in IDS or odd)
        if wrong:
            return f"is called {unit.role} and looks like a picture" if beside > 0 else ""
        shows = not base or beside > 0 or bool(unit.data) or unit.role in (PassKind.CLASSES, PassKind.INSTANCES)
        return None if shows else "has the name of a pass and belongs to no picture"
    if unit.data:
        return unit.data
    near = max((_same_names(unit, picture) for picture in base), default=0.0) > MOST
    alike = any(_grey(unit) == _grey(picture) for picture in base)
    if near and (certain or not alike):
        return "has the same name" if alike else f"has the same name, in {'grey' if _grey(unit) else 'colour'}"
    return ""


def _same_names(unit: Unit, picture: Unit) -> float:
    """Return the share of files of a unit that have the name, or the numbers, of a picture."""
    own, other = ([_number(file) for file in one.files] for one in (unit, picture))
    known = frozenset(other)
    return sum(one in known for one in own) / len(own)


def _number(file: str) -> tuple[str, ...]:
    stem, _ = split_suffix(file.rpartition("/")[2])
    return tuple(word for word in tokens(stem) if word.isdigit()) or (stem,)


def _grey(unit: Unit) -> bool:
    return unit.look is not None and unit.look.channels < 3


def _pairing(unit: Unit, picture: Unit) -> float:
    either = (
        (picture.pattern, picture.pattern.replace("{at/}", "{sub/}", 1))
        if "{sub/}" not in picture.pattern
        else (picture.pattern,)
    )
    return max(paired(unit.pattern, unit.files, text, picture.files) for text in either)


def _doubt(first: str, unit: Unit, why: str, pictures: Sequence[Unit], tree: Tree) -> Doubt:
    own = [file for one in pictures for file in one.files]
    globs = {"--image": glob_of(own, tree.pictures) if own else "", "--copy": glob_of(unit.files, tree.pictures)}
    words = [f"{option} '{glob}'" for option, glob in globs.items() if glob]
    return Doubt(first, unit.files[0], why, (*words, "--layout FILE.toml"))


def _twins(found: _Sorted) -> None:
    """Doubt an EXR, or a file of measurements, beside a picture of the same name: one of them would be stale."""
    files = {file: split_suffix(file) for unit in found.pictures for file in unit.files}
    odd = [file for file in files if not file.lower().endswith(IMAGE_SUFFIXES)]
    stems = {stem: file for file, (stem, _) in files.items() if file not in set(odd)}
    for file in odd:
        stem, own = files[file]
        if (beside := stems.get(stem)) is not None:
            words = (f"--image '*.{own}'", f"--image '*.{files[beside][1]}'", f"--copy '*.{own}'")
            found.doubts.append(Doubt(beside, file, "shows the same frame", words))
            return


def called_depth(root: Path, file: str) -> PassKind | None:
    """Return the kind of depth that the name of a folder's file or of a folder above it says, None where none does."""
    said = role(roles(f"{root.resolve().name}/{file}"))
    return PassKind(said) if said in DEPTHS else None


def _depth(tree: Tree, units: Sequence[Unit]) -> PictureForm:
    """Return what the pictures of a set of one kind are: depth by their names and their pixels, else colours."""
    kind = called_depth(tree.root, units[0].files[0])
    looks = [unit.look for unit in units if unit.look]
    if kind is None or not all(look.channels == 1 and look.bits > 8 for look in looks) or not (looks or not _is_image(units[0])):
        return _COLOURS
    return PictureForm(kind=kind, background=form_of(kind, units[0]).background)


def _description(
    tree: Tree, found: _Sorted, names: frozenset[str], copy: Sequence[str], picture: PictureForm = _COLOURS
) -> Description:
    arrays = [unit for unit in arrays_of(tree) if unit.role not in (None, PICTURE)]
    beside = [unit for unit in arrays if any(_pairing(unit, picture) > MOST for picture in found.pictures)]
    passes = [*found.passes, *beside]
    patterns = joining(found.pictures, passes)
    sources = tuple(source_of(tree, text, unit, picture.kind or PICTURE) for text, unit in patterns.items())
    joined = [(unit, *belonging(unit, patterns)) for unit in passes]
    masks = [(unit, text) for unit, text, several in joined if several and unit.role in IDS and _is_image(unit)]
    named = dict(named_passes(tree, [(unit, text) for unit, text, _ in joined if (unit, text) not in masks]))
    labels = {
        "masks" if len(masks) == 1 else literal(unit.pattern): (Source(text), LabelForm(LabelKind.MASKS)) for unit, text in masks
    }
    if names and (text := per_picture(tree, patterns)):
        labels["annotations"] = (Source(text), LabelForm(LabelKind.OTHER))
    name = LISTED if names else PLAIN if not passes else FOLDERS if any(unit.folder for unit in passes) else COMPANIONS
    kinds = ", ".join(dict.fromkeys(str(unit.role) for unit in passes))
    missing = f"there are passes alone ({kinds})" if passes and not sources else ""
    return Description(
        name,
        sources,
        named,
        labels,
        picture,
        copy=tuple(dict.fromkeys(copy)),
        notes=tuple(found.notes),
        doubts=tuple(found.doubts),
        missing=missing,
    )
