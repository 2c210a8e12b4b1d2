"""The transforms inside the worker processes of a data loader, however those are started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from programs import CONTEXT

from .conftest import Saved

pytest.importorskip("albumentations", reason="needs the extra albumentations")
pytest.importorskip("kornia", reason="needs the extra kornia")
SCRIPT = Path(__file__).parents[2] / "helpers" / "augmented.py"


def test_fork_and_spawn_give_what_the_main_process_gives(runs: Saved) -> None:
    """In a program of its own, with threads, as users have."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", SCRIPT, runs(), "fork", "spawn"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["fork", "ok", "spawn", "ok"]


def test_forkserver_gives_what_the_main_process_gives(runs: Saved) -> None:
    from augmented import compare

    compare(runs(), CONTEXT)
