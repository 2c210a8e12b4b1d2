"""What plugins describe: light frozen records. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NoOptions:
    """The options of a component that has none."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing a plugin provides.

    Raises nothing itself; the host checks every record when it loads the plugin.
    """

    name: str
    """Bare name, `[a-z0-9][a-z0-9_-]*`. Its full name is `plugin:name`."""
    factory: str
    """`"package.module:callable"`; what it is called with depends on the hook that yields the record."""
    summary: str = ""
    """One line for `gantool plugins` and `gantool show`."""
    options: type = NoOptions
    """A frozen dataclass: every field has a default, `annotated_types` bounds and a docstring that gives its unit."""
    provides: frozenset[str] = frozenset()
    """Capabilities that a slot can ask for, such as "adversarial", "image-pair" or "features"."""
    needs: frozenset[str] = frozenset()
    """What it needs a recipe to do for it, such as "penalty" or "relativistic": it fits only slots that accept all of it. Of a
    task: what an estimator provides that is for it, such as "objects" or "maps"."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One replaceable part of a recipe."""

    name: str
    """The word in front of the dot in `-o SLOT.OPTION=VALUE`."""
    kind: str
    """One of `gantool.kinds.SLOT_KINDS`."""
    default: str
    """Full name of the component that fills the slot unless the user says otherwise."""
    summary: str = ""
    requires: frozenset[str] = frozenset()
    """Capabilities that whatever fills the slot must provide."""
    accepts: frozenset[str] = frozenset()
    """What the recipe does for a part that needs it. A part that needs anything else is refused before the run starts."""


@dataclass(frozen=True)
class Figure:
    """A figure of a recipe that tells at a glance how a run is doing: it stands below the bar while the run trains."""

    name: str
    """Its key in what `step` returns."""
    label: str
    """What the display calls it, a few letters: a terminal of 80 columns has room for about six figures."""
    form: str = ".3g"
    """How its value is written, as of Python's `format`: ".0%" for a share."""


@dataclass(frozen=True, kw_only=True)
class Recipe(Component):
    """How networks, losses and buffers are trained together: what `--plugin NAME` picks."""

    slots: tuple[Slot, ...] = ()
    dataset: str = ""
    """Full name of the data set that is used when the user names none."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Named sets of values: `{"laptop": {"generator.width": 16, "batch_size": 32}}`. A dotted key is an option of a slot
    (or of `recipe`), a bare one a setting of the run."""
    default_preset: str = ""
    figures: tuple[Figure, ...] = ()
    """What the live display shows of the figures that `step` returns, in this order; without them, the first six."""


@dataclass(frozen=True, kw_only=True)
class Format(Component):
    """A storage format."""

    suffixes: tuple[str, ...] = ()
    """Ends of the paths that it opens, in lower case and with their dot: `(".h5", ".hdf5")`."""
    word: str = ""
    """What help texts call it, such as "a video"; the first suffix where this is empty."""
