from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from gantool import options
from gantool.components import Domain, Domains
from gantool.errors import GantoolError
from simgan_plugin.eyes import LABELS, EyeDomain, eyes, render
from simgan_plugin.eyes.geometry import draw
from simgan_plugin.eyes.hashing import Uniforms, keys, noise
from simgan_plugin.options import EyesOptions

BOTH = pytest.mark.parametrize("domain", ["synthetic", "camera"])
SIZES = pytest.mark.parametrize("size", [(8, 8), (35, 55), (36, 60), (71, 33), (224, 224)])


def grey(images: np.ndarray) -> np.ndarray:
    return images[..., 0].astype(np.float32)


def lid_heights_at_pupil(labels: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Image y of the upper and the lower lid straight above and below each pupil, from the key points alone."""
    upper, lower = np.empty((2, len(labels["pupil_xy"])))
    for row, (x, _) in enumerate(labels["pupil_xy"]):
        inner, outer = labels["corners_xy"][row]
        for result, points in ((upper, labels["lids_xy"][row, :5]), (lower, labels["lids_xy"][row, 5:])):
            curve = np.concatenate(([inner], points, [outer]))
            result[row] = np.interp(x, curve[:, 0], curve[:, 1])
    return upper, lower


# What decides a picture


@BOTH
@pytest.mark.parametrize("color", [False, True])
def test_a_picture_is_the_same_alone_in_a_batch_and_in_any_order(domain, color):
    indices = np.array([900, 3, 2**40, 0, 41, *range(100, 160)])
    images, labels = render(indices, domain=domain, color=color, seed=7)
    shuffled = np.random.default_rng(0).permutation(len(indices))
    again, labels_again = render(indices[shuffled], domain=domain, color=color, seed=7)
    np.testing.assert_array_equal(again, images[shuffled])
    for row in (0, 2, 64):
        alone, label_alone = render(indices[row : row + 1], domain=domain, color=color, seed=7)
        np.testing.assert_array_equal(alone[0], images[row])
        for name in LABELS:
            np.testing.assert_array_equal(label_alone[name][0], labels[name][row])
            np.testing.assert_array_equal(labels_again[name], labels[name][shuffled])


@BOTH
def test_no_picture_comes_twice_over_indices_and_seeds(domain):
    images = [render(np.arange(300), domain=domain, seed=seed)[0] for seed in (0, 1, 2**63 - 1)]
    assert len({image.tobytes() for image in np.concatenate(images)}) == 900


@SIZES
def test_both_domains_have_the_same_geometry_and_other_pixels(size):
    indices = np.arange(20)
    clean, labels = render(indices, domain="synthetic", size=size)
    photo, photo_labels = render(indices, domain="camera", size=size)
    for name in LABELS:
        np.testing.assert_array_equal(labels[name], photo_labels[name])
    assert (np.abs(grey(clean) - grey(photo)).mean((1, 2)) > 5).all()


@BOTH
def test_colour_changes_the_channels_only(domain):
    plain, labels = render(np.arange(30), domain=domain)
    rgb, rgb_labels = render(np.arange(30), domain=domain, color=True)
    assert plain.shape == (30, 35, 55, 1)
    assert rgb.shape == (30, 35, 55, 3)
    np.testing.assert_array_equal(labels["pupil_xy"], rgb_labels["pupil_xy"])
    # Skin is redder than blue, and the grey picture is the colour one's luma (exactly so without a tone curve).
    assert (rgb[..., 0].mean((1, 2)) > rgb[..., 2].mean((1, 2)) + 5).all()
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    if domain == "synthetic":
        whole = rgb.max(axis=-1) < 255  # a channel that is clipped has lost its share
        np.testing.assert_allclose(luma[whole], grey(plain)[whole], atol=2)


# Labels


@SIZES
def test_label_shapes_and_ranges(size):
    _, labels = render(np.arange(200), domain="synthetic", size=size)
    shapes = {"gaze_pitch_yaw_rad": (2,), "pupil_xy": (2,), "corners_xy": (2, 2), "lids_xy": (10, 2)}
    assert tuple(labels) == LABELS
    assert {name: value.shape for name, value in labels.items()} == {name: (200, *shape) for name, shape in shapes.items()}
    assert {value.dtype for value in labels.values()} == {np.dtype(np.float32)}
    pitch, yaw = labels["gaze_pitch_yaw_rad"].T
    assert 0.3 < np.abs(pitch).max() <= 0.35
    assert 0.45 < np.abs(yaw).max() <= 0.5
    assert abs(pitch.mean()) < 0.05
    assert abs(yaw.mean()) < 0.07
    points = np.concatenate([labels[name].reshape(-1, 2) for name in LABELS[1:]])
    inside = ((points >= -0.5) & (points <= np.array(size[::-1]) - 0.5)).all(axis=1)
    assert inside.mean() > 0.99


def test_key_points_lie_in_the_stated_order():
    _, labels = render(np.arange(500), domain="synthetic")
    inner, outer = labels["corners_xy"][:, 0], labels["corners_xy"][:, 1]
    upper, lower = labels["lids_xy"][:, :5], labels["lids_xy"][:, 5:]
    for lid in (upper, lower):
        xs = np.concatenate((inner[:, None, 0], lid[..., 0], outer[:, None, 0]), axis=1)
        assert (np.diff(xs, axis=1) > 0).all()
    assert (upper[..., 1] < lower[..., 1]).all()
    # The upper lid is highest on the inner side, the lower one lowest on the outer side.
    assert upper[:, 1, 1].mean() < upper[:, 3, 1].mean() - 0.5
    assert lower[:, 3, 1].mean() > lower[:, 1, 1].mean() + 0.3


def test_positive_yaw_moves_the_pupil_left_and_positive_pitch_up():
    _, labels = render(np.arange(4000), domain="synthetic")
    offset = labels["pupil_xy"] - labels["corners_xy"].mean(axis=1)
    pitch, yaw = labels["gaze_pitch_yaw_rad"].T
    assert np.corrcoef(offset[:, 0], yaw)[0, 1] < -0.98
    assert np.corrcoef(offset[:, 1], pitch)[0, 1] < -0.95
    assert abs(np.corrcoef(offset[:, 0], pitch)[0, 1]) < 0.06


def test_gaze_direction_follows_the_stated_convention():
    geometry = draw(0, np.arange(100), (35, 55))
    x, y, z = geometry.direction.T
    np.testing.assert_allclose(np.stack((np.arcsin(-y), np.arctan2(-x, -z)), axis=1), geometry.gaze, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(geometry.direction, axis=1), 1, atol=1e-6)


def test_labels_grow_with_the_picture():
    _, small = render(np.arange(50), domain="synthetic", size=(35, 55))
    _, large = render(np.arange(50), domain="synthetic", size=(140, 220))
    for name in LABELS[1:]:
        # Pixel centres are integers, so the middle of the picture, not its first pixel, stays in place.
        np.testing.assert_allclose(large[name], 4 * (small[name] - (27, 17)) + (109.5, 69.5), atol=1e-3)


# Labels against pixels


@pytest.mark.parametrize("size", [(35, 55), (70, 110)])
def test_the_black_pupil_of_a_render_is_where_its_label_says(size):
    images, labels = render(np.arange(1500), domain="synthetic", size=size)
    upper, lower = lid_heights_at_pupil(labels)
    y = labels["pupil_xy"][:, 1]
    margin = 0.1 * size[1]
    visible = np.flatnonzero((y - upper > margin) & (lower - y > margin))
    assert len(visible) > 150
    dark = np.clip(40 - grey(images[visible]), 0, None)
    mass = dark.sum((1, 2))
    xy = np.stack(((dark.sum(1) * np.arange(size[1])).sum(1), (dark.sum(2) * np.arange(size[0])).sum(1)), axis=1) / mass[:, None]
    assert np.abs(xy - labels["pupil_xy"][visible]).max() < 0.25


def test_a_pupil_is_foreshortened_as_its_gaze_says():
    size = (140, 220)
    images, labels = render(np.arange(200), domain="synthetic", size=size)
    upper, lower = lid_heights_at_pupil(labels)
    y = labels["pupil_xy"][:, 1]
    visible = (y - upper > 22) & (lower - y > 22)
    geometry = draw(0, np.flatnonzero(visible), size)
    area = (grey(images[visible]) < 40).sum((1, 2))
    np.testing.assert_allclose(area, np.pi * geometry.pupil_radius**2 * np.abs(geometry.direction[:, 2]), rtol=0.06)
    assert np.abs(geometry.direction[:, 2]).min() < 0.9


def test_the_dark_iris_of_a_photo_is_where_its_label_says():
    images, labels = render(np.arange(3000), domain="camera")
    places = np.rint(labels["pupil_xy"]).astype(int)
    reach = 12
    whole = (places[:, 0] >= reach) & (places[:, 0] < 55 - reach)
    rows = np.stack(
        [grey(images[i])[places[i, 1], places[i, 0] - reach : places[i, 0] + reach + 1] for i in np.flatnonzero(whole)]
    )
    profile = rows.mean(axis=0)
    weight = np.clip(0.5 * (profile.max() + profile.min()) - profile, 0, None)
    assert profile[reach] < 0.65 * profile.max()
    assert abs((weight * np.arange(-reach, reach + 1)).sum() / weight.sum()) < 0.3


def test_lids_and_corners_divide_eyeball_from_skin():
    images, labels = render(np.arange(600), domain="synthetic")
    pixels = grey(images)
    lids, corners = np.rint(labels["lids_xy"]).astype(int), np.rint(labels["corners_xy"]).astype(int)

    def is_skin(points: np.ndarray, dx: int, dy: int, tolerance: float) -> np.ndarray:
        # Clipped: a corner can lie at the picture's edge.
        x, y = np.clip(points[:, 0] + dx, 0, 54), np.clip(points[:, 1] + dy, 0, 34)
        # Light changes from left to right, so the skin to compare with is that at the top of the same column.
        skin = np.median(pixels[np.arange(len(pixels)), :5, x], axis=1)
        return np.abs(pixels[np.arange(len(pixels)), y, x] - skin) <= tolerance * skin

    for column in range(5):
        assert is_skin(lids[:, column], 0, -3, 0.15).mean() > 0.98
        assert is_skin(lids[:, 5 + column], 0, 2, 0.15).mean() > 0.98
        assert is_skin(lids[:, column], 0, 2, 0.1).mean() < 0.3
        assert is_skin(lids[:, 5 + column], 0, -2, 0.05).mean() < 0.1
    for side, outwards in ((0, -1), (1, 1)):
        assert is_skin(corners[:, side], 3 * outwards, 0, 0.15).mean() > 0.98
        assert is_skin(corners[:, side], -5 * outwards, 0, 0.05).mean() < 0.1


# The gap between the domains


def test_photos_are_darker_noisier_and_richer_in_contrast_than_renders():
    clean, photo = (grey(render(np.arange(500), domain=domain)[0]) for domain in ("synthetic", "camera"))
    assert photo.mean() < 0.9 * clean.mean()
    assert photo.std((1, 2)).mean() > 1.2 * clean.std((1, 2)).mean()
    # The leftmost columns hold skin only: of one faint grain in every render, from smooth to pocked in photos.
    flat, textured = (np.abs(np.diff(images[:, :8, :3], axis=1)).mean((1, 2)) for images in (clean, photo))
    assert 1 < np.median(flat) < 5
    assert textured.std() > 3 * flat.std()


def test_sensor_noise_is_independent_from_picture_to_picture():
    photo = grey(render(np.arange(400), domain="camera")[0])
    # The second difference of a column leaves noise and fine texture.
    residual = np.diff(photo[:, :, :6], n=2, axis=1).reshape(400, -1)
    residual = (residual - residual.mean(axis=1, keepdims=True)) / residual.std(axis=1, keepdims=True)
    correlation = residual @ residual.T / residual.shape[1]
    assert np.abs(correlation[np.triu_indices(400, 1)]).mean() < 0.1


# Random numbers


def test_uniforms_fill_their_range_and_do_not_depend_on_each_other():
    one, two = Uniforms(keys(0, 0, np.arange(20000))), Uniforms(keys(0, 1, np.arange(20000)))
    columns = np.stack([one.between(0, 1), one.between(0, 1), two.between(0, 1), two.between(0, 1)])
    assert columns.min() >= 0
    assert columns.max() < 1
    np.testing.assert_allclose(columns.mean(axis=1), 0.5, atol=0.01)
    np.testing.assert_allclose(columns.var(axis=1), 1 / 12, atol=0.002)
    np.testing.assert_allclose(np.corrcoef(columns), np.eye(4), atol=0.03)
    assert abs(np.corrcoef(columns[0][1:], columns[0][:-1])[0, 1]) < 0.03


def test_noise_is_nearly_normal():
    values = noise(keys(0, 0, np.arange(50)), (40, 50))
    assert values.dtype == np.float32
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01
    assert abs((np.abs(values) > 2).mean() - 0.0455) < 0.01
    assert np.abs(values).max() < 3.5


# The data set


def test_source_and_target_are_domains_of_different_eyes():
    made = eyes(config=EyesOptions(synthetic_count=30, real_count=20, size=(24, 40), color=True, seed=5))
    assert isinstance(made, Domains)
    assert isinstance(made.source, Domain)
    assert (len(made.source), len(made.target)) == (30, 20)
    assert made.source[0].shape == made.target[0].shape == (24, 40, 3)
    assert made.source[0].dtype == np.uint8
    assert "synthetic" in made.source.name
    assert "camera" in made.target.name
    gazes = np.concatenate([domain.labels["gaze_pitch_yaw_rad"] for domain in (made.source, made.target)])
    assert len(np.unique(gazes, axis=0)) == 50
    np.testing.assert_array_equal(made.source[3], render([3], domain="synthetic", size=(24, 40), color=True, seed=5)[0][0])


@BOTH
def test_items_bulk_reads_and_labels_agree(domain):
    made = EyeDomain(domain, 12, (35, 55), seed=3, first=100)
    images, labels = render(np.arange(100, 112), domain=domain, seed=3)
    np.testing.assert_array_equal(np.stack([made[i] for i in range(12)]), images)
    np.testing.assert_array_equal(made.read(np.array([11, 0, 5])), images[[11, 0, 5]])
    np.testing.assert_array_equal(made[-1], images[-1])
    assert made.read([]).shape == (0, 35, 55, 1)
    for name in LABELS:
        np.testing.assert_array_equal(made.labels[name], labels[name])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made))[4], images[4])


def test_reading_outside_the_domain_is_an_index_error():
    made = EyeDomain("camera", 12, (35, 55), first=100)
    for index in (12, -13):
        with pytest.raises(IndexError):
            made[index]
    assert sum(1 for _ in made) == 12


@BOTH
@SIZES
def test_any_size_gives_a_picture_with_an_eye_in_it(domain, size):
    images, _ = render(np.arange(8), domain=domain, size=size)
    assert images.shape == (8, *size, 1)
    assert (images.std((1, 2, 3)) > 8).all()


# Bad input


def test_bad_input_is_named():
    with pytest.raises(GantoolError, match="size 7x55 is too small"):
        render([0], domain="camera", size=(7, 55))
    with pytest.raises(GantoolError, match="no eye domain 'real': give synthetic or camera"):
        EyeDomain("real", 3, (35, 55))
    with pytest.raises(ValueError, match="start at 0, got -1"):
        render([0, -1], domain="camera")


@pytest.mark.parametrize(
    "values", [{"synthetic_count": 0}, {"real_count": 0}, {"size": (35, 7)}, {"size": (5000, 55)}, {"size": (35,)}, {"seed": -1}]
)
def test_options_out_of_bounds_are_refused(values):
    with pytest.raises(GantoolError, match=next(iter(values))):
        options.validate(EyesOptions, values, where="data.")


def test_options_survive_json_and_are_described_with_their_units():
    plain = options.to_dict(EyesOptions(size=(70, 110), seed=2**63 - 1))
    assert options.validate(EyesOptions, plain, where="data.") == EyesOptions(size=(70, 110), seed=2**63 - 1)
    described = {info.name: info for info in options.describe(EyesOptions)}
    assert "pixels" in described["size"].doc
    assert all(info.doc for info in described.values())


def test_describing_the_options_imports_neither_numpy_nor_torch():
    code = "import sys, simgan_plugin.options; print([m for m in ('numpy', 'torch', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
