"""Checks of loggers."""

from __future__ import annotations

from .descriptions import events
from .subject import Subject


def check_logs_every_event(subject: Subject) -> None:
    """`log` takes events of every kind, with and without figures, and `close` the end of the run."""
    logger = subject.made()
    for event in events(subject.folder):
        with subject.calling(f"log of an event of kind {event.kind!r}"):
            logger.log(event)
    with subject.calling("close"):
        logger.close()


def check_closes_without_events(subject: Subject) -> None:
    """A run that fails before it starts closes its loggers, too."""
    logger = subject.made()
    with subject.calling("close of one that saw no event"):
        logger.close()


CHECKS = {"logger": (check_logs_every_event, check_closes_without_events)}
