"""Who gets which piece when workers end; in place of processes, threads at the other end of the pipe."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gantool.refining.workers.base import Answer, Outcome
from gantool.refining.workers.processes import _Crew

Serve = Callable[[Any], Answer | None]


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[_Crew, list[threading.Thread]]]:
    """Makes a crew of workers that answer one piece, if it is not what kills them, and end."""

    def make(count: int, serve: Serve) -> tuple[_Crew, list[threading.Thread]]:
        started: list[threading.Thread] = []

        def live(there: Any) -> None:
            answer = serve(there.recv())
            if answer is not None:
                there.send(answer)
            there.close()

        def start(self: _Crew) -> Any:
            here, there = multiprocessing.Pipe()
            started.append(threading.Thread(target=live, args=(there,), daemon=True))
            started[-1].start()
            self._processes[here] = SimpleNamespace(join=lambda *_: None, exitcode=-9, terminate=bool, kill=bool)  # type: ignore
            return here

        monkeypatch.setattr(_Crew, "_start", start)
        return _Crew(None, count, 1), started  # type: ignore[arg-type]

    return make


def test_a_worker_that_ended_with_nothing_to_do_is_replaced_and_no_piece_is_lost(crew):
    made, started = crew(1, lambda piece: Answer(Outcome(refined=piece)))
    found = []
    for index, answer in made.answers([10, 20, 30]):
        started[-1].join()  # it has ended before the next piece is handed over
        found.append((index, answer.outcome.refined))
    assert found == [(0, 10), (1, 20), (2, 30)]
    assert len(started) == 3


def test_a_piece_that_ends_every_worker_is_tried_three_times_and_the_others_are_done(crew):
    made, started = crew(2, lambda piece: Answer(Outcome(refined=piece)) if piece != 20 else None)
    answers = dict(made.answers([10, 20, 30, 40]))
    assert {index: answer.outcome.refined for index, answer in answers.items() if answer.outcome} == {0: 10, 2: 30, 3: 40}
    assert answers[1].lost == (
        "3 worker processes ended over it, the last by SIGKILL (out of memory? lower --workers or --batch-size)"
    )
    assert len(started) >= 6
