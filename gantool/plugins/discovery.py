"""What is installed: entry points of the group `gantool`, and whether they can be loaded at all. No torch."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points

from .._version import __version__
from ..errors import raised
from .records import NAME, NAME_RULE, Unsound, require

GROUP = "gantool"
"""The entry-point group; an entry point's name is the plugin's."""

HOST = "simgan-plugin"
"""The distribution that holds the host, whose version a plugin's `Requires-Dist` is checked against."""

_REINSTALL = "correct the plugin's pyproject.toml and install it again"

BUILT_IN = EntryPoint(name="gantool", value="gantool.builtin.plugin", group=GROUP)


def installed_plugins() -> Mapping[str, Sequence[EntryPoint]]:
    """Return the entry points by plugin name, the built-in one first. Imports nothing of a plugin."""
    found: dict[str, list[EntryPoint]] = {BUILT_IN.name: [BUILT_IN]}
    for entry in sorted(_entry_points(), key=lambda entry: entry.name):
        # The host's own name cannot be taken, and whoever tries is shown.
        name = entry.name if entry.name != BUILT_IN.name else f"{entry.name}@{distribution_of(entry.dist)[0]}"
        found.setdefault(name, []).append(entry)
    return found


def distribution_of(distribution: Distribution | None) -> tuple[str, str]:
    """Return name and version of the distribution of an entry point; the built-ins, which have none, come with the host."""
    if distribution is None:
        return HOST, __version__
    try:
        return distribution.name or "unknown", distribution.version or "unknown"
    except Exception:  # METADATA is missing or damaged, which importlib.metadata reports in several ways
        return "unknown", "unknown"


def check_installed(name: str, entries: Sequence[EntryPoint]) -> None:
    """Raise `Unsound` where a plugin's name or entry point cannot be used, or its distribution needs another host."""
    entry, owners = entries[0], [distribution_of(entry.dist) for entry in entries]
    require(
        entry.name == name, f"the plugin name {entry.name!r} is the host's own: its entry point needs another name", _REINSTALL
    )
    require(
        len(owners) == 1,
        f"{len(owners)} entry points have this name, of {' and '.join(map(' '.join, owners))}: uninstall all but one",
        f"pip uninstall {owners[-1][0]}, or rename one of them: a plugin's name is that of its entry point",
    )
    require(NAME.fullmatch(name), f"a plugin's name has {NAME_RULE}", _REINSTALL)
    known = EntryPoint.pattern.match(entry.value)
    require(known, f"its entry point {entry.value!r} is not of the form 'package.module'", _REINSTALL)
    if entry.dist is not None:
        _check_requirements(entry.dist)


def _check_requirements(distribution: Distribution) -> None:
    """Compare the host's version with what a plugin asks for, before its import fails in some other way."""
    if distribution_of(distribution)[0] == HOST:  # plugins that come with the host; `packaging` need not be imported for them
        return
    for text in distribution.requires or ():
        name = re.match(r"[\w.-]+", text)
        if name is None or re.sub(r"[-_.]+", "-", name[0]).lower() != HOST:
            continue
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            raise Unsound(f"its requirement {text!r} cannot be read", _REINSTALL) from None
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        require(
            not applies or requirement.specifier.contains(__version__, prereleases=True),
            f"needs {HOST}{requirement.specifier}, this is {__version__}",
            f"pip install '{HOST}{requirement.specifier}', or a version of the plugin for {HOST} {__version__}",
        )


def _entry_points() -> Iterable[EntryPoint]:
    try:
        return entry_points(group=GROUP)
    except Exception:
        # An entry_points.txt that cannot be read, of any distribution at all, fails the call as a whole.
        return _readable_entry_points()


def _readable_entry_points() -> Iterable[EntryPoint]:
    seen = set()
    for distribution in distributions():
        name, version = distribution_of(distribution)
        try:
            found = distribution.entry_points.select(group=GROUP)
        except Exception as error:
            warnings.warn(f"the entry points of {name} {version} cannot be read: {raised(error)}", stacklevel=2)
            continue
        if name not in seen:  # the first on the path hides the others, as it does for imports
            yield from found
        seen.add(name)
