from __future__ import annotations

import numpy as np
import pytest

from gantool.data.order import shuffled


def epoch(count, number=0, *, seed=0):
    return shuffled(np.arange(number * count, (number + 1) * count), count, seed=seed)


@pytest.mark.parametrize("count", [*range(1, 40), 63, 64, 65, 255, 256, 257, 1000, 4097, 100_003])
def test_an_epoch_is_a_permutation(count):
    for number in (0, 1, 7):
        found = epoch(count, number)
        assert found.dtype == np.int64
        assert np.array_equal(np.sort(found), np.arange(count))


@pytest.mark.parametrize("count", [20, 1000])
def test_epochs_and_seeds_differ_from_each_other_and_from_no_shuffle(count):
    orders = [epoch(count, number, seed=seed) for seed in (0, 1, 2**32, 2**32 + 1) for number in (0, 1, 2)]
    orders.append(np.arange(count))
    assert len({order.tobytes() for order in orders}) == len(orders)
    # Not merely different: as far apart as random orders, which agree at one place on average.
    agreements = [int((a == b).sum()) for i, a in enumerate(orders) for b in orders[:i]]
    assert np.mean(agreements) < 3


def test_order_is_a_pure_function_of_the_position():
    count, positions = 77, np.arange(400)
    whole = shuffled(positions, count, seed=5)
    assert np.array_equal(whole[::-1], shuffled(positions[::-1], count, seed=5))
    assert all(shuffled(np.array([p]), count, seed=5)[0] == whole[p] for p in (0, 76, 77, 399))


def chi_square(counts):
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


@pytest.mark.parametrize("count", [2, 5, 6, 16, 37])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_every_image_is_as_likely_at_every_place(count, place):
    epochs = 4000
    found = shuffled(np.arange(epochs) * count + place % count, count, seed=11)
    # Mean count - 1, standard deviation sqrt(2 (count - 1)); five of them are a chance of less than 1 in 1000.
    assert chi_square(np.bincount(found, minlength=count)) < count - 1 + 5 * np.sqrt(2 * (count - 1))


@pytest.mark.parametrize("count", [5, 6, 24])
def test_the_step_from_one_image_to_the_next_is_uniform_too(count):
    epochs = 4000
    positions = (np.arange(epochs) * count)[:, None] + np.arange(2)
    first, second = shuffled(positions.ravel(), count, seed=3).reshape(-1, 2).T
    steps = np.bincount((second - first) % count, minlength=count)
    assert steps[0] == 0
    assert chi_square(steps[1:]) < count - 2 + 5 * np.sqrt(2 * (count - 2))


def test_a_billion_images_need_no_table():
    found = shuffled(np.array([0, 1, 10**9 - 1, 10**9, 10**15]), 10**9, seed=0)
    assert ((found >= 0) & (found < 10**9)).all()
    assert len(set(found.tolist())) == 5


@pytest.mark.parametrize("count", [0, -1])
def test_nothing_cannot_be_ordered(count):
    with pytest.raises(ValueError, match="count must be at least 1"):
        shuffled(np.array([0]), count, seed=0)
