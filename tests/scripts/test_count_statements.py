from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "count_statements.py"


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        import count_statements

        yield count_statements


def test_statements_are_counted_without_docstrings(script):
    text = '"""What."""\nimport os; import re\nclass A:\n    """Text."""\n    x = 1\n    """Of x."""\n    def f(self):\n        if x:\n            return 2\n'
    assert script.statements(ast.parse(text)) == 2 + 1 + 1 + 1 + 1 + 1


def test_rooms_are_packages_of_the_host_and_plugins_and_tests_are_left_out(script):
    names = ["gantool/api.py", "gantool/data/a.py", "gantool/data/deep/b.py", "gantool/template/tests/test_a.py"]
    names += ["simgan_plugin/eyes/c.py", "plugins/gantool-x/src/x/d.py", "plugins/gantool-x/tests/test_d.py"]
    found = script.count(dict.fromkeys(names, "x = 1\n"))
    assert found == {"gantool": 1, "gantool/data": 2, "simgan_plugin": 1, "plugins/gantool-x": 1}


def test_what_is_too_long_is_named_with_its_length(script):
    function = "def long():\n" + "    x = 1\n" * 60
    files = {"a.py": "\n" * 401, "b.py": "\n" + function, "c.py": "\n" * 340 + function[: -len("    x = 1\n")]}
    assert list(script.too_long(files)) == ["a.py: 401 lines, at most 400", "b.py:2: long has 61 lines, at most 60"]


def test_both_counts_are_printed(script, tmp_path):
    (tmp_path / "gantool").mkdir()
    (tmp_path / "gantool" / "old.py").write_text("x = 1\n" * 7, encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, "--against", str(tmp_path)], capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1].split()
    now = script.count(script.read_checkout(SCRIPT.parents[1], script.COUNTED)).total()
    assert last[:3] == ["all", "7", f"{now:,}"]
