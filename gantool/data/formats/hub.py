"""Hugging Face data sets as `Dataset.save_to_disk` writes them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import GantoolError, MissingExtra, cause
from ..images import Form, ImageReadError, LazyArrays, row_names
from ..locations import Location
from ..samples import Sample, Source
from ..writing import write_file
from .arrays import IMAGE_NAMES
from .base import Container, EncodedImages, Rewriter, StorageFormat, Target, first_form
from .tables import TableRewriter, column_array, damage, encoded_images, files_in, table_samples, tables_of

if TYPE_CHECKING:
    import pyarrow as pa

_INFO, _STATE, _SPLITS = "dataset_info.json", "state.json", "dataset_dict.json"
"""Without these nobody takes a folder for a data set."""


class HubImages(EncodedImages):
    """The images of a saved data set, which stays on the disk."""

    def __init__(self, path: Path) -> None:
        """Raises `GantoolError`: several splits, no column of images, damaged. And `MissingExtra` without `datasets`."""
        self.name = str(path)
        first, *_ = _splits(path)
        if first != path:
            raise GantoolError(f"{path} has splits: give one of them, such as {first}")
        found, self._column = load_saved(path)
        import datasets

        for name in [name for name, feature in found.features.items() if isinstance(feature, datasets.Image)]:
            found = found.cast_column(name, datasets.Image(decode=False))
        self._rows = found
        self.names: Sequence[str] = row_names(self.name, len(self))
        labels = [name for name in found.features if name != self._column and self._fits(name)]
        self.labels: Mapping[str, np.ndarray] = LazyArrays(labels, self._read)

    def __len__(self) -> int:
        return len(self._rows)

    def encoded(self, index: int) -> bytes:
        value = self._rows[range(len(self))[index]][self._column]
        # `save_to_disk` puts the files of images into the table.
        if value is None or value["bytes"] is None:
            raise ImageReadError(self.names[index], "the table holds no image there")
        data: bytes = value["bytes"]
        return data

    def beside(self) -> Iterator[Mapping[str, Any]]:
        """Yield the other files of each row (see `tables.TableImages`)."""
        names = files_in(self._rows.features.arrow_schema, self._column)
        yield from self._rows.select_columns(names) if names else ({} for _ in range(len(self)))

    def _fits(self, name: str) -> bool:
        """Return whether a column is numbers or words, which become an array."""
        try:
            return bool(len(self)) and np.array(self._rows[0][name]).dtype.kind in "biufU"
        except ValueError:  # nested lists of different lengths
            return False

    def _read(self, name: str) -> np.ndarray:
        return column_array(list(self._rows[name]))


@dataclass(frozen=True)
class HubContainer(Container):
    """A file of rows of a data set that is refined."""

    column: str

    def count(self) -> int:
        return sum(len(table) for table in self._tables())

    def forms(self) -> list[Form]:
        return first_form((data for table in self._tables() for data in encoded_images(table.column(self.column))), self.place)

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        """Keep features and batches."""
        import pyarrow as pa

        with damage(self.place), pa.memory_map(self.place) as mapped, pa.ipc.open_stream(mapped) as reader:
            schema = reader.schema
        with pa.ipc.new_stream(str(target.temporary), schema) as writer:

            def write(table: pa.Table) -> None:
                writer.write_table(table, max_chunksize=max(1, len(table)))

            yield TableRewriter(self.place, schema, self.column, self._tables(), write)

    def _tables(self) -> Iterator[pa.Table]:
        import pyarrow as pa

        with damage(self.place), pa.memory_map(self.place) as mapped, pa.ipc.open_stream(mapped) as reader:
            yield from (pa.Table.from_batches([batch]) for batch in reader)


class Hub(StorageFormat):
    """Arrow files and what describes them, in a folder, or in one for each split."""

    unchecked = "images and labels are rows of one table"

    def recognises(self, place: Location) -> bool:
        """Return whether `save_to_disk` wrote a folder."""
        return place.is_folder and (_SPLITS in place.files or {_STATE, _INFO} <= set(place.files))

    def open(self, place: Location) -> HubImages:
        return HubImages(place.path)

    def samples(self, images: HubImages) -> Source:
        return Source(table_samples(images))

    def write(self, target: Path, samples: Iterable[Sample], _per_part: int, /) -> int:
        """Write what `datasets.load_from_disk` reads, with the columns of `tables_of`."""
        try:
            import datasets
            import pyarrow as pa
        except ImportError:
            raise MissingExtra(f"writing {target}", "datasets", "datasets") from None
        target.mkdir(parents=True, exist_ok=True)
        count, file = 0, "data-00000-of-00001.arrow"
        with ExitStack() as stack:
            writer = None
            for table in tables_of(samples, target):
                if writer is None:
                    features = datasets.Features.from_arrow_schema(table.schema)
                    writer = stack.enter_context(pa.ipc.new_stream(str(target / file), features.arrow_schema))
                    datasets.DatasetInfo(features=features).write_to_directory(str(target))
                writer.write_table(table.cast(features.arrow_schema))
                count += len(table)
        _write_state(target, [file], fingerprint=uuid.uuid4().hex[:16], like={})
        return count

    def containers(self, place: Location) -> Sequence[HubContainer]:
        """The files of all splits."""
        found = []
        for split in _splits(place.path):
            _, column = load_saved(split)
            found += [HubContainer(str(file), str(file.relative_to(place.path)), column) for file in _data_files(split)]
        return found

    def owns(self, file: str) -> bool:
        return file.endswith(".arrow") or file.rpartition("/")[2] in (_INFO, _STATE, _SPLITS)

    def last(self, place: Location) -> Sequence[str]:
        states = [str((split / _STATE).relative_to(place.path)) for split in _splits(place.path)]
        return [*states, *([_SPLITS] if (place.path / _SPLITS).is_file() else [])]

    def complete(self, place: Location, output: Path, made: str) -> None:
        for split in _splits(place.path):
            folder = output / split.relative_to(place.path)
            state = json.loads((split / _STATE).read_text("utf-8"))
            fingerprint = hashlib.sha256(f"{state['_fingerprint']}{made}".encode()).hexdigest()[:16]
            write_file(folder / _INFO, (split / _INFO).read_bytes())
            _write_state(folder, [file.name for file in _data_files(split)], fingerprint=fingerprint, like=state)
        if (place.path / _SPLITS).is_file():
            write_file(output / _SPLITS, (place.path / _SPLITS).read_bytes())


def load_saved(path: Path) -> tuple[Any, str]:
    """Return a saved data set and its column of images. Raises `GantoolError`, and `MissingExtra` without `datasets`."""
    try:
        import datasets
    except ImportError:
        raise MissingExtra(f"reading {path}", "datasets", "datasets") from None
    try:
        found = datasets.load_from_disk(str(path))
    # Whatever is wrong with the files comes out as it likes.
    except Exception as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None
    columns = [name for name, feature in found.features.items() if isinstance(feature, datasets.Image)]
    named = [name for name in columns if name.lower() in IMAGE_NAMES]
    if 1 not in (len(named), len(columns)):
        raise GantoolError(f"{path} has {len(columns)} columns of images among {', '.join(found.features)}: name one `image`")
    return found, (named if len(named) == 1 else columns)[0]


def _splits(folder: Path) -> list[Path]:
    """Return the folder of each split, or, where there are none, the folder itself. Raises `GantoolError`."""
    path = folder / _SPLITS
    return _named_in(path, lambda found: found["splits"]) if path.is_file() else [folder]


def _data_files(folder: Path) -> list[Path]:
    """Return the files of a split that hold its rows, in order. Raises `GantoolError`."""
    return _named_in(folder / _STATE, lambda found: [file["filename"] for file in found["_data_files"]])


def _named_in(path: Path, names: Callable[[Any], list[str]]) -> list[Path]:
    """Return what a JSON file names of its own folder. Raises `GantoolError`, also for a name that leads elsewhere."""
    try:
        found = [Path(name) for name in names(json.loads(path.read_text("utf-8")))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GantoolError(f"cannot read {path}: {cause(error)}") from None
    if any(name.name != str(name) for name in found):
        raise GantoolError(f"{path} names what lies in other folders: gantool will not follow it")
    return [path.parent / name for name in found]


def _write_state(folder: Path, files: Sequence[str], *, fingerprint: str, like: Mapping[str, Any]) -> None:
    """Write the file that makes a folder a saved data set; it comes last. `like`: the state of the set it was made from."""
    plain: dict[str, Any] = {"_format_columns": None, "_format_kwargs": {}, "_format_type": None}
    plain |= {"_output_all_columns": False, "_split": None}
    state = {**plain, **like, "_data_files": [{"filename": file} for file in files], "_fingerprint": fingerprint}
    write_file(folder / _STATE, json.dumps(state, indent=2, sort_keys=True).encode())
