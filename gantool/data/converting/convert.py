"""Converting a set."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ...errors import GantoolError
from ..opening import H5_SUFFIXES, open_images
from ..writing import temporary_for
from . import writers
from .samples import read_samples

FORMATS = {
    "folder": writers.write_folder,
    "shards": writers.write_shards,
    "parquet": writers.write_parquet,
    "npz": writers.write_npz,
    "h5": writers.write_h5,
    "hub": writers.write_hub,
}
_FOLDERS = ("folder", "shards")


@dataclass(frozen=True)
class Converted:
    """What was written."""

    output: Path
    images: int
    copied: int
    """Files that belong to no single image, copied beside."""
    left_out: int
    """Such files for which a single output file has no room."""


def format_of(target: Path) -> str:
    """Return the format that a name asks for. Raises `GantoolError` where it does not say."""
    suffix = target.suffix.lower()
    if suffix in H5_SUFFIXES:
        return "h5"
    if suffix[1:] in ("npz", "parquet"):
        return suffix[1:]
    raise GantoolError(f"{target} does not say its format: pass --format {'|'.join(FORMATS)}")


def convert(source: str, target: Path, *, format: str | None = None, per_part: int = 1000) -> Converted:
    """Write the set `source` anew as `target`, which must not exist and appears when it is whole.

    `format`: one of `FORMATS`, by default what the name of `target` says. `per_part`: samples of a shard. Raises `GantoolError`.
    """
    format = format or format_of(target)
    if target.exists():
        raise GantoolError(f"{target} exists: choose another name, or remove it")
    found = read_samples(open_images(source))
    temporary = temporary_for(target)
    _remove(temporary)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        images = FORMATS[format](temporary, found.samples, per_part)
        beside = found.beside if format in _FOLDERS else ()
        for file in beside:
            (temporary / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(source) / file, temporary / file)
        temporary.rename(target)
    except OSError as error:
        raise GantoolError(f"cannot convert {source} to {target}: {error.strerror or error}") from None
    finally:
        _remove(temporary)
    return Converted(target, images, len(beside), len(found.beside) - len(beside))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
