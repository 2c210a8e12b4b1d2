"""Count the statements of each room, docstrings left out, and find files and functions that are too long.

python scripts/count_statements.py                     what is here
python scripts/count_statements.py --against REVISION  beside what it was: a revision of git, or another checkout
python scripts/count_statements.py --limits            say which files and functions are too long, those of tests too, and fail
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
COUNTED = ("gantool", "simgan_plugin", "plugins")
LIMITED = (*COUNTED, "benchmarks", "scripts", "tests")
FILE_LINES, FUNCTION_LINES = 400, 60


def read_checkout(folder: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Return the Python files that lie in a checkout."""
    files = [file.relative_to(folder) for package in packages for file in sorted((folder / package).rglob("*.py"))]
    sources = [file for file in files if not any(part.startswith(".") or part in ("build", "dist") for part in file.parts)]
    return {file.as_posix(): (folder / file).read_text(encoding="utf-8") for file in sources}


def read_revision(revision: str, packages: tuple[str, ...]) -> dict[str, str]:
    """Return the Python files of a revision; nothing is checked out."""
    done = subprocess.run(["git", "archive", revision, *packages], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.name.endswith(".py")}
        return {name: file.read().decode("utf-8") for name, file in files.items() if file}


def count(files: Mapping[str, str]) -> Counter[str]:
    """Return statements by room: a package of the host, SimGAN, a plugin. Tests are left out."""
    rooms: Counter[str] = Counter()
    for name, text in files.items():
        path = PurePosixPath(name)
        if "tests" not in path.parts:
            depth = 1 if path.parts[0] == "simgan_plugin" else 2
            rooms["/".join(path.parts[: min(depth, len(path.parts) - 1)])] += statements(ast.parse(text))
    return rooms


def statements(tree: ast.AST) -> int:
    """Return how many statements there are, compound ones and what is in them; texts that stand alone are none."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return sum(not (isinstance(node, ast.Expr) and _is_text(node.value)) for node in found)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def too_long(files: Mapping[str, str]) -> Iterator[str]:
    """Say which files and functions are longer than they may be."""
    for name, text in files.items():
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield f"{name}: {lines} lines, at most {FILE_LINES}"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield f"{name}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def table(now: Counter[str], before: Counter[str] | None) -> str:
    """Return a line for each room, and one for all."""
    rows = {room: (now[room], before and before[room]) for room in sorted({*now, *(before or ())})}
    rows["all"] = (now.total(), before and before.total())
    width = max(map(len, rows))
    return "\n".join(f"{room:{width}} {_figures(*figures)}" for room, figures in rows.items())


def _figures(now: int, before: int | None) -> str:
    if before is None:
        return f"{now:7,}"
    change = f"{now / before - 1:+7.1%}" if before and now else "     new" if now else "    gone"
    return f"{before:7,} {now:7,} {change}"


def main() -> int:
    """Print the table, or what is too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REVISION", help="a revision of git, or the folder of another checkout")
    parser.add_argument("--limits", action="store_true", help="fail where a file or a function is too long")
    given = parser.parse_args()
    if given.limits:
        found = list(too_long(read_checkout(ROOT, LIMITED)))
        print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
        return bool(found)
    before = None
    if given.against:
        other = Path(given.against)
        before = count(read_checkout(other.resolve(), COUNTED) if other.is_dir() else read_revision(given.against, COUNTED))
    print(table(count(read_checkout(ROOT, COUNTED)), before))
    return 0


if __name__ == "__main__":
    sys.exit(main())
