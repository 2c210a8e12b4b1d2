"""The format and the layout of `planted_good`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from gantool import GantoolError
from gantool.data.formats.base import Container, Rewriter, StorageFormat
from gantool.data.formats.base import Item as StoredItem
from gantool.data.images import Form, first_of_each, row_names
from gantool.data.listing import Listing


class RowImages:
    def __init__(self, place):
        self.name = str(place)
        try:
            found = json.loads(Path(place).read_bytes())
            self.pixels, self.labels = np.array(found["images"], np.uint8), {"age": np.array(found["age"])}
        except (ValueError, KeyError):
            raise GantoolError(f"{place} is damaged") from None
        self.names = row_names(self.name, len(self))

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return self.pixels[index]

    def forms(self):
        return first_of_each([Form(*self.pixels.shape[1:], "uint8")] * len(self))


class Row:
    format = "a row"

    def __init__(self, pixels):
        self.pixels = pixels

    def encode(self, pixels):
        return pixels


class RowRewriter(Rewriter):
    def __init__(self, images):
        self.images, self.made = images, images.pixels.copy()

    def items(self):
        for number, pixels in enumerate(self.images.pixels):
            yield StoredItem(number, self.images.names[number], Form(*pixels.shape, "uint8"), partial(Row, pixels))

    def put(self, item, stored):
        self.made[item.number] = stored


class RowContainer(Container):
    def count(self):
        return len(RowImages(self.place))

    def forms(self):
        return RowImages(self.place).forms()

    @contextmanager
    def rewrite(self, target):
        images = RowImages(self.place)
        rewriter = RowRewriter(images)
        yield rewriter
        write(target.temporary, rewriter.made, images.labels["age"])


class Rows(StorageFormat):
    def open(self, place):
        return RowImages(place.text)

    def chunks(self, place):
        return [partial(RowImages, file) for file in place.ending(self.record.suffixes)]

    def write(self, target, samples, _per_part, /):
        found = list(samples)
        write(target, np.stack([sample.pixels() for sample in found]), [sample.values["age"] for sample in found])
        return len(found)

    def containers(self, place):
        return [RowContainer(file, place.relative(file)) for file in place.ending(self.record.suffixes)]


def write(path, pixels, ages):
    path.write_text(json.dumps({"images": pixels.tolist(), "age": np.asarray(ages).tolist()}))


class Numbered:
    """Pictures are files whose names begin with a number."""

    def __init__(self, *, config):
        pass

    def arrange(self, root, files):
        images = tuple(file for file in files if file[0].isdigit())
        return Listing(images, tuple(file for file in files if file not in images))
