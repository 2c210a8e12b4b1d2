from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark_table.py"
PAGE = "# Speed\n\nBefore.\n\n<!-- benchmarks: begin -->\nold figures\n<!-- benchmarks: end -->\n\nAfter.\n"
MACHINE = {
    "cpu": {"brand_raw": "Abacus 9", "count": 2},
    "torch": "2.13.0",
    "torch_threads": 2,
    "python_version": "3.11.7",
    "cuda": None,
}


def benchmark(name: str, params: dict | None = None, **info: object) -> dict:
    fullname = f"benchmarks/test_refine.py::{name}"
    return {"name": name, "fullname": fullname, "params": params, "extra_info": {"device": "cpu", **info}}


def target(what: str, measured: float, limit: float, sense: str) -> dict:
    return {"what": what, "measured": measured, "limit": limit, "sense": sense}


@pytest.fixture
def write(tmp_path):
    """Runs the script on benchmarks and returns it done, the page and the plot."""

    def run(benchmarks: list[dict], page: str = PAGE) -> tuple[subprocess.CompletedProcess, str, Path]:
        measured, place, plot = tmp_path / "measured.json", tmp_path / "page.md", tmp_path / "plot.svg"
        commit = {"id": "0123456789abcdef", "dirty": True}
        found = {"machine_info": MACHINE, "commit_info": commit, "datetime": "2026-01-02T03:04:05", "benchmarks": benchmarks}
        measured.write_text(json.dumps(found))
        place.write_text(page)
        words = [sys.executable, SCRIPT, measured, "--page", place, "--plot", plot]
        return subprocess.run(words, capture_output=True, text=True, check=False), place.read_text(), plot

    return run


def test_the_page_says_machine_measurements_and_targets(write):
    rates, notes = {"codec": 12345.6}, {"of both": 0.987654, "split": "a|b"}
    targets = [target("of the floor", 0.84, 0.9, ">="), target("seconds", 0.2, 0.35, "<=")]
    done, page, _ = write(
        [
            benchmark(
                "test_disk_to_disk[cpu-laptop --fast-10000]",
                {"device": "cpu", "network": "laptop --fast", "count": 10_000},
                images_per_second=1234.5,
                ratio=0.84,
                floor="forward",
                peak_mib=5.1,
                rates=rates,
                notes=notes,
                targets=targets,
            )
        ]
    )
    assert done.returncode == 0, done.stderr
    assert page.startswith("# Speed\n\nBefore.\n")
    assert page.endswith("<!-- benchmarks: end -->\n\nAfter.\n")
    assert "old figures" not in page
    for said in ("Abacus 9, 2 cores", "torch 2.13.0 with 2 threads", "2026-01-02", "commit 0123456789 with changes"):
        assert said in page
    assert "| of the floor (laptop --fast, 10,000) | >= 0.9 | 0.84 | **missed** |" in page
    assert "| seconds (laptop --fast, 10,000) | <= 0.35 | 0.2 | met |" in page
    row = next(line for line in page.splitlines() if line.startswith("| Disk to disk: laptop --fast, 10,000 "))
    assert (
        row
        == r"| Disk to disk: laptop --fast, 10,000 | cpu | 1,234 | 0.84 of forward | 5 | codec 12,346/s; of both 0.988; split a\|b |"
    )


@pytest.mark.parametrize(
    ("measured", "limit", "sense", "met", "attained"),
    [
        (0.9, 0.9, ">=", "met", "1.00"),
        (1.1, 1.0, "<=", "**missed**", "0.91"),
        (0.5, 1.0, "<=", "met", "2.00"),
        (0, 1, "<=", "met", "&gt; 100"),
    ],
)
def test_a_target_in_either_sense(write, measured, limit, sense, met, attained):
    done, page, plot = write([benchmark("test_a", targets=[target("it <fast>", measured, limit, sense)])])
    assert done.returncode == 0, done.stderr
    assert f"| {met} |" in page
    texts = [element.text for element in ElementTree.parse(plot).getroot().iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["it <fast>", attained.replace("&gt;", ">")]


def test_a_second_time_changes_nothing(write):
    _, once, _ = write([benchmark("test_a", notes={"x": 1.0})])
    _, twice, _ = write([benchmark("test_a", notes={"x": 1.0})], page=once)
    assert twice == once


@pytest.mark.parametrize(
    ("benchmarks", "page", "message"),
    [
        ([], PAGE, "holds no benchmark"),
        ([benchmark("test_a")], "# Speed\n", "no place for benchmarks"),
        ([{"name": "x"}], PAGE, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line_and_the_page_stays(write, benchmarks, page, message):
    done, after, _ = write(benchmarks, page)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert after == page
