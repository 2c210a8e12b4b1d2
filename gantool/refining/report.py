"""What refining a data set tells, while it runs and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..data.conditions import Conditions
from ..data.images import Form
from .pipeline import Failed
from .treatment import Treatment


@dataclass(frozen=True, kw_only=True)
class RefineReport:
    """What was done."""

    output: Path
    refined: int
    """Images refined now."""
    skipped: int = 0
    """Images that were there already, from an earlier call."""
    skipped_parts: int = 0
    """Shards or Parquet files that were there already, where their images are not counted (several workers)."""
    copied: int = 0
    """Label files, or arrays beside the images, copied untouched."""
    failed: tuple[Failed, ...] = ()
    """Files that could not be read or written like the original, each with its cause."""
    notices: tuple[str, ...] = ()
    """Lines that a person should read."""

    backend: str = "torch"
    """What computed the last batch."""

    @property
    def exit_code(self) -> int:
        """0, or 1 where a file failed."""
        return 1 if self.failed else 0


class Watcher(Protocol):
    """Is told how refining goes; called from one thread."""

    def notice(self, text: str) -> None:
        """A line that a person should read."""

    def start(self, total: int, done: int, *, estimated: bool = False) -> None:
        """There are `total` images, `done` of them from an earlier call; `estimated`: about so many."""

    def advance(self, count: int = 1) -> None:
        """`count` more images are done, or have failed."""


class Silent:
    """A watcher that says nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""

    def start(self, total: int, done: int, *, estimated: bool = False) -> None:
        """Say nothing."""

    def advance(self, count: int = 1) -> None:
        """Say nothing."""


def without_conditions(conditions: Conditions, having: int, of: int) -> list[str]:
    """Return a line to show where pictures come without what the network was trained to see: `having` of `of` have some."""
    if not conditions or having == of:
        return []
    told = f"only {having:,} of {of:,} images have any; the others" if having else f"none of {of:,} images has any: they"
    return [f"the run was trained with {', '.join(conditions)}: {told} are refined without"]


def size_notices(treatment: Treatment, forms: Mapping[Form, int], *, labels: int, counted: bool = True) -> list[str]:
    """Return lines to show: where the network works at another size than is written, and where labels no longer fit.

    `forms`: how many images are of each form. `labels`: how many label files or arrays come along. `counted`: whether these
    are known of all images.
    """
    if treatment.output_size is not None:
        size = "x".join(map(str, treatment.output_size))
        if not counted:
            return [
                f"images are written at {size}; labels in pixels no longer fit where that is another size, and are copied as "
                "they are"
            ]
        resized = any((form.height, form.width) != treatment.output_size for form in forms)
        told = f"images are written at {size}, so labels in pixels no longer fit; they are copied as they are"
        return [told] if resized and labels else []
    other = Counter[str]()
    for form, number in forms.items():
        if len(set(treatment.sizes(form))) > 1:
            other[form.size] += number
    if not other or not counted:
        return []
    trained = "x".join(map(str, treatment.compute_size or ()))
    (size, _), count = other.most_common(1)[0], other.total()
    sizes = size if len(other) == 1 else f"{size} and {len(other) - 1} other size{'s' if len(other) > 2 else ''}"
    return [
        f"{count} image{' is' if count == 1 else 's are'} {sizes}, the run was trained at {trained}: the change is computed at "
        f"{trained} and scaled to the image; --size run writes {trained} images instead"
    ]
