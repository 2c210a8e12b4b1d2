"""What a user says of the two domains: where they are, how both are prepared. Plain data; planning imports no numpy."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Interval

from ..values import Flag, Range, Reads, Size, parse_range

if TYPE_CHECKING:
    import numpy as np

Patterns = Annotated[tuple[str, ...], Reads(lambda value: (value,) if isinstance(value, str) else value, "PATTERN")]
"""Shell patterns of files; a single one may stand by itself."""

LabelRange = tuple[tuple[float, float], ...]
"""(low, high) for all columns of a label, or a pair for each column."""


def name_of(domain: object) -> str:
    """Return where a domain's images come from, for messages."""
    return str(getattr(domain, "name", type(domain).__name__))


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Which files of a folder are pictures."""

    layout: Annotated[str, Flag("NAME")] = "auto"
    """A folder's layout: auto, a known one, or a .toml file. `gantool plugins` lists them; `gantool data layout` prints such a
    file, to be edited."""
    image: Annotated[tuple[str, ...], Flag("PATTERN")] = ()
    """Files that are the only pictures, such as 'rgb/*' (repeatable)."""
    copy: Annotated[tuple[str, ...], Flag("PATTERN")] = ()
    """Files that are no pictures, such as 'masks/*' (repeatable). They are left as they are."""


@dataclass(frozen=True, kw_only=True)
class Reading(Arrangement):
    """Which files of a folder are pictures, and how they become what a person sees."""

    view: Annotated[str, Flag("NAME")] = "auto"
    """View of linear light (EXR): srgb, none or a .cube file. Values above 1 are white, and stay above 1 when they are refined.
    "auto" is that of the run, else srgb."""
    array: Annotated[str, Flag("NAME")] = "auto"
    """Array that is the picture, in files of several. Its name or number, such as that of a FITS extension."""
    slices: Annotated[str, Flag("AXIS")] = "auto"
    """Axis that volumes are cut along: 0, 1 or 2. In the order of the file's array. "auto" is that of the run, else of the
    thickest slices, or the first; it is said."""


@dataclass(frozen=True, kw_only=True)
class FilesOptions(Reading):
    """Where the images of the two domains are: a folder each (read with its subfolders), an .npz, a video or any other format."""

    synthetic: str = ""
    """Path of the synthetic images, which are refined."""
    real: str = ""
    """Path of the real images, which they shall look like."""
    stream: bool = False
    """Read shards, Parquet files, videos and all else that streams chunk by chunk, without an index: memory stays flat."""
    window: Annotated[int, Interval(ge=1, le=4096)] = 8
    """Chunks that are open at a time while streaming; images are drawn from all of them in random order."""
    real_layout: str = "auto"
    """Of the real images; `layout` is of the synthetic ones, and so on."""
    real_image: Patterns = ()
    """As `image`."""
    real_copy: Patterns = ()
    """As `copy`."""
    real_view: str = "auto"
    """As `view`."""
    real_array: str = "auto"
    """As `array`."""
    real_slices: str = "auto"
    """As `slices`."""
    label_range: dict[str, LabelRange] = field(default_factory=dict)
    """Use only synthetic images whose labels lie in these ranges: `{age = [[18, 99]]}`, or a [low, high] for each column of a
    label. Where real labels vary less than synthetic ones, D otherwise teaches R to move what the labels describe."""

    def __post_init__(self) -> None:
        if self.stream and self.label_range:
            raise ValueError("label_range needs the labels of all images, which a stream does not have: leave stream out")

    def reading(self, domain: Literal["synthetic", "real"]) -> Reading:
        """Return how the folder of one domain is read."""
        prefix = "" if domain == "synthetic" else "real_"
        return Reading(**{one.name: getattr(self, f"{prefix}{one.name}") for one in fields(Reading)})


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """What is done to every image of both domains alike, in this order: value range, channels, size, equalisation.

    Alpha is not a colour: with `channels="auto"` it is dropped, and so it is wherever `channels` asks for 1 or 3. What it hides
    (alpha 0) becomes the mean colour of what is seen.
    """

    size: Size | None = None
    """Bring all images of both domains to this height and width (px). Without it, sizes stay and must agree."""
    fit: Literal["resize", "crop"] = "resize"
    """How `size` does it. Resized, the aspect ratio may change; a crop is taken around the centre."""
    channels: Annotated[Literal["auto"] | Annotated[int, Interval(ge=1, le=64)], Flag("N")] = "auto"
    """1 (grey), 3 (RGB); by default what both domains share. Grey is the luminance (Rec. 601), and what is shared where
    either is grey."""
    equalize: bool = False
    """Equalise the histogram of every image of both domains. Of a colour image, that of its luminance."""
    value_range: Literal["auto"] | Range | None = None
    """Values that become black and white, for depth or float images. In the unit of the files; values beyond are clipped. auto:
    what 0.1 % and 99.9 % of the pixels lie below, of both domains together, or of each where they are far apart; it is said, and
    recorded in numbers. Without it, integers use their whole range and floats are taken as they are and must lie in [0, 1]."""
    real_value_range: Range | None = None
    """The same of real images in another unit than synthetic ones. Without it, value_range is of both."""

    def __post_init__(self) -> None:
        for given in (self.value_range, self.real_value_range):
            if given not in (None, "auto"):
                parse_range(given)
        if self.real_value_range is not None and not isinstance(self.value_range, tuple | list):
            raise ValueError("real_value_range needs a value_range of the synthetic images, LO,HI")

    @property
    def limits(self) -> tuple[float, float] | None:
        """The value range in numbers. Raises `ValueError` where it is yet to be found."""
        if self.value_range == "auto":
            raise ValueError("the value range has not been found yet")
        return self.value_range

    @property
    def of_real(self) -> Preprocess:
        """The same for real images."""
        return self if self.real_value_range is None else replace(self, value_range=self.real_value_range, real_value_range=None)

    def __call__(self, image: np.ndarray, *, name: str = "an image") -> np.ndarray:
        """(H, W, C) uint8, uint16 or float32 to the same dtype; floats come out in [0, 1].

        NaN becomes the median of its image. Raises `GantoolError`, which calls the image `name`: channels that cannot be had,
        smaller than the crop, floats out of [0, 1] without `value_range`, or nothing but NaN.
        """
        from .preprocess import apply

        return apply(self, image, name=name)
