"""Training on random crops at native resolution: how large they are, and where one is cut out of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from ..errors import GantoolError

DEFAULT = (64, 64)
"""A local discriminator judges regions of some 15 to 70 pixels, so that crops of 64 hold all it can see, at a twelfth of the cost
of pictures of 256x192."""

Patch = tuple[int, int]
"""Height and width in pixels."""
Place = tuple[int, int, int, int]
"""Top and left of a crop, height and width of the picture that it was cut from."""


def choose_patch(asked: Literal["auto", "off"] | Patch, sizes: Iterable[Patch], *, resized: bool) -> Patch | None:
    """Return the patch to train on, None for whole pictures. `auto`: the default one, where all pictures hold it and not all are
    of its size, and where the user did not say which size they are to have (`resized`)."""
    if asked != "auto":
        return None if asked == "off" else asked
    seen = set(sizes)
    holds = all(height >= DEFAULT[0] and width >= DEFAULT[1] for height, width in seen)
    return DEFAULT if holds and seen != {DEFAULT} and not resized else None


def count_patches(size: Patch, patch: Patch) -> int:
    """How many different crops a picture of this size has; 0 where it is smaller than the patch."""
    return max(0, size[0] - patch[0] + 1) * max(0, size[1] - patch[1] + 1)


def check_holds(size: Patch, patch: Patch, name: str) -> None:
    """Raise `GantoolError`, which calls the picture `name`, where it is smaller than the patch."""
    if not count_patches(size, patch):
        fits = "x".join(map(str, np.minimum(size, patch)))
        raise GantoolError(
            f"{name} is {size[0]}x{size[1]}, smaller than the patch of {patch[0]}x{patch[1]}: pass --patch {fits}, or --size HxW"
        )


def cut(image: Any, patch: Patch | None, draw: np.ndarray) -> tuple[Any, Place | None]:
    """Return the crop of a picture, array or tensor (H, W, ...), that `draw` means, two numbers in [0, 1); the whole without a
    patch. It is a view."""
    if patch is None:
        return image, None
    height, width = image.shape[:2]
    top, left = int(draw[0] * (height - patch[0] + 1)), int(draw[1] * (width - patch[1] + 1))
    return image[top : top + patch[0], left : left + patch[1]], (top, left, height, width)
