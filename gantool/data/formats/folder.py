"""Image files in a folder and its subfolders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import GantoolError
from ..decoding import probe, read
from ..frames import Frames, PassForm
from ..images import Form, first_of_each
from ..layouts.choosing import arrange
from ..locations import Location
from ..parallel import apply_to_all
from ..pictures import probe_picture, read_picture, transform
from ..samples import Sample, Source
from ..stored import read_pass_of
from .base import StorageFormat
from .frames import samples_of_frames


class FolderImages:
    """The pictures of a folder and its subfolders, sorted by path, or in the order of frames."""

    def __init__(self, place: Location) -> None:
        """Raises `GantoolError`."""
        self.root, self.name, self.listing = place.path, place.text, arrange(place)
        self.frames: Frames | None = self.listing.frames and self.listing.frames.settled(place)
        """What else belongs to each picture; None for a folder of nothing but pictures."""
        self.view = place.reading.view
        transform(self.view)
        frames = self.frames.frames if self.frames else ()
        self.files: Sequence[str] = [frame.picture.file for frame in frames] or self.listing.images
        """The file of each picture; several can lie in one."""
        views = [f":{view}" if view else "" for frame in frames for _, _, view in [frame.name.partition(":")]]
        self.names: Sequence[str] = [
            f"{self.root / file}{view}" for file, view in zip(self.files, views or [""] * len(self.files), strict=True)
        ]
        self.labels: Mapping[str, np.ndarray] = {}

    @property
    def unit(self) -> str:
        """Of the values; "" where it is not said."""
        return self.frames.picture.unit if self.frames else ""

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> np.ndarray:
        if self.frames is None:
            return read(self.root / self.files[index])
        return read_picture(self.root, self.frames.frames[index].picture, self.frames.picture, self.view)

    @property
    def told(self) -> list[str]:
        """What a person should know of what was recognised, a line each; nothing of a folder of pictures alone."""
        return [] if self.frames is None else [f"{self.name}: {text}" for text in (self.frames.summary(), *self.frames.notes)]

    @property
    def passes(self) -> Mapping[str, PassForm]:
        """What lies beside the pictures (see `data.conditions.HasPasses`)."""
        return {} if self.frames is None else self.frames.passes

    def read_pass(self, index: int, name: str) -> tuple[np.ndarray, PassForm] | None:
        """Return a pass of a picture as it is stored. Raises `ImageReadError`."""
        return None if self.frames is None else read_pass_of(self.root, self.frames.frames[index], self.frames.passes, name)

    def forms(self) -> Mapping[Form, int]:
        if self.frames is None:
            return first_of_each(apply_to_all(lambda file: probe(self.root / file), self.files))
        places = [frame.picture for frame in self.frames.frames]
        return first_of_each(apply_to_all(lambda place: probe_picture(self.root, place), places))


def samples_of_folder(images: FolderImages) -> Source:
    """Return the images of a folder; files called like an image are its labels."""
    root, listing = images.root, images.listing
    if images.frames is not None:
        return samples_of_frames(root, listing, images.frames, images.view)
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


class Folder(StorageFormat):
    """One file per image. What else lies there is annotations and labels."""

    takes_files = True

    def recognises(self, place: Location) -> bool:
        """Return whether there is a picture, or a pass of one, anywhere in a folder of this machine."""
        if not place.is_folder:
            return False
        listing = arrange(place)
        return bool(listing.images or (listing.frames and any(listing.frames.alone.values())))

    def open(self, place: Location) -> FolderImages:
        return FolderImages(place)

    def samples(self, images: FolderImages) -> Source:
        return samples_of_folder(images)

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
