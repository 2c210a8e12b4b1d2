"""Images that a run trained on and that are elsewhere now."""

from __future__ import annotations

import json

import pytest

from gantool import GantoolError
from gantool.evaluation.run_images import RunImages

from .test_command import run_evaluate


@pytest.mark.parametrize("name", ["synthetic", "real"])
def test_where_one_domain_was_moved_the_other_is_still_the_runs_own(planted, name):
    run = planted("nothing", inverted=False)
    moved = (run.parent / f"{name}.npz").rename(run.parent / "moved.npz")
    with pytest.raises(GantoolError, match=rf"{name}\.npz does not exist"):
        run_evaluate(run)
    described = run_evaluate(run, **{name: moved})["data"]
    key = {"synthetic": "synthetic", "real": "real_unlabelled"}[name]
    assert described[key]["path"] == str(moved)
    images = RunImages(run, **{name: moved}, device="cpu")
    assert getattr(images, name).name == str(moved)
    assert (len(images.synthetic), len(images.real)) == (160, 120)


def test_where_both_were_moved_the_runs_own_are_not_looked_for(planted):
    run = planted("nothing", inverted=False)
    moved = {name: (run.parent / f"{name}.npz").rename(run.parent / f"moved-{name}.npz") for name in ("synthetic", "real")}
    assert run_evaluate(run, **moved)["data"]["content_check"]["seen"] == 0
    assert len(RunImages(run, **moved, device="cpu").synthetic) == 160


def test_a_url_that_a_runs_file_names_is_opened_only_if_the_user_says_it(planted):
    run = planted("nothing", inverted=False)
    plan = json.loads((run / "run.json").read_text())
    plan["options"]["dataset"]["real"] = "https://nowhere.invalid/real.npz"
    (run / "run.json").write_text(json.dumps(plan))
    with pytest.raises(
        GantoolError, match=r"the run's real images are at https://nowhere\.invalid/real\.npz: to open that, say --real"
    ):
        RunImages(run, device="cpu")
    assert len(RunImages(run, real=run.parent / "real.npz", device="cpu").real) == 120
