"""Persons to train on and persons to test on."""

from __future__ import annotations

from collections.abc import Sequence

from gantool import GantoolError


def choose_subjects(known: Sequence[str], subjects: str, test_subjects: str, place: str) -> tuple[list[str], list[str]]:
    """Return whom to train on and whom to test on. Raises `GantoolError` for a person who is not there, or is in both."""
    chosen: list[list[str]] = []
    for option, text in (("subjects", subjects), ("test_subjects", test_subjects)):
        words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        for word in words:
            if word not in known:
                raise GantoolError(f"dataset.{option}: {place} has no subject {word!r}; it has: {', '.join(known)}")
        chosen.append(words)
    train, test = chosen
    both = [subject for subject in train if subject in test]
    if both:
        raise GantoolError(f"subject {both[0]} is in dataset.subjects and in dataset.test_subjects: take it out of one")
    train = train or [subject for subject in known if subject not in test]
    if not train:
        raise GantoolError(f"dataset.test_subjects names all {len(known)} subjects of {place}: leave some to train on")
    return train, test
