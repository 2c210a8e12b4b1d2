"""What is made of the answers of workers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gantool.errors import GantoolError
from gantool.refining.pipeline import Failed
from gantool.refining.workers.base import Answer, Outcome, Piece, gather, total


class Told:
    def __init__(self) -> None:
        self.done, self.notices = 0, []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def advance(self, count: int = 1) -> None:
        self.done += count


@pytest.fixture
def job() -> Any:
    return SimpleNamespace(watcher=Told())


PIECES = [Piece(f"s-{number}.tar", lambda _: Outcome()) for number in range(10)]


def test_outcomes_come_in_the_order_of_the_tasks_and_notices_once(job: Any):
    answers = [
        (2, Answer(Outcome(refined=3, failed=(Failed("b", "bad"),), notices=("slow",), backend="openvino"))),
        (0, Answer(Outcome(refined=2, copied=1, failed=(Failed("a", "bad"),), notices=("slow", "odd"), backend="torch"))),
    ]
    outcomes = gather(job, PIECES, answers)
    assert total(outcomes) == Outcome(refined=5, copied=1, failed=(Failed("a", "bad"), Failed("b", "bad")), backend="openvino")
    assert job.watcher.done == 7
    assert sorted(job.watcher.notices) == ["odd", "slow"]


def test_what_should_not_happen_keeps_its_traceback(job: Any):
    with pytest.raises(RuntimeError, match=r"a worker failed at s-1\.tar\nTraceback"):
        gather(job, PIECES, [(1, Answer(crash="Traceback ..."))])


def test_parts_that_are_given_up_end_all_at_the_eighth(job: Any):
    given = []

    def answers() -> Any:
        for index in range(10):
            given.append(index)
            yield index, Answer(lost="all ended") if index else Answer(Outcome(refined=1))

    with pytest.raises(
        GantoolError, match=r"^s-1\.tar: all ended; 7 more parts likewise; 1 of 10 parts were finished, and stay$"
    ):
        gather(job, PIECES, answers())
    assert given == list(range(9))
