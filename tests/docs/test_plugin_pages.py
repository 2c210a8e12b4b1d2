from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "plugins"


def test_hooks_page_is_up_to_date(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    make_hooks_page = importlib.import_module("make_hooks_page")
    monkeypatch.setattr(sys, "argv", ["make_hooks_page.py", "--check"])
    assert make_hooks_page.main() == 0, capsys.readouterr().err


def test_every_hook_is_documented_and_exercised():
    from gantool import hookspecs

    page = (PAGES / "hooks.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "gantool").rglob("*.py"))
    hooks = [name for name, value in vars(hookspecs).items() if hasattr(value, "gantool_spec")]
    assert sorted(re.findall(r"^## `(\w+)`$", page, re.M)) == sorted(hooks)
    for name in hooks:
        section = page.partition(f"## `{name}`")[2].partition("\n## ")[0]
        assert f"def {name}(" in section.partition("```python")[2]
        assert f"def {name}(" in tests, f"no test has a plugin with {name}"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name == "nt", reason="the page is written for a POSIX shell")
def test_tutorial_runs_as_it_is_printed(throwaway):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GANTOOL_", "PYTEST_"))},
        # Its recipes have other options than SimGAN's.
        "GANTOOL_TRAIN_OPTION": "",
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # sic: "no" of "no isolation"
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = [throwaway, ROOT / "scripts" / "check_readme.py", PAGES / "writing.md"]
    result = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_everything_that_the_policy_promises_is_in_the_reference():
    import gantool

    policy, page = (PAGES / "compatibility.md").read_text(), (ROOT / "docs" / "reference.md").read_text()
    promised = set(re.findall(r"`(gantool(?:\.[a-z]+)+)`", policy)) - {"gantool.hookspecs"}  # the page of hooks
    assert "gantool.training" in promised
    assert [module for module in sorted(promised) if f"::: {module}" not in page] == []
    functions = re.search(r"members: \[(.*?)\]", page)
    named = {name for name in gantool.__all__ if name.isalpha() and name.islower() and name != "hookimpl"}
    assert functions
    assert named <= set(functions[1].split(", "))
