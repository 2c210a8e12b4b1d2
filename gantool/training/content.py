"""Matched content in a run: the table that real patches are drawn by, computed once and kept in the run folder. Imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock

import numpy as np
import torch

from ..components import Domain
from ..data.matching import Matches, corners, describe, describe_planes, fingerprint, load, match
from ..data.patches import Patch
from ..data.prepare import Prepared, PreparedStream
from ..data.preprocess import full_scale
from ..errors import GantoolError
from ..features import BUNDLED, build_features
from ..plan.settings import RunSettings
from ..runs.files import write_file

FILE = "matches.npz"
_ONE_AT_A_TIME = Lock()
_LAYERS = ("blocks.2", "blocks.4")
"""Strides 4 and 8: what a cell of 16 pixels holds several positions of."""


@dataclass(frozen=True)
class Content:
    """The table of a run."""

    matches: Matches
    digest: str
    """Of what it was computed from."""

    @property
    def told(self) -> str:
        """In words."""
        looked_at = int(self.matches.target_grids.prod(axis=1).sum())
        used = len(np.unique(self.matches.neighbours)) / looked_at
        return f"real patches are matched to synthetic ones: {used:.0%} of {looked_at} that were looked at are shown (--match)"

    def keep(self, folder: Path) -> None:
        """Write it into the folder of its run."""
        write_file(folder / FILE, partial(self.matches.save, digest=self.digest))


def open_content(
    settings: RunSettings, source: Prepared | PreparedStream, target: Prepared | PreparedStream, folder: Path | None
) -> Content | None:
    """Take the table of the run in `folder`, or compute it; None where the user wants none.

    Raises `GantoolError` for domains that cannot be looked at first, and `MissingExtra` where the network is missing.
    """
    if settings.match == "off":
        return None
    if not (isinstance(source, Domain) and isinstance(target, Domain)):
        raise GantoolError(
            f"--match {settings.match} looks at all images first, which a stream does not allow: leave dataset.stream out, "
            "or pass --match off"
        )
    # Means of a network's features hang less on how crowded a domain is than colours do: see docs/experiments.md.
    look, rounds = (describe, 2) if settings.match == "grid" else (describe_by_network, 0)
    digest = fingerprint(source, target, source.patch, look)
    found = load(folder / FILE, digest) if folder else None
    return Content(found or match(source, target, source.patch, look, rounds=rounds), digest)


def describe_by_network(image: np.ndarray, patch: Patch, grid: tuple[int, int]) -> np.ndarray:
    """What the bundled network sees in the cells: as `gantool.data.matching.Describe`. Raises `GantoolError` for other channels
    than 1 and 3, and `MissingExtra` without the extra."""
    unit = image.astype(np.float32) / full_scale(image.dtype)
    # Pictures are read by several threads, and hooks of one network must not meet.
    with _ONE_AT_A_TIME, torch.inference_mode():
        maps = _network()(torch.from_numpy(np.ascontiguousarray(unit)).permute(2, 0, 1)[None] * 2 - 1)
    places = corners((image.shape[0], image.shape[1]), patch, grid)
    found = []
    for features in maps:
        planes = features[0].permute(1, 2, 0).numpy()
        shrunk = np.array(planes.shape[:2]) / image.shape[:2]
        side = np.clip(np.rint(patch * shrunk).astype(int), 1, planes.shape[:2])
        tops, lefts = (
            np.minimum(np.rint(place * part).astype(int), length - own)
            for place, part, length, own in zip(places, shrunk, planes.shape, side, strict=False)
        )
        found.append(describe_planes(planes, tops, lefts, (side[0], side[1])))
    return np.concatenate(found, axis=-1)


@cache
def _network() -> torch.nn.Module:
    return build_features(BUNDLED, _LAYERS)
