"""Image files in a folder and its subfolders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import GantoolError
from ..decoding import probe, read
from ..images import Form, first_of_each
from ..locations import Location
from ..parallel import apply_to_all
from ..samples import Sample, Source
from .base import StorageFormat


class FolderImages:
    """The images of a folder and its subfolders, sorted by path."""

    def __init__(self, place: Location) -> None:
        """Raises `GantoolError`."""
        self.root, self.name, self.listing = place.path, place.text, place.listing
        self.files: Sequence[str] = self.listing.images
        self.names: Sequence[str] = [str(self.root / file) for file in self.files]
        self.labels: Mapping[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> np.ndarray:
        return read(self.root / self.files[index])

    def forms(self) -> Mapping[Form, int]:
        return first_of_each(apply_to_all(lambda file: probe(self.root / file), self.files))


class Folder(StorageFormat):
    """One file per image. What else lies there is annotations and labels."""

    takes_files = True

    def recognises(self, place: Location) -> bool:
        """Return whether there is an image anywhere in a folder of this machine."""
        return place.is_folder and bool(place.listing.images)

    def open(self, place: Location) -> FolderImages:
        return FolderImages(place)

    def samples(self, images: FolderImages) -> Source:
        """Files called like an image are its labels."""
        root, listing = images.root, images.listing
        stems = Counter(image.rpartition(".")[0] for image in listing.images)
        mine: dict[str, dict[str, str]] = defaultdict(dict)
        beside = []
        for file in listing.others:
            stem, _, suffix = file.rpartition(".")
            if stem in stems:
                mine[stem][suffix.lower()] = file
            else:
                beside.append(file)

        def read_all() -> Iterator[Sample]:
            for image in listing.images:
                stem, _, suffix = image.rpartition(".")
                yield Sample(
                    # Images that share all but the suffix keep it, and each has the labels.
                    key=stem if stems[stem] == 1 else image,
                    name=str(root / image),
                    suffix=f".{suffix.lower()}",
                    encoded=(root / image).read_bytes(),
                    files={kind: (root / file).read_bytes() for kind, file in mine[stem].items()},
                )

        return Source(read_all(), tuple(beside))

    def write(self, target: Path, samples: Iterable[Sample], _per_part: int, /) -> int:
        """Write image files with label files beside them; values become a JSON file each."""
        count = 0
        for sample in samples:
            count += 1
            for kind, content in sample.all_files().items():
                path = target / f"{sample.key}.{kind}"
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.exists():
                    raise GantoolError(f"{sample.name}: two samples are called {sample.key}")
                path.write_bytes(content)
        return count
