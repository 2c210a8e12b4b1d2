"""Matched content, on pictures of which it is known what they show: discs on a ground, few of them here and many there."""

from __future__ import annotations

import numpy as np
import pytest

from gantool.data import matching
from gantool.data.matching import (
    CELLS,
    Matches,
    balanced,
    compare,
    corners,
    describe,
    examine,
    fingerprint,
    load,
    match,
    nearest,
)
from gantool.data.patches import cut

SIDE = 32


class Discs:
    """Pictures with a disc in one of four places or none, told by `shown`; ground, ink and grain are the domain's looks."""

    name = "planted"

    def __init__(self, shown, *, ground: float, ink: float, grain: float, seed: int) -> None:
        self.shown, self.ground, self.ink, self.grain, self.seed = np.asarray(shown), ground, ink, grain, seed

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, index: int) -> np.ndarray:
        draw = np.random.default_rng([self.seed, index])
        image = np.full((SIDE, SIDE), self.ground)
        if place := self.shown[index]:
            y, x = 16 * np.array(np.divmod(place - 1, 2)) + 8
            rows, columns = np.mgrid[:SIDE, :SIDE]
            image[(rows - y) ** 2 + (columns - x) ** 2 < 36] = self.ink
        return np.rint((image + draw.normal(0, self.grain, image.shape)).clip(0, 1) * 255).astype(np.uint8)[..., None]


def domains(sparse: int = 160, crowded: int = 240):
    draw = np.random.default_rng(0)
    few, many = draw.random(sparse) < 0.25, draw.random(crowded) < 0.8
    source = Discs(few * draw.integers(1, 5, sparse), ground=0.9, ink=0.6, grain=0.0, seed=1)
    target = Discs(many * draw.integers(1, 5, crowded), ground=0.5, ink=0.2, grain=0.02, seed=2)
    return source, target


def test_real_pictures_are_drawn_that_show_what_synthetic_ones_show():
    source, target = domains(crowded=800)
    table = match(source, target, None)
    numbers = np.arange(len(source)).repeat(5)
    draw = np.random.default_rng(3)
    found, _ = table.draw(numbers, np.zeros((len(numbers), 2)), draw.random(len(numbers)), draw.random((len(numbers), 2)))
    # Without a match some 17 % of the pairs would agree: their domains hold discs in 25 and 80 % of the pictures.
    assert np.mean(source.shown[numbers] == target.shown[found]) > 0.97
    # All that show the same are drawn about equally often, not one of them always.
    assert len(set(found[source.shown[numbers] == 0])) > 20


def test_domains_are_compared_by_what_both_hold():
    """Both with as many discs, and then the target with many more: an empty picture looks as empty."""
    source, target = domains(crowded=400)
    plain, known = examine(source, None), examine(target, None)
    rows = np.flatnonzero(source.shown == 0), np.flatnonzero(target.shown == 0)
    away = [
        np.linalg.norm(found.source[rows[0]].mean(axis=0) - found.target[rows[1]].mean(axis=0))
        for found in (compare(plain, known, rounds=0), compare(plain, known))
    ]
    assert away[1] < away[0] * 0.6


def test_a_crop_is_matched_by_the_part_that_it_lies_in():
    pictures = [np.zeros((40, 70, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)]
    found = examine(pictures, (16, 16))
    assert found.grids.tolist() == [[7, 14], [1, 1]]
    assert found.first.tolist() == [0, 98]
    tops, lefts = corners((40, 70), (16, 16), (7, 14))
    table = Matches(
        count=2,
        source_grids=found.grids,
        target_images=found.images,
        target_grids=found.grids,
        neighbours=np.arange(99, dtype=np.int32)[:, None],
        upto=np.ones((99, 1), np.float32),
    )
    crops = np.random.default_rng(0).random((500, 2))
    numbers, draws = table.draw(np.zeros(500, int), crops, np.full(500, 0.999), np.random.default_rng(1).random((500, 2)))
    assert not numbers.any()
    for asked, drawn in zip(crops, draws, strict=True):
        (_, here), (_, there) = cut(pictures[0], (16, 16), asked), cut(pictures[0], (16, 16), drawn)
        # Parts are 25 / 7 and 55 / 14 pixels large.
        assert abs(here[0] - there[0]) <= 4
        assert abs(here[1] - there[1]) <= 4
    assert (np.diff(np.unique(tops)) <= 4).all()
    assert (np.diff(np.unique(lefts)) <= 4).all()


@pytest.mark.parametrize(("size", "patch", "grid"), [((35, 55), (35, 55), (1, 1)), ((20, 31), (9, 10), (2, 3))])
def test_features_are_means_over_cells(size, patch, grid):
    image = np.random.default_rng(0).integers(0, 256, (*size, 2), np.uint8)
    found, light = describe(image, patch, grid), image.mean(axis=2) / 255
    edges = [np.rint(np.linspace(0, side, CELLS + 1)).astype(int) for side in patch]
    for cells, top, left in zip(found, *corners(size, patch, grid), strict=True):
        for row, column in np.ndindex(CELLS, CELLS):
            own = tuple(
                slice(start + edge[place], start + edge[place + 1])
                for start, edge, place in zip((top, left), edges, (row, column), strict=True)
            )
            expected = [*image[own].mean(axis=(0, 1)) / 255, light[own].std()]
            assert cells[row, column, :3] == pytest.approx(expected, abs=2e-3)
            slopes = np.abs(np.diff(light, axis=0)[own[0].start : own[0].stop, own[1]])
            if own[0].stop < size[0]:
                assert cells[row, column, 3] == pytest.approx(slopes.mean(), abs=2e-3)


def test_a_patch_of_fewer_pixels_than_cells_has_features_too():
    image = np.arange(6, dtype=np.uint8).reshape(3, 2, 1)
    assert describe(image, (3, 2), (1, 1))[0, :, :, 0] * 255 == pytest.approx(image[[0, 1, 2, 2]][:, [0, 0, 1, 1], 0])


def test_memory_is_bounded_and_larger_sets_are_looked_at_evenly(monkeypatch):
    source, target = domains(sparse=100, crowded=90)
    found = examine(source, (16, 16), most=40)
    assert found.images.tolist() == [number * 100 // 40 for number in range(40)]
    assert len(found.features) == 40
    assert len(examine(source, (16, 16), most=1000).features) <= 1000
    monkeypatch.setattr(matching, "examine", lambda *args: examine(*args, most=30))
    table = match(source, target, None)
    numbers, _ = table.draw(np.arange(100), np.zeros((100, 2)), np.full(100, 0.5), np.full((100, 2), 0.5))
    assert set(numbers) <= {number * 90 // 30 for number in range(30)}


def test_no_real_patch_is_drawn_all_the_time():
    draw = np.random.default_rng(0)
    pool = draw.normal(size=(300, 4)).astype(np.float32)
    # One that lies in the midst of all synthetic ones, a hub.
    queries = pool[0] + 0.1 * draw.normal(size=(900, 4)).astype(np.float32)
    rows, distances = nearest(queries, pool)
    brute = np.linalg.norm(queries[:, None] - pool[None], axis=2)
    assert np.array_equal(rows, brute.argsort(axis=1, kind="stable")[:, :40])
    assert distances == pytest.approx(np.sort(brute, axis=1)[:, :40], abs=1e-3)
    # Half of them have the hub first, which their further neighbours spare.
    rows[:] = draw.integers(1, 300, rows.shape)
    rows[:450, 0] = 0
    shares = balanced(rows, 300)
    drawn = np.bincount(rows.ravel(), shares.ravel(), 300)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert drawn.max() < 1.2 * 10 * 900 / 300 < 450 / 10
    assert (np.diff(shares[450:, :4], axis=1) < 0).all()


def test_a_kept_table_is_taken_for_the_same_pictures_alone(tmp_path):
    source, target = domains(40, 50)
    table, digest = match(source, target, None), fingerprint(source, target, None)
    table.save(tmp_path / "matches.npz", digest)
    again = load(tmp_path / "matches.npz", digest)
    assert again is not None
    assert again.count == 40
    assert np.array_equal(again.neighbours, table.neighbours)
    assert np.array_equal(again.upto, table.upto)
    source.ink = 0.4
    assert fingerprint(source, target, None) != digest
    assert load(tmp_path / "matches.npz", fingerprint(source, target, None)) is None
    (tmp_path / "matches.npz").write_bytes(b"PK\x03\x04 torn")
    assert load(tmp_path / "matches.npz", digest) is None
    assert load(tmp_path / "none.npz", digest) is None
