"""A new plugin from the template that lies beside this file. No torch."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..errors import GantoolError
from .discovery import installed_plugins
from .records import NAME_RULE

_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
"""As of plugins, and with a letter or digit at the end, which names of distributions need."""
_PREFIX = "gantool-"


def plugin_name(name: str) -> str:
    """Check the name of a new plugin and return it without the prefix of distributions: `"gantool-unet"` is `"unet"`.

    Raises `GantoolError` for a name that no plugin can have or that an installed one has.
    """
    name = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(name):
        raise GantoolError(f"{name!r} cannot name a plugin: it has {NAME_RULE} and ends with one")
    taken = installed_plugins().get(name)
    if taken:
        raise GantoolError(f"a plugin {name!r} is installed already: choose another name")
    return name


def default_folder(name: str) -> Path:
    """Where a new plugin goes unless the user says otherwise: `gantool-NAME` in the working directory."""
    return Path(f"{_PREFIX}{name}")


def write_plugin(name: str, folder: Path) -> None:
    """Write the project of a plugin, named as `plugin_name` returned it.

    Raises `GantoolError` for a folder that is not empty or cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise GantoolError(f"{folder} exists already: choose another --output")
        _copy(files("gantool") / "template", folder, name)
    except OSError as error:
        raise GantoolError(f"{folder} cannot be written: {error.strerror}") from None


def _copy(source: Traversable, target: Path, name: str) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for entry in source.iterdir():
            # What running the template in its own place leaves behind is no part of it.
            if entry.name[0] != "." and entry.name != "__pycache__" and not entry.name.endswith(".egg-info"):
                _copy(entry, target / _named(entry.name, name), name)
    else:
        target.write_text(_named(source.read_text(encoding="utf-8"), name), encoding="utf-8", newline="\n")


def _named(text: str, name: str) -> str:
    return text.replace("my-plugin", name).replace("my_plugin", name.replace("-", "_"))
