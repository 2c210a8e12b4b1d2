from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gantool.compute.spinning import spin_briefly


def test_threads_that_wait_go_to_sleep_soon() -> None:
    environment: dict[str, str] = {}
    spin_briefly(environment)
    assert int(environment["GOMP_SPINCOUNT"]) <= 10_000


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_what_the_user_settled_stays(name: str) -> None:
    environment = {name: "mine"}
    spin_briefly(environment)
    assert environment == {name: "mine"}


def test_the_program_says_it_before_torch_is_loaded() -> None:
    script = (
        "import os, sys; from gantool.cli.main import run; run(['--version']); "
        "print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "1000 False"
