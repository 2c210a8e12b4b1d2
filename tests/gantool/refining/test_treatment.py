"""What the network did not touch comes back as it was stored, to the bit, whatever the run does to images on their way in."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gantool.components import Channels
from gantool.data.domains import Preprocess
from gantool.data.preprocess import equalize, full_scale
from gantool.errors import GantoolError
from gantool.refining.network import Network
from gantool.refining.treatment import Treatment

UNITS = {"uint8": (40, 200), "uint16": (400, 1200), "float32": (-2.5, 0.1)}
"""A value range for each type: values lie in it, on its bounds and on both sides of it."""
SIZES = {"none": {}, "resize": {"size": (7, 11)}, "crop": {"size": (9, 8), "fit": "crop"}}


def stored(pixels, dtype: str, channels: int, value_range: tuple[float, float] | None) -> np.ndarray:
    """(20, 30, C) random values; with a range, a third of them lie outside of it."""
    image = pixels((20, 30, channels), np.dtype(dtype).type, seed=channels)
    if value_range is None:
        return image
    low, high = value_range
    span = high - low
    image = (low - span / 2 + image.astype(np.float64) / full_scale(image.dtype) * 2 * span).astype(dtype)
    image[0, :4] = np.array([low, high, 0, 1.5 * high]).astype(dtype)[:, None]
    return image


def refined(treatment: Treatment, image: np.ndarray, network: torch.nn.Module | None = None) -> np.ndarray:
    channels = treatment.channels
    bundle = SimpleNamespace(module=network or torch.nn.Identity(), channels=Channels(channels), name="run")
    frame = treatment.split(image, "image")
    (change,) = Network(bundle, "cpu").change([frame.inputs])
    return treatment.merge(frame, change)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ranged", [False, True])
@pytest.mark.parametrize("dtype", UNITS)
def test_an_identity_network_gives_back_every_bit(pixels, dtype: str, ranged: bool, size: str):
    value_range = UNITS[dtype] if ranged else None
    combinations = [*product((1, 3), (1, 2, 3, 4)), (2, 2), (4, 4), (5, 5)]
    for network, channels in combinations:
        image = stored(pixels, dtype, channels, value_range)
        if channels in (2, 4) and network != channels:  # alpha has no unit
            image[..., -1] = stored(pixels, dtype, 1, None)[..., 0]
        preprocess = Preprocess(value_range=value_range, channels=network, **SIZES[size])
        compute = preprocess.size if preprocess.fit == "resize" else None
        for output in (None, (20, 30)):
            found = refined(Treatment(preprocess=preprocess, compute_size=compute, output_size=output), image)
            assert found.dtype == image.dtype
            assert np.array_equal(found, image), (network, channels, output)


@pytest.mark.parametrize("ranged", [False, True])
@pytest.mark.parametrize("dtype", UNITS)
def test_an_equalising_run_equalises_and_changes_nothing_else(pixels, dtype: str, ranged: bool):
    value_range = UNITS[dtype] if ranged else None
    for network, channels in product((1, 3), (1, 2, 3, 4)):
        image = stored(pixels, dtype, channels, value_range)
        colours = image[..., :-1] if channels in (2, 4) else image
        if channels in (2, 4):
            image[..., -1] = stored(pixels, dtype, 1, None)[..., 0].clip(full_scale(image.dtype) / 10)
        preprocess = Preprocess(value_range=value_range, channels=network, equalize=True)
        found = refined(Treatment(preprocess=preprocess, compute_size=None), image)
        if channels in (2, 4):
            assert np.array_equal(found[..., -1], image[..., -1])
            found = found[..., :-1]
        if value_range is None:
            assert np.array_equal(found, equalize(np.ascontiguousarray(colours), "image")), (network, channels)
        else:
            low, high = value_range
            outside = (colours < low) | (colours > high)
            assert np.array_equal(found[outside], colours[outside]), (network, channels)
            assert found[~outside].min() >= np.array(low, dtype)
            assert found[~outside].max() <= np.array(high, dtype)
            assert np.mean(found[~outside] != colours[~outside]) > 0.1


@pytest.mark.parametrize(
    ("dtype", "value_range", "before", "after"),
    [
        ("uint16", (400, 1200), [0, 399, 400, 800, 1150, 1200, 1201, 5000], [0, 399, 480, 880, 1200, 1200, 1201, 5000]),
        ("uint8", (-100, 100), [0, 50, 90, 100, 101, 255], [20, 70, 100, 100, 101, 255]),
        ("uint8", (9.5, 99_999), [9, 10, 250], [9, 255, 255]),
        ("uint8", (0.2, 0.8), [0, 1, 255], [0, 1, 255]),
        ("float32", (0.5, 2.5), [-7, 0.25, 0.5, 1.5, 2.5, 9], [-7, 0.25, 0.7, 1.7, 2.5, 9]),
        ("float32", None, [0, 0.25, 1], [0.1, 0.35, 1]),
        ("uint8", (0, 250), [0, 100, 240, 251], [25, 125, 250, 251]),
    ],
)
def test_a_tenth_of_the_range_is_added_within_the_range(added, dtype, value_range, before, after):
    treatment = Treatment(preprocess=Preprocess(value_range=value_range, channels=1), compute_size=None)
    found = refined(treatment, np.array(before, dtype)[None, :, None], added(0.2))
    np.testing.assert_allclose(found[0, :, 0], np.array(after, dtype), rtol=1e-6)


def test_images_are_prepared_once_where_nothing_but_the_network_changes_them(pixels, monkeypatch: pytest.MonkeyPatch):
    prepared = []
    original = Preprocess.__call__
    monkeypatch.setattr(
        Preprocess, "__call__", lambda self, *args, **words: prepared.append(self) or original(self, *args, **words)
    )
    image = pixels((20, 30, 4))
    for preprocess, output in (
        (Preprocess(channels=3, equalize=True), None),
        (Preprocess(channels=3, size=(10, 15), equalize=True), (10, 15)),
        (Preprocess(channels=1, value_range=(40, 200)), None),
    ):
        prepared.clear()
        compute = preprocess.size
        frame = Treatment(preprocess=preprocess, compute_size=compute, output_size=output).split(image, "image")
        assert len(prepared) == 1
        assert frame.canvas.shape == (*(output or (20, 30)), 3)


@pytest.mark.parametrize("equalize", [False, True])
@pytest.mark.parametrize("value_range", [None, (-2.0, 2.0)])
def test_nan_and_infinite_pixels_come_back_as_they_were_and_the_network_sees_neither(pixels, added, value_range, equalize):
    image = pixels((8, 9, 1), np.float32)
    image[1, 2] = np.nan
    if value_range:
        image[3, 4], image[5, 6] = np.inf, -np.inf
    treatment = Treatment(preprocess=Preprocess(channels=1, value_range=value_range, equalize=equalize), compute_size=None)
    assert np.isfinite(treatment.split(image, "frame.tif").inputs).all()
    found = refined(treatment, image, added(0.1))
    odd = ~np.isfinite(image)
    assert np.array_equal(found[odd], image[odd], equal_nan=True)
    assert np.isfinite(found[~odd]).all()
    assert (found[~odd] != image[~odd]).mean() > 0.9


def test_channels_that_do_not_go_together_are_named(pixels):
    for network, channels in ((3, 5), (4, 3), (2, 1)):
        treatment = Treatment(preprocess=Preprocess(channels=network), compute_size=None)
        with pytest.raises(GantoolError, match=rf"image has {channels} channels, but the run was trained on {network}"):
            treatment.split(pixels((4, 5, channels)), "image")
