"""A storage format in one file, as a plugin brings it: grey images of one size, as raw numbers behind a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gantool import Format, GantoolError, hookimpl
from gantool.data.formats.base import Container, Item, Rewriter, StorageFormat, Target
from gantool.data.images import Form, first_of_each, row_names
from gantool.data.locations import Location
from gantool.data.samples import Sample


@hookimpl
def gantool_formats() -> Iterable[Format]:
    """One record is all that the host has to know."""
    yield Format(
        name="toy",
        factory=f"{__name__}:Toy",
        suffixes=(".toy",),
        provides=frozenset({"streams", "writes", "refines"}),
        summary="Raw numbers behind a line of JSON",
    )


class ToyImages:
    """See `gantool.data.images.Images`."""

    def __init__(self, place: str) -> None:
        self.name = place
        data = Path(place).read_bytes()
        try:
            head = json.loads(data.partition(b"\n")[0])
            self.pixels = np.frombuffer(data.partition(b"\n")[2], np.uint8).reshape(*head["shape"], 1)
        except (ValueError, KeyError):
            raise GantoolError(f"{place} is damaged") from None
        self.labels = {name: np.array(values) for name, values in head["labels"].items()}
        self.names = row_names(place, len(self))

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.pixels[index]

    def forms(self) -> dict[Form, int]:
        return first_of_each([self.form] * len(self))

    @property
    def form(self) -> Form:
        return Form(*self.pixels.shape[1:], "uint8")


class Row:
    """See `gantool.data.formats.base.Stored`."""

    format = "a row"

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def encode(self, pixels: np.ndarray) -> bytes:
        return pixels.tobytes()


class ToyRewriter(Rewriter):
    def __init__(self, images: ToyImages, out: BinaryIO, start: int) -> None:
        self._images, self._out, self._start = images, out, start

    def items(self) -> Iterator[Item]:
        for number, pixels in enumerate(self._images.pixels):
            yield Item(number, self._images.names[number], self._images.form, partial(Row, pixels))

    def put(self, item: Item, stored: bytes) -> None:
        self._out.seek(self._start + item.number * len(stored))
        self._out.write(stored)


class ToyContainer(Container):
    def count(self) -> int:
        return len(ToyImages(self.place))

    def forms(self) -> list[Form]:
        return [ToyImages(self.place).form]

    @contextmanager
    def rewrite(self, target: Target) -> Iterator[Rewriter]:
        images = ToyImages(self.place)
        with target.temporary.open("wb") as out:
            yield ToyRewriter(images, out, write_head(out, images.pixels.shape[:3], images.labels))


class Toy(StorageFormat):
    def open(self, place: Location) -> ToyImages:
        return ToyImages(place.text)

    def chunks(self, place: Location) -> Sequence[Callable[[], Any]]:
        return [partial(ToyImages, file) for file in place.ending(self.record.suffixes)]

    def write(self, target: Path, samples: Iterable[Sample], _per_part: int, /) -> int:
        found = list(samples)
        pixels = np.stack([sample.pixels()[..., 0] for sample in found])
        labels = {name: [sample.values[name] for sample in found] for name in found[0].values}
        with target.open("wb") as out:
            write_head(out, pixels.shape, labels)
            out.write(pixels.tobytes())
        return len(found)

    def containers(self, place: Location) -> Sequence[ToyContainer]:
        return [ToyContainer(file, place.relative(file)) for file in place.ending(self.record.suffixes)]


def write_head(out: BinaryIO, shape: Sequence[int], labels: dict[str, Any]) -> int:
    head = {"shape": list(shape), "labels": {name: np.asarray(values).tolist() for name, values in labels.items()}}
    return out.write(json.dumps(head).encode() + b"\n")
