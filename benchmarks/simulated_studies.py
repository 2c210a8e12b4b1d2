"""How often the interval of an evaluation covers the truth, and how wide it is, in studies whose truth is known.

    python benchmarks/simulated_studies.py [--studies 1000]

A study is what `gantool evaluate` has at its end: what each estimator got right in each test image, for images refined by
several runs and for synthetic ones. Runs, estimators, images, and what single estimators make of single images each have a spread
of their own; a regime says how the variance of the difference is shared among them. Three figures are looked at: a mean of
errors, a ratio of sums as the mIoU is one, and an average precision. It prints the tables of docs/statistics.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gantool.evaluation.uncertainty import Figures, draw_sets, figures_of, interval, spread_of

REGIMES = {
    "runs": (1, 0, 0, 0),
    "mostly runs": (0.8, 0.1, 0.05, 0.05),
    "runs, some images": (0.7, 0, 0.3, 0),
    "estimators": (0, 1, 0, 0),
    "estimators, some images": (0, 0.7, 0.15, 0.15),
    "images": (0, 0, 1, 0),
    "what estimators make of images": (0, 0, 0, 1),
    "runs and estimators": (0.5, 0.5, 0, 0),
    "runs and images": (0.5, 0, 0.25, 0.25),
    "all alike": (0.25, 0.25, 0.25, 0.25),
    "all, few runs' spread": (0.1, 0.3, 0.3, 0.3),
}
"""Shares of the variance: runs, estimators, images, single images of single estimators."""

DESIGNS = ((1, 3, 60), (1, 5, 60), (2, 3, 60), (3, 3, 20), (3, 3, 60), (3, 5, 60), (4, 3, 60), (5, 3, 200), (5, 5, 60))
"""Runs, estimators, test images."""

SPREAD = 0.1
"""Standard deviation of the difference on the scale of skill."""


class MeanError:
    """The figure is a mean of the errors of images."""

    def draw(self, skill: np.ndarray, random: np.random.Generator, size: np.ndarray) -> Any:  # noqa: ARG002
        """What `aggregate` takes, from the skill and the size of the objects of each image: its error."""
        return -skill

    def aggregate(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """As of a task."""
        return counts @ statistics / counts.sum(1)


class Ratio(MeanError):
    """Areas that are found, of areas that there are: large objects count more."""

    def draw(self, skill: np.ndarray, random: np.random.Generator, size: np.ndarray) -> Any:  # noqa: ARG002
        """(images, 2): of intersection and union."""
        return np.stack([size / (1 + np.exp(-skill)), size], axis=1)

    def aggregate(self, statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """As of a task."""
        found, there = (counts @ statistics).T
        return found / there


class Precision(MeanError):
    """Average precision: detections of all images in one order of their scores."""

    def draw(self, skill: np.ndarray, random: np.random.Generator, size: np.ndarray) -> Any:
        """Image, and whether it is right, of each detection, highest scores first; and the objects of each image."""
        objects = np.ceil(size).astype(int)
        image = np.repeat(np.arange(len(skill)), 2 * objects)
        right = np.concatenate([np.arange(2 * count) < count for count in objects])
        score = np.where(right, skill[image], -skill[image]) / 2 + random.normal(size=len(image))
        order = np.argsort(-score)
        return image[order], right[order], objects

    def aggregate(self, statistics: Any, counts: np.ndarray) -> np.ndarray:
        """As of a task."""
        image, right, objects = statistics
        weight = counts[:, image]
        hits = np.cumsum(weight * right, axis=1)
        precision = hits / np.maximum(np.cumsum(weight, axis=1), 1e-9)
        return (weight * right * precision).sum(1) / (counts @ objects)


FIGURES = {"mean error": MeanError(), "ratio of sums": Ratio(), "average precision": Precision()}


@dataclass(frozen=True, kw_only=True)
class Regime:
    """One kind of study."""

    shares: tuple[float, float, float, float]
    runs: int
    seeds: int
    images: int

    def differences(self, figure: Any, studies: int, *, seed: int) -> Iterator[Figures]:
        """Yield what each study says of refined minus synthetic images; nothing is gained on the scale of skill."""
        random, sets = np.random.default_rng(seed), draw_sets(self.images)
        for _ in range(studies):
            size = random.gamma(2, 2, self.images) + 0.5
            drawn = []
            for skill in self._skills(random):
                made = [[figure.draw(images, random, size) for images in seeds] for seeds in skill]
                drawn.append(figures_of(figure, made, sets))
            yield drawn[0] - drawn[1]

    def _skills(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(runs, seeds, images) with refined images, (1, seeds, images) with synthetic ones."""
        run, estimator, image, single = (SPREAD * share**0.5 for share in self.shares)
        r, s, n = self.runs, self.seeds, self.images
        # Estimators of synthetic images serve all runs, so that their share does not shrink with the number of runs.
        each = (r * s / (r + 1)) ** 0.5
        common = random.normal(0, 1, n)
        refined = (
            common
            + run * r**0.5 * random.normal(size=(r, 1, 1))
            + estimator * each * random.normal(size=(r, s, 1))
            + image * n**0.5 * random.normal(size=n)
            + single * each * n**0.5 * random.normal(size=(r, s, n))
        )
        synthetic = common + each * (estimator * random.normal(size=(1, s, 1)) + single * n**0.5 * random.normal(size=(1, s, n)))
        return refined, synthetic


@dataclass(frozen=True, kw_only=True)
class Found:
    """What studies of one kind gave."""

    covered: float
    """Share of intervals that hold the truth."""
    claims: float
    """Of 200 studies without an effect, those that claim one."""
    power: float
    """Of 200 studies with an effect of two half widths, those that find it."""
    width: float
    """Mean width, of that of an oracle. It knows which spreads there are none of in this very kind of study, adds up the mean
    squares of the others, and takes that multiple of the root which covers the truth in 95 % of just these studies."""


def study(regime: Regime, figure: Any, studies: int, *, seed: int) -> Found:
    """Make studies and say what their intervals are worth. The truth is what they say on average."""
    means, halves, sizes = [], [], []
    for difference in regime.differences(figure, studies, seed=seed):
        found, spread = interval(difference), spread_of(difference)
        means.append(found.mean)
        halves.append(found.high - found.mean)
        there = [part for part, share in zip(spread.parts, regime.shares[:2], strict=False) if share]
        sizes.append([spread.parts.sum(), sum(there) + (0 if there and sum(regime.shares[2:]) == 0 else spread.images)])
    off, half = np.array(means) - np.mean(means), np.array(halves)
    size = np.sqrt(np.array(sizes)) + 1e-9
    oracle = (np.quantile(np.abs(off)[:, None] / size, 0.95, axis=0) * size.mean(0)).min()
    outside, effect = np.abs(off) > half, 2 * half.mean()
    return Found(
        covered=float(1 - outside.mean()),
        claims=float(200 * outside.mean()),
        power=float(200 * (off + effect > half).mean()),
        width=float(half.mean() / oracle),
    )


def main() -> None:
    """Print a table for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--studies", type=int, default=1000, help="of each kind with a mean error; a half and a fifth with the others"
    )
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    for (name, figure), divisor in zip(FIGURES.items(), (1, 2, 5), strict=True):
        studies = asked.studies // divisor
        print(f"\n{name}, {studies:,} studies of each kind\n")
        print("| runs, estimators, images | covered, worst regime | claims of 200 | found of 200 | width, mean (most) |")
        print("| --- | --- | --- | --- | --- |")
        for runs, seeds, images in DESIGNS:
            regimes = {name: shares for name, shares in REGIMES.items() if runs > 1 or not shares[0]}
            rows = {
                name: study(
                    Regime(shares=shares, runs=runs, seeds=seeds, images=images), figure, studies, seed=asked.seed + number
                )
                for number, (name, shares) in enumerate(regimes.items())
            }
            worst = min(rows, key=lambda name: rows[name].covered)
            width = [row.width for row in rows.values()]
            print(
                f"| {runs}, {seeds}, {images} | {100 * rows[worst].covered:.1f} % ({worst}) "
                f"| {max(row.claims for row in rows.values()):.0f} | {min(row.power for row in rows.values()):.0f} "
                f"| {np.mean(width):.2f} ({max(width):.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
