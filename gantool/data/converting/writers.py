"""Samples into sets of every kind. Each writer fills a place that nobody reads yet."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...errors import GantoolError, MissingExtra
from ..decoding import swap_red_and_blue
from ..hdf5 import open_h5
from ..hub import write_state
from .samples import DOT, Sample, check_key

_ROWS = 256
"""Rows of a Parquet row group."""


def write_folder(target: Path, samples: Iterable[Sample], _per_part: int) -> int:
    """Write image files with label files beside them; values become a JSON file each."""
    count = 0
    for sample in samples:
        check_key(sample.key, sample.name)
        suffix, data = encoded(sample)
        for kind, content in {suffix[1:]: data, **_label_files(sample)}.items():
            path = target / f"{sample.key}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise GantoolError(f"{sample.name}: two samples are called {sample.key}")
            path.write_bytes(content)
        count += 1
    return count


def write_shards(target: Path, samples: Iterable[Sample], per_part: int) -> int:
    """Write shards `part-00000.tar` and so on, of `per_part` samples each."""
    target.mkdir(parents=True, exist_ok=True)
    count, left = 0, iter(samples)
    for number, first in enumerate(left):
        with tarfile.open(target / f"part-{number:05}.tar", "w", format=tarfile.PAX_FORMAT) as tar:
            for sample in _with(first, islice(left, per_part - 1)):
                check_key(sample.key, sample.name)
                folder, slash, base = sample.key.rpartition("/")
                suffix, data = encoded(sample)
                for kind, content in {suffix[1:]: data, **_label_files(sample)}.items():
                    info = tarfile.TarInfo(f"{folder}{slash}{base.replace('.', DOT)}.{kind}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
                tar.members = []  # type: ignore[attr-defined]  # tarfile would keep them all
                count += 1
    return count


def write_parquet(target: Path, samples: Iterable[Sample], _per_part: int) -> int:
    """Write one file with a column `image` as Hugging Face has it, `key`, and one per value and kind of label file."""
    count, writer = 0, None
    try:
        for table in _tables(target, samples):
            from pyarrow import parquet

            writer = writer or parquet.ParquetWriter(target, table.schema)
            writer.write_table(table)
            count += len(table)
    finally:
        if writer is not None:
            writer.close()
    return count


def write_hub(target: Path, samples: Iterable[Sample], _per_part: int) -> int:
    """Write what `datasets.load_from_disk` reads, with the columns of `write_parquet`."""
    try:
        import datasets
        import pyarrow as pa
    except ImportError:
        raise MissingExtra(f"writing {target}", "datasets", "datasets") from None
    target.mkdir(parents=True, exist_ok=True)
    count, file = 0, "data-00000-of-00001.arrow"
    with ExitStack() as stack:
        writer = None
        for table in _tables(target, samples):
            if writer is None:
                features = datasets.Features.from_arrow_schema(table.schema)
                writer = stack.enter_context(pa.ipc.new_stream(str(target / file), features.arrow_schema))
                datasets.DatasetInfo(features=features).write_to_directory(str(target))
            writer.write_table(table.cast(features.arrow_schema))
            count += len(table)
    write_state(target, [file], fingerprint=uuid.uuid4().hex[:16])
    return count


def write_npz(target: Path, samples: Iterable[Sample], _per_part: int) -> int:
    """Write `images` and an array per label; images must be alike. All are held in memory, as by those who read .npz."""
    images, labels = _arrays(samples)
    _check_alike(images, "an .npz file")
    with target.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in {**labels, "images": np.stack(images)}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return len(images)


def write_h5(target: Path, samples: Iterable[Sample], _per_part: int) -> int:
    """Write `images` (or, where sizes differ, a group `images` of one data set each) and an array per label."""
    images, labels = _arrays(samples)
    with open_h5(target, "w") as file:
        if len({(image.shape, image.dtype) for image in images}) == 1:
            file.create_dataset("images", data=np.stack(images), chunks=(1, *images[0].shape), compression="gzip")
        else:
            for number, image in enumerate(images):
                file.create_dataset(f"images/{number:08}", data=image, compression="gzip")
        for name, label in labels.items():
            file.create_dataset(name, data=np.char.encode(label, "utf-8") if label.dtype.kind == "U" else label)
    return len(images)


def encoded(sample: Sample) -> tuple[str, bytes]:
    """Return suffix and bytes of a sample's image file; pixels become PNG, floats TIFF."""
    if sample.array is None:
        return sample.suffix, sample.encoded
    suffix = ".tiff" if sample.array.dtype.kind == "f" else ".png"
    channels = sample.array.shape[2]
    if channels not in (1, 3, 4):
        raise GantoolError(f"{sample.name} has {channels} channels, which no image file takes: convert to .npz or .h5")
    _, data = cv2.imencode(suffix, swap_red_and_blue(sample.array))
    return suffix, bytes(data)


def _label_files(sample: Sample) -> dict[str, bytes]:
    files = dict(sample.files)
    if sample.values:
        kind = "json" if "json" not in files else "values.json"
        files[kind] = json.dumps(sample.values, ensure_ascii=False, default=_text).encode()
    return files


def _tables(target: Path, samples: Iterable[Sample]) -> Iterator[Any]:
    """Yield pyarrow.Tables of one schema."""
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra(f"writing {target}", "pyarrow", "data") from None
    count, left, schema = 0, iter(samples), None
    while rows := [_row(sample) for sample in islice(left, _ROWS)]:
        try:
            table = pa.Table.from_pylist(rows, schema=schema)
        except (pa.ArrowException, TypeError) as error:
            raise GantoolError(f"labels change their type between samples {count} and {count + len(rows)}: {error}") from None
        if schema is None:
            features = {"info": {"features": {"image": {"_type": "Image"}}}}
            schema = table.schema.with_metadata({"huggingface": json.dumps(features)})
        yield table.replace_schema_metadata(schema.metadata)
        count += len(rows)


def _row(sample: Sample) -> dict[str, Any]:
    suffix, data = encoded(sample)
    files: dict[str, Any] = {}
    for kind, content in sample.files.items():
        try:
            files[kind] = content.decode()
        except UnicodeDecodeError:
            files[kind] = content
    base = sample.key.rpartition("/")[2]
    return {"key": sample.key, "image": {"bytes": data, "path": f"{base}{suffix}"}, **sample.values, **files}


def _arrays(samples: Iterable[Sample]) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Return pixels, and label arrays: of values, and of the numbers in JSON files that all have."""
    images, rows = [], []
    for sample in samples:
        pixels = sample.pixels()
        images.append(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        rows.append({**_json_values(sample), **sample.values})
    labels = {}
    for name in rows[0] if rows else []:
        column = [row.get(name) for row in rows]
        try:
            array = np.array(column)
        except ValueError:  # lists of different lengths
            continue
        if array.dtype.kind in "biufU":
            labels[name] = array
    return images, labels


def _json_values(sample: Sample) -> dict[str, Any]:
    try:
        found = json.loads(sample.files.get("json", b"{}"))
    except ValueError as error:
        raise GantoolError(f"the JSON file of {sample.name} is damaged: {error}") from None
    return found if isinstance(found, dict) else {}


def _check_alike(images: list[np.ndarray], what: str) -> None:
    kinds = {("x".join(map(str, image.shape)), str(image.dtype)) for image in images}
    if len(kinds) > 1:
        (a, of_a), (b, of_b) = sorted(kinds)[:2]
        raise GantoolError(f"{what} holds images of one kind, but there are {a} {of_a} and {b} {of_b}: convert to .h5 or shards")


def _with(first: Sample, others: Iterator[Sample]) -> Iterator[Sample]:
    yield first
    yield from others


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
