"""What holds for workers of every kind: the same bytes as one process, whatever is killed."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from programs import Program

from gantool.errors import GantoolError
from gantool.refining.refine import RefineReport, refine

# Ray warns of its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")


@pytest.fixture(scope="module")
def cluster(plugin: Path) -> Iterator[str]:
    """Address of a Ray cluster of this machine, which this process is connected to."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
    ray = pytest.importorskip("ray", reason="needs ray")
    started = ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100 * 2**20,
        _node_ip_address="127.0.0.1",
    )
    yield started.address_info["gcs_address"]
    ray.shutdown()


@pytest.fixture(params=["local", "ray"])
def workers(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of `refine` for two workers."""
    if request.param == "local":
        request.getfixturevalue("forked_workers")
        return {"workers": 2}
    return {"engine": "ray", "num_actors": 2, "ray_address": request.getfixturevalue("cluster")}


def in_turn(fragile: Any, source: Path, output: Path) -> RefineReport:
    """Refine in this process."""
    return refine(fragile.run, input=source, output=output, backend="torch", batch_size=4)


def at_once(fragile: Any, source: Path, output: Path, workers: dict[str, Any]) -> RefineReport:
    return refine(fragile.run, input=source, output=output, backend="torch", batch_size=4, **workers)


def test_shards_are_the_same_although_a_worker_is_killed(workers, fragile, shards: Path, tree, tmp_path: Path):
    expected = in_turn(fragile, shards, tmp_path / "a")
    fragile.told("die once")
    report = at_once(fragile, shards, tmp_path / "b", workers)
    assert not (fragile.folder / "die once").exists()
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert (report.refined, report.copied, report.failed) == (22, 24 + 1, expected.failed)
    assert [failed.name for failed in report.failed] == [f"{shards}/s-1.tar/12.png", f"{shards}/s-2.tar/23.png"]
    assert (report.exit_code, report.backend) == (1, "torch")
    again = at_once(fragile, shards, tmp_path / "b", workers)
    assert (again.refined, again.skipped_parts, again.failed) == (0, 4, ())


def test_folders_are_the_same(workers, fragile, image, tree, tmp_path: Path):
    source = tmp_path / "in"
    for number in range(50):
        path = source / ("sub dir" if number % 2 else "") / f"ü {number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image(number, (8, 12) if number % 3 else (10, 9)))
        path.with_suffix(".txt").write_text(str(number))
    (source / "broken.png").write_bytes(image(1)[:60])
    expected = in_turn(fragile, source, tmp_path / "a")
    report = at_once(fragile, source, tmp_path / "b", workers)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert (report.refined, report.copied, report.failed) == (expected.refined, expected.copied, expected.failed)
    assert (report.refined, [failed.name for failed in report.failed]) == (50, ["broken.png"])


def test_parquet_files_are_the_same(workers, fragile, image, tree, tmp_path: Path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "in").mkdir()
    for part in range(2):
        table = pa.table({"image": [image(10 * part + number) for number in range(5)], "n": list(range(5))})
        parquet.write_table(table, tmp_path / f"in/{part}.parquet", row_group_size=3)
    in_turn(fragile, tmp_path / "in", tmp_path / "a")
    assert at_once(fragile, tmp_path / "in", tmp_path / "b", workers).refined == 10
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_part_that_kills_every_worker_is_named_and_all_else_is_done(
    workers, fragile, shards: Path, image, write_shard, tree, tmp_path: Path
):
    whole = (shards / "s-1.tar").read_bytes()
    write_shard(shards / "s-1.tar", {"white.png": image(255)})
    with pytest.raises(GantoolError, match=r"s-1\.tar: 3 (worker processes|actors) ended over it.*; 3 of 4 parts") as error:
        at_once(fragile, shards, tmp_path / "b", workers)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in (tmp_path / "b").glob("*.tar")) == ["s-0.tar", "s-2.tar", "s-3.tar"]
    assert not list((tmp_path / "b").glob(".*tmp*"))
    (shards / "s-1.tar").write_bytes(whole)
    report = in_turn(fragile, shards, tmp_path / "b")
    assert (report.refined, report.skipped) == (5, 18)
    in_turn(fragile, shards, tmp_path / "a")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_killed_run_is_finished_by_the_same_command(workers, plugin: Path, fragile, shards: Path, tree, tmp_path: Path):
    options = [f"--{key.replace('_', '-')}={value}" for key, value in workers.items()]
    command = ["refine", str(fragile.run), f"--input={shards}", f"--output={tmp_path / 'b'}", *options]
    command += ["--backend=torch", "--batch-size=4", "--device=cpu"]
    fragile.told("slow")
    driver = Program(*command, output=tmp_path / "log", path=[str(plugin)])
    driver.wait_until(lambda: list((tmp_path / "b").glob("*.tar")))
    started = psutil.Process(driver.pid).children(recursive=True)
    driver.send(signal.SIGKILL)
    driver.end()
    # A worker that outlived the run would write beside the next one.
    _wait_until(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in started))
    done = {path: path.stat() for path in (tmp_path / "b").glob("*.tar")}
    assert 0 < len(done) < 4, driver.errors
    (fragile.folder / "slow").unlink()
    finished = Program(*command, output=tmp_path / "again", path=[str(plugin)])
    assert finished.end() == 1, finished.errors  # for the damaged images
    # An actor of a running cluster may still finish the part that it was at.
    there = int(re.search(r"(\d+) files? there already", finished.printed)[1])
    assert len(done) <= there < 4
    assert finished.printed.count("\n") == 1
    assert all(line.startswith(("Failed: ", "refined ")) for line in finished.errors.splitlines()), finished.errors
    assert {path: path.stat() for path in done} == done
    in_turn(fragile, shards, tmp_path / "a")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.usefixtures("forked_workers")
def test_a_damaged_shard_is_the_same_line(fragile, shards: Path, tmp_path: Path):
    (shards / "s-2.tar").write_bytes((shards / "s-2.tar").read_bytes()[:700])
    lines = []
    for number, workers in enumerate(({}, {"workers": 2})):
        with pytest.raises(GantoolError, match=r"s-2\.tar is damaged") as error:
            at_once(fragile, shards, tmp_path / str(number), workers)
        lines.append(str(error.value))
    assert lines[0] == lines[1]


def _wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
