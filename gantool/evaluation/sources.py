"""Where the images of an evaluation, a report or a study come from, and which labels of theirs are compared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from ..components import Domain, Domains, StreamingDomain
from ..data.domains import FilesOptions
from ..data.images import Images
from ..data.label_files import with_labels
from ..data.opening import open_images
from ..errors import GantoolError, nearest
from ..plan.resolve import Plan


class Sources:
    """The domains of a run (see `gantool.components.Domains`), or what the user has in place of them.

    Args:
        plan: The run's.
        synthetic: A folder, .npz or .h5; then the run's own synthetic images need not exist any more.
        real: Likewise.
        real_labelled: Real images with labels, which the run has not seen.

    Each domain is opened when it is asked for; that raises `GantoolError`.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        synthetic: str | Path | None = None,
        real: str | Path | None = None,
        real_labelled: str | Path | None = None,
    ) -> None:
        self.plan = plan
        given = {"synthetic": synthetic, "real": real, "real_labelled": real_labelled}
        self.given = {name: str(path) for name, path in given.items() if path}

    @cached_property
    def own(self) -> Domains:
        """The run's data set."""
        options = self.plan.dataset.options
        moved = {name: path for name, path in self.given.items() if name in options}
        domains: Domains = self.plan.dataset.provided.with_options(options | moved, where="dataset.").build()
        return domains

    @cached_property
    def source(self) -> Domain | StreamingDomain:
        """Synthetic images."""
        return self.open("synthetic", self.given["synthetic"]) if "synthetic" in self.given else self.own.source

    @cached_property
    def target(self) -> Domain | StreamingDomain:
        """The real images that the run trained on."""
        return self.open("real", self.given["real"]) if "real" in self.given else self.own.target

    @cached_property
    def labelled_source(self) -> Domain:
        """Synthetic images with labels."""
        domain = with_labels(self.source)
        if isinstance(domain, Domain):
            return domain
        raise GantoolError(f"{name_of(domain)} is a stream without labels: pass --synthetic PATH with labels beside the images")

    @cached_property
    def labelled_target(self) -> Domain:
        """Real images with labels."""
        path = self.given.get("real_labelled")
        domain = with_labels(self.open("real", path)) if path else getattr(self.own, "test", None)
        if isinstance(domain, Domain):
            return domain
        raise GantoolError(
            f"the data set {self.plan.dataset.component} has no labelled real images: pass --real-labelled PATH "
            "(.npz, .h5 or a folder)"
        )

    def open(self, domain: Literal["synthetic", "real"], path: str) -> Images:
        """Open other images of a domain; a folder is read as the run read its own. Raises `GantoolError`."""
        config = self.plan.dataset.config
        return open_images(path, config.reading(domain) if isinstance(config, FilesOptions) else None)


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


def check_alike(name: str, synthetic: np.ndarray, real: np.ndarray) -> None:
    """Raise `GantoolError` unless labels of both domains have one shape and kind."""
    shapes = [(values.shape[1:], values.dtype.kind in "US") for values in (synthetic, real)]
    if shapes[0] != shapes[1]:
        what = [f"{'x'.join(map(str, values.shape))} {values.dtype}" for values in (synthetic, real)]
        raise GantoolError(f"labels {name} differ: {what[0]} for the synthetic images, {what[1]} for the real ones")
