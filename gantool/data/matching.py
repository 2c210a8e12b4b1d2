"""Which real patches show what synthetic ones show, so that both batches of a step hold alike things.

Where one domain is crowded and the other is not, a discriminator that sees the two as they come asks the generator to paint what
is missing. Richter et al. 2021, "Enhancing Photorealism Enhancement", Section 3.3, draw real patches by their nearest neighbours
instead. Here features are means over the cells of a patch, brought to one mean and spread in either domain, so that what tells
the domains apart, their looks, does not decide. No torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from ..components import Domain
from .parallel import apply_to_all
from .patches import Patch
from .preprocess import LUMINANCE, full_scale

CELLS = 4
"""Cells of a patch on either side."""
NEIGHBOURS = 40
"""Real patches that may be shown with a synthetic one, the nearer the oftener."""
_HALVES = 3
"""Neighbours after which the share is a half: the first ten, as many as Richter et al. take, have nine tenths of it. The others
stand in where many synthetic patches, those of an even ground, have the same ten."""
_PATCHES = 2**14
"""Patches of a domain that are looked at, at most: what bounds memory and time. Any other crop takes the place of the nearest."""
_APART = 4
"""Neighbouring ones lie a side / 4 apart, or farther."""
_SAMPLE = 4096
"""Patches by which the spread of features is found."""
_OFTEN = 10.0
"""Times as often as on average that a real patch is drawn, where its neighbours leave a choice."""
_BALANCING = 20
_CHUNK = 512
_ENOUGH = 16
"""Pictures of each domain by which a table that was kept is known again."""

Describe = Callable[[np.ndarray, Patch, tuple[int, int]], np.ndarray]
"""A picture (H, W, C), the size of a patch and (down, across) -> (down · across, CELLS, CELLS, F): features of the patches in the
middles of that many equal parts of all places that a patch has."""


@dataclass(frozen=True, kw_only=True)
class Patches:
    """Patches of a domain and what they look like: picture by picture, row by row."""

    images: np.ndarray
    """(m,) numbers of the pictures that were looked at, ascending."""
    grids: np.ndarray
    """(m, 2) parts, down and across, of all places that a patch has in each."""
    features: np.ndarray
    """(n, CELLS, CELLS, F) float32."""

    @cached_property
    def first(self) -> np.ndarray:
        """(m,) the row of each picture's first patch."""
        return first_rows(self.grids)


def first_rows(grids: np.ndarray) -> np.ndarray:
    """(m, 2) parts of each picture -> (m,) how many there are in those before it."""
    counts: np.ndarray = grids.prod(axis=1)
    before: np.ndarray = np.cumsum(counts) - counts
    return before


def corners(size: Patch, patch: Patch, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return tops and lefts, (down · across,) each, of the patches in the middles of the parts of a picture of this size."""
    axes = [
        ((np.arange(parts) + 0.5) / parts * (side - own + 1)).astype(np.int64)
        for side, own, parts in zip(size, patch, grid, strict=True)
    ]
    top, left = np.meshgrid(*axes, indexing="ij")
    return top.ravel(), left.ravel()


def describe_planes(planes: np.ndarray, tops: np.ndarray, lefts: np.ndarray, patch: Patch) -> np.ndarray:
    """(H, W, F) float32 -> (n, CELLS, CELLS, F): means over the cells of the patches of this size at these n places."""
    rows, columns = (
        [places[:, None] + side for side in _cells(length)] for places, length in zip((tops, lefts), patch, strict=True)
    )
    rows, columns = [row[:, :, None] for row in rows], [column[:, None] for column in columns]
    area = (rows[1] - rows[0]) * (columns[1] - columns[0])
    cells = np.empty((*area.shape, planes.shape[2]), np.float32)
    for number in range(planes.shape[2]):
        table = cv2.integral(np.ascontiguousarray(planes[..., number]))
        corner = [table[row, column] for row in rows for column in columns]
        cells[..., number] = (corner[3] - corner[2] - corner[1] + corner[0]) / area
    return cells


def _cells(side: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixels of the cells of a patch, and those after their last; where there are fewer pixels, cells share some."""
    edges = np.rint(np.linspace(0, side, CELLS + 1)).astype(np.int64)
    first = np.minimum(edges[:-1], side - 1)
    return first, np.maximum(edges[1:], first + 1)


def describe(image: np.ndarray, patch: Patch, grid: tuple[int, int]) -> np.ndarray:
    """Colours, contrast and edges of the cells: as `Describe`, F = C + 3."""
    unit = image.astype(np.float32) / full_scale(image.dtype)
    light = unit @ LUMINANCE if unit.shape[2] == 3 else unit.mean(axis=2)
    slopes = [np.abs(np.diff(light, axis=axis, append=np.take(light, [-1], axis))) for axis in (0, 1)]
    cells = describe_planes(np.dstack([unit, light, light**2, *slopes]), *corners(image.shape[:2], patch, grid), patch)
    light_mean, square = cells[..., -4], cells[..., -3]
    contrast = np.sqrt(np.maximum(square - light_mean**2, 0))
    return np.concatenate([cells[..., : unit.shape[2]], contrast[..., None], cells[..., -2:]], axis=-1)


def examine(
    domain: Domain, patch: Patch | None, look: Describe = describe, *, most: int = _PATCHES, pictures: int = _PATCHES
) -> Patches:
    """Look at pictures, all or evenly spaced ones, one at a time; without a patch at each as a whole.

    `most`: patches, and `pictures`, at most. Raises `GantoolError` for one that cannot be read.
    """
    count = min(len(domain), most, pictures)
    images = np.arange(count) * len(domain) // count

    def see(number: int) -> tuple[tuple[int, int], np.ndarray]:
        image = domain[number]
        size = patch or (image.shape[0], image.shape[1])
        grid = _grid((image.shape[0], image.shape[1]), size, most // count)
        return grid, look(image, size, grid)

    grids, features = zip(*apply_to_all(see, images.tolist()), strict=True)
    return Patches(images=images, grids=np.array(grids), features=np.concatenate(features))


def _grid(size: Patch, patch: Patch, most: int) -> tuple[int, int]:
    places = np.array(size) - np.array(patch) + 1
    parts = np.maximum(np.ceil(places * _APART / max(patch)), 1)
    if parts.prod() > most:
        parts = np.maximum(np.floor(parts * np.sqrt(most / parts.prod())), 1)
    down, across = parts.astype(int).tolist()
    return down, across


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Patches of both domains where distances mean something: (n, D) and (m, D) float32."""

    source: np.ndarray
    target: np.ndarray


def compare(source: Patches, target: Patches, *, rounds: int = 2) -> Compared:
    """Bring each kind of feature to mean 0 and spread 1 in either domain.

    What a domain holds shifts its means, too: of a crowded one even the ground would count as darker than it is. So real ones
    are then measured by those patches alone that were matched, `rounds` times.
    """
    draw = np.random.default_rng(0)
    some, others = (draw.permutation(len(each.features))[:_SAMPLE] for each in (source, target))
    scaled = _scaled(source.features, source.features, np.ones(len(source.features)))
    known, weights = target.features[others], np.ones(len(others), np.float64)
    for _ in range(rounds):
        found = nearest(scaled[some], _scaled(known, known, weights))[0]
        weights = _drawn(found, balanced(found, len(others)), len(others))
    return Compared(source=scaled, target=_scaled(target.features, known, weights))


def _scaled(features: np.ndarray, known: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weights = weights / weights.sum()
    mean = np.tensordot(weights, known, 1).mean(axis=(0, 1))
    spread = np.sqrt(np.tensordot(weights, (known - mean) ** 2, 1).mean(axis=(0, 1)))
    scaled: np.ndarray = ((features - mean) / (spread + 1e-6)).reshape(len(features), -1).astype(np.float32)
    return scaled


def nearest(queries: np.ndarray, pool: np.ndarray, count: int = NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """(n, D), (m, D) -> rows of `pool` and distances, (n, min(count, m)) each, nearest first."""
    count, squares = min(count, len(pool)), np.einsum("md,md->m", pool, pool)
    rows, distances = np.empty((len(queries), count), np.int32), np.empty((len(queries), count), np.float32)
    for start in range(0, len(queries), _CHUNK):
        part = queries[start : start + _CHUNK]
        away = squares - 2 * part @ pool.T
        near = np.argpartition(away, count - 1, axis=1)[:, :count]
        near = np.take_along_axis(near, np.take_along_axis(away, near, 1).argsort(axis=1, kind="stable"), 1)
        rows[start : start + _CHUNK] = near
        least = np.take_along_axis(away, near, 1) + np.einsum("nd,nd->n", part, part)[:, None]
        distances[start : start + _CHUNK] = np.sqrt(np.maximum(least, 0))
    return rows, distances


def balanced(neighbours: np.ndarray, count: int) -> np.ndarray:
    """(n, k) rows of a pool of `count` -> (n, k) float64, the share of each among those of its row.

    The nearer the more at first; then, as Sinkhorn does it, columns above `_OFTEN` times the mean give way and rows are brought
    back to 1.
    """
    ranks = 0.5 ** (np.arange(neighbours.shape[1]) / _HALVES)
    shares = np.broadcast_to(ranks / ranks.sum(), neighbours.shape).copy()
    limit = _OFTEN * len(neighbours) / count
    for _ in range(_BALANCING):
        drawn = _drawn(neighbours, shares, count)
        shares *= np.minimum(1, limit / np.maximum(drawn, 1e-12))[neighbours]
        shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _drawn(neighbours: np.ndarray, shares: np.ndarray, count: int) -> np.ndarray:
    drawn: np.ndarray = np.bincount(neighbours.ravel(), shares.ravel(), count)
    return drawn


@dataclass(frozen=True, kw_only=True)
class Matches:
    """For every crop of a synthetic picture the real crops that hold alike things: a table, from which draws are computed."""

    count: int
    """Synthetic pictures."""
    source_grids: np.ndarray
    """(m, 2), of those looked at; as `Patches.grids`."""
    target_images: np.ndarray
    target_grids: np.ndarray
    neighbours: np.ndarray
    """(n, k) int32: rows of real patches."""
    upto: np.ndarray
    """(n, k) float32: shares of a row, summed up."""

    def draw(
        self, numbers: np.ndarray, crops: np.ndarray, chance: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return real pictures, (b,), and which crop of each, (b, 2) in [0, 1) as `patches.cut` takes it.

        Args:
            numbers: Synthetic pictures, (b,).
            crops: Which crop of each, (b, 2) in [0, 1).
            chance: (b,) in [0, 1), which neighbour.
            places: (b, 2) in [0, 1), where around it: no two draws need be the same pixels.
        """
        at = numbers * len(self.source_grids) // self.count
        cell = (crops * self.source_grids[at]).astype(np.int64)
        rows = self._first[0][at] + cell[:, 0] * self.source_grids[at, 1] + cell[:, 1]
        chosen = (self.upto[rows, :-1] <= chance[:, None]).sum(axis=1)
        row = self.neighbours[rows, chosen]
        at = np.searchsorted(self._first[1], row, side="right") - 1
        cell = np.stack(np.divmod(row - self._first[1][at], self.target_grids[at, 1]), axis=1)
        return self.target_images[at], np.minimum((cell + places) / self.target_grids[at], np.nextafter(1, 0))

    @cached_property
    def _first(self) -> tuple[np.ndarray, np.ndarray]:
        return first_rows(self.source_grids), first_rows(self.target_grids)

    def save(self, path: Path, digest: str) -> None:
        """Write the table as .npz, with what it was computed from."""
        np.savez(path, digest=np.array(digest), **{field.name: getattr(self, field.name) for field in fields(self)})


def load(path: Path, digest: str) -> Matches | None:
    """Read a table; None where there is none, a damaged one, or one of other pictures."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["digest"]) != digest:
                return None
            values = {field.name: file[field.name] for field in fields(Matches)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return Matches(**{**values, "count": int(values["count"])})


def match(source: Domain, target: Domain, patch: Patch | None, look: Describe = describe, *, rounds: int = 2) -> Matches:
    """Look at both domains and match them. Raises `GantoolError` for a picture that cannot be read."""
    ours, theirs = (examine(domain, patch, look) for domain in (source, target))
    compared = compare(ours, theirs, rounds=rounds)
    neighbours, _ = nearest(compared.source, compared.target)
    upto = balanced(neighbours, len(compared.target)).cumsum(axis=1).astype(np.float32)
    return Matches(
        count=len(source),
        source_grids=ours.grids,
        target_images=theirs.images,
        target_grids=theirs.grids,
        neighbours=neighbours,
        upto=upto,
    )


def fingerprint(source: Domain, target: Domain, patch: Patch | None, look: Describe = describe) -> str:
    """Return a digest of what a table depends on, by some pictures of each domain."""
    found = hashlib.blake2b(repr((len(source), len(target), patch, _PATCHES)).encode(), digest_size=16)
    for domain in (source, target):
        found.update(examine(domain, patch, look, most=_ENOUGH).features.tobytes())
    return found.hexdigest()
