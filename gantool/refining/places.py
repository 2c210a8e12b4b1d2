"""Where refined images go, and what must not happen there."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ..data.locations import is_remote
from ..data.opening import ARRAY_SUFFIXES, H5_SUFFIXES, kind_of
from ..data.video.places import names_video
from ..errors import GantoolError
from ..runs.files import write_json

_FULL = (errno.ENOSPC, errno.EDQUOT)


def output_path(place: str, output: Path) -> Path:
    """Return where the images of `place` go: `output`, or a file in it where `place` is a file and `output` a folder.

    Raises `GantoolError`: `place` missing, `output` of another kind, or one of the two inside the other.
    """
    kind, source = kind_of(place), Path(place)
    if kind in ("shards", "parquet"):
        return output  # every file has a place of its own: see `parts.part_targets`
    if not source.exists() and not is_remote(place):
        raise GantoolError(f"--input {source} does not exist")
    if kind == "video" and names_video(place):
        return _video_path(place, output)
    if kind in ("folder", "video", "hub"):
        if output.is_file() or output.suffix.lower() in ARRAY_SUFFIXES or names_video(output.name):
            raise GantoolError(f"--input {source} is a folder, so --output {output} must be one too")
        check_apart(source, output)
        return output
    if output.suffix.lower() not in ARRAY_SUFFIXES or output.is_dir():
        output = output / source.name
    if (output.suffix.lower() in H5_SUFFIXES) != (source.suffix.lower() in H5_SUFFIXES):
        raise GantoolError(f"--output {output} must be of the same kind as --input {source}")
    if output.resolve() == source.resolve() or (output.exists() and output.samefile(source)):
        raise GantoolError(f"--output {output} is the input: gantool never writes into its input")
    return output


def _video_path(place: str, output: Path) -> Path:
    if not names_video(output.name) or output.is_dir():
        output = output / PurePosixPath(place).name
    if not is_remote(place) and (output.resolve() == Path(place).resolve() or (output.exists() and output.samefile(place))):
        raise GantoolError(f"--output {output} is the input: gantool never writes into its input")
    return output


def check_apart(source: Path, output: Path) -> None:
    """Raise `GantoolError` where a folder is written into that is being read, whatever links lead there."""
    a, b = (Path(os.path.realpath(path)) for path in (source, output))  # unlike `resolve`, survives a link to itself
    if a == b or a in b.parents or b in a.parents or (b.exists() and a.samefile(b)):
        relation = "is the input" if a == b else "and the input lie one inside the other"
        raise GantoolError(f"--output {output} {relation} ({a}): gantool never writes into its input")


class Marker:
    """A small file that says which network wrote an output, so that one folder never mixes two."""

    def __init__(self, path: Path, wanted: Mapping[str, Any]) -> None:
        self._path, self._wanted = path, dict(wanted)

    def claim(self, targets: Iterable[Path], *, overwrite: bool) -> None:
        """Make the output this network's. With `overwrite`, `targets` that exist are removed.

        Raises `GantoolError` where another network, other settings, or not gantool at all wrote what is there.
        """
        existing = (target for target in targets if target.exists() or target.is_symlink())
        if overwrite:
            for target in existing:
                target.unlink()
        else:
            self._check(existing)
        if not overwrite and self._path.exists():
            return
        with writing(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self._path, self._wanted)

    def _check(self, existing: Iterator[Path]) -> None:
        ways_out = "choose another --output, or pass --overwrite to refine all again"
        try:
            found = json.loads(self._path.read_text())
            differs = [key for key in self._wanted if key not in ("gantool", "run") and found[key] != self._wanted[key]]
            by = found["run"]
        except FileNotFoundError:
            first = next(existing, None)
            if first is not None:
                raise GantoolError(f"{first} exists, and gantool did not write it: {ways_out}") from None
            return
        except (OSError, ValueError, KeyError, TypeError):
            raise GantoolError(f"{self._path} is damaged: {ways_out}") from None
        if differs:
            what = "other weights, or by an earlier gantool" if differs == ["digest"] else "other settings"
            raise GantoolError(f"{self._path.parent} was written by run {by} with {what}: {ways_out}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full disk and the like into one line. Raises `GantoolError`."""
    try:
        yield
    # h5py reports a full disk as RuntimeError when it closes a file.
    except (OSError, RuntimeError) as error:
        if getattr(error, "errno", None) in _FULL or "No space left" in str(error):
            raise GantoolError(
                f"the disk is full at {path}: free some space and give the same command again; what was written stays good"
            ) from None
        if isinstance(error, OSError):
            raise GantoolError(f"cannot write {path}: {error.strerror or error}") from None
        raise
