"""What a user says of an evaluation, and the names of its arms. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen

ARMS = {
    "synthetic": "synthetic images as they are, which the others are compared with",
    "refined": "synthetic images refined by the run",
    "mix": "half of them refined, half as they are",
    "histogram-matching": "synthetic images with the histogram of a random unlabelled real one (albumentations)",
    "equalize": "synthetic and real images with equalised histograms",
    "pixel-distribution": "synthetic images with the mean and spread of a random unlabelled real one",
    "fda": "Fourier Domain Adaptation to a random unlabelled real image (albumentations)",
    "photometric": "synthetic images with random gamma, contrast, brightness, blur and noise",
    "real": "real images with labels: the ceiling",
}
"""Name: which images the estimator learns from. The order is that of the table."""

TASKS = ("angles", "vectors", "regression", "keypoints", "classification")

DEFAULT_ESTIMATOR = "gantool:small-cnn"


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """How an evaluation is done."""

    arms: Annotated[tuple[str, ...], MinLen(1)] = tuple(ARMS)
    """Names of `ARMS`."""
    estimators: Annotated[tuple[str, ...], MinLen(1)] = (DEFAULT_ESTIMATOR,)
    """Names of components, or `package.module:callable`. The first one decides the verdict."""
    task: Literal["auto", "angles", "vectors", "regression", "keypoints", "classification"] = "auto"
    """What the labels are. auto: by their name and shape, where these leave no doubt."""
    labels: str = ""
    """Name of the labels: of an array beside the images, a JSON key, or columns of a table, `"x,y"`."""
    within_px: Annotated[float, Gt(0)] | None = None
    """For key points: also report the share of those found within this distance (px of the run's images)."""
    repeats: Annotated[int, Ge(1), Le(1000)] = 3
    """Estimators trained in every arm, with seeds `seed`, `seed + 1` and so on (count)."""
    seed: Annotated[int, Ge(0), Le(2**31)] = 0
    """Decides estimators, which images are taken, and everything drawn."""
    limit: Annotated[int, Gt(0)] = 4000
    """Images at most of each set: synthetic, labelled real, unlabelled real (count)."""
    report_half: Literal["all", "first", "second"] = "all"
    """Which half of the labelled real images is tested on. Choose with one half and report with the other; the halves follow from
    the pixels of each image, not from its place or the seed."""
    evidence: bool = True
    """Compare the images themselves too: label preservation, realism, metrics, artefacts. Costs a minute or so."""
    features: str = "patches"
    """Feature space of the realism figures: see `gantool.evaluation.features.feature_space`."""
    allow_seen: bool = False
    """Test also on images that the run trained on."""
    checkpoint: str | None = None
    """None or "last", "best", or a step number."""
    device: str = "auto"
    """As of `gantool train`."""
