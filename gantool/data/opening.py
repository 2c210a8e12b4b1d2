"""A path to the images that are there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..errors import GantoolError
from .chunks import ChunkStream
from .decoding import EXTENSIONS
from .folder import FolderImages, walk
from .hdf5 import Hdf5Images
from .hub import HubImages, is_saved_dataset
from .images import Images
from .locations import is_remote, list_remote
from .npz import NpzImages
from .parquet.images import ParquetImages, RowGroup, row_groups
from .parquet.layout import SUFFIX as PARQUET
from .shards.images import ShardImages
from .shards.places import SUFFIX as SHARD
from .shards.places import expand, is_shard_folder, names_shards
from .shards.stream import ShardChunk
from .video.images import VideoImages
from .video.places import SUFFIXES as VIDEOS
from .video.places import names_video
from .video.stream import video_chunks

H5_SUFFIXES = (".h5", ".hdf5")
ARRAY_SUFFIXES = (".npz", *H5_SUFFIXES)
"""Names of files that hold arrays of images."""
CHUNKED = ("shards", "parquet", "video")
"""Kinds, as of `kind_of`, that can be streamed."""


def open_images(path: str | Path) -> Images:
    """Open a folder (read with its subfolders), an .npz, .h5, .parquet or video file, or tar shards.

    `path`: also a pattern of shards, `part-{000..999}.tar`, or a URL where fsspec knows the protocol. Raises `GantoolError`, one
    line: nothing there, nothing in it, no kind of file that is read, damaged.
    """
    images = _open(str(path))
    path = Path(path)
    if not len(images):
        raise GantoolError(f"no images in {path}" + (f": read are {', '.join(EXTENSIONS)}" if path.is_dir() else ""))
    return images


def kind_of(place: str) -> str:
    """Return how a set is stored, without opening it: "folder", "array", "shards", "parquet", "video" or "hub"."""
    if place.lower().endswith(PARQUET):
        return "parquet"
    if names_video(place):
        return "video"
    if names_shards(place):
        return "shards"
    if is_remote(place):
        return "array" if place.lower().endswith(ARRAY_SUFFIXES) else _kind_of_remote_folder(place)
    return _kind_of_folder(Path(place)) if Path(place).is_dir() else "array"


def _kind_of_folder(folder: Path) -> str:
    if is_saved_dataset(folder):
        return "hub"
    has_tables = has_videos = False
    for file in walk(folder):
        # A folder of images shows with its first file; only others are read to the end.
        if file.lower().endswith(EXTENSIONS):
            return "folder"
        has_tables |= file.endswith(PARQUET)
        has_videos |= names_video(file)
    if is_shard_folder(folder):
        return "shards"
    return "parquet" if has_tables else "video" if has_videos else "folder"


def _kind_of_remote_folder(place: str) -> str:
    suffixes = {"shards": (SHARD,), "parquet": (PARQUET,), "video": VIDEOS}
    found = list_remote(place, tuple(suffix for group in suffixes.values() for suffix in group))
    for kind, group in suffixes.items():
        if any(file.lower().endswith(group) for file in found):
            return kind
    raise GantoolError(f"no .tar, {PARQUET} or video files in {place}; single images are read from folders of this machine only")


def open_stream(path: str | Path, *, window: int) -> ChunkStream:
    """Open what is `CHUNKED` as a stream; see `ChunkStream`. Raises `GantoolError`."""
    place = str(path)
    if kind_of(place) == "shards":
        return ChunkStream(place, [partial(ShardChunk, shard) for shard in expand(place)], window=window)
    if kind_of(place) == "video":
        return ChunkStream(place, list(video_chunks(place)), window=window)
    return ChunkStream(place, [partial(RowGroup, *group) for group in row_groups(place)], window=window)


def _open(place: str) -> Images:
    kind = kind_of(place)
    if kind == "shards":
        return ShardImages(place)
    path = Path(place)
    if kind == "folder":
        return FolderImages(path)
    if kind == "hub":
        return HubImages(path)
    suffix = path.suffix.lower()
    if not path.exists() and not is_remote(place):
        raise GantoolError(f"{path} does not exist")
    if kind == "parquet":
        return ParquetImages(place)
    if kind == "video":
        return VideoImages(place)
    if suffix == ".npz":
        return NpzImages(place)
    if suffix in H5_SUFFIXES:
        return Hdf5Images(place)
    hint = "; give the folder that it is in" if suffix in EXTENSIONS else ""
    raise GantoolError(f"{path} is neither a folder nor one of {', '.join((*ARRAY_SUFFIXES, PARQUET, '.tar', *VIDEOS))}{hint}")
