"""How long a person waits before anything happens.

pytest benchmarks/test_startup.py --benchmark-enable
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

HELP_SECONDS = 0.35
GANTOOL = (sys.executable, "-m", "gantool")
COMMANDS = {
    "gantool --help": (*GANTOOL, "--help"),
    "gantool plugins": (*GANTOOL, "plugins"),
    "import gantool": (sys.executable, "-c", "import gantool"),
}


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def compare(record: Any, programs: dict[str, Callable[[], object]], *, rounds: int) -> float:
    """Measure a program against another, the floor, and note seconds instead of images/s; return the first one's."""
    name, floor = programs
    seconds: dict[str, float] = record.in_turns(programs, rounds=rounds)
    record.info |= {"floor": floor, "ratio": seconds[floor] / seconds[name]}
    record.info["notes"] |= {f"{each}, s": value for each, value in seconds.items()}
    record.once(programs[name])
    del record.info["peak_mib"]  # it is another process's
    return seconds[name]


@pytest.mark.parametrize("command", COMMANDS)
def test_command(record: Any, command: str) -> None:
    """A whole process, against one of Python that does nothing."""
    floor = partial(run, sys.executable, "-c", "pass")
    seconds = compare(record, {command: partial(run, *COMMANDS[command]), "python -c pass": floor}, rounds=9)
    if command == "gantool --help":
        record.target("start-up, seconds", seconds, HELP_SECONDS, sense="<=")


def test_first_step(record: Any, tmp_path: Path) -> None:
    """`gantool train` until its first step is done and saved, against a process that imports torch."""
    options = (
        "dataset.synthetic_count=512",
        "dataset.real_count=512",
        "recipe.refiner_warmup=0",
        "recipe.discriminator_warmup=0",
    )
    number = count()

    def train() -> None:
        said = [word for option in options for word in ("-o", option)]
        run(*GANTOOL, "train", "--plugin", "simgan", "--steps", "1", "--output", str(tmp_path / str(next(number))), *said)

    imports = partial(run, sys.executable, "-c", "import torch, accelerate")
    compare(record, {"gantool train --steps 1": train, "import torch, accelerate": imports}, rounds=3)
