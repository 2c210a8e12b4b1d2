"""Imports inside the host go one way, also those inside of functions: no room knows a room above it, and no module is in a circle.

Imports for type checking alone are judged by the order of the rooms, since to know a type is to depend on it; they make no circle,
since nothing runs in one. `gantool/__init__.py` is the door to `gantool.api` and may open it late.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = (
    "errors _version",
    "values ambient files",
    "components",
    "hookspecs kinds",
    "options features conditioning noise",
    "plugins",
    "data",
    "datasets",
    "plan",
    "runs",
    "compute",
    "model",
    "training refining augment",
    "evaluation",
    "builtin api",
    "testing",
    "cli",
    "__main__",
)
"""Rooms from the ground up. A room may import what stands in a line above its own, and nothing else but itself."""
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms.split()}

KNOWN = {}
"""Rules that are still broken. The list only gets shorter: what no longer holds has to be taken out."""


@dataclass(frozen=True)
class Import:
    """One imported module, and where."""

    file: str
    line: int
    module: str
    target: str
    typing: bool
    """Whether it is for type checking alone."""


def modules(root: Path, package: str) -> dict[str, Path]:
    """Files of a package by the names of their modules; the template is copied, not imported."""
    files = (file for file in sorted((root / package).rglob("*.py")) if "template" not in file.parts)
    return {".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def read(root: Path, package: str) -> list[Import]:
    """All imports between the modules of a package."""
    files = modules(root, package)
    doors = {name: _names(file, name, files) for name, file in files.items() if file.name == "__init__.py"}
    return [
        Import(str(file.relative_to(root)), node.lineno, name, target, typing)
        for name, file in files.items()
        for node, typing in _walk(ast.parse(file.read_text(encoding="utf-8")))
        for target in sorted(_targets(node, name, file, files, doors))
    ]


def _walk(node: ast.AST, typing: bool = False) -> Iterator[tuple[ast.stmt | ast.Call, bool]]:
    """Every statement and call of a file, and whether it is under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.Call):
            yield child, typing
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for part in child.body:
                yield from _walk(ast.Module([part], []), typing=True)
            child = ast.Module(child.orelse, [])
        yield from _walk(child, typing)


def _base(node: ast.ImportFrom, name: str, file: Path) -> str:
    """The module that `from … import` names."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    parts = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*parts, *filter(None, [node.module])])


def _names(file: Path, name: str, files: dict[str, Path]) -> dict[str, str]:
    """Where a package has the names from that it passes on."""
    found = {}
    for node, _ in _walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (base := _base(node, name, file)) in files:
            found |= {alias.asname or alias.name: base for alias in node.names if f"{base}.{alias.name}" not in files}
    return found


def _targets(node: ast.AST, name: str, file: Path, files: dict[str, Path], doors: dict[str, dict[str, str]]) -> set[str]:
    """Modules that a statement imports: the file which defines an imported name, and the packages that are entered for it."""
    if isinstance(node, ast.ImportFrom):
        base = _base(node, name, file)
        found = {_origin(base, alias.name, files, doors) for alias in node.names}
    elif isinstance(node, ast.Import):
        found = {alias.name for alias in node.names}
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
        found = {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    else:
        found = set()
    found = {str(module) for module in found if module in files}
    parents = {".".join(module.split(".")[:depth]) for module in found for depth in range(2, module.count(".") + 1)}
    return (found | {package for package in parents if not f"{name}.".startswith(f"{package}.")}) - {name}


def _origin(base: str, name: str, files: dict[str, Path], doors: dict[str, dict[str, str]]) -> str:
    if f"{base}.{name}" in files:
        return f"{base}.{name}"
    while name in doors.get(base, {}):
        base = doors[base][name]
    return base


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def wrong_ways(imports: list[Import]) -> dict[str, str]:
    """Broken rules between rooms: what KNOWN calls them, and words."""
    found = {}
    for each in imports:
        own, other = room(each.module), room(each.target)
        if own in ("", other):
            continue
        homeless = {own, other} - RANK.keys()
        rule = (
            f"the room {''.join(homeless)} has no place in the order"
            if homeless
            else f"{own} may not import {other}: rooms go {' < '.join(ORDER)}"
            if RANK[other] >= RANK[own]
            else "builtin is named by the strings of its records only"
            if other == "builtin"
            else ""
        )
        if rule:
            found.setdefault(f"{each.module} -> {other}", f"{each.file}:{each.line} imports {each.target}: {rule}")
    return found


def circles(imports: list[Import]) -> dict[str, str]:
    """Circles of modules, one of each knot."""
    edges = [each for each in imports if not each.typing and "." in each.module]
    graph: dict[str, list[str]] = {}
    for each in edges:
        graph.setdefault(each.module, []).append(each.target)
    found = {}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = error.args[1][::-1]
            ways = [next(e for e in edges if (e.module, e.target) == pair) for pair in pairwise(circle)]
            where = ", ".join(f"{each.file}:{each.line}" for each in ways)
            found["circle of " + ", ".join(sorted({*circle}))] = f"{' -> '.join(circle)} is a circle ({where})"
            graph[circle[0]] = [target for target in graph[circle[0]] if target != circle[1]]
        else:
            return found


def test_imports_of_the_host_go_one_way():
    imports = read(ROOT, "gantool")
    assert len(imports) > 500
    found = wrong_ways(imports) | circles(imports)
    assert not [words for key, words in found.items() if key not in KNOWN]
    assert not KNOWN - found.keys(), "no longer broken: take it out of KNOWN"


PLUGINS = [ROOT / "simgan_plugin", *sorted((ROOT / "plugins").glob("gantool-*/src/gantool_*"))]


@pytest.mark.parametrize("package", PLUGINS, ids=lambda folder: folder.name)
def test_no_plugin_has_a_circle(package):
    imports = read(package.parent, package.name)
    assert imports
    assert not circles(imports)


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("data/new.py", "from ..plan import Plan", "data/new.py:1 imports gantool.plan"),
        ("data/new.py", "import gantool.plan.made", "data/new.py:1 imports gantool.plan"),
        ("data/new.py", "def late():\n    from ..plan.made import Plan", "data/new.py:2 imports gantool.plan"),
        ("data/new.py", "def late():\n    return import_module('gantool.plan.made')", "data/new.py:2 imports gantool.plan"),
        ("data/new.py", "if TYPE_CHECKING:\n    from ..plan import Plan", "data/new.py:2 imports gantool.plan"),
        ("data/new.py", "from .. import plan", "data/new.py:1 imports gantool.plan"),
        ("augment/new.py", "from ..training import loop", "augment may not import training"),
        ("cli/new.py", "from ..builtin import losses", "strings of its records only"),
        ("cellar/new.py", "from ..data import read", "cellar has no place"),
        ("cli/new.py", "from ..cellar import read", "cellar has no place"),
        (
            "data/read.py",
            "def late():\n    from .write import two",
            "gantool.data.read -> gantool.data.write -> gantool.data.read",
        ),
        ("data/inner/deep.py", "from ..outer import one", "is a circle"),
        ("data/read.py", "if TYPE_CHECKING:\n    from .write import two", ""),
        ("plan/new.py", "from ..data import read", ""),
    ],
)
def test_a_broken_rule_is_named(tmp_path, file, line, broken):
    planted = {
        "plan/__init__.py": "from .made import Plan",
        "plan/made.py": "class Plan: ...",
        "data/read.py": "",
        "data/write.py": "from .read import one",
        "data/outer.py": "from .inner.other import two",
        "data/inner/__init__.py": "from .deep import one",
        "data/inner/deep.py": "",
        "data/inner/other.py": "",
        "training/loop.py": "",
        "builtin/losses.py": "",
        "cellar/read.py": "",
    }
    for name, text in {**planted, file: line}.items():
        target = tmp_path / "gantool" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.parent.joinpath("__init__.py").touch()
    imports = read(tmp_path, "gantool")
    found = [*(wrong_ways(imports) | circles(imports)).values()]
    assert len(found) == bool(broken)
    assert broken in "".join(found)
