"""Reading every kind of data set, against reading its bytes and decoding them with nothing around it.

pytest benchmarks/test_readers.py --benchmark-enable
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from gantool.data.convert import convert
from gantool.data.load import load_all
from gantool.data.opening import open_images, open_stream
from gantool.data.parallel import threads
from simgan_plugin.eyes import eyes
from simgan_plugin.options import EyesOptions

COUNT, PER_SHARD = 4000, 1000
ENCODED = {"folder": "folder", "shards": "shards", "parquet": "set.parquet", "hub": "hub"}
"""Where each kind of set with an encoded file per image is."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """35×55 eyes in every form."""
    root = tmp_path_factory.mktemp("sets")
    (root / "folder").mkdir()
    for number, image in enumerate(load_all(eyes(config=EyesOptions(synthetic_count=COUNT, real_count=1)).source)):
        cv2.imwrite(str(root / "folder" / f"{number:05}.png"), image)
    convert(str(root / "folder"), root / "shards", format="shards", per_part=PER_SHARD)
    for file in ("set.npz", "set.h5"):
        convert(str(root / "folder"), root / file)
    return root


def needing(kind: str, place: Path) -> Path:
    """Return where the set of a kind is; those that need an extra are written when they are asked for."""
    target = place / ENCODED[kind]
    if kind in ("parquet", "hub"):
        pytest.importorskip("pyarrow")
    if kind == "hub":
        datasets = pytest.importorskip("datasets")
        if not target.exists():
            files = [{"bytes": path.read_bytes(), "path": path.name} for path in sorted((place / "folder").iterdir())]
            features = datasets.Features({"image": datasets.Image()})
            datasets.Dataset.from_dict({"image": files}, features=features).save_to_disk(str(target))
    if kind == "parquet" and not target.exists():
        convert(str(place / "folder"), target)
    return target


def read_raw(place: Path) -> None:
    for path in [place] if place.is_file() else place.rglob("*"):
        if path.is_file():
            path.read_bytes()


def decode(files: Sequence[bytes]) -> None:
    """Decode on as many threads as gantool does."""

    def some(first: int) -> None:
        for data in files[first : first + 256]:
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)

    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(some, range(0, len(files), 256)))


@pytest.mark.parametrize("kind", ENCODED)
def test_load_encoded(record: Any, place: Path, kind: str) -> None:
    """Open a set and read all of it; the floor reads the bytes of its files and decodes each image."""
    where = needing(kind, place)
    files = [path.read_bytes() for path in sorted((place / "folder").iterdir())]

    def bare() -> None:
        read_raw(where)
        decode(files)

    functions: dict[str, Callable[[], object]] = {
        "load": lambda: load_all(open_images(where)),
        "read and decode": bare,
        "read only": lambda: read_raw(where),
    }
    record.compare(functions, COUNT, floor="read and decode", rounds=3)


@pytest.mark.parametrize("kind", ["shards", "parquet"])
def test_stream(record: Any, place: Path, kind: str) -> None:
    """The first epoch in random order, with nothing held; the same floor."""
    where = needing(kind, place)
    files = [path.read_bytes() for path in sorted((place / "folder").iterdir())]

    def stream() -> None:
        for _ in islice(open_stream(where, window=2).stream(seed=0, skip=0), COUNT):
            pass

    def bare() -> None:
        read_raw(where)
        decode(files)

    record.compare({"stream": stream, "read and decode": bare}, COUNT, floor="read and decode", rounds=3)


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_load_array(record: Any, place: Path, suffix: str) -> None:
    """Open an array of images and read all of it; the floor is what NumPy or h5py needs to read that array."""
    where = place / f"set.{suffix}"
    if suffix == "h5":
        h5py = pytest.importorskip("h5py")

        def bare() -> None:
            with h5py.File(where) as file:
                file["images"][:]
    else:

        def bare() -> None:
            with np.load(io.BytesIO(where.read_bytes())) as file:
                file["images"]

    functions = {"load": lambda: load_all(open_images(where)), "bare array": bare, "read only": lambda: read_raw(where)}
    record.compare(functions, COUNT, floor="bare array")
