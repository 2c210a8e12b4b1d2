"""Passes that a generator sees beside the picture: which of a data set, and what it makes of their numbers.

Whether a set is trained on or refined, and however it is stored, its passes become channels here. A pass that an image lacks is
zero everywhere, which is nothing that any pass ever is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..components import Domain
from ..errors import GantoolError
from .domains import Preprocess, name_of
from .frames import DEPTHS, PassForm, PassKind
from .geometry import cropped, fit_pass, resized
from .images import ImageReadError
from .inspection.measure import sample_numbers
from .label_passes import LabelPasses
from .passes import channels, condition, depth_range, known_ids

_LOOKED_AT = 256
"""Frames that are read to find ids and the range of depth."""
_PIXELS = 2**16
"""Pixels of each that count for the range."""
MOST_IDS = 32
"""Ids that get a channel each, those with the most pixels: hundreds would cost more than all else that a generator does."""

Stored = tuple[np.ndarray, PassForm]
"""(H, W, C) as stored, and what the numbers mean in this very frame."""


@runtime_checkable
class HasPasses(Protocol):
    """What a `gantool.components.Domain` offers that has passes."""

    passes: Mapping[str, PassForm]
    """By name. A frame may lack some."""

    def read_pass(self, index: int, name: str) -> Stored | None:
        """Return a pass of an image; None where the image has none of that name. Raises `GantoolError`."""


@dataclass(frozen=True)
class Condition:
    """How a pass becomes channels."""

    kind: PassKind
    ids: tuple[int, ...] = ()
    """Of classes and materials: those that have a channel each, in this order."""
    limits: tuple[float, float] | None = None
    """Of depth and the like: what becomes -1 and 1, in the unit of the pass."""

    @property
    def channels(self) -> int:
        """How many there are."""
        return channels(PassForm(self.kind), self.ids)

    def __str__(self) -> str:
        more = f" of {len(self.ids)} ids" if self.ids else ""
        return f"{self.kind}{more}" + (f" from {self.limits[0]:.4g} to {self.limits[1]:.4g}" if self.limits else "")


Conditions = Mapping[str, Condition]
"""By the name that a person gave them; one tensor holds their channels in this order."""


def choose(names: Sequence[str], domain: object) -> dict[str, Condition]:
    """Look at a data set and return what its passes of these names, or kinds, become.

    Raises `GantoolError`, one line: a pass that is not there, which names those that are; one of which nothing can be read.
    """
    where, domain = name_of(domain), passes_of(domain)
    if names and not isinstance(domain, HasPasses):
        raise GantoolError(
            f"--condition {','.join(names)}: {where} has no passes; a folder of frames has, see gantool data inspect"
        )
    found: dict[str, Condition] = {}
    for name in names:
        assert isinstance(domain, HasPasses)
        own = find(name, domain.passes)
        if own is None:
            there = ", ".join(_named(*each) for each in domain.passes.items()) or "none"
            raise GantoolError(f"--condition {name}: {where} has no such pass, or several of that kind; it has: {there}")
        found[name] = _look(name, own, domain)
    return found


def passes_of(domain: object) -> object:
    """Return what reads the passes of a set: itself, or its label arrays."""
    return LabelPasses(domain) if not isinstance(domain, HasPasses) and isinstance(domain, Domain) else domain


def find(name: str, passes: Mapping[str, PassForm], kind: PassKind | None = None) -> str | None:
    """Return the pass that a name means: the one called so, else the only one of a kind, the one called so or `kind`."""
    if name in passes and kind in (None, passes[name].kind):
        return name
    alike = [own for own, form in passes.items() if form.kind == (kind or name)]
    return alike[0] if len(alike) == 1 else None


class Encoder:
    """Turns the passes of single frames into channels.

    Args:
        conditions: What becomes of which.
        passes: Those of the set that the frames are of.
        preprocess: What is done to the pictures, which passes follow.
    """

    def __init__(self, conditions: Conditions, passes: Mapping[str, PassForm], preprocess: Preprocess) -> None:
        self.conditions, self._preprocess = conditions, preprocess
        self._own = {name: find(name, passes, found.kind) for name, found in conditions.items()}

    @property
    def channels(self) -> int:
        """Of all of them together."""
        return sum(found.channels for found in self.conditions.values())

    def __call__(self, read: Callable[[str], Stored | None], size: tuple[int, int], name: str) -> np.ndarray:
        """Return the channels of a frame, (h, w, `channels`) float16; those of passes that it lacks are 0.

        Args:
            read: The name of a pass to its numbers, None where there is none.
            size: (H, W) of the picture as it is stored.
            name: What an error calls the picture.

        Raises:
            GantoolError: A pass that cannot be read, or is of another size than its picture.
        """
        fitted = self._preprocess.size or size
        result = np.zeros((*fitted, self.channels), np.float16)
        start = 0
        for word, found in self.conditions.items():
            own = self._own[word]
            stored = None if own is None else read(own)
            if stored is not None:
                # Half precision: eleven bits of a depth are more than a network makes of it, in half the memory.
                result[..., start : start + found.channels] = self._encode(stored, found, size, f"{name}, pass {own}")
            start += found.channels
        return result

    def has(self, read: Callable[[str], object]) -> bool:
        """Return whether a frame has any of the passes: `read` gives something for its name."""
        return any(own is not None and read(own) is not None for own in self._own.values())

    def _encode(self, stored: Stored, found: Condition, size: tuple[int, int], name: str) -> np.ndarray:
        numbers, form = stored
        if numbers.shape[:2] != size:
            raise ImageReadError(name, f"it is {_by(numbers.shape[:2])}, the picture {_by(size)}")
        wanted = self._preprocess.size
        try:
            if wanted and wanted != size:
                make = cropped if self._preprocess.fit == "crop" else resized
                numbers = fit_pass(numbers, form, make(size, wanted))
            return condition(numbers, form, ids=found.ids, limits=found.limits)
        except ValueError as error:
            raise ImageReadError(name, str(error)) from None


def _look(name: str, own: str, domain: HasPasses) -> Condition:
    """Find the ids of a pass, or its range."""
    kind = domain.passes[own].kind
    if kind in (PassKind.CLASSES, PassKind.MATERIALS):
        return Condition(kind, ids=known_ids(_samples(domain, own), most=MOST_IDS))
    if kind not in (*DEPTHS, PassKind.OTHER):
        return Condition(kind)
    try:
        return Condition(kind, limits=depth_range(_thinned(_samples(domain, own))))
    except ValueError as error:
        raise GantoolError(f"--condition {name}: pass {own}: {error}") from None


def _samples(domain: HasPasses, own: str) -> Iterator[Stored]:
    for index in sample_numbers(len(domain), _LOOKED_AT):  # type: ignore[arg-type]
        if (stored := domain.read_pass(index, own)) is not None:
            yield stored


def _thinned(passes: Iterator[Stored]) -> Iterator[Stored]:
    for stored, form in passes:
        step = max(1, round((stored.shape[0] * stored.shape[1] / _PIXELS) ** 0.5))
        yield stored[::step, ::step], form


def _named(name: str, form: PassForm) -> str:
    return name if name == form.kind else f"{name} ({form.kind})"


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
