"""Each plugin of this repository is a distribution of its own, complete and true about what it needs."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = sorted((ROOT / "plugins").glob("gantool-*"))
IMPORTED_AS = {"pillow": "PIL", "simgan-plugin": "gantool", "annotated-types": "annotated_types"}
"""Distributions whose package has another name."""


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_metadata_is_complete(folder):
    own, host = project(folder), tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert own["name"] == folder.name
    assert (own["license"], own["requires-python"]) == (host["license"], host["requires-python"])
    # The Apache licence asks for a copy of itself in whatever is passed on.
    assert [(folder / name).read_bytes() for name in own["license-files"]] == [(ROOT / "LICENSE").read_bytes()]
    assert (folder / own["readme"]).read_text(encoding="utf-8").startswith(f"# {folder.name}\n")
    needed = {requirement.name: requirement.specifier for requirement in map(Requirement, own["dependencies"])}
    assert needed["simgan-plugin"].contains("0.1")
    assert not needed["simgan-plugin"].contains("1.0")
    assert all(needed.values())
    (module,) = own["entry-points"]["gantool"].values()
    assert (folder / "src" / module.replace(".", "/")).with_suffix(".py").is_file()
    assert (folder / "src" / module.partition(".")[0] / "py.typed").is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_package_that_is_imported_is_required(folder):
    own = project(folder)
    texts = [
        *own["dependencies"],
        *(text for name, extra in own["optional-dependencies"].items() if name != "dev" for text in extra),
    ]
    names = {Requirement(text).name for text in texts}
    required = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
    used = set()
    for file in (folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add(str(node.module))
    packages = {module.partition(".")[0] for module in used}
    assert packages - set(sys.stdlib_module_names) <= required
