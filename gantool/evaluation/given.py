"""Arms of the user's: what any other method made of the synthetic images, with their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..components import Domain
from ..data.annotations.model import ImageIndex
from ..data.domains import name_of
from ..errors import GantoolError
from ..plugins.records import NAME, NAME_RULE
from ..values import parse_pairs
from .held import HeldImages
from .names import ARMS
from .reading import Preprocessing, ReadImages, Shape, read
from .sources import Sources


def parse_given(words: Iterable[str]) -> dict[str, str]:
    """Read what `--arm` was given, NAME=DIR. Raises `GantoolError` for a name that another arm has, or that is none."""
    words = list(words)
    given = parse_pairs(words, "--arm", "NAME=DIR")
    twice = [name for name, count in Counter(word.partition("=")[0].strip() for word in words).items() if count > 1]
    for name in given:
        if name in ARMS or name in twice:
            raise GantoolError(f"--arm {name}: there is an arm of this name already, choose another")
        if not NAME.fullmatch(name):
            raise GantoolError(f"--arm {name}: a name has {NAME_RULE}")
    return given


def read_given(
    given: Mapping[str, str], sources: Sources, synthetic: ReadImages, preprocess: Preprocessing, shape: Shape
) -> dict[str, HeldImages]:
    """Read the images of each arm that belong to the synthetic ones, row by row; preprocessed like them.

    Raises `GantoolError` for a set that lacks some of all synthetic images or has others, and for images of another size: their
    labels would not be true.
    """
    domain = sources.labelled_source
    found = {}
    for name, path in given.items():
        opened = sources.open("synthetic", path)
        rows = _same(f"--arm {name}", opened, domain)[synthetic.rows]
        read_images = read(opened, rows, preprocess, shape)
        other = np.flatnonzero((read_images.sizes != synthetic.sizes).any(1))
        if other.size:
            own, wanted = ("x".join(map(str, sizes[other[0]])) for sizes in (read_images.sizes, synthetic.sizes))
            at = _called(opened, int(rows[other[0]]))
            raise GantoolError(f"--arm {name}: {at} is {own}, the synthetic image is {wanted}: its labels would not be true")
        found[name] = read_images.pixels
    return found


def _same(arm: str, images: Any, synthetic: Domain) -> np.ndarray:
    """(N,) which of `images` belongs to each synthetic one: by name but for the suffix where both have files, else by order."""
    own, wanted = getattr(images, "files", None), getattr(synthetic, "files", None)
    if own is None or wanted is None:
        if len(images) != len(synthetic):
            have = f"{name_of(images)} has {len(images):,} images, {name_of(synthetic)} {len(synthetic):,}"
            raise GantoolError(f"{arm}: {have}: it must have each, in the same order")
        return np.arange(len(images))
    index, place = ImageIndex(own), {file: number for number, file in enumerate(own)}
    matched = {file: index.find(file, "") or index.find(file.rpartition("/")[2], "") for file in wanted}
    if missing := [file for file, found in matched.items() if found is None]:
        raise GantoolError(f"{arm}: {name_of(images)} lacks {len(missing):,} of the synthetic images, such as {missing[0]}")
    if extra := sorted(set(own) - set(matched.values())):
        raise GantoolError(f"{arm}: {name_of(images)} has {len(extra):,} images that are not synthetic ones, such as {extra[0]}")
    return np.array([place[matched[file]] for file in wanted])


def _called(images: Any, row: int) -> str:
    names = getattr(images, "names", None)
    return str(names[row]) if names else f"{name_of(images)}[{row}]"
