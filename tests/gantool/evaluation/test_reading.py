from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gantool.data.domains import Preprocess
from gantool.data.opening import open_images
from gantool.errors import GantoolError
from gantool.evaluation.reading import all_digests, digest, pick, read, read_stream


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 9, 13), np.uint8)


def test_one_picture_has_one_digest_whatever_the_file(tmp_path, pixels):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number}.png")
    np.savez(tmp_path / "same.npz", image=pixels)
    assert all_digests(open_images(folder)) == all_digests(open_images(tmp_path / "same.npz"))
    assert len(all_digests(open_images(folder))) == 5


def test_a_digest_tells_shape_type_and_a_single_value_apart(pixels):
    image = pixels[0][..., None]
    changed = image.copy()
    changed[0, 0, 0] ^= 1
    variants = [image, changed, image.reshape(13, 9, 1), image.astype(np.uint16), image.astype(np.float32)]
    assert len({digest(variant) for variant in variants}) == 5
    assert digest(image[:, ::-1][:, ::-1]) == digest(image)


def test_rows_are_read_preprocessed_and_hashed_as_stored(tmp_path, pixels):
    np.savez(tmp_path / "images.npz", image=pixels)
    domain = open_images(tmp_path / "images.npz")
    plain = read(domain, np.array([1, 4]), Preprocess(), (9, 13, 1))
    assert plain.pixels.tensor().shape == (2, 1, 9, 13)
    np.testing.assert_allclose(plain.pixels.tensor()[1, 0], pixels[4] / 127.5 - 1, atol=1e-6)
    small = read(domain, np.array([1, 4]), Preprocess(size=(4, 6), equalize=True), (4, 6, 1))
    assert small.pixels.tensor().shape == (2, 1, 4, 6)
    assert small.digests == plain.digests
    assert small.sizes.tolist() == [[9, 13]] * 2


def test_an_image_of_another_form_is_named(tmp_path, pixels):
    np.savez(tmp_path / "images.npz", image=pixels)
    with pytest.raises(GantoolError, match=r"images\.npz\[0\] is 9x13x1 after the run's preprocessing, .* trained on 9x14x1"):
        read(open_images(tmp_path / "images.npz"), np.arange(5), Preprocess(), (9, 14, 1))


def test_picking_is_seeded_and_ascending_and_never_twice():
    rows = pick(100, 30, seed=3)
    assert len(set(rows)) == 30
    assert (np.diff(rows) > 0).all()
    assert (pick(100, 30, seed=3) == rows).all()
    assert (pick(100, 30, seed=4) != rows).any()
    assert pick(5, 30, seed=0).tolist() == [0, 1, 2, 3, 4]


def test_a_stream_is_read_from_its_start(pixels):
    class Stream:
        name = "stream"

        def stream(self, *, seed, skip):
            number = seed + skip
            while True:
                yield pixels[number % 5][..., None]
                number += 1

    images = read_stream(Stream(), 3, Preprocess(), (9, 13, 1), seed=1)
    assert images.digests == tuple(digest(image[..., None]) for image in pixels[1:4])
    assert images.pixels.tensor().shape == (3, 1, 9, 13)
