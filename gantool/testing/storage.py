"""Checks of storage formats and of layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data.formats.base import StorageFormat, Target
from ..data.listing import Listing
from ..data.locations import Location
from ..data.samples import Sample
from ..errors import GantoolError
from .subject import Subject, only_if

_IMAGES = 5

# Formats


@only_if("writes")
def check_gives_back_what_it_writes(subject: Subject) -> None:
    """Images and label values that were written are there when the set is opened: all of them, the same to the bit."""
    storage, place = _written(subject)
    subject.require(storage.recognises(place), f"it does not recognise {place}, which it wrote")
    wanted = _contents(_samples(subject))
    with subject.calling("opening what it wrote"):
        found = _contents(list(storage.samples(storage.open(place)).samples))
    subject.require(found == wanted, f"of {len(wanted)} images it gives {len(found)} back, {len(wanted & found)} as they were")
    if "streams" in subject.provided.record.provides:
        with subject.calling("streaming what it wrote"):
            streamed = {
                chunk[row].tobytes()
                for open_chunk in storage.chunks(place)
                for chunk in [open_chunk()]
                for row in range(len(chunk))
            }
        subject.require(streamed == {pixels for pixels, _ in wanted}, "its chunks hold other images than those that were written")


@only_if("refines")
def check_refines_into_a_set_like_the_first(subject: Subject) -> None:
    """A container that is written anew holds what was put into it, in its place, and its labels come along."""
    if "writes" not in subject.provided.record.provides:
        return
    storage, place = _written(subject)
    if type(storage).containers is StorageFormat.containers:  # folders, whose images are refined one by one
        return
    folder = subject.folder / "anew"
    with subject.calling("refining what it wrote"):
        for container in storage.containers(place):
            path = folder / container.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with container.rewrite(Target(temporary=path, path=path, size=None, notice=lambda _: None)) as rewriter:
                for item in rewriter.items():
                    stored = item.read()
                    rewriter.put(item, stored.encode(255 - stored.pixels))
                rewriter.finish()
        storage.complete(place, folder, "the-kit")
        again = Location(folder if place.is_folder else folder / place.path.name)
        found = _contents(list(storage.samples(storage.open(again)).samples))
    wanted = _contents(_samples(subject, negative=True))
    subject.require(found == wanted, f"of {len(wanted)} refined images {len(wanted & found)} are there with their labels")


def check_what_is_damaged_is_one_line(subject: Subject) -> None:
    """A file of its name with nothing in it, or with something else, is a `GantoolError` of one line that names it."""
    storage: StorageFormat = subject.made(record=subject.provided.record)
    for suffix in storage.record.suffixes[:1]:
        for data in (b"", b"no such thing \xff\x00" * 100):
            file = subject.folder / f"damaged-{len(data)}{suffix}"
            file.write_bytes(data)
            try:
                list(storage.samples(storage.open(Location(file))).samples)
            except GantoolError as error:
                told = file.name in str(error) and "\n" not in str(error)
                subject.require(told, f"what it says of a damaged file is not one line that names {file.name}: {error}")
            except Exception as error:
                text = f"a damaged file raised {type(error).__name__}: {error}; it must raise GantoolError"
                raise subject.fault(text) from error
            else:
                raise subject.fault(f"it opens a file of {len(data)} bytes that is none of its own")


# Layouts


def check_divides_what_is_there(subject: Subject) -> None:
    """`arrange` gives None, or all files of a folder, each once: as pictures or as what lies beside."""
    layout = subject.made()
    folder = subject.folder / "other"
    (folder / "deeper").mkdir(parents=True)
    for file in ("notes.txt", "a.png", "deeper/b.jpg", "deeper/c.json"):
        (folder / file).write_bytes(b"{}")
    _arranged(subject, layout, folder)
    subject.values_for("layout", subject.provided.full_name)
    if (data := subject.folder / "data").is_dir():
        listing = _arranged(subject, layout, data)
        subject.require(listing is not None and bool(listing.images), "it finds no picture in the folder that options={…} wrote")


CHECKS = {
    "format": (
        check_gives_back_what_it_writes,
        check_refines_into_a_set_like_the_first,
        check_what_is_damaged_is_one_line,
    ),
    "layout": (check_divides_what_is_there,),
}


def _samples(subject: Subject, *, negative: bool = False) -> list[Sample]:
    """Grey 8-bit images with a number each."""
    pixels = np.random.default_rng(0).integers(0, 256, (_IMAGES, *subject.size, 1), dtype=np.uint8)
    given = enumerate(255 - pixels if negative else pixels)
    return [Sample(key=f"{row:08}", name=f"image {row}", array=image, values={"age": row}) for row, image in given]


def _contents(samples: list[Sample]) -> set[tuple[bytes, Any]]:
    return {(sample.pixels().tobytes(), sample.numbers().get("age")) for sample in samples}


def _written(subject: Subject) -> tuple[StorageFormat, Location]:
    storage: StorageFormat = subject.made(record=subject.provided.record)
    suffix = "" if storage.takes_files else next(iter(storage.record.suffixes), "")
    target = subject.folder / f"set{suffix}"
    with subject.calling(f"writing {_IMAGES} images"):
        count = storage.write(target, _samples(subject), 2)
    subject.require(count == _IMAGES, f"it says that it wrote {count} of {_IMAGES} images")
    return storage, Location(target)


def _arranged(subject: Subject, layout: Any, folder: Path) -> Listing | None:
    files = Location(folder).files
    with subject.calling("arrange"):
        listing: Listing | None = layout.arrange(folder, files)
    if listing is not None:
        subject.require(isinstance(listing, Listing), f"arrange returned a {type(listing).__name__}, not a Listing or None")
        found = sorted((*listing.images, *listing.others))
        subject.require(found == sorted(files), f"its pictures and other files are {found}, there are {sorted(files)}")
    return listing
