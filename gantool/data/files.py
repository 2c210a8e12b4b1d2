"""The `files` data set: two paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import GantoolError
from .chunks import ChunkStream
from .domains import FilesOptions
from .images import Images
from .locations import is_remote
from .opening import CHUNKED, kind_of, open_images, open_stream
from .rows import in_range


@dataclass(frozen=True)
class FileDomains:
    """Synthetic and real images on disk. See `gantool.components.Domains`; sizes and types are settled by `prepare`."""

    source: Images | ChunkStream
    target: Images | ChunkStream


def files(*, config: FilesOptions) -> FileDomains:
    """Open both domains.

    Raises `GantoolError` as `open_images` and `in_range` do, and where the two are the same place or one lies inside the other.
    """
    for option, value in (("--synthetic", config.synthetic), ("--real", config.real)):
        if not value:
            raise GantoolError(
                f"{option} is missing: give a folder of images, an .npz, .h5, .parquet or video file, or .tar shards"
            )
    if not (is_remote(config.synthetic) or is_remote(config.real)):
        _check_apart(Path(config.synthetic), Path(config.real))
    if config.stream and not {kind_of(config.synthetic), kind_of(config.real)} & set(CHUNKED):
        raise GantoolError(
            "dataset.stream is for .tar shards, .parquet and video files: leave it out, or gantool data convert one domain"
        )
    synthetic = _open(config.synthetic, config)
    if config.label_range and isinstance(synthetic, Images):
        synthetic = in_range(synthetic, config.label_range)
    return FileDomains(synthetic, _open(config.real, config))


def _open(place: str, config: FilesOptions) -> Images | ChunkStream:
    # The other domain may be small, and stored otherwise.
    chunked = config.stream and kind_of(place) in CHUNKED
    return open_stream(place, window=config.window) if chunked else open_images(place)


def _check_apart(synthetic: Path, real: Path) -> None:
    a, b = (Path(os.path.realpath(path)) for path in (synthetic, real))  # unlike `resolve`, survives a link to itself
    if a == b or (a.exists() and b.exists() and a.samefile(b)):
        raise GantoolError(f"--synthetic and --real are the same place: {a}")
    for inner, outer, option in ((a, b, "--synthetic"), (b, a, "--real")):
        if outer in inner.parents:
            raise GantoolError(f"{option} {inner} lies inside the other domain, {outer}: the two must not share images")
