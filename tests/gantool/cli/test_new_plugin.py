from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from gantool._version import __version__
from gantool.cli.main import run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "plugin", "module"),
    [("deep", "deep", "gantool_deep"), ("deep-net_2", "deep-net_2", "gantool_deep_net_2"), ("gantool-3d", "3d", "gantool_3d")],
)
def test_names_follow_from_the_plugin(capsys, name, plugin, module):
    assert run(["new-plugin", name]) == 0
    folder = Path(f"gantool-{plugin}")
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == f"gantool-{plugin}"
    assert project["project"]["entry-points"]["gantool"] == {plugin: f"{module}.plugin"}
    assert {f"src/{module}/plugin.py", f"src/{module}/py.typed", "tests/test_conformance.py", "README.md"} <= files(folder)
    for path in folder.rglob("*"):
        assert "my_plugin" not in path.name
        if path.is_file():
            text = path.read_text()
            assert "my-plugin" not in text
            assert "my_plugin" not in text
            if path.suffix == ".py":
                ast.parse(text)
    said = capsys.readouterr().out.splitlines()
    assert said[-3:] == [f"  pip install -e ./{folder}", f"  pytest ./{folder}", f"  gantool train --plugin {plugin}"]


def test_requirement_of_the_template_admits_this_host():
    project = tomllib.loads((ROOT / "gantool" / "template" / "pyproject.toml").read_text())["project"]
    host = next(r for r in map(Requirement, project["dependencies"]) if r.name == "simgan-plugin")
    assert host.specifier.contains(__version__, prereleases=True)


@pytest.mark.parametrize("name", ["conformance", "plugin", "options", "test", "class"])
def test_no_name_makes_two_files_one(name):
    template = ROOT / "gantool" / "template"
    assert run(["new-plugin", name]) == 0
    written = files(Path(f"gantool-{name}"))
    # What running the template in its own place leaves behind is no part of it.
    wanted = {path for path in files(template) if "__pycache__" not in path and "egg-info" not in path and path[0] != "."}
    assert len(written) == len(wanted)


def test_template_names_every_package_that_it_imports():
    folder = ROOT / "gantool" / "template"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    named = {r.name.replace("-", "_") for r in map(Requirement, project["dependencies"])} | {"gantool"}
    trees = [ast.parse(path.read_text()) for path in (folder / "src").rglob("*.py")]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    packages = {str(node.module).partition(".")[0] for node in imports}
    assert packages - set(sys.stdlib_module_names) <= named


def test_output_elsewhere(tmp_path, capsys):
    target = tmp_path / "a b" / "deep"
    assert run(["new-plugin", "deep", "--output", str(target)]) == 0
    assert (target / "pyproject.toml").is_file()
    assert f"pip install -e '{target}'" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["Deep", "de ep", "de.ep", "-deep", "deep-", "_deep", "gantool-", "../deep", ""])
def test_name_that_no_plugin_can_have(name, capsys):
    assert run(["new-plugin", "--", name]) == 2
    assert "cannot name a plugin: it has lower-case letters" in capsys.readouterr().err
    assert files(Path()) == set()


@pytest.mark.parametrize("name", ["simgan", "gantool", "gantool-simgan"])
def test_name_that_is_taken(name, capsys):
    assert run(["new-plugin", name]) == 2
    assert "is installed already: choose another name" in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path, capsys):
    folder = Path("gantool-deep")
    folder.mkdir()
    assert run(["new-plugin", "deep"]) == 0  # an empty folder is no loss
    mine = folder / "README.md"
    mine.write_text("mine")
    before = files(folder)
    assert run(["new-plugin", "deep"]) == 2
    assert "gantool-deep exists already: choose another --output" in capsys.readouterr().err
    assert mine.read_text() == "mine"
    assert files(folder) == before
    assert run(["new-plugin", "deep", "--output", str(mine)]) == 2


def test_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["new-plugin", "deep", "--output", str(tmp_path / "file" / "deep")]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err


def test_no_torch(modules_after):
    assert not modules_after("new-plugin", "deep") & {"torch", "numpy", "pydantic"}


def test_new_plugin_installs_passes_its_tests_and_can_be_planned(throwaway):
    assert run(["new-plugin", "deep-net"]) == 0

    def program(name: str, *words: str) -> str:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [throwaway.with_name(name), *words]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    program("pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "./gantool-deep-net")
    assert " passed" in program("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "./gantool-deep-net")
    # It trains in its own tests; nothing has to be chosen for that but the plugin.
    assert json.loads(program("gantool", "train", "--plugin", "deep-net", "--dry-run"))["plugin"] == "deep-net:deep-net"
