"""Which labels are compared: found in both domains, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..components import Domain
from ..data.label_files import with_labels
from ..data.opening import open_images
from ..errors import GantoolError, nearest


def open_labelled(path: str | Path) -> Domain:
    """Open images with labels: arrays beside the images of an .npz or .h5 file, JSON files or one CSV table in a folder.

    Raises `GantoolError` as `open_images` and `with_labels` do.
    """
    return with_labels(open_images(path))


def name_of(domain: object) -> str:
    """Where a domain's images come from, for messages."""
    return str(getattr(domain, "name", type(domain).__name__))


def labels_of(domain: object) -> Mapping[str, np.ndarray]:
    """The labels of a domain, by name; none where it has none."""
    found: Mapping[str, np.ndarray] = getattr(domain, "labels", None) or {}
    return found


def choose_labels(wanted: str, synthetic: object, real: object, *, real_first: bool) -> tuple[str, str]:
    """Return the name of the labels to use, and a note for the user, "" where there was nothing to choose.

    `wanted`: what --labels says, "" for nothing. `real_first`: whether the first of several names is the one that is meant,
    as with a data set that brings its own labelled real images. Raises `GantoolError` where no name serves both domains.
    """
    for domain, option in ((synthetic, "--synthetic"), (real, "--real-labelled")):
        if not labels_of(domain):
            beside = "an array with a row per image in an .npz or .h5, or NAME.json files or a CSV table in a folder"
            raise GantoolError(f"{name_of(domain)} has no labels: pass {option} PATH with labels beside the images ({beside})")
    if wanted:
        for domain in (synthetic, real):
            for name in wanted.split(","):
                if name not in labels_of(domain):
                    raise GantoolError(f"{name_of(domain)} has no labels {name!r}{nearest(name, labels_of(domain), 'it has')}")
        return wanted, ""
    shared = [name for name in labels_of(real) if name in labels_of(synthetic)]
    if not shared:
        have = [f"{name_of(domain)} has {', '.join(labels_of(domain))}" for domain in (synthetic, real)]
        raise GantoolError(f"no labels of one name in both domains: {'; '.join(have)}")
    if len(shared) > 1 and not real_first:
        raise GantoolError(f"both domains have several labels: pass --labels NAME, one of: {', '.join(shared)}")
    others = f", first of {', '.join(shared)}: --labels chooses" if len(shared) > 1 else ", the only ones in both domains"
    return shared[0], f"labels: {shared[0]}{others}"


def read_labels(domain: object, name: str) -> np.ndarray:
    """(N, ...) labels; several columns, `"x,y"`, become (N, 2). Raises `GantoolError` for numbers that are not finite."""
    arrays = [np.asarray(labels_of(domain)[column]) for column in name.split(",")]
    try:
        values = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=1)
    except ValueError:
        raise GantoolError(f"--labels {name}: columns of different shapes in {name_of(domain)}") from None
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0][0])
        raise GantoolError(f"{name} in {name_of(domain)} is not finite in row {row}: remove that image")
    if values.dtype.kind not in "biufUS":
        raise GantoolError(f"{name} in {name_of(domain)} is of type {values.dtype}: labels are numbers or text")
    return values
