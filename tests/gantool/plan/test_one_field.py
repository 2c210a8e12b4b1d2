"""A new option of a command is one field of its settings, and nothing else: the fields are written into a copy of the module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import gantool
from gantool.plan import settings

REFINE = '''
    toys: Annotated[int, Ge(1), Flag("COUNT")] = 3
    """Toys in each image (count). They do nothing."""
    overwrite: bool = False
    """Refine again'''
TRAIN = '''
    balls: Annotated[float, Gt(0)] = 1.5
    """Balls thrown in each step (kg). They do nothing."""
    keep: Annotated'''

PROGRAM = """
import importlib.util, json, os, sys
from pathlib import Path

spec = importlib.util.spec_from_file_location("gantool.plan.settings", "settings.py")
sys.modules["gantool.plan.settings"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

import gantool
from gantool.cli.main import run
from gantool.refining import refine as refining

def say(*words, **variables):
    os.environ.update(variables)
    print(run(list(words)), flush=True)
    for name in variables:
        del os.environ[name]

def watch(request, *others, open=refining.Request.open):
    print("job", open(request, *others).settings.toys)
    raise gantool.GantoolError("enough")

refining.Request.open = watch
where = ("refine", "saved", "--input", "in", "--output", "out", "--device", "cpu")
say("refine", "--help")
say(*where, "--toys", "5")
say(*where, "--toys", "0")
say(*where, "--toys", "many")
say(*where, GANTOOL_REFINE_TOYS="6")
say(*where)
for toys in (7, 0):
    try:
        gantool.refine("saved", input="in", output="out", toys=toys)
    except gantool.GantoolError as error:
        print(error)
try:
    gantool.refine("saved", input="in", output="out", toyz=7)
except gantool.GantoolError as error:
    print(error)
print("toys: int = 3" in str(__import__("inspect").signature(gantool.refine)))

plan = ("train", "--plugin", "simgan", "--dry-run")
say("train", "--help")
say(*plan, "--config", "config.toml")
say(*plan, "--config", "config.toml", "--balls", "3.5")
say(*plan, GANTOOL_TRAIN_BALLS="4.5")
say(*plan, "--balls", "-1")
try:
    gantool.train("simgan", balls=0)
except gantool.GantoolError as error:
    print(error)
"""


def test_a_field_is_an_option_a_variable_an_argument_and_reaches_the_job(tmp_path: Path):
    source = Path(settings.__file__).read_text(encoding="utf-8")
    for field in (REFINE, TRAIN):
        old = "\n" + "\n".join(field.splitlines()[3:])
        assert source.count(old) == 1
        source = source.replace(old, field)
    (tmp_path / "settings.py").write_text(source, encoding="utf-8")
    (tmp_path / "config.toml").write_text("balls = 2.5\n")
    gantool.save(gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=0), tmp_path / "saved")
    (tmp_path / "in").mkdir()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "in" / "a.png")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    out, err = done.stdout, done.stderr

    assert "  --toys COUNT " in out
    assert "Toys in each image (count). [default: 3]\n" in out
    assert [line for line in out.splitlines() if line.startswith("job ")] == ["job 5", "job 6", "job 3", "job 7"]
    assert "Error: --toys: input should be greater than or equal to 1, got 0\n" in err
    assert "Error: Invalid value for '--toys': 'many' is not a valid integer; see `gantool refine --help`\n" in err
    assert "\n--toys: input should be greater than or equal to 1, got 0\n" in out
    assert "\nrefine has no argument 'toyz'; did you mean 'toys'?\nTrue\n" in out

    assert "  --balls N   " in out
    assert "Balls thrown in each step (kg).\n" in out
    assert [line.strip() for line in out.splitlines() if '"balls"' in line] == ['"balls": 2.5,', '"balls": 3.5,', '"balls": 4.5,']
    assert "Error: --balls: input should be greater than 0, got -1.0\n" in err
    assert "\n--balls: input should be greater than 0, got 0\n" in out
