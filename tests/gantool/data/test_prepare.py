from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.components import Domain, StreamingDomain
from gantool.data.domains import Preprocess
from gantool.data.formats.folder import FolderImages
from gantool.data.load import load_all, nbytes
from gantool.data.locations import Location
from gantool.data.prepare import prepare
from gantool.errors import GantoolError


@dataclass
class Two:
    source: Any
    target: Any


@pytest.fixture
def folder(tmp_path: Path, noise):
    """Make a folder of images of the given shapes, 8 or 16 bit."""

    def make(name: str, *shapes: tuple[int, int, int], dtype: type = np.uint8) -> FolderImages:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for number, shape in enumerate(shapes):
            pixels = noise(shape, dtype, seed=number)
            Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels).save(root / f"{len(list(root.iterdir())):03}.png")
        return FolderImages(Location(root))

    return make


def test_equal_images_come_as_they_are(folder):
    source, target, preprocess = prepare(Two(folder("a", (9, 13, 3)), folder("b", (9, 13, 3), (9, 13, 3))), Preprocess())
    assert preprocess == Preprocess(channels=3)
    assert isinstance(source, Domain)
    assert (len(source), len(target)) == (1, 2)
    assert np.array_equal(target[1], FolderImages(Location(target.name))[1])
    assert (source[0].shape, source[0].dtype) == ((9, 13, 3), np.uint8)


def test_sizes_that_differ_name_two_files(folder):
    with pytest.raises(GantoolError, match=r"sizes differ: .*a/000\.png is 9x13, .*b/001\.png is 8x13: pass --size HxW"):
        prepare(Two(folder("a", (9, 13, 3)), folder("b", (9, 13, 3), (8, 13, 3))), Preprocess())


def test_a_size_brings_them_together(folder):
    source, target, _ = prepare(Two(folder("a", (9, 13, 3)), folder("b", (80, 60, 3))), Preprocess(size=(10, 11)))
    assert source[0].shape == target[0].shape == (10, 11, 3)


def test_an_image_smaller_than_the_crop_is_named_before_training(folder):
    with pytest.raises(GantoolError, match=r"b/001\.png is 8x13, smaller than the crop of 9x9"):
        prepare(Two(folder("a", (9, 13, 3)), folder("b", (9, 13, 3), (8, 13, 3))), Preprocess(size=(9, 9), fit="crop"))


@pytest.mark.parametrize(("a", "b", "channels"), [(1, 3, 1), (3, 4, 3), (4, 4, 3), (2, 4, 1), (2, 2, 1)])
def test_auto_channels(folder, a: int, b: int, channels: int):
    source, target, preprocess = prepare(Two(folder("a", (9, 13, a)), folder("b", (9, 13, b))), Preprocess())
    assert preprocess.channels == channels
    assert source[0].shape == target[0].shape == (9, 13, channels)


class Arrays:
    """A domain of a plugin: no names, no forms."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.images[index]


def test_channels_that_do_not_go_together_are_named(folder):
    domains = Two(Arrays(np.zeros((2, 9, 13, 5), np.uint8)), folder("b", (9, 13, 3)))
    with pytest.raises(GantoolError, match=r"channels differ: .*b/000\.png has 3, Arrays\[0\] has 5: pass --channels"):
        prepare(domains, Preprocess())
    with pytest.raises(GantoolError, match=r"--channels 3: Arrays\[0\] has 5"):
        prepare(domains, Preprocess(channels=3))


def test_five_channels_are_fine_if_both_have_them():
    source, _, preprocess = prepare(Two(*[Arrays(np.zeros((2, 9, 13, 5), np.uint8))] * 2), Preprocess())
    assert preprocess.channels == 5
    assert source[0].shape == (9, 13, 5)


def test_the_widest_type_wins_and_white_stays_white(tmp_path: Path):
    for domain in "ab":
        (tmp_path / domain).mkdir()
        Image.fromarray(np.array([[0, 1, 255]], np.uint8)).save(tmp_path / domain / "8.png")
    Image.fromarray(np.array([[0, 1, 65535]], np.uint16)).save(tmp_path / "b/16.png")
    source, target, _ = prepare(Two(FolderImages(Location(tmp_path / "a")), FolderImages(Location(tmp_path / "b"))), Preprocess())
    assert source[0].dtype == target[0].dtype == np.uint16
    assert source[0].ravel().tolist() == [0, 257, 65535]
    assert target[0].ravel().tolist() == [0, 1, 65535]
    floats = Arrays(np.zeros((1, 1, 3, 1), np.float32))
    source, _, _ = prepare(Two(FolderImages(Location(tmp_path / "b")), floats), Preprocess())
    assert source[0].ravel().tolist() == [0.0, np.float32(1) / np.float32(65535), 1.0]
    assert source[1].ravel().tolist() == [0.0, np.float32(1) / np.float32(255), 1.0]


def test_an_empty_domain_of_a_plugin_is_named(folder):
    with pytest.raises(GantoolError, match="Arrays has no images"):
        prepare(Two(Arrays(np.zeros((0, 9, 13, 3), np.uint8)), folder("b", (9, 13, 3))), Preprocess())


class Stream:
    name = "the stream"

    def stream(self, *, seed: int, skip: int) -> Iterator[np.ndarray]:
        for number in range(skip, 250):
            yield np.full((9, 13, 3), number, np.uint8)


def test_a_stream_is_prepared_too(folder):
    source, target, _ = prepare(Two(Stream(), folder("b", (9, 13, 1), dtype=np.uint16)), Preprocess(size=(4, 5)))
    assert isinstance(source, StreamingDomain)
    assert not isinstance(source, Domain)
    first, second = islice(source.stream(seed=0, skip=100), 2)
    assert first.shape == target[0].shape == (4, 5, 1)
    assert (first[0, 0, 0], second[0, 0, 0]) == (100 * 257, 101 * 257)


def test_labels_come_along():
    domain = Arrays(np.zeros((2, 9, 13, 1), np.uint8))
    domain.labels = {"gaze": np.arange(2)}
    source, _, _ = prepare(Two(domain, domain), Preprocess())
    assert np.array_equal(source.labels["gaze"], [0, 1])


def test_a_file_that_changed_after_its_header_was_read_is_named(folder, noise):
    a = folder("a", (9, 13, 3), (9, 13, 3))
    source, _, _ = prepare(Two(a, a), Preprocess())
    Image.fromarray(noise((5, 5, 3))).save(a.names[1])
    with pytest.raises(GantoolError, match=r"001\.png is 5x5x3, the others are 9x13x3"):
        source[1]


def test_all_is_loaded_in_order(folder):
    images = folder("a", *[(9, 13, 3)] * 150)
    source, _, _ = prepare(Two(images, images), Preprocess(size=(4, 6)))
    loaded = load_all(source)
    assert loaded.dtype == np.uint8
    assert np.array_equal(loaded, np.stack([source[i] for i in range(150)]))
    assert nbytes(source) == loaded.nbytes


def test_an_unreadable_image_stops_loading_and_is_named(folder):
    images = folder("a", *[(9, 13, 3)] * 150)
    source, _, _ = prepare(Two(images, images), Preprocess())
    data = Path(images.names[97]).read_bytes()
    Path(images.names[97]).write_bytes(data[: len(data) // 2])
    with pytest.raises(GantoolError, match=r"cannot read image .*097\.png"):
        load_all(source)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((4, 4, 3), np.int64), "is 4x4x3 int64;"),
        (np.zeros((4, 4), np.uint8), "is 4x4 uint8;"),
        ([[1]], "is a list;"),
    ],
)
def test_images_that_no_data_set_may_give(image, said):
    class Side:
        name = "days"

        def __len__(self):
            return 3

        def __getitem__(self, index):
            return image

    class Pair:
        source = target = Side()

    with pytest.raises(GantoolError, match=f"days.* {said} a data set must give arrays \\(H, W, C\\) of uint8, uint16, float32"):
        prepare(Pair(), Preprocess())
