"""Options of the data sets and of the locator. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

Pixels = Annotated[int, Ge(8), Le(4096)]
Selection = Literal["all", "evaluation"]


@dataclass(frozen=True, kw_only=True)
class PersonsOptions:
    """UnityEyes, and real eyes of persons some of whom can be held out."""

    synthetic: str = ""
    """Folder that UnityEyes wrote: N.jpg and N.json."""
    real: str = ""
    """Folder of the real images."""
    size: tuple[Pixels, Pixels] = (36, 60)
    """Height and width of all images, in pixels; UnityEyes is cropped to this shape, real images are resized."""
    zoom: Annotated[float, Ge(0.5), Le(8)] = 1.5
    """Width of the crop of a UnityEyes picture, in widths of the eye from caruncle to outer corner (GazeML: 1.5)."""
    subjects: str = ""
    """Persons to train on, such as `p00,p01` (MPIIGaze) or `0001,0002` (Columbia); all but `test_subjects` without it."""
    test_subjects: str = ""
    """Persons that are held out, whose labels `gantool evaluate` tests on; nobody without it."""
    mirror: bool = True
    """Whether right eyes and their labels are mirrored, so that all look like left ones: inner corner at the image's left. Of
    Columbia, images named `_R`."""


@dataclass(frozen=True, kw_only=True)
class MPIIGazeOptions(PersonsOptions):
    """UnityEyes and MPIIGaze."""

    real: str = ""
    """MPIIGaze, or its folder Data/Normalized."""
    images: Selection = "all"
    """Which images of `subjects` to train on: all, or those of the lists in `Evaluation Subset`."""
    test_images: Selection = "evaluation"
    """Which images of `test_subjects` to test on."""
    eyes: Literal["both", "left", "right"] = "both"
    """The person's eyes that are taken."""


@dataclass(frozen=True, kw_only=True)
class ColumbiaOptions(PersonsOptions):
    """UnityEyes and Columbia Gaze."""

    real: str = ""
    """Folder of eye crops with the names of Columbia's photographs, `0001_2m_0P_0V_0H_L.jpg`."""


@dataclass(frozen=True, kw_only=True)
class H5Options:
    """`gaze.h5` (UnityEyes, 35×55) and `real_gaze.h5` (MPIIGaze), as public implementations of SimGAN use them."""

    synthetic: str = ""
    """Path of gaze.h5."""
    real: str = ""
    """Path of real_gaze.h5."""
    look_vec: Literal["unityeyes", "camera"] = "unityeyes"
    """Axes of `look_vec`: as UnityEyes writes them (y up), or of a camera (y down)."""


@dataclass(frozen=True, kw_only=True)
class PupilOptions:
    """The pupil locator."""

    radius: Annotated[float, Gt(0.02), Le(0.5)] = 0.2
    """How far from the centre edges of the iris are looked for, in widths of the image."""
    blur: Annotated[float, Ge(0.3), Le(16)] = 1.0
    """Standard deviation of the Gaussian before gradients are taken, in pixels of an image that is 60 wide."""
