"""SimGAN and the plugins of this repository use no door of the host that another plugin does not have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import gantool

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = {
    "simgan": ROOT / "simgan_plugin",
    "template": ROOT / "gantool" / "template",
    **{folder.name: folder / "src" for folder in sorted((ROOT / "plugins").glob("gantool-*"))},
}
PUBLIC = {
    "gantool",
    "gantool.builtin.losses",
    "gantool.components",
    "gantool.conditioning",
    "gantool.data.formats.base",
    "gantool.data.formats.npz",
    "gantool.data.formats.picture_format",
    "gantool.data.frames",
    "gantool.data.images",
    "gantool.data.layouts.description",
    "gantool.data.layouts.model",
    "gantool.data.layouts.tree",
    "gantool.data.picture_files",
    "gantool.datasets",
    "gantool.errors",
    "gantool.evaluation.neural",
    "gantool.evaluation.tasks",
    "gantool.features",
    "gantool.hookspecs",
    "gantool.noise",
    "gantool.testing",
    "gantool.testing.fixtures",
    "gantool.training",
}
"""What docs/plugins/compatibility.md promises to keep."""


def imports(file: Path) -> set[str]:
    """Modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def doors(file: Path) -> set[str]:
    """What a file takes from the host in other ways: names of `from gantool import …`, private names, references in strings."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] == "gantool":
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            public = {f"gantool.{name}" for name in gantool.__all__} | PUBLIC
            found |= {name for name in inner if "._" in name or (node.module == "gantool" and name not in public)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "gantool":
            found |= {f"gantool.{node.attr}"} - {f"gantool.{name}" for name in gantool.__all__} - PUBLIC
        elif isinstance(node, ast.Constant) and re.fullmatch(r"gantool(\.\w+)+(:[\w.]+)?", str(node.value)):
            found |= {str(node.value)} if str(node.value).partition(":")[0] not in PUBLIC else set()
    return found


def of(package: str, modules: set[str]) -> set[str]:
    return {module for module in modules if module.partition(".")[0] == package}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_imports_only_what_is_public(name):
    files = list(PLUGINS[name].rglob("*.py"))
    assert files
    used = set().union(*(imports(file) for file in files))
    assert of("gantool", used) <= PUBLIC
    assert not set().union(*(doors(file) for file in files))
    if name != "simgan":
        assert not of("simgan_plugin", used)


@pytest.mark.parametrize(
    "line",
    [
        "from gantool import run",
        "from gantool.training import _private",
        "import gantool\ngantool.run",
        "importlib.import_module('gantool.training.session')",
        "factory = 'gantool.training.session:open_session'",
    ],
)
def test_other_doors_are_found(tmp_path, line):
    (tmp_path / "plugin.py").write_text(line)
    assert doors(tmp_path / "plugin.py")


def test_the_host_imports_no_plugin():
    packages = {"simgan_plugin", *(path.name for folder in (ROOT / "plugins").glob("gantool-*/src") for path in folder.iterdir())}
    for file in (ROOT / "gantool").rglob("*.py"):
        assert not {module.partition(".")[0] for module in imports(file)} & packages, file


def test_what_is_public_is_promised():
    page = (ROOT / "docs" / "plugins" / "compatibility.md").read_text(encoding="utf-8")
    promised = PUBLIC - {"gantool", "gantool.testing.fixtures"}
    assert [module for module in sorted(promised) if f"`{module}`" not in page] == []
