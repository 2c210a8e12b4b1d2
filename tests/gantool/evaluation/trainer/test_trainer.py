"""Evaluations by a training program of the user's, on planted runs: Python scripts that stand in for one."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from programs import Program

from gantool import GantoolError

from ..test_command import run_evaluate
from .test_program import gone

FIXED = """
import csv, pathlib, sys
train, test, seed, out = map(pathlib.Path, sys.argv[1:5])
with open("calls.txt", "a") as calls:
    calls.write(f"{train.parent.parent.name} {seed}\\n")
names = sorted(path.name for path in test.iterdir())
rows = [[name, 0.1 * (number % 50) + int(str(seed)), 3.0] for number, name in enumerate(names)]
FAULT
with open(out / "predictions.csv", "w", newline="") as file:
    csv.writer(file).writerows([["file", "spot_xy_0", "spot_xy_1"], *rows])
"""
"""Predicts a place that goes by the number of the picture and by the seed."""

IN_PROCESS = """
import torch
from gantool import Component, hookimpl

class Fixed:
    "The same in this process."
    def __init__(self, *, config, outputs, seed):
        self.seed = seed
    def fit(self, images, targets):
        self.mean, self.spread = self.scale
    def fit_points(self, images, points):
        pass
    def predict(self, images):
        x = [0.1 * (number % 50) + self.seed for number in range(len(images))]
        return torch.tensor([[each, 3.0] for each in x])

@hookimpl
def gantool_estimators():
    yield Component(name="fixed", factory="MODULE:Fixed", summary="Fixed")
"""


@pytest.fixture
def trainer(tmp_path, monkeypatch):
    """Writes the script, in a folder whose name a shell would split; returns the command line."""
    folder = tmp_path / "my 'own' trainer"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(fault: str = "", *, script: str = FIXED) -> str:
        (folder / "train it.py").write_text(script.replace("FAULT", fault))
        words = [sys.executable, "-S", str(folder / "train it.py")]
        return f"{shlex.join(words)} {{train}} {{test}} {{seed}} {{out}}"

    write.calls = lambda: (folder / "calls.txt").read_text().splitlines()
    return write


def evaluate(planted_run, command, **choices):
    return run_evaluate(
        planted_run, trainer=command, **{"arms": ["synthetic", "refined"], "estimators": ["auto"], "repeats": 2, **choices}
    )


def test_figures_are_those_of_the_same_predictions_in_this_process(planted, site, trainer):
    site.plant("fixed", IN_PROCESS)
    run = planted("nothing", inverted=False)
    arms = ["synthetic", "refined", "real"]
    outside = evaluate(run, trainer(), arms=arms)
    inside = run_evaluate(run, estimators=["fixed:fixed"], arms=arms, repeats=2)
    for arm in arms:
        assert outside["downstream"][arm]["per_run"] == pytest.approx(inside["downstream"][arm]["per_run"], abs=1e-5)
    assert len(set(outside["downstream"]["refined"]["per_run"])) == 2
    assert list(outside["estimators"]) == ["trainer"]
    assert outside["settings"]["estimator_options"]["trainer"]["format"] == "csv"


LISTING = """
import os, pathlib, shutil, sys
train, test, seed, out = map(pathlib.Path, sys.argv[1:5])
assert not any(out.iterdir())
shutil.copytree(train.parent, pathlib.Path("seen") / train.parent.parent.name)
print("I saw", sorted(os.listdir(train)))
"""


def test_what_is_handed_over_holds_no_label_of_a_test_picture(planted, trainer, tmp_path):
    run = planted("invert", inverted=True)
    with pytest.raises(GantoolError):
        evaluate(run, trainer(script=LISTING))
    seen = tmp_path / "my 'own' trainer" / "seen" / "synthetic"
    assert sorted(path.name for path in seen.iterdir()) == ["log.txt", "out", "test", "train"]
    assert [path.name for path in (seen / "test").iterdir() if path.suffix != ".png"] == []
    assert len(list((seen / "test").iterdir())) == 240
    assert sorted(path.name for path in (seen / "train").iterdir()) == ["images", "labels.csv"]
    rows = (seen / "train/labels.csv").read_text().splitlines()
    assert rows[0] == "file,spot_xy_0,spot_xy_1"
    assert len(rows) == 161
    labels = np.load(run.parent / "test.npz")["spot_xy"]
    text = "".join(path.read_text() for path in seen.rglob("*") if path.is_file() and path.suffix != ".png")
    assert not any(f"{value}"[:6] in text for value in labels.flat)


def test_a_program_that_failed_is_quoted_with_arm_seed_and_log_and_what_is_done_is_kept(planted, trainer):
    run = planted("invert", inverted=True)
    with pytest.raises(GantoolError, match="no file of mine") as caught:
        evaluate(run, trainer("if 'refined' in str(train) and str(seed) == '1': sys.exit('no file of mine')"))
    start, _, log = str(caught.value).partition("; its log: ")
    assert start == "--trainer, arm refined, seed 1: it ended with exit code 1: no file of mine"
    assert Path(log).read_text() == "no file of mine\n"
    assert [path.name for path in (run / "trainer").iterdir() if path.name.startswith(".")] == []
    assert (run / "trainer/synthetic/seed-0/out/predictions.csv").is_file()
    assert sorted(path.name for path in (run / "trainer/synthetic/seed-0").iterdir()) == ["log.txt", "out"]
    assert (run / "trainer/synthetic/seed-0/log.txt").exists()


def test_what_was_done_is_not_done_again_unless_program_or_command_changed(planted, trainer):
    run = planted("invert", inverted=True)
    fault = "if pathlib.Path('stop').exists() and 'refined' in str(train): sys.exit('stopped')"
    command = trainer(fault)
    stop = Path("stop")
    stop.touch()
    with pytest.raises(GantoolError, match="stopped"):
        evaluate(run, command)
    assert trainer.calls() == ["synthetic 0", "synthetic 1", "refined 0"]
    stop.unlink()
    first = evaluate(run, command)
    assert trainer.calls()[3:] == ["refined 0", "refined 1"]
    assert evaluate(run, command)["downstream"] == first["downstream"]
    assert len(trainer.calls()) == 5
    evaluate(run, f"{command} --more")
    assert len(trainer.calls()) == 9
    evaluate(run, trainer(fault + "\n"))
    assert len(trainer.calls()) == 13


SLOW = """
if 'refined' in str(train) and pathlib.Path('slow').exists():
    import os, time
    pathlib.Path('pid').write_text(str(os.getpid()))
    time.sleep(99)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_stopped_or_killed_it_goes_on_where_it_was(planted, site, trainer, tmp_path, number, code):
    run, command, pid = planted("invert", inverted=True), trainer(SLOW), Path("pid").absolute()
    Path("slow").touch()
    words = [
        "evaluate",
        str(run),
        "--real-labelled",
        str(run.parent / "test.npz"),
        "--arms",
        "synthetic,refined",
        "--repeats",
        "1",
    ]
    program = Program(*words, "--no-evidence", "--trainer", command, output=tmp_path / "said", path=[str(site.folder)])
    program.wait_until(lambda: pid.exists() and pid.read_text())
    program.send(number)
    assert program.end() == code, program.errors
    if number == signal.SIGKILL:  # nobody could end it
        os.kill(int(pid.read_text()), signal.SIGKILL)
    assert gone(int(pid.read_text()))
    Path("slow").unlink()
    assert evaluate(run, command, repeats=1)["downstream"]["refined"]["runs"] == 1
    assert trainer.calls() == ["synthetic 0", "refined 0", "refined 0"]
    assert [path.name for path in (run / "trainer/refined").iterdir()] == ["seed-0"]


def test_augmented_arms_are_handed_over_augmented_once(planted, trainer, tmp_path):
    pytest.importorskip("albumentations")
    keep = "import shutil; shutil.copytree(train / 'images', pathlib.Path(train.parent.parent.name) / str(seed))"
    evaluate(planted("invert", inverted=True), trainer(keep), arms=["synthetic", "refined", "augmented"])
    plain, first, second = (
        cv2.imread(f"{place}/000003.png", cv2.IMREAD_UNCHANGED) for place in ("synthetic/0", "augmented/0", "augmented/1")
    )
    assert plain.shape == first.shape
    assert (plain != first).any()
    assert (first != second).any()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("sys.exit(0)", r"it wrote no predictions\.csv into \{out\}$"),
        ("(out / 'mine.csv').touch(); sys.exit(0)", r"it wrote no predictions\.csv into \{out\}, but mine\.csv"),
        ("rows[3][0] = 'BloodImage_3.jpg'", "predictions.csv names 'BloodImage_3.jpg'"),
        ("del rows[7:9]", "says nothing of 2 of 240 pictures, such as 000007.png"),
        ("rows[0][1] = float('nan')", "line 2: nan is no finite number"),
        (
            "import time; print('epoch 1', flush=True); time.sleep(60)",
            r"did not end within 0\.5 s \(--trainer-timeout\): epoch 1",
        ),
    ],
)
def test_whatever_is_wrong_is_one_line(planted, trainer, fault, message):
    timeout = 0.5 if "sleep" in fault else 60
    with pytest.raises(GantoolError) as caught:
        evaluate(planted("nothing", inverted=False), trainer(fault), trainer_timeout=timeout, repeats=1)
    said = str(caught.value).partition("; its log: ")[0]
    assert said.startswith("--trainer, arm synthetic, seed 0: ")
    assert re.search(message, said), said
    assert "\n" not in str(caught.value)


def test_what_cannot_work_ends_before_images_are_read(planted, trainer):
    run, said = planted("nothing", inverted=False), []
    for choices, message in [
        ({"trainer_format": "coco"}, r"--trainer-format coco: labels spot_xy \(160x2 float32\) go into csv"),
        ({"estimators": ["toy:ridge"]}, "--trainer takes the place of --estimator and its options: leave one out"),
        ({"options": {"estimator.steps": 3}}, "--trainer takes the place of --estimator"),
        ({"command": "train {train} {out}"}, r"--trainer needs \{test\}, \{seed\}"),
    ]:
        with pytest.raises(GantoolError, match=message):
            evaluate(run, choices.pop("command", None) or trainer(), say=said.append, **choices)
    assert said == []


def test_a_run_of_somebody_elses_names_no_program(planted, trainer, tmp_path):
    run, settings = planted("nothing", inverted=False), {"trainer": trainer()}
    (run / "evaluation.json").write_text(json.dumps({"settings": settings}))
    result = run_evaluate(run, arms=["synthetic", "refined"], repeats=1)
    assert list(result["estimators"]) == ["toy:ridge"]
    plan = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**plan, **settings}))
    with pytest.raises(GantoolError, match="no setting 'trainer'"):
        run_evaluate(run, arms=["synthetic", "refined"], repeats=1)
    assert not (tmp_path / "my 'own' trainer" / "calls.txt").exists()
