"""Files of a tree that belong together: called alike, but for what numbers them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .patterns import pattern, split_suffix
from .tree import Look, Tree
from .words import PICTURE, Found, Role, role, roles, tokens

_FIELDS = ("frame", "n", "n2", "n3", "n4", "n5")
_FOLDERS = ("at", "sub", "sub2", "sub3", "sub4", "sub5")
_MOST_UNITS = 300
_LOOKED_AT = 120
"""Files that are decoded at most."""


@dataclass
class Unit:
    """Files whose names differ in numbers alone."""

    pattern: str
    role: Role | None
    """What their names say."""
    folder: bool
    """Whether it is a folder's name that says so."""
    within: Role | None = None
    """Which pass a folder further up says, where a folder or a name below it says "picture"."""
    files: list[str] = field(default_factory=list)
    look: Look | None = None
    """Of the file that looks the least like a picture, where that is most of them."""

    @property
    def data(self) -> str:
        """Why the pixels are hardly a picture, to follow a file's name; ""."""
        return self.look.data if self.look else ""

    @property
    def unit(self) -> bool:
        """Whether the pixels look like normals."""
        return self.look is not None and self.look.unit

    @property
    def photo(self) -> bool:
        """Whether the pixels are a picture for sure: colours in many shades."""
        return self.look is not None and not self.data and self.look.channels >= 3 and not self.look.grey


def units_of(tree: Tree, files: Sequence[str]) -> list[Unit]:
    """Sort image files into units, and look at some of each."""
    shared = shared_folders(tree.values)
    found = _sort(files, shared, fine=True)
    if len(found) > _MOST_UNITS:  # names of classes, of scenes, or of nothing
        found = _sort(files, shared, fine=False)
    looked = found[:: max(1, -(-len(found) // _LOOKED_AT))]
    each = max(1, min(3, _LOOKED_AT // max(1, len(looked))))
    for unit in looked:
        samples = [unit.files[(2 * place + 1) * len(unit.files) // (2 * each)] for place in range(each)]
        looks = sorted((look for file in dict.fromkeys(samples) if (look := tree.look(file))), key=lambda look: not look.data)
        unit.look = looks[(len(looks) - 1) // 2] if looks else None
    return found


def sorted_by_name(files: Sequence[str]) -> list[Unit]:
    """Sort files by what their names say, without a look at any."""
    return _sort(files, shared_folders(files), fine=False)


def glob_of(unit: Sequence[str], others: Iterable[str]) -> str:
    """Return a shell pattern that takes the files of a unit and no other; the shortest that comes to mind, "" where none does."""
    inside, rest = set(unit), set(others) - set(unit)
    first = unit[0]
    folder, _, name = first.rpartition("/")
    folders = folder.split("/") if folder else []
    suffix = name[name.rfind(".") :]
    tries = [f"{'/'.join(folders[: n + 1])}/*" for n in range(len(folders))]
    tries += [f"*/{one}/*" for one in reversed(folders)]
    words = tokens(name.rpartition(".")[0])
    tries += [f"*{suffix}", f"{words[0]}*", f"*{''.join(words[-2:])}{suffix}", f"*{words[-1]}{suffix}"]
    numbered = tokens(first)
    tries += ["".join(mark * len(word) if word.isdigit() else word for word in numbered) for mark in ("?", "[0-9]")]
    tries += [first]
    for text in tries:
        if all(matches(file, text) for file in inside) and not any(matches(file, text) for file in rest):
            return text
    return ""


def matches(file: str, glob: str) -> bool:
    """Return whether a shell pattern takes a file: its path, or, where the pattern names no folder, its name."""
    return fnmatch.fnmatchcase(file, glob) or ("/" not in glob and fnmatch.fnmatchcase(file.rpartition("/")[2], glob))


def paired(source: str, files: Iterable[str], pictures: str, of: Iterable[str]) -> float:
    """Return the share of files of one pattern that agree with a picture of another in all fields that both have."""
    shared = tuple(name for name in pattern(source).fields if name in pattern(pictures).fields)
    keys = {tuple(found[name] for name in shared) for file in of if (found := pattern(pictures).match(file))}
    own = [tuple(found[name] for name in shared) for file in files if (found := pattern(source).match(file))]
    return sum(key in keys for key in own) / len(own) if own and shared else 0.0


def _sort(files: Sequence[str], shared: int, *, fine: bool) -> list[Unit]:
    found: dict[tuple[str, ...], Unit] = {}
    seen: dict[str, list[Found]] = {}

    def of(name: str) -> list[Found]:
        if name not in seen:
            seen[name] = roles(name)
        return seen[name]

    for file in files:
        *folders, name = file.split("/")
        stem, suffix = split_suffix(name)
        in_folders = [of(one) if place >= shared or role(of(one)) == PICTURE else [] for place, one in enumerate(folders)]
        text, said, by_folder = _pattern(folders, in_folders, stem, of(stem), suffix)
        passes = [one for one in map(role, in_folders) if one not in (None, PICTURE)]
        key = (text, *_trait(file.rpartition("/")[0], stem)) if fine else (text,)
        if key not in found:
            found[key] = Unit(text, said, by_folder, passes[-1] if passes else None)
        found[key].files.append(file)
    return list(found.values())


def _pattern(
    folders: Sequence[str], in_folders: Sequence[list[Found]], stem: str, in_stem: list[Found], suffix: str
) -> tuple[str, Role | None, bool]:
    """Return the pattern of a file, what its name says, and whether it is a folder that says so."""
    outer = next((role(one) for one in reversed(in_folders) if one), None)
    inner = role(in_stem)
    # A folder of masks may call its files image_01.png; but depth_01.png among images is depth.
    said = outer if inner in (None, PICTURE) and outer is not None else inner
    # Any folders may lie before and behind one whose name says something.
    said_by = [f"{name}/" for name, found in zip(folders, in_folders, strict=True) if found]
    fields = [f"{{{name}/}}" for name in _FOLDERS]
    parts = [fields[0], *(text for pair in zip(said_by, fields[1:], strict=False) for text in pair)]
    return f"{''.join(parts)}{_stem_pattern(stem, in_stem)}.{suffix}", said, said is not None and said == outer and inner != outer


def _stem_pattern(stem: str, found: Sequence[Found]) -> str:
    if not found:
        return "{frame}"
    pieces: list[str] = []
    fields, place = iter(_FIELDS), 0
    for one in (*found, None):
        between = stem[place : one.start] if one else stem[place:]
        # Words between two that say something, without a number, belong to them: gtFine_labelIds.
        if pieces and one and not any(char.isdigit() for char in between):
            pieces.append(between)
        elif core := between.strip("_-. "):
            start = between.index(core)
            pieces += [between[:start], f"{{{next(fields, 'rest')}}}", between[start + len(core) :]]
        else:
            pieces.append(between)
        if one:
            pieces.append(stem[one.start : one.stop])
            place = one.stop
    return "".join(pieces)


def _trait(folder: str, stem: str) -> tuple[str, str, str]:
    """What may tell companions apart whose names say nothing: folders, the first and the last word."""
    words = [word.lower() for word in tokens(stem) if word.isalpha()]
    return _without_numbers(folder), words[0] if words else "", words[-1] if words else ""


@lru_cache(maxsize=4096)
def _without_numbers(folder: str) -> str:
    return "".join("#" if word.isdigit() else word for word in tokens(folder))


def shared_folders(files: Sequence[str]) -> int:
    """Return how many folders all files have in common: a pass that all are called tells nothing."""
    split = [file.split("/")[:-1] for file in files]
    count = 0
    while split and all(len(one) > count and one[count] == split[0][count] for one in split):
        count += 1
    return count
