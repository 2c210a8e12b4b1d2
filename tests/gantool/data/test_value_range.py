"""The value range that `--value-range auto` finds, and what follows from it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gantool
from gantool.components import Pair
from gantool.data.domains import Preprocess
from gantool.data.inspection.survey import survey
from gantool.data.opening import open_images
from gantool.data.prepare import prepare
from gantool.data.value_range import settle_range
from gantool.errors import GantoolError
from gantool.options import validate

TINY = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.1,
    "recipe.discriminator_warmup": 1,
    "recipe.refiner_warmup": 1,
}


class Arrays:
    name, unit = "frames", "adu"

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.images[index]


def frames(low: float, high: float, dtype: type = np.float32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (4, 64, 64, 1)).astype(dtype)


AUTO = Preprocess(value_range="auto")


def test_one_range_for_both_and_no_hot_pixel_in_it():
    ours, theirs = frames(-50, 400), frames(0, 800, seed=1)
    ours[0, 3, 3], ours[1, 5, 5], theirs[2, 1, 1] = 1e6, np.nan, -np.inf
    found, told = settle_range(Pair(Arrays(ours), Arrays(theirs)), AUTO)
    assert found.value_range == pytest.approx(
        (np.percentile(ours[np.isfinite(ours)], 0.1), np.percentile(theirs[np.isfinite(theirs)], 99.9)), abs=0.2
    )
    assert found.real_value_range is None
    assert f"{found.value_range[0]:g},{found.value_range[1]:g} for both" in told
    assert "synthetic images -49" in told
    assert "adu" in told


def test_domains_far_apart_have_a_range_each_and_are_prepared_by_it():
    pair = Pair(Arrays(frames(0, 50_000)), Arrays(frames(990, 1010, np.uint16)))
    found, told = settle_range(pair, AUTO)
    assert "each has its own" in told
    assert found.real_value_range[0] >= 989
    assert found.real_value_range[1] <= 1011
    source, target, _ = prepare(pair, found)
    for domain in (source, target):
        assert domain[0].dtype == np.float32
        assert domain[0].min() < 0.01
        assert domain[0].max() > 0.99


def test_sentinels_and_alpha_are_no_values():
    depth = frames(400, 1200, np.uint16)
    depth[:, :10] = 65535
    shaded = np.concatenate([frames(0.2, 0.4), np.ones((4, 64, 64, 1), np.float32)], axis=3)
    found, _ = settle_range(Pair(Arrays(depth), Arrays(shaded)), AUTO)
    assert found.value_range[1] < 1201
    assert found.real_value_range[1] < 0.41


@pytest.mark.parametrize(
    ("values", "message"), [(np.nan, "frames has no values that are finite"), (7.0, "every value of frames is 7")]
)
def test_nothing_to_find_is_said(values: float, message: str):
    flat = Arrays(np.full((2, 8, 8, 1), values, np.float32))
    with pytest.raises(GantoolError, match=f"--value-range auto: {message}: pass LO,HI"):
        settle_range(Pair(flat, flat), AUTO)


def test_a_range_of_the_real_images_needs_one_of_the_others():
    for value_range in (None, "auto"):
        with pytest.raises(GantoolError, match="real_value_range needs a value_range"):
            validate(Preprocess, {"value_range": value_range, "real_value_range": "0,1"}, where="--")


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    ours = frames(-200, 3000)
    ours[:, 10:14, 10:14] = np.nan
    np.savez(tmp_path / "a.npz", images=ours[..., 0])
    np.savez(tmp_path / "b.npz", images=frames(0, 4000, seed=1)[..., 0])
    return tmp_path / "a.npz", tmp_path / "b.npz"


def test_the_run_records_numbers_which_replay_and_refine_use(sets, tmp_path: Path):
    run = gantool.train(
        "simgan", synthetic=sets[0], real=sets[1], output=tmp_path / "run", value_range="auto", options=TINY, steps=2, batch_size=2,
        patch=(32, 32), quiet=True, device="cpu", log=["none"],
    )  # fmt: skip
    recorded = json.loads((run / "run.json").read_text())["value_range"]
    assert recorded == pytest.approx([-200, 4000], abs=10)
    assert json.loads((run / "config.json").read_text())["preprocess"]["value_range"] == recorded
    gantool.refine(run, input=sets[0], output=tmp_path / "out.npz", device="cpu")
    before, after = (np.load(file)["images"] for file in (sets[0], tmp_path / "out.npz"))
    assert after.dtype == np.float32
    blank = np.isnan(before)
    assert np.array_equal(np.isnan(after), blank)
    outside = (before < recorded[0]) | (before > recorded[1])
    assert np.array_equal(after[outside], before[outside])
    assert (after[~blank] != before[~blank]).mean() > 0.9


def test_inspect_tells_ranges_and_blank_pixels(sets):
    found = survey(open_images(sets[0]))
    assert found.not_finite == 4
    assert found.blank == pytest.approx(16 / 64**2)
    assert found.low > -201
    assert found.percentiles == pytest.approx((-197, 2997), abs=4)
