"""Domains that data sets of plugins are made of."""

from __future__ import annotations

import numpy as np
import pytest

from gantool.components import Domain
from gantool.data.load import load_all
from gantool.datasets import LazyArrays, Listed, Rendered


def test_listed_images_are_read_when_they_are_asked_for():
    seen = []

    def read(index):
        seen.append(index)
        return np.full((2, 3), index, np.uint16)

    labels = LazyArrays(["angle"], lambda name: np.arange(4.0))
    domain = Listed("planted", ["a", "b", "c", "d"], read, labels)
    assert isinstance(domain, Domain)
    assert (len(domain), seen) == (4, [])
    image = domain[2]
    assert (image.shape, image.dtype, image.max()) == ((2, 3, 1), np.uint16, 2)
    assert domain[-1].max() == 3
    assert seen == [2, 3]
    with pytest.raises(IndexError):
        domain[4]
    colour = Listed("planted", ["a"], lambda index: np.zeros((2, 3, 3), np.uint8), {})
    assert colour[0].shape == (2, 3, 3)


def rendered(first, count, calls=None):
    def render(rows):
        return np.broadcast_to((rows % 251).astype(np.uint8)[:, None, None, None], (len(rows), 2, 3, 1))

    def label(rows):
        (calls if calls is not None else []).append(len(rows))
        return {"number": rows, "pair": np.stack((rows, -rows), 1)}

    return Rendered("planted", range(first, first + count), render, label)


def test_rendered_images_follow_from_their_numbers():
    domain = rendered(2**40, 12)
    expected = [(2**40 + position) % 251 for position in range(12)]
    assert [int(domain[position].max()) for position in range(12)] == expected
    assert load_all(domain)[:, 0, 0, 0].tolist() == expected
    assert domain.block(3, 5)[:, 0, 0, 0].tolist() == expected[3:5]
    assert domain.read(np.array([11, 0]))[:, 0, 0, 0].tolist() == [expected[11], expected[0]]
    assert domain.read([]).shape == (0, 2, 3, 1)
    with pytest.raises(IndexError):
        domain[12]


def test_labels_are_computed_in_parts_and_once():
    calls = []
    domain = rendered(5, 9000, calls)
    assert domain.labels["number"].tolist() == list(range(5, 9005))
    assert domain.labels["pair"].shape == (9000, 2)
    assert sum(calls) == 9000
    assert max(calls) < 9000
