"""What both domains hold, and what one of them holds alone: by the patches that `train --match` would show together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ...components import Domain, Pair
from ...errors import GantoolError
from ..domains import Preprocess
from ..images import Images
from ..matching import Compared, Patches, compare, examine, nearest
from ..patches import cut
from ..prepare import Prepared, prepare
from ..preprocess import full_scale
from .cells import CELL, COLUMNS, GAP, HEAD, put, thumbnail, write
from .review import Finding

_PATCHES = 2**12
"""Patches of each domain: distances between all of them take a second."""
_REACH = 0.95
"""Share of patches that have a neighbour, in another picture of their own domain, as near as that."""
_MANY = 2 * (1 - _REACH)
"""Share of patches without a counterpart from which on it is named; by chance it is half of that."""
_PAIRS, _SHOWN = 6, 5


@dataclass(frozen=True, kw_only=True)
class Content:
    """Two domains, compared by what their patches hold."""

    size: str
    """Height and width (px) of a patch."""
    synthetic_alone: float
    """Share of synthetic patches that hold what no real one holds."""
    real_alone: float
    pairs: Sequence[tuple[np.ndarray, Sequence[np.ndarray]]]
    """Some synthetic patches, (H, W, C), each with the real ones nearest to it."""
    alone: tuple[Sequence[np.ndarray], Sequence[np.ndarray]]
    """Some synthetic and some real patches without a counterpart."""

    def findings(self) -> Iterator[Finding]:
        """Yield what to know before training."""
        shares = (
            f"{self.real_alone:.0%} of the real patches hold what no synthetic one holds, {self.synthetic_alone:.0%} the reverse"
        )
        if max(self.real_alone, self.synthetic_alone) >= _MANY:
            yield Finding(
                "content",
                f"{shares} (of {self.size}; {1 - _REACH:.0%} would by chance)",
                "D asks R to paint what is missing: render it, or pass train --match grid; --sheet shows such patches",
            )

    def to_dict(self) -> dict[str, float | str]:
        """Return JSON data."""
        return {"patch": self.size, "synthetic_alone": self.synthetic_alone, "real_alone": self.real_alone}


def compare_content(synthetic: Images, real: Images, *, limit: int, equalize: bool = False) -> Content:
    """Look at patches of at most `limit` pictures of each set; `equalize`: first make all histograms even.

    Where they can be compared in no other way, pictures are brought to the size of the first real one. Raises `GantoolError`
    where that cannot be, such as for a picture that is damaged.
    """
    domains = _prepared(synthetic, real, equalize)
    patch = domains[0].patch
    ours, theirs = (examine(domain, patch, most=_PATCHES, pictures=limit) for domain in domains)
    found = compare(ours, theirs)
    apart = _apart(found, ours, theirs)
    neighbours, _ = nearest(found.source, found.target, _SHOWN)
    rows = np.random.default_rng(0).permutation(len(neighbours))[:_PAIRS]
    return Content(
        size="x".join(map(str, patch or domains[0][0].shape[:2])),
        synthetic_alone=float(np.mean(apart[0])),
        real_alone=float(np.mean(apart[1])),
        pairs=[
            (next(_crops(domains[0], ours, [row])), list(_crops(domains[1], theirs, neighbours[row]))) for row in rows.tolist()
        ],
        alone=tuple(  # type: ignore[arg-type]
            list(_crops(domain, patches, _spread(np.flatnonzero(alone), 2 * COLUMNS)))
            for domain, patches, alone in zip(domains, (ours, theirs), apart, strict=True)
        ),
    )


def _prepared(synthetic: Images, real: Images, equalize: bool) -> tuple[Prepared, Prepared]:
    pair = Pair(synthetic, real)
    try:
        source, target, _ = prepare(pair, Preprocess(equalize=equalize), "auto")
    except GantoolError:
        form = next(iter(real.forms()))
        source, target, _ = prepare(pair, Preprocess(size=(form.height, form.width), equalize=equalize), "auto")
    assert isinstance(source, Prepared)
    assert isinstance(target, Prepared)
    return source, target


def _apart(found: Compared, ours: Patches, theirs: Patches) -> tuple[np.ndarray, np.ndarray]:
    """Which patches of either domain lie farther from the other one than the patches of a domain from each other.

    After Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric", Section 3, with one radius for all.
    """
    reach = max(
        float(np.quantile(_within(features, patches), _REACH))
        for features, patches in ((found.source, ours), (found.target, theirs))
    )
    return (
        nearest(found.source, found.target, 1)[1][:, 0] > reach,
        nearest(found.target, found.source, 1)[1][:, 0] > reach,
    )


def _within(features: np.ndarray, patches: Patches) -> np.ndarray:
    """(n,) the distance of each patch to the nearest one of another picture; where there is but one, to any other."""
    picture = np.repeat(patches.images, patches.grids.prod(axis=1))
    picture = picture if len(patches.images) > 1 else np.arange(len(features))
    rows, distances = nearest(features, features, int(patches.grids.prod(axis=1).max()) + 1)
    others = picture[rows] != picture[:, None]
    # A lone patch has no other: nothing is far from it.
    return np.where(others.any(axis=1), np.where(others, distances, np.inf).min(axis=1), np.inf)


def _spread(rows: np.ndarray, count: int) -> list[int]:
    """At most `count` of these rows, evenly spread: neighbours would be of one picture."""
    chosen: list[int] = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)].tolist()
    return chosen


def _crops(domain: Domain, patches: Patches, rows: Iterable[int]) -> Iterator[np.ndarray]:
    for row in rows:
        at = int(np.searchsorted(patches.first, row, side="right")) - 1
        place = np.array(divmod(int(row - patches.first[at]), int(patches.grids[at, 1]))) + 0.5
        yield cut(domain[int(patches.images[at])], getattr(domain, "patch", None), place / patches.grids[at])[0]


def block_of_content(content: Content) -> Image.Image:
    """Draw pairs, and what has no counterpart."""
    lines: list[tuple[str, list[list[np.ndarray | None]]]] = [
        ("a synthetic patch, and the real ones nearest to it", [[one, None, *others] for one, others in content.pairs])
    ]
    names = ("synthetic", "real"), ("real", "synthetic")
    for (name, other), share, crops in zip(names, (content.synthetic_alone, content.real_alone), content.alone, strict=True):
        rows: list[list[np.ndarray | None]] = [list(crops[start : start + COLUMNS]) for start in range(0, len(crops), COLUMNS)]
        lines.append((f"{share:.1%} of the {name} patches hold what no {other} one holds", rows))
    height = sum(HEAD + len(rows) * (CELL + GAP) for _, rows in lines) + GAP
    block = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, height), "white")
    crops = [crop for _, rows in lines for row in rows for crop in row if crop is not None]
    scale = (0.0, float(full_scale(crops[0].dtype))) if crops[0].dtype == np.uint8 else _range(crops)
    top = 0
    for title, rows in lines:
        write(block, (GAP, top + GAP), title)
        for number, row in enumerate(rows):
            for column, crop in enumerate(row):
                if crop is not None:
                    put(block, thumbnail(crop, scale), number, column, top=top + HEAD)
        top += HEAD + len(rows) * (CELL + GAP)
    return block


def _range(crops: Sequence[np.ndarray]) -> tuple[float, float]:
    return float(min(crop.min() for crop in crops)), float(max(crop.max() for crop in crops))
