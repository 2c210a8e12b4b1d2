"""What judges images and labels: metrics, estimators, and what labels mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch


@runtime_checkable
class Metric(Protocol):
    """Compares refined with target images; larger-is-better or smaller-is-better is said in the component's summary.

    A component that provides "sees-source" returns a `SourceMetric` instead, one that provides "sees-labels" a `LabelsMetric`,
    and one that provides both what takes both.
    """

    def update(self, refined: torch.Tensor, target: torch.Tensor) -> None:
        """Add a batch of each, (N, C, H, W) in [-1, 1]; the two may differ in N."""

    def compute(self) -> dict[str, float]:
        """The figures over all batches so far."""


@runtime_checkable
class SourceMetric(Protocol):
    """A metric that also compares refined images with the synthetic ones they came from."""

    def update(self, refined: torch.Tensor, target: torch.Tensor, *, source: torch.Tensor) -> None:
        """Add a batch of each; `source` holds the images that were refined, in the same order."""

    def compute(self) -> dict[str, float]:
        """The figures over all batches so far."""


@runtime_checkable
class LabelsMetric(Protocol):
    """A metric that also looks at the labels of the images that were refined."""

    def update(self, refined: torch.Tensor, target: torch.Tensor, *, labels: Sequence[Mapping[str, Any]] | None) -> None:
        """Add a batch of each; `labels` as in `Batch`, those of the refined images, in the same order."""

    def compute(self) -> dict[str, float]:
        """The figures over all batches so far."""


@runtime_checkable
class Estimator(Protocol):
    """Learns labels from images, so that training sets can be compared by what is learnt from them.

    One that has an attribute `augment` is given a function there, or None, before it learns: images that it learns from go
    through it each time they are drawn, (n, C, H, W) in [-1, 1] to the same. One without gets images that went through it once.
    """

    def fit(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and either (N, outputs) float32 targets, which the host has brought to mean 0
        and a spread near 1, or (N,) int64 classes. The effort must not depend on the images: it is each arm's equal budget."""

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) in [-1, 1] to (N, outputs): values as of `fit`, or scores of the classes."""


@runtime_checkable
class KeypointEstimator(Protocol):
    """An estimator that has to know where in the image a key point lies, such as one with heat maps. Where labels are key points,
    the host calls `fit_points` in place of `fit`, and `predict` gives pixels."""

    def fit_points(self, images: torch.Tensor, points: torch.Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and (N, K, 2) float32: x and y in pixels of these images, centres at integers,
        some beside the image maybe."""

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) in [-1, 1] to (N, 2·K): x and y of each point in pixels."""


@runtime_checkable
class ObjectEstimator(Protocol):
    """Finds objects in images, which may be of several sizes. Its record `provides` "objects", and "masks" where it gives these.

    A row is a mapping of arrays: "boxes" (M, 4) left, top, right, bottom in pixels of the image, the edges of the first pixel
    being 0 and 1; "labels" (M,) int64 numbers of classes. Targets also have "crowd" (M,) bool: groups, which are nothing to
    learn; predictions have "scores" (M,). Where there are masks, "masks" is a list of M run lengths of COCO.
    """

    def fit_objects(self, images: ImageSet, targets: Sequence[Mapping[str, Any]]) -> None:
        """Learn anew. The effort must not depend on the images: it is each arm's equal budget."""

    def predict_objects(self, images: ImageSet) -> Sequence[Mapping[str, Any]]:
        """A row for each image. All that is found comes with its score, with no threshold."""


@runtime_checkable
class MapEstimator(Protocol):
    """Tells something of every pixel of images, which may be of several sizes. A record of one `provides` "maps"."""

    def fit_maps(self, images: ImageSet, targets: Sequence[np.ndarray]) -> None:
        """Learn anew from (H, W) per image: int16 numbers of classes below `outputs`, -1 where nothing is known; or float32, NaN
        likewise, which the host has brought to mean 0 and a spread near 1."""

    def predict_maps(self, images: ImageSet) -> Sequence[np.ndarray]:
        """(H, W) for each image: numbers of classes, or float32 as of `fit_maps`."""


class ImageSet(Protocol):
    """Images that an estimator learns from or is tested on, held as they are stored: of one size or of several."""

    @property
    def size(self) -> tuple[int, int] | None:
        """(H, W) of all; None where they differ."""

    @property
    def channels(self) -> int:
        """Of each image."""

    @property
    def device(self) -> torch.device:
        """Where batches are made, and computing is to be done."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """(H, W, C) uint8 or uint16, all of one type."""

    def batch(self, rows: Any) -> torch.Tensor:
        """(n, C, H, W) float32 in [-1, 1] of images with these numbers, which have one size."""

    def batches(self, pixels: int, count: int) -> Iterable[list[int]]:
        """Split the numbers of all images into parts of one size, of at most `count` images and about `pixels` pixels."""

    def tensor(self) -> torch.Tensor:
        """All images, (N, C, H, W) float32 in [-1, 1]. Raises `ValueError` where sizes differ."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels that a task is made for."""

    name: str
    """What they are called beside the synthetic images."""
    values: Any
    """(N, ...) numbers or text, those of the synthetic images; or `gantool.data.scenes.Column`, of annotations and passes."""
    size: tuple[int, int] | None
    """(H, W) in pixels of the images as they are compared; None where each keeps its own."""
    crop: bool
    """Whether images get to it by a crop around their centre, instead of resizing."""
    kind: str = "values"
    """"values" of an array; "objects" with boxes, "outlines" where every pixel of theirs is known, too; or a kind of passes,
    such as "classes", "instances", "depth"."""
    names: tuple[str, ...] = ()
    """Of the classes of objects and passes, those that both domains have."""

    @property
    def one_size(self) -> tuple[int, int]:
        """`size`, where all images have one."""
        assert self.size is not None, "images are brought to one size for labels that are arrays"
        return self.size

    def __str__(self) -> str:
        if self.kind != "values":
            return f"{self.name} ({self.kind})"
        return f"labels {self.name} ({'x'.join(map(str, self.values.shape))} {self.values.dtype})"


@runtime_checkable
class Task(Protocol):
    """What labels mean: what is learnt from them, and how good predictions are.

    Targets and predictions are rows, one for each image: a tensor, or a list of whatever a row is. Estimators are compared by the
    figure that `aggregate` makes of what `statistics` says of each image, so that any set of images has one, also where the
    figure of a set is no mean over its images (a share of pixels, an average precision).
    """

    @property
    def unit(self) -> str:
        """Of the figure: "deg", "px", "%" or any other word."""

    @property
    def higher_is_better(self) -> bool:
        """Whether the figure is a score; else it is an error."""

    @property
    def outputs(self) -> int:
        """How many numbers an estimator gives for each image, or classes: what estimators are built with."""

    def load(self, values: np.ndarray, sizes: np.ndarray) -> Any:
        """(N, ...) labels, and (N, 2) int64 height and width in pixels of the images as they are stored, to N targets. Raises
        `GantoolError` for labels that those of the synthetic images do not go with."""

    def learn(self, estimator: Estimator, images: ImageSet, targets: Any) -> Callable[[ImageSet], Any]:
        """Fit an estimator to images and their targets; return what predicts rows for images likewise, on the CPU. Raises
        `ValueError` as the estimator does, and `GantoolError` for predictions that are none."""

    def statistics(self, predicted: Any, targets: Any) -> Any:
        """N predictions and targets to all that `aggregate` has to know of each image."""

    def aggregate(self, statistics: Any, counts: np.ndarray) -> np.ndarray:
        """The figure of S sets of these images, (S,) float64. `counts`, (S, N) float64: how often each set has each image."""

    def baseline(self, targets: Any, count: int) -> tuple[str, Any]:
        """What one predicts who has seen the training targets and no image, in words, and as `count` rows."""

    def extra(self, predicted: Any, targets: Any) -> dict[str, float]:
        """Further figures of a field's custom."""

    def picture(self, image: np.ndarray, row: Any) -> np.ndarray:
        """(H, W, 3) uint8 with a target or a prediction drawn on it, as it is where there is nothing to see."""
