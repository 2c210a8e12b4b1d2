"""The results of a study: Table 1 of the paper and its exact binomial test as text or JSON, and every answer as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from ...errors import require
from .study import REAL, SAID, Row, Study

COLUMNS = ("participant", "name", "against", "position", "shown_image", "said", "correct", "image", "shown_at", "answered_at")
"""Columns of the CSV file."""
LEVEL = 0.05
"""p below this is called a difference from chance. The interval is that of 1 − LEVEL, so it holds ½ wherever none is: what the
two-sided exact test refuses at ½ is just what the interval of Clopper and Pearson (1934) leaves out."""


@dataclass(frozen=True)
class Confusion:
    """Answers by what was shown and what it was called: Table 1."""

    real_as_real: int = 0
    real_as_fake: int = 0
    fake_as_real: int = 0
    fake_as_fake: int = 0

    @property
    def trials(self) -> int:
        """All answers."""
        return self.real_as_real + self.real_as_fake + self.fake_as_real + self.fake_as_fake

    @property
    def correct(self) -> int:
        """Right answers."""
        return self.real_as_real + self.fake_as_fake

    @property
    def accuracy(self) -> float:
        """Share of right answers, in [0, 1]; NaN without any."""
        return self.correct / self.trials if self.trials else float("nan")

    @property
    def p_value(self) -> float:
        """Probability that guessing gives an accuracy as far from ½ or farther, on either side: the exact binomial test.

        NaN without answers. Raises `MissingExtra`.
        """
        return float(self._test().pvalue) if self.trials else float("nan")

    @property
    def p_one_sided(self) -> float:
        """Probability that guessing gives as many right answers or more: the paper's p, 0.148 for 517 of 1000.

        NaN without answers. Raises `MissingExtra`.
        """
        return float(self._test("greater").pvalue) if self.trials else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy (Clopper and Pearson 1934). Raises `MissingExtra`."""
        if not self.trials:
            return 0.0, 1.0
        found = self._test().proportion_ci(confidence_level=1 - LEVEL, method="exact")
        return float(found.low), float(found.high)

    def _test(self, alternative: str = "two-sided") -> Any:
        require("the binomial test", "turing-test", "scipy")
        from scipy.stats import binomtest

        return binomtest(self.correct, self.trials, 0.5, alternative=alternative)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        return {
            "real_labelled_real": self.real_as_real,
            "real_labelled_synthetic": self.real_as_fake,
            "other_labelled_real": self.fake_as_real,
            "other_labelled_synthetic": self.fake_as_fake,
            "correct": self.correct,
            "trials": self.trials,
            "accuracy": self.accuracy,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
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
            **self.confusion.to_dict(),
            "p_value": self.confusion.p_value,
            "p_value_one_sided": self.confusion.p_one_sided,
            "interval_95": list(self.confusion.interval),
            "answer": self.answer,
            "participants": [{"name": name, **confusion.to_dict()} for name, confusion in self.participants],
        }


def tally(rows: Iterable[Row]) -> Confusion:
    """Count answers."""
    counts = {(real, said): 0 for real in (True, False) for said in SAID}
    for row in rows:
        counts[row.kind == REAL, row.said] += 1
    return Confusion(*counts.values())


def comparisons(study: Study) -> list[Comparison]:
    """Return the results by what real images were shown against; none where nobody has answered."""
    rows = study.rows()
    found = []
    for against in dict.fromkeys(row.against for row in rows):
        own = [row for row in rows if row.against == against]
        people = {row.participant: row.name or f"participant {row.participant}" for row in own}
        each = tuple((name, tally(row for row in own if row.participant == person)) for person, name in people.items())
        found.append(Comparison(against=against, confusion=tally(own), participants=each))
    return found


def in_words(confusion: Confusion, kind: str) -> str:
    """Say whether people told `kind` ("refined", "synthetic") images from real ones. Raises `MissingExtra`."""
    if not confusion.trials:
        return "No answers yet."
    right, trials, p = confusion.correct, confusion.trials, confusion.p_value
    low, high = (_percent(end) for end in confusion.interval)
    figures = (
        f"{right:,} of {trials:,} answers are right ({_percent(confusion.accuracy)} %, 95 % interval {low} to {high} %; "
        f"p = {format_p(p)}, exact two-sided binomial test; one-sided, as in the paper, {format_p(confusion.p_one_sided)})"
    )
    if p >= LEVEL:
        return (
            f"Not different from chance: {figures}. That does not show that people cannot tell {kind} from real images: with "
            f"{trials:,} answers, an accuracy of up to {high} % would fit as well."
        )
    if 2 * right > trials:
        return f"Yes, people can tell {kind} from real images: {figures}."
    return (
        f"Worse than chance: {figures}. People see a difference, but take it the wrong way round: they call {kind} images real, "
        "or real ones synthetic, more often than guessing would."
    )


def _percent(share: float) -> str:
    return _beside(100 * share, 50, digits=1)


def format_p(p: float) -> str:
    """Three decimals, or two significant digits where those would be 0.00."""
    return _beside(p, LEVEL, digits=3) if p >= 0.01 else f"{p:.2g}"


def _beside(value: float, limit: float, *, digits: int) -> str:
    """`digits` decimals, or more where a value on one side of `limit` would read as `limit` itself."""
    texts = [f"{value:.{count}f}" for count in range(digits, digits + 4)]
    return next((text for text in texts if float(text) != limit), texts[0])


def caution(study: Study, found: list[Comparison]) -> str:
    """Say what the test takes for granted and this study does not give."""
    notes = []
    if any(len(comparison.participants) > 1 for comparison in found):
        notes.append(
            "The test takes answers to be independent. Those of one person are not: see the accuracy of each, and ask more "
            "people rather than more questions."
        )
    if unfinished := study.unfinished():
        people = "participant has" if unfinished == 1 else "participants have"
        notes.append(f"{unfinished} {people} trials left; settle when to stop before looking at p.")
    return " ".join(notes)


def as_text(comparison: Comparison) -> str:
    """Table 1 of the paper, the answer in words, and the accuracy of each participant."""
    c, width = comparison.confusion, max(len(comparison.against), 12)
    lines = [
        f"{'':{width}}  labelled real  labelled synthetic",
        f"{'real':{width}}  {c.real_as_real:13,}  {c.real_as_fake:18,}",
        f"{comparison.against:{width}}  {c.fake_as_real:13,}  {c.fake_as_fake:18,}",
        "",
        comparison.answer,
    ]
    if len(comparison.participants) > 1:
        longest = max(len(name) for name, _ in comparison.participants)
        lines += ["", "Accuracy of each participant:"]
        lines += [
            f"  {name:{longest}}  {each.correct:4} of {each.trials:4}  {each.accuracy:6.1%}"
            for name, each in comparison.participants
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
