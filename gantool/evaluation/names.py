"""The names of arms, with what help says of them. No torch."""

from __future__ import annotations

import re
from collections.abc import Collection

ARMS = {
    "synthetic": "synthetic images as they are, which the others are compared with",
    "refined": "synthetic images refined by the run",
    "mix": "half of them refined, half as they are",
    "refined-degraded": "refined, then slight noise and JPEG: a drop betrays a code hidden in the pixels (albumentations)",
    "refined-augmented": "refined, then augmented like the arm augmented (albumentations)",
    "augmented": "synthetic images with strong jitter, blur, noise and JPEG, drawn anew each time (albumentations)",
    "histogram-matching": "synthetic images with the histogram of a random unlabelled real one (albumentations)",
    "reinhard": "synthetic images with the mean and spread of a random unlabelled real one, in CIELAB (Reinhard 2001)",
    "fda": "Fourier Domain Adaptation to a random unlabelled real image (albumentations)",
    "equalize": "synthetic and real images with equalised histograms",
    "real": "real images with labels: the ceiling",
}
"""Name: which images the estimator learns from. The order is that of the table; arms of the user's stand before `real`."""

CLASSICAL = frozenset({"augmented", "histogram-matching", "reinhard", "fda", "equalize"})
"""What an engineer has without a refiner, and what it therefore has to beat."""

OF_RUN = ("refined", "mix", "refined-degraded", "refined-augmented")
"""Those that the run makes: with several runs there is one of each."""

AUGMENTED = ("augmented", "refined-augmented")
"""Those that are augmented anyway; with `--augment`, all are."""


FEW = re.compile(r"few-(\d+)(?:-(synthetic|refined))?")
"""Arms of so many labelled real pictures, alone or beside others."""


FEW_COUNTS = (10, 30, 100)
"""How many, where nobody says."""


def few_name(count: int, kind: str = "") -> str:
    """The arm of so many labelled real pictures, alone or beside the "synthetic" or "refined" ones."""
    return f"few-{count}-{kind}" if kind else f"few-{count}"


def of_run(name: str) -> bool:
    """Whether the run makes an arm: with several runs there is one of each."""
    return name in OF_RUN or bool(FEW.fullmatch(name) and name.endswith("-refined"))


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Arms in the order of the table."""
    own = [name for name in ARMS if name in names]
    before = own.index("real") if "real" in own else len(own)
    few = sorted(filter(FEW.fullmatch, names), key=lambda name: (name.split("-")[2:], int(name.split("-")[1])))
    return (*own[:before], *sorted(set(names) - set(ARMS) - set(few)), *few, *own[before:])
