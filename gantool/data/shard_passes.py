"""Passes of samples in shards: members called like the image, `KEY.depth.png` or `KEY.normals.npy`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ..errors import cause
from . import IMAGE_SUFFIXES
from .decoding import read_stored
from .frames import PassForm, PassKind
from .images import ImageReadError
from .layouts.words import pass_of
from .passes import form_of_array
from .tar import read_beside, read_range, split_name

ANY: Mapping[str, PassForm] = {kind: PassForm(kind) for kind in PassKind}
"""Every pass that a sample may have, by its kind: which it has is seen when it is asked for."""
_SHARDS = 8
"""Of so many shards it is remembered where members lie."""

_beside = lru_cache(_SHARDS)(read_beside)


def passes_in(shard: str) -> dict[str, PassForm]:
    """Return the passes of a shard, by their names. Raises `GantoolError`."""
    names = {name for members in _beside(shard).values() for suffix in members if (name := _name(suffix))}
    return {name: PassForm(pass_of(name) or PassKind.OTHER) for name in sorted(names)}


def read_shard_pass(shard: str, image: str, name: str) -> tuple[np.ndarray, PassForm] | None:
    """Return a pass of a sample, by its name or kind, and what its numbers mean; None where there is none, or several.

    `image`: the member that is the picture. Raises `ImageReadError`, `GantoolError`.
    """
    members = _beside(shard).get(split_name(image)[0], {})
    named = {suffix: _name(suffix) for suffix in members if _name(suffix)}
    found = [suffix for suffix, own in named.items() if own == name] or [s for s, own in named.items() if pass_of(own) == name]
    if len(found) != 1:
        return None
    data, kind = read_range(shard, *members[found[0]]), pass_of(named[found[0]]) or PassKind.OTHER
    if not found[0].endswith(".npy"):
        stored = read_stored(data, f"{shard}/{image}, pass {name}")
    else:
        try:
            stored = np.load(io.BytesIO(data), allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ImageReadError(f"{shard}/{image}, pass {name}", cause(error)) from None
        stored = stored if stored.ndim == 3 else stored[..., None]
    return stored, form_of_array(kind, stored)


def _name(suffix: str) -> str:
    """Return the name of the pass that a member holds, by its suffix, "depth.png"; "" where it holds none."""
    name, _, ending = suffix.rpartition(".")
    return name if f".{ending}" in (*IMAGE_SUFFIXES, ".npy") and pass_of(name) else ""
