"""Options of the built-in metrics and estimators. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

Side = Annotated[int, Ge(1)]


@dataclass(frozen=True, kw_only=True)
class PatchDistanceOptions:
    """How patches are compared."""

    patch: Annotated[int, Ge(1)] = 7
    """Side of a patch (px); smaller images are taken whole."""
    directions: Annotated[int, Ge(1)] = 128
    """Random directions onto which patches are projected (count)."""
    samples: Annotated[int, Ge(16)] = 8192
    """Patches of each domain (count)."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides directions and which patches are taken."""


@dataclass(frozen=True, kw_only=True)
class TwoSampleOptions:
    """How a classifier tells refined from target patches."""

    patch: Annotated[int, Ge(1)] = 7
    """Side of a patch (px); smaller images are taken whole."""
    patches: Annotated[int, Ge(1)] = 48
    """Patches of every image (count)."""
    folds: Annotated[int, Ge(2)] = 4
    """Parts of the images; each is judged by a classifier that was trained on the others (count)."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides patches and folds."""


@dataclass(frozen=True, kw_only=True)
class LabelDriftOptions:
    """When an edge counts as kept."""

    tolerance: Annotated[int, Ge(0)] = 1
    """Distance within which it must be found again (px)."""


@dataclass(frozen=True, kw_only=True)
class RealismDriftOptions:
    """What a lost edge costs."""

    weight: Annotated[float, Ge(0)] = 0.5
    """Accuracy that one more unit of lost edges is worth."""
    allowed: Annotated[float, Ge(0), Le(1)] = 0.5
    """Share of edges that may go away at no cost."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides patches and folds of the two-sample test."""


@dataclass(frozen=True, kw_only=True)
class SmallCNNOptions:
    """A small CNN."""

    steps: Annotated[int, Ge(10)] = 500
    """Optimiser updates, the same in every arm (count)."""
    batch_size: Annotated[int, Ge(1)] = 64
    """Images in one update (count)."""
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    """Highest learning rate of the one-cycle schedule."""


@dataclass(frozen=True, kw_only=True)
class NearestOptions:
    """k nearest neighbours."""

    neighbours: Annotated[int, Ge(1)] = 50
    """Images that are averaged (count)."""
    grid: tuple[Side, Side] = (15, 20)
    """Height and width that images are averaged down to before they are compared (px)."""


@dataclass(frozen=True, kw_only=True)
class SVROptions:
    """Support vector machine."""

    c: Annotated[float, Gt(0)] = 1.0
    """Weight of errors against smoothness."""
    kernel: Literal["rbf", "linear"] = "rbf"
    """Shape of the function."""
    grid: tuple[Side, Side] = (15, 20)
    """Height and width that images are averaged down to (px)."""


@dataclass(frozen=True, kw_only=True)
class ForestOptions:
    """Random forest."""

    trees: Annotated[int, Ge(1)] = 50
    """Trees (count)."""
    grid: tuple[Side, Side] = (15, 20)
    """Height and width that images are averaged down to (px)."""


@dataclass(frozen=True, kw_only=True)
class AdaptiveLinearOptions:
    """Adaptive linear regression."""

    sparsity: Annotated[float, Gt(0)] = 0.01
    """Weight of the L1 norm: larger takes fewer training images for each prediction."""
    grid: tuple[Side, Side] = (3, 5)
    """Height and width that images are averaged down to (px)."""


@dataclass(frozen=True, kw_only=True)
class KeypointsOptions:
    """Which key points count as found."""

    within_px: Annotated[float, Gt(0)] | None = None
    """Within this distance, beside 5 % of the image's width (px of the run's images)."""


@dataclass(frozen=True, kw_only=True)
class PixelsOptions:
    """A small network that looks at pixels, on random crops."""

    steps: Annotated[int, Ge(10)] = 200
    """Optimiser updates, the same in every arm (count)."""
    batch_size: Annotated[int, Ge(1)] = 16
    """Crops in one update (count)."""
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    """Highest learning rate of the one-cycle schedule."""
    crop: Annotated[int, Ge(32)] = 256
    """Side of the crops (px); smaller images are taken whole."""
    shrink: Annotated[int, Ge(1), Le(8)] = 2
    """Factor by which images are shrunk before the network sees them (count). 1 sees the most, 2 is four times as fast."""
    width: Annotated[int, Ge(4)] = 32
    """Channels of the finest maps (count)."""
    flips: bool = True
    """Mirror half of the crops, left to right. Off where labels tell left from right."""
    trunk: Literal["scratch", "pretrained"] = "scratch"
    """Features that are learnt, or those of an EfficientNet-Lite0 trained on ImageNet (extra `features`), frozen."""


@dataclass(frozen=True, kw_only=True)
class DetectionOptions:
    """Average precision."""

    figure: Literal["AP50", "AP"] = "AP50"
    """Which decides: at an IoU of 0.5, or COCO's own, the mean over IoUs from 0.5 to 0.95. The latter asks for exact boxes, which
    small estimators do not find."""


@dataclass(frozen=True, kw_only=True)
class SegmentationOptions:
    """Intersection over union."""

    ignore: tuple[str, ...] = ("255", "ignore", "void", "unlabeled")
    """Names or ids of classes that say that a pixel is not labelled: it is neither learnt nor scored."""
