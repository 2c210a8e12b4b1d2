"""A worker, without a process around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gantool
from gantool.data.images import Form
from gantool.refining.job import Request
from gantool.refining.report import Silent
from gantool.refining.workers.base import Outcome, Piece
from gantool.refining.workers.worker import Worker


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    return Request(
        run=str(gantool.save(network, tmp_path / "run")),
        input="in",
        output=tmp_path / "out",
        batch_size=4,
        device="cpu",
        threads=1,
    )


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def ask(request: Request, work: Any, folder: Path = tmp_path) -> Any:
        return Worker(request, threads=1, folder=str(folder))(Piece("part", work))

    return ask


def test_notices_and_backend_come_along(request_: Request, answer: Any):
    def work(job: Any) -> Outcome:
        job.watcher.notice("look")
        return Outcome(refined=2)

    assert answer(request_, work).outcome == Outcome(refined=2, notices=("look",), backend="torch")


def test_a_run_that_changed_meanwhile_is_refused(request_: Request, answer: Any):
    job = request_.open(Silent())
    settled = request_.settled(job, None, on_cpu=True)
    assert (settled.marker, settled.backend) == (job.marker, "torch")
    assert answer(settled, lambda _: Outcome()).outcome is not None
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    gantool.save(network, request_.run)
    assert answer(settled, lambda _: Outcome()).error == f"{request_.run} has changed since: give the same command again"
    other = replace(settled, marker={**job.marker, "gantool": "9.9"})
    assert "a worker has gantool" in answer(other, lambda _: Outcome()).error


def test_auto_is_measured_once_for_all_workers(request_: Request, monkeypatch: pytest.MonkeyPatch):
    job = request_.open(Silent())
    seen = []

    def choose(self: Any, images: Any) -> Any:
        seen.append(tuple(images.shape))
        self._current = type("Fast", (), {"name": "openvino"})()
        return images

    monkeypatch.setattr("gantool.refining.backends.choice.SelectedBackend.__call__", choose)
    sample = Form(height=9, width=7, channels=1, dtype="uint8")
    assert request_.settled(job, sample, on_cpu=False).backend == "torch"
    assert request_.settled(job, sample, on_cpu=True).backend == "openvino"
    assert seen == [(4, 1, 9, 7)]


def test_what_a_part_raises_is_an_answer(request_: Request, answer: Any):
    assert "ZeroDivisionError" in answer(request_, lambda _: Outcome(refined=1 // 0)).crash


def test_a_folder_that_a_node_lacks_is_one_line(request_: Request, answer: Any, tmp_path: Path):
    assert "nowhere is not on " in answer(request_, lambda _: Outcome(), tmp_path / "nowhere").error
