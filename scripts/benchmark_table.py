"""Write the tables and the plot of docs/performance.md from what pytest-benchmark measured.

python scripts/benchmark_table.py runs/benchmarks.json
python scripts/benchmark_table.py runs/benchmarks.json --page P --plot S    into other files than that page and its plot

What each benchmark has to say for itself is in its `extra_info`: see `Record` in benchmarks/conftest.py. Benchmarks that were
not run are not in the page afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmark_plot import draw
from page_parts import replace_part

ROOT = Path(__file__).resolve().parent.parent
PAGE, PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "images" / "performance.svg"


def main(words: list[str]) -> int:
    """Return 0, or 2 for a file that holds no benchmarks of ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--plot", type=Path, default=PLOT)
    asked = parser.parse_args(words)
    try:
        found = json.loads(asked.measured.read_text("utf-8"))
        benchmarks = [each for each in found["benchmarks"] if "device" in each["extra_info"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _fail(f"{asked.measured} cannot be read as what --benchmark-json writes: {error!r}")
    if not benchmarks:
        return _fail(f"{asked.measured} holds no benchmark with a device in its extra_info")
    reached = [Target(variant(each), target) for each in benchmarks for target in each["extra_info"].get("targets", [])]
    try:
        text = replace_part(asked.page.read_text("utf-8"), "benchmarks", page_part(found, benchmarks, reached))
    except ValueError as error:
        return _fail(f"{asked.page}: {error}")
    asked.page.write_text(text, "utf-8")
    asked.plot.write_text(draw([(each.label, each.attained) for each in reached]), "utf-8")
    return 0


class Target:
    """What a benchmark was to reach, and did or not."""

    def __init__(self, variant: str, said: Mapping[str, Any]) -> None:
        self.measured, self.limit, self.sense = float(said["measured"]), float(said["limit"]), str(said["sense"])
        self.label = f"{said['what']} ({variant})" if variant else str(said["what"])
        at_least = self.sense == ">="
        self.met = self.measured >= self.limit if at_least else self.measured <= self.limit
        worse, better = (self.limit, self.measured) if at_least else (self.measured, self.limit)
        self.attained = better / worse if worse > 0 else float("inf")
        """1 where the target is just met, more where it is surpassed."""


def page_part(found: Mapping[str, Any], benchmarks: list[dict[str, Any]], targets: list[Target]) -> str:
    """Return the machine, the targets, and a table for every file of benchmarks, as Markdown."""
    rows = [
        [each.label, f"{each.sense} {each.limit:g}", f"{each.measured:.3g}", "met" if each.met else "**missed**"]
        for each in targets
    ]
    parts = [
        machine(found),
        "### Targets",
        table(["what", "target", "measured", ""], rows),
        "![How near each target is](images/performance.svg)",
    ]
    for file, group in groupby(benchmarks, key=lambda each: each["fullname"].partition("::")[0]):
        parts += [f"### {title(Path(file).stem)}", measured_table(list(group))]
    return "\n\n".join(parts)


def machine(found: Mapping[str, Any]) -> str:
    """Say on what was measured, when and on which commit."""
    info = found["machine_info"]
    processor = info.get("cpu", {})
    commit = found.get("commit_info", {})
    changed = " with changes that are not committed" if commit.get("dirty") else ""
    said = [
        f"{processor.get('brand_raw') or info.get('machine', 'unknown processor')}, {processor.get('count', '?')} cores",
        info.get("cuda") or "no GPU",
        f"torch {info.get('torch', '?')} with {info.get('torch_threads', '?')} threads",
        f"Python {info.get('python_version', '?')}",
        f"load {info.get('load_at_start', float('nan')):.1f} before it began",
        f"{found.get('datetime', '')[:10]}",
        f"commit {str(commit.get('id', 'unknown'))[:10]}{changed}",
    ]
    return f"Measured on: {', '.join(said)}."


def measured_table(benchmarks: Iterable[Mapping[str, Any]]) -> str:
    """Return images/s, ratio and memory of benchmarks, and what was measured in turns with each."""
    rows = []
    for each in benchmarks:
        info = each["extra_info"]
        beside = [f"{name} {_rate(rate)}/s" for name, rate in info.get("rates", {}).items()]
        beside += [f"{name} {_number(value)}" for name, value in info.get("notes", {}).items()]
        rows.append(
            [
                ": ".join(filter(None, (title(each["name"].partition("[")[0]), variant(each)))),
                info["device"],
                _rate(info["images_per_second"]) if "images_per_second" in info else "",
                f"{info['ratio']:.2f} of {info['floor']}" if "ratio" in info else "",
                f"{info['peak_mib']:,.0f}" if "peak_mib" in info else "",
                "; ".join(beside),
            ]
        )
    return table(["benchmark", "device", "images/s", "ratio", "peak MiB", "in the same run"], rows)


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def title(name: str) -> str:
    """`test_disk_to_disk` as words."""
    words = name.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]


def variant(benchmark: Mapping[str, Any]) -> str:
    """Return the parameters of a benchmark but for the device, as words."""
    parameters = {name: value for name, value in (benchmark.get("params") or {}).items() if name != "device"}
    return ", ".join(f"{value:,}" if isinstance(value, int) else str(value) for value in parameters.values())


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _number(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _fail(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
