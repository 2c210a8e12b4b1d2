"""Who computes the pieces of a job: what that is, and the plain one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ...data.images import Form
from ...errors import GantoolError
from ..pipeline import Failed

if TYPE_CHECKING:
    from ..job import Job

ATTEMPTS = 3
"""Workers that may die over one part before it is given up."""
_MOST_LOST = 8
"""Parts that may be given up before all is: by then it is not the parts."""


@dataclass(frozen=True)
class Outcome:
    """What was done with one part, or with all."""

    refined: int = 0
    copied: int = 0
    failed: tuple[Failed, ...] = ()
    notices: tuple[str, ...] = ()
    """What a worker would have a person know; in this process, the watcher is told at once."""
    backend: str | None = None
    """What computed it, where that was a worker."""


@dataclass(frozen=True)
class Piece:
    """A part of a job that is done or not done; it can be sent to another process."""

    name: str
    """What a person calls it."""
    work: Callable[[Job], Outcome]
    """Raises `GantoolError` for what stops the whole job."""


class Workers(Protocol):
    """Computes pieces."""

    parallel: bool
    """Whether several pieces are computed at a time, elsewhere: then there should be many."""

    def run(self, job: Job, pieces: Sequence[Piece], sample: Form | None) -> list[Outcome]:
        """Compute all, telling `job.watcher`, and return the outcomes in the order of `pieces`.

        `sample` is what one of the images is like. Raises `GantoolError`; what is done by then stays.
        """


class InProcess:
    """One piece after the other, here."""

    parallel = False

    def run(self, job: Job, pieces: Sequence[Piece], sample: Form | None) -> list[Outcome]:
        del sample
        return [piece.work(job) for piece in pieces]


@dataclass(frozen=True)
class Answer:
    """What a worker says of one piece; exactly one of these is there."""

    outcome: Outcome | None = None
    error: str | None = None
    """Message of a `GantoolError`."""
    crash: str | None = None
    """Traceback of what should not have happened."""
    lost: str | None = None
    """How the workers ended that tried it."""


def gather(job: Job, pieces: Sequence[Piece], answers: Iterable[tuple[int, Answer]]) -> list[Outcome]:
    """Collect the answers of workers, by index of the piece, as of `Workers.run`."""
    outcomes: dict[int, Outcome] = {}
    told: set[str] = set()
    lost: list[str] = []
    for index, answer in answers:
        if answer.crash is not None:
            raise RuntimeError(f"a worker failed at {pieces[index].name}\n{answer.crash}")
        if answer.error is not None:
            raise GantoolError(answer.error)
        if answer.outcome is None:
            lost.append(f"{pieces[index].name}: {answer.lost}")
            if len(lost) == _MOST_LOST:
                break
            continue
        outcomes[index] = answer.outcome
        job.watcher.advance(answer.outcome.refined + len(answer.outcome.failed))
        for notice in set(answer.outcome.notices) - told:
            job.watcher.notice(notice)
            told.add(notice)
    if lost:
        more = f"; {len(lost) - 1} more parts likewise" if len(lost) > 1 else ""
        raise GantoolError(f"{lost[0]}{more}; {len(outcomes)} of {len(pieces)} parts were finished, and stay")
    return [outcomes[index] for index in sorted(outcomes)]


def total(outcomes: Sequence[Outcome]) -> Outcome:
    """Add up."""
    return Outcome(
        refined=sum(outcome.refined for outcome in outcomes),
        copied=sum(outcome.copied for outcome in outcomes),
        failed=tuple(failed for outcome in outcomes for failed in outcome.failed),
        backend=next((outcome.backend for outcome in reversed(outcomes) if outcome.backend), None),
    )
