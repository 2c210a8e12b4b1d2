"""What the answers of a study say: Table 1 of the paper and the exact binomial test."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import MissingExtra

LEVEL = 0.05
"""p below this is called a difference from chance."""


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
        """Probability that guessing gives as many right answers or more: the exact one-sided binomial test against ½.

        The paper's p for 517 of 1000 is this one (0.148); two-sided it would be 0.297. Raises `MissingExtra`.
        """
        if not self.trials:
            return float("nan")
        return float(_binomtest(self.correct, self.trials, alternative="greater").pvalue)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy (Clopper and Pearson 1934). Raises `MissingExtra`."""
        if not self.trials:
            return 0.0, 1.0
        found = _binomtest(self.correct, self.trials).proportion_ci(confidence_level=0.95, method="exact")
        return float(found.low), float(found.high)


def in_words(confusion: Confusion, kind: str) -> str:
    """Say whether people told `kind` ("refined", "synthetic") images from real ones. Raises `MissingExtra`."""
    if not confusion.trials:
        return "No answers yet."
    right, trials, p = confusion.correct, confusion.trials, confusion.p_value
    low, high = (f"{100 * value:.1f}" for value in confusion.interval)
    figures = f"{right:,} of {trials:,} answers are right ({100 * confusion.accuracy:.1f} %, 95 % interval {low} to {high} %)"
    if p < LEVEL:
        return (
            f"Yes, people can tell {kind} from real images: {figures}. Guessing gives {right:,} or more right answers with "
            f"p = {format_p(p)} (exact one-sided binomial test)."
        )
    return (
        f"Not different from chance: {figures}. Guessing gives {right:,} or more right answers in {100 * p:.1f} % of such "
        f"studies (p = {format_p(p)}, exact one-sided binomial test). That does not show that people cannot tell {kind} from "
        f"real images: with {trials:,} answers, an accuracy of up to {high} % would fit as well."
    )


def format_p(p: float) -> str:
    """Three decimals, or two significant digits where those would be 0.00."""
    return f"{p:.3f}" if p >= 0.01 else f"{p:.2g}"


def _binomtest(correct: int, trials: int, alternative: str = "two-sided"):  # type: ignore[no-untyped-def]
    try:
        from scipy.stats import binomtest
    except ImportError:
        raise MissingExtra("the binomial test", "scipy", "turing-test") from None
    return binomtest(correct, trials, 0.5, alternative=alternative)
