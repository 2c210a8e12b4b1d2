"""Arms of the user's: folders that some other method wrote."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from gantool import GantoolError

from .conftest import SIZE, spots
from .test_command import run_evaluate


@pytest.fixture
def folders(planted, tmp_path):
    """A run whose synthetic images are inverted, a folder of these, and what a good method makes of them, as JPEG in a flat folder."""
    run = planted("nothing", inverted=True)
    image, at = spots(160, seed=1, inverted=True)
    for name in ("renders/images", "edited"):
        (tmp_path / name).mkdir(parents=True)
    for number, picture in enumerate(image):
        cv2.imwrite(str(tmp_path / f"renders/images/{number}.png"), picture)
        cv2.imwrite(str(tmp_path / f"edited/{number}.jpg"), 255 - picture, [cv2.IMWRITE_JPEG_QUALITY, 98])
    rows = [f"images/{number}.png,{x},{y}" for number, (x, y) in enumerate(at)]
    (tmp_path / "renders/labels.csv").write_text("\n".join(["file,x,y", *rows]))
    test = np.load(tmp_path / "test.npz")
    np.savez(tmp_path / "test.npz", image=test["image"], x=test["spot_xy"][:, 0], y=test["spot_xy"][:, 1])
    return run


def evaluate(run, **choices):
    defaults = {"synthetic": run.parent / "renders", "labels": "x,y", "task": "keypoints", "arms": ["synthetic", "refined"]}
    return run_evaluate(run, **{**defaults, "arm": [f"edited={run.parent / 'edited'}"], **choices})


def test_pictures_are_matched_by_name_and_a_better_arm_is_said_to_be(folders):
    result = evaluate(folders, arms=["synthetic", "refined", "real"])
    assert list(result["downstream"]) == ["synthetic", "refined", "edited", "real"]
    assert result["downstream"]["edited"]["mean"] < 0.5 * result["downstream"]["refined"]["mean"]
    assert any(caveat.startswith("The arm edited is better than refining: ") for caveat in result["caveats"])
    assert result["downstream"]["edited"]["train_images"] == 160


def test_arrays_are_matched_by_order(planted, tmp_path):
    run = planted("nothing", inverted=True)
    np.savez(tmp_path / "edited.npz", image=255 - np.load(tmp_path / "synthetic.npz")["image"])
    result = run_evaluate(run, arms=["synthetic", "refined"], arm=[f"edited={tmp_path / 'edited.npz'}"], limit=100)
    assert result["downstream"]["edited"]["mean"] < 0.5 * result["downstream"]["synthetic"]["mean"]
    np.savez(tmp_path / "few.npz", image=np.load(tmp_path / "synthetic.npz")["image"][:70])
    with pytest.raises(GantoolError, match=r"--arm edited: .*few\.npz has 70 images, .*synthetic\.npz 160: it must have each"):
        run_evaluate(run, arm=[f"edited={tmp_path / 'few.npz'}"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda folder: (folder / "7.jpg").unlink(),
            r"--arm edited: .*edited lacks 1 of the synthetic images, such as images/7\.png",
        ),
        (
            lambda folder: shutil.copy(folder / "7.jpg", folder / "new.jpg"),
            r"has 1 images that are not synthetic ones, such as new\.jpg",
        ),
        (
            lambda folder: cv2.imwrite(str(folder / "7.jpg"), np.zeros((16, 16), np.uint8)),
            r"7\.jpg is 16x16, the synthetic image is 8x12",
        ),
    ],
)
def test_a_folder_that_does_not_fit_is_one_line(folders, change, message):
    assert SIZE == (8, 12)
    change(folders.parent / "edited")
    with pytest.raises(GantoolError, match=message):
        evaluate(folders)


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("real=x", "--arm real: there is an arm of this name already"),
        ("Mine=x", "--arm Mine: a name has lower-case letters"),
        ("mine", "--arm mine: write NAME=DIR"),
        ("mine=/nowhere/at/all", "/nowhere/at/all"),
    ],
)
def test_an_arm_that_cannot_be_is_one_line(planted, arm, message):
    with pytest.raises(GantoolError, match=message):
        run_evaluate(planted("nothing", inverted=False), arm=[arm])
