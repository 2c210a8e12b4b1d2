"""The simulator: geometry against brute force, labels against pixels, the camera against what it must not do."""

import numpy as np
import pytest
from gantool_hands import render
from gantool_hands.options import SimulatedOptions
from gantool_hands.sensor import sense
from gantool_hands.simulated import simulated
from gantool_hands.skeleton import Hands, pose

COUNT = 24


def make(**options):
    return simulated(config=SimulatedOptions(**{"synthetic_count": COUNT, "real_count": COUNT} | options))


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("size", [(64, 64), (24, 50)])
def test_an_image_does_not_depend_on_its_company(side, size):
    domain = getattr(make(size=size), side)
    together = domain.block(0, COUNT)
    assert together.shape == (COUNT, *size, 1)
    assert together.dtype == np.uint16
    assert all(np.array_equal(together[index], domain[index]) for index in (0, 7, COUNT - 1))
    assert np.array_equal(domain.read([9, 3])[1], together[3])
    labels = getattr(make(size=size, synthetic_count=40, real_count=40), side).labels
    assert all(np.array_equal(rows[:COUNT], domain.labels[name]) for name, rows in labels.items())


def test_domains_and_seeds_differ():
    domains = make()
    images = [domains.source[0], domains.target[0], domains.test[0], make(seed=1).source[0]]
    assert all(not np.array_equal(a, b) for i, a in enumerate(images) for b in images[:i])
    xy = [domain.labels["joints_xy"][0] for domain in (domains.source, domains.target, domains.test)]
    assert all(not np.array_equal(a, b) for i, a in enumerate(xy) for b in xy[:i])
    with pytest.raises(IndexError):
        domains.source[COUNT]


def test_capsules_are_what_many_balls_make():
    """A ball every 0.1 mm along each axis, with the same parallel projection."""
    draw = np.random.default_rng(0)
    starts, ends = (draw.uniform((-30, -30, 690), (30, 30, 710), (4, 1, 3)).astype(np.float32) for _ in range(2))
    ends[3, :, :2] = starts[3, :, :2]  # seen end-on
    radii = draw.uniform(4, 12, (4, 1)).astype(np.float32)
    view = render.View(np.full(4, 700, np.float32), np.full((4, 2), 40, np.float32), (80, 80))
    found = render.depth(Hands(starts, ends, radii, starts), view)
    y, x = np.mgrid[:80, :80]
    for row in range(4):
        (a,), (b,) = (render.project(points, view)[row] for points in (starts, ends))
        middle = (starts[row, 0, 2] + ends[row, 0, 2]) / 2
        expected = np.full((80, 80), np.inf)
        for t in np.linspace(0, 1, 800):
            px, py = a + t * (b - a)
            z = starts[row, 0, 2] + t * (ends[row, 0, 2] - starts[row, 0, 2])
            square = radii[row, 0] ** 2 - ((x - px) ** 2 + (y - py) ** 2) * (middle / 700) ** 2
            front = z - np.sqrt(np.where(square > 0, square, np.nan))
            expected = np.fmin(expected, front)
        both = np.isfinite(expected) & np.isfinite(found[row])
        assert both.sum() > 50
        assert (np.isfinite(expected) != np.isfinite(found[row])).sum() <= 8  # rounding, at the outline
        assert np.median(np.abs(expected[both] - found[row][both])) < 0.02


def test_labels_lie_under_the_skin():
    """At a key point's pixel the surface is nearer than the key point, by no more than hand and arm are thick."""
    source = make(size=(96, 96), grain_mm=0, synthetic_count=60).source
    xy, z = source.labels["joints_xy"], source.labels["joints_depth_mm"]
    assert xy.shape == (60, 14, 2)
    at = np.rint(xy).astype(int)
    assert ((at >= 0) & (at < 96)).all()
    grey = source.block(0, 60)[np.arange(60)[:, None], at[..., 1], at[..., 0], 0]
    surface = z.mean(axis=1, keepdims=True) + (grey / 65535 - 0.5) * 220
    assert (grey < 65535).mean() > 0.99
    clear = (grey > 0) & (grey < 65535)
    above = (z - surface)[clear]
    assert (above > 0).mean() > 0.99  # a pixel's centre may miss the tip of a slanted finger
    assert np.median(above) < 25


def test_a_finger_keeps_its_length():
    """Middle joint to tip, two bones: never longer than both, never shorter than they are when bent."""
    joints = pose(3, np.arange(200, dtype=np.int64)).joints
    length = np.linalg.norm(joints[:, 4] - joints[:, 5], axis=1)  # the middle finger, 29 + 21 mm, hands of 0.88 to 1.1
    assert length.max() <= 50 * 1.1 + 0.01
    assert length.min() >= 0.88 * 29 * 0.8
    assert length.std() > 2


def test_options_reach_the_pixels():
    plain = make(grain_mm=0, seed=5).source[0].astype(int)
    assert make(grain_mm=0, seed=5, background="near").source[0][plain == 65535].max() == 0
    grain = (make(grain_mm=2, seed=5).source[0].astype(int) - plain)[(plain > 0) & (plain < 65535)]
    assert grain.std() * 220 / 65535 == pytest.approx(2, rel=0.2)
    inside = (plain > 0) & (plain < 65535)
    wide = make(grain_mm=0, seed=5, relief_mm=220).source[0].astype(int)
    assert wide[inside] - 32767.5 == pytest.approx((plain[inside] - 32767.5) / 2, abs=1)


def scenes(count=40, size=(64, 64)):
    rows = np.arange(count, dtype=np.int64)
    hands = pose(0, rows)
    view = render.frame(hands.joints, size, np.full(count, 0.2, np.float32), np.zeros((count, 2), np.float32))
    middle = hands.joints[..., 2].mean(axis=1)
    clean = render.depth(hands, view)
    return clean, sense(clean, view.scale, middle, 0, rows)


def test_the_camera_makes_holes_and_ragged_outlines_but_moves_nothing():
    clean, seen = scenes()
    hand, shown = np.isfinite(clean), np.isfinite(seen)
    holes = (hand & ~shown).sum() / hand.sum()
    beside = (~hand & shown).sum() / hand.sum()
    assert 0.03 < holes < 0.3
    assert 0.005 < beside < 0.15
    y, x = np.mgrid[:64, :64]
    for place in (x, y):
        shift = [(place[b].mean() - place[a].mean()) for a, b in zip(hand, shown, strict=True)]
        assert abs(np.mean(shift)) < 0.5
    both = hand & shown
    error = seen[both] - clean[both]
    assert abs(np.median(error)) < 1.5
    assert 0.5 < np.median(np.abs(error)) < 8


def test_the_camera_sees_depth_in_steps():
    _, seen = scenes(4)
    for image in seen:
        values = np.unique(image[np.isfinite(image)])
        # One disparity apart everywhere: 1/z in equal steps.
        steps = np.diff(np.sort(1 / values.astype(np.float64)))
        steps = steps[steps > steps.max() / 100]
        assert len(values) < 400
        assert steps == pytest.approx(steps.min() * np.rint(steps / steps.min()), rel=0.02)


def test_shadows_fall_on_what_is_behind_and_to_one_side():
    """A finger's width of 60 mm in front of a wall: its shadow is on the wall, beside one of its two edges."""
    wall = np.full((40, 48, 48), 700, np.float32)
    wall[:, :, 20:28] = 640
    rows = np.arange(40, dtype=np.int64)
    seen = sense(wall, np.full(40, 200, np.float32), np.full(40, 690, np.float32), 0, rows)
    lost = ~np.isfinite(seen)
    left, right = lost[:, :, 19].mean(axis=1), lost[:, :, 28].mean(axis=1)
    assert (np.maximum(left, right) == 1).all()
    assert 0.2 < (left == 1).mean() < 0.8
    assert (np.minimum(left, right) < 0.9).all()
