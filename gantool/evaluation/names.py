"""The names of arms, with what help says of them. No torch."""

from __future__ import annotations

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


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Arms in the order of the table."""
    own = [name for name in ARMS if name in names]
    before = own.index("real") if "real" in own else len(own)
    return (*own[:before], *sorted(set(names) - set(ARMS)), *own[before:])
