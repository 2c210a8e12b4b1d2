"""Options of the data sets and of the estimator. No numpy, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

MIN_SIDE = 16
"""Smallest height and width in pixels at which a finger is still a pixel wide."""

Side = Annotated[int, Ge(MIN_SIDE), Le(2048)]


@dataclass(frozen=True, kw_only=True)
class NYUOptions:
    """The NYU hand pose data set (Tompson et al., 2014), as it is published."""

    root: str = ""
    """The folder that holds `train` and `test`, or `dataset/train` and `dataset/test`, with joint_data.mat and images in each."""
    split: Literal["train", "test"] = "train"
    """Frames that are trained on. With `train`, the real images of `test`, where there are any, are what `gantool evaluate`
    tests on."""
    views: tuple[Annotated[int, Ge(1), Le(3)], ...] = (1,)
    """Cameras: 1 in front, 2 and 3 from the sides."""
    size: tuple[Side, Side] = (224, 224)
    """Height and width in pixels that the crops are resized to (SimGAN paper: 224×224)."""
    margin: Annotated[float, Ge(0), Le(2)] = 0.2
    """Room on each side of the square around the 36 joints, in sides of that square."""
    relief_mm: Annotated[float, Gt(0)] = 150.0
    """Depth in mm before the middle of the hand's joints that becomes black, and behind it that becomes white."""
    depth_mm: tuple[float, float] | None = None
    """Distances from the camera in mm that become black and white, the same in every image, in place of `relief_mm`."""
    background: Literal["far", "near"] = "far"
    """What stands where there is no hand or no reading: the farthest depth (white), or the nearest (black)."""

    def __post_init__(self) -> None:
        if self.depth_mm is not None and not self.depth_mm[0] < self.depth_mm[1]:
            raise ValueError(
                f"depth_mm: the first distance must be below the second, got {self.depth_mm[0]:g},{self.depth_mm[1]:g}"
            )
        if not self.views or len(set(self.views)) != len(self.views):
            raise ValueError("views: name at least one camera, each once")


@dataclass(frozen=True, kw_only=True)
class SimulatedOptions:
    """Simulated hands: a stand-in that shows the mechanism offline, not real data."""

    synthetic_count: Annotated[int, Ge(1), Le(10**9)] = 8000
    """Number of clean renders in the source domain. They are drawn when read."""
    real_count: Annotated[int, Ge(1), Le(10**9)] = 4000
    """Number of images of the simulated camera in the target domain, which stand in for real ones."""
    size: tuple[Side, Side] = (64, 64)
    """Height and width in pixels."""
    relief_mm: Annotated[float, Gt(0)] = 110.0
    """Depth in mm before the middle of the hand's joints that becomes black, and behind it that becomes white."""
    background: Literal["far", "near"] = "far"
    """What stands where there is no hand or no reading: the farthest depth (white), or the nearest (black)."""
    grain_mm: Annotated[float, Ge(0), Le(10)] = 0.5
    """Standard deviation in mm of the grain on clean renders. A refiner that draws nothing itself can only make holes and noise
    out of what an image has: at 0 it has nothing to make them from."""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Seed of every image and label. It is not the seed of the training run."""


@dataclass(frozen=True, kw_only=True)
class HourglassOptions:
    """A stacked hourglass network, and how it is trained."""

    stacks: Annotated[int, Ge(1), Le(16)] = 2
    """Hourglasses, one after the other, each with a loss of its own (count)."""
    features: Annotated[int, Ge(4), Le(1024)] = 32
    """Feature maps (Newell et al.: 256). Time grows with the square."""
    resolution: Annotated[int, Ge(8), Le(256)] = 64
    """Largest side of the heat maps (px). Images are halved, by strided convolutions, until they are no larger."""
    depth: Annotated[int, Ge(1), Le(6)] = 4
    """Times that an hourglass halves its maps (count)."""
    sigma: Annotated[float, Gt(0), Le(16)] = 1.5
    """Standard deviation of the peaks that the heat maps shall have (px of the heat map)."""
    steps: Annotated[int, Ge(10)] = 600
    """Optimiser updates, the same in every arm (count)."""
    batch_size: Annotated[int, Ge(1)] = 16
    """Images in one update (count)."""
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    """Highest learning rate of the one-cycle schedule."""
