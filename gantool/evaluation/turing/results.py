"""The results of a study: Table 1 and its test as text or JSON, and every answer as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from .statistics import Confusion, in_words
from .study import REAL, Row, Study

COLUMNS = ("participant", "name", "against", "position", "shown_image", "said", "correct", "image", "shown_at", "answered_at")
"""Columns of the CSV file."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Real images against one other kind."""

    against: str
    confusion: Confusion
    participants: tuple[tuple[str, Confusion], ...]
    """Name, or number, and answers of each."""

    @property
    def answer(self) -> str:
        """Whether people told the two apart, in words."""
        return in_words(self.confusion, self.against)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        return {
            "against": self.against,
            **_figures(self.confusion),
            "p_value": self.confusion.p_value,
            "interval_95": list(self.confusion.interval),
            "answer": self.answer,
            "participants": [{"name": name, **_figures(confusion)} for name, confusion in self.participants],
        }


def tally(rows: Iterable[Row]) -> Confusion:
    """Count answers."""
    counts = {(kind, said): 0 for kind in (True, False) for said in ("real", "fake")}
    for row in rows:
        counts[row.kind == REAL, row.said] += 1
    return Confusion(*counts.values())


def arms(study: Study) -> list[Arm]:
    """Return the results by what real images were shown against; none where nobody has answered."""
    rows = study.rows()
    found = []
    for against in dict.fromkeys(row.against for row in rows):
        own = [row for row in rows if row.against == against]
        people = {row.participant: row.name or f"participant {row.participant}" for row in own}
        each = tuple((name, tally(row for row in own if row.participant == person)) for person, name in people.items())
        found.append(Arm(against=against, confusion=tally(own), participants=each))
    return found


def caution(study: Study, found: list[Arm]) -> str:
    """Say what the test takes for granted and this study does not give."""
    notes = []
    if any(len(arm.participants) > 1 for arm in found):
        notes.append(
            "The test takes answers to be independent. Those of one person are not: see the accuracy of each, and ask more "
            "people rather than more questions."
        )
    if unfinished := study.unfinished():
        people = "participant has" if unfinished == 1 else "participants have"
        notes.append(f"{unfinished} {people} trials left; settle when to stop before looking at p.")
    return " ".join(notes)


def as_text(arm: Arm) -> str:
    """Table 1 of the paper, the answer in words, and the accuracy of each participant."""
    c, width = arm.confusion, max(len(arm.against), 12)
    lines = [
        f"{'':{width}}  labelled real  labelled synthetic",
        f"{'real':{width}}  {c.real_as_real:13,}  {c.real_as_fake:18,}",
        f"{arm.against:{width}}  {c.fake_as_real:13,}  {c.fake_as_fake:18,}",
        "",
        arm.answer,
    ]
    if len(arm.participants) > 1:
        longest = max(len(name) for name, _ in arm.participants)
        lines += ["", "Accuracy of each participant:"]
        lines += [
            f"  {name:{longest}}  {each.correct:4} of {each.trials:4}  {each.accuracy:6.1%}" for name, each in arm.participants
        ]
    return "\n".join(lines)


def write_csv(study: Study, file: TextIO) -> int:
    """Write every answer, oldest participant first; return how many."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    rows = study.rows()
    for row in rows:
        # A name that a spreadsheet would take for a formula is only ever a name here.
        name, image = (f"'{text}" if text[:1] in ("=", "+", "-", "@") else text for text in (row.name, row.image))
        said = "real" if row.said == "real" else "synthetic"
        figures = (row.participant, name, row.against, row.position + 1, row.kind, said, int(row.correct), image)
        writer.writerow((*figures, row.shown, row.given))
    return len(rows)


def _figures(confusion: Confusion) -> dict[str, Any]:
    return {
        "real_labelled_real": confusion.real_as_real,
        "real_labelled_synthetic": confusion.real_as_fake,
        "other_labelled_real": confusion.fake_as_real,
        "other_labelled_synthetic": confusion.fake_as_fake,
        "correct": confusion.correct,
        "trials": confusion.trials,
        "accuracy": confusion.accuracy,
    }
