from __future__ import annotations

import numpy as np
import pytest
import torch

from gantool.evaluation.held import HeldImages, held, stacked


def some(*shapes, dtype=np.uint8):
    random = np.random.default_rng(0)
    return [random.integers(0, np.iinfo(dtype).max + 1, shape, dtype) for shape in shapes]


def test_batches_are_floats_of_what_is_stored():
    images = some((4, 6, 3), (4, 6, 3))
    mine = HeldImages(images)
    assert (mine.size, mine.channels, len(mine)) == ((4, 6), 3, 2)
    torch.testing.assert_close(mine.batch([1]), torch.from_numpy(images[1] / 127.5 - 1)[None].permute(0, 3, 1, 2).float())
    assert (mine.stored(mine.tensor()) == np.stack(images)).all()
    deep = HeldImages(some((4, 6, 1), dtype=np.uint16))
    assert (deep.stored(deep.tensor()) == deep[0]).all()


def test_floats_and_images_of_two_depths_are_held_with_16_bits():
    white = HeldImages([np.ones((2, 2, 1), np.float32), np.full((2, 2, 1), 255, np.uint8)])
    assert [image.dtype for image in white] == [np.uint16] * 2
    assert white.tensor().unique().tolist() == [1.0]


def test_sizes_may_differ():
    mine = HeldImages(some((4, 6, 1), (8, 8, 1), (4, 6, 1)))
    assert mine.size is None
    with pytest.raises(ValueError, match="different sizes"):
        mine.tensor()
    assert sorted(map(sorted, mine.batches(10**6, 10))) == [[0, 2], [1]]
    assert sorted(map(sorted, mine.batches(24, 10))) == [[0], [1], [2]]
    same = mine.changed(lambda batch: batch)
    assert all((a == b).all() for a, b in zip(same, mine, strict=True))
    cut = stacked(mine, HeldImages(some((6, 5, 1))), HeldImages([]))
    assert [tuple(images.shape) for images in cut] == [(3, 1, 4, 5), (1, 1, 4, 5), (0, 1, 4, 5)]


def test_rows_are_numbers_or_truth_values():
    mine = held(torch.linspace(-1, 1, 5)[:, None, None, None])
    assert [int(image[0, 0, 0]) for image in mine.take([3, 0])] == [191, 0]
    assert len(mine.take(torch.tensor([True, False, True, False, False]))) == 2
