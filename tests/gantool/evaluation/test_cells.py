"""What was finished is found again, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from gantool.evaluation.cells import FOLDER, Cells, digest_of
from gantool.evaluation.downstream import InProcess

from .test_command import run_evaluate


@dataclass(frozen=True)
class Options:
    steps: int = 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        ("1", 1),
        (None, "None"),
        (["ab", "c"], ["a", "bc"]),
        ([["a"], "b"], ["a", ["b"]]),
        (Options(3), Options(4)),
        (np.zeros(4, np.uint8), np.zeros(4, np.int8)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (torch.zeros(3), torch.tensor([0.0, 0.0, -0.0])),
        ([{"boxes": np.ones((1, 4))}, {}], [{"boxes": np.ones((1, 4))}]),
        (np.array(["ab"]), np.array(["ba"])),
    ],
)
def test_what_differs_has_another_digest(one, other):
    assert digest_of(one) == digest_of(one) != digest_of(other)


def test_the_order_of_options_is_no_difference_and_what_cannot_be_said_is_an_error():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of(torch.arange(6).reshape(2, 3).T) == digest_of(np.arange(6).reshape(2, 3).T)
    with pytest.raises(TypeError, match="cannot say what object holds"):
        digest_of(object())


def test_rows_come_back_as_they_were(tmp_path: Path):
    rows = [{"boxes": np.arange(8.0).reshape(2, 4), "scores": torch.ones(2)}, {"boxes": np.zeros((0, 4)), "scores": "none"}]
    cells = Cells([tmp_path])
    cells.keep("key", {"predicted": rows, "seconds": 1.5}, tmp_path)
    found = Cells([tmp_path / "elsewhere", tmp_path]).find("key")
    assert found["seconds"] == 1.5
    assert np.array_equal(found["predicted"][0]["boxes"], rows[0]["boxes"])
    assert found["predicted"][1]["boxes"].shape == (0, 4)
    assert cells.find("other") is None
    (tmp_path / FOLDER / "key" / "state.json").write_text("{")
    assert cells.find("key") is None
    cells.keep("key", {"predicted": rows, "seconds": 2.5}, tmp_path)
    assert cells.find("key")["seconds"] == 2.5


def test_rows_that_cannot_be_stored_are_computed_every_time(tmp_path: Path):
    cells = Cells([tmp_path])
    cells.keep("key", {"predicted": [object()]}, tmp_path)
    assert cells.find("key") is None


@pytest.fixture
def lessons(monkeypatch):
    """Arm and seed of everything that was learnt."""
    learn, found = InProcess.__call__, []

    def counted(self, lesson):
        if len(found) == counted.stop:
            raise KeyboardInterrupt
        found.append((lesson.arm, lesson.seed))
        return learn(self, lesson)

    counted.stop = -1
    monkeypatch.setattr(InProcess, "__call__", counted)
    return found, counted


def test_an_evaluation_that_was_stopped_goes_on_where_it_was(planted, lessons):
    done, stop = lessons
    run, whole = planted("invert", inverted=True), {"arms": ["synthetic", "refined"]}
    stop.stop = 4
    with pytest.raises(KeyboardInterrupt):
        run_evaluate(run, **whole)
    assert done == [("synthetic", 0), ("synthetic", 1), ("synthetic", 2), ("refined", 0)]
    stop.stop = -1
    done.clear()
    resumed = run_evaluate(run, **whole)
    assert done == [("refined", 1), ("refined", 2)]
    done.clear()
    again = run_evaluate(run, **whole)
    assert done == []
    assert again["downstream"] == resumed["downstream"]
    run_evaluate(run, **whole, repeats=4)
    assert done == [("synthetic", 3), ("refined", 3)], "those of the other seeds are still true"


def test_cells_of_other_images_or_labels_are_not_taken(planted, lessons):
    done, _ = lessons
    run, whole = planted("invert", inverted=True), {"arms": ["synthetic", "refined"], "repeats": 1}
    run_evaluate(run, **whole)
    with np.load(run.parent / "synthetic.npz") as data:
        image, at = data["image"], data["spot_xy"]
    done.clear()
    at[3] += 0.5
    np.savez(run.parent / "synthetic.npz", image=image, spot_xy=at)
    run_evaluate(run, **whole)
    assert done == [("synthetic", 0), ("refined", 0)]
    done.clear()
    with np.load(run.parent / "test.npz") as data:
        np.savez(run.parent / "test.npz", image=data["image"], spot_xy=data["spot_xy"] + 1)
    run_evaluate(run, **whole)
    assert done == [], "labels of test images change figures, not predictions"
