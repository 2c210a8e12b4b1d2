"""Where the images of an evaluation, a report or a study come from, and which labels of theirs are compared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..components import Domain, Domains, StreamingDomain
from ..data.domains import FilesOptions, name_of
from ..data.images import Images
from ..data.label_files import with_labels
from ..data.opening import open_images
from ..data.scenes import scene_columns
from ..errors import GantoolError
from ..plan.resolve import Plan


class Sources:
    """The domains of a run (see `gantool.components.Domains`), or what the user has in place of them.

    Args:
        plan: The run's.
        synthetic: A folder, .npz or .h5; then the run's own synthetic images need not exist any more.
        real: Likewise.
        real_labelled: Real images with labels, which the run has not seen.
        real_train_labelled: Real images with labels to learn from.

    Each domain is opened when it is asked for; that raises `GantoolError`.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        synthetic: str | Path | None = None,
        real: str | Path | None = None,
        real_labelled: str | Path | None = None,
        real_train_labelled: str | Path | None = None,
    ) -> None:
        self.plan = plan
        given = {"synthetic": synthetic, "real": real, "real_labelled": real_labelled, "real_train_labelled": real_train_labelled}
        self.given = {name: str(path) for name, path in given.items() if path}

    @cached_property
    def own(self) -> Domains:
        """The run's data set."""
        options = self.plan.dataset.options
        moved = {name: path for name, path in self.given.items() if name in options}
        # A run may be somebody else's, and what its file names is data: nobody is called because it says so.
        for name, place in options.items():
            if isinstance(place, str) and "://" in place and name not in moved:
                raise GantoolError(f"the run's {name} images are at {place}: to open that, say --{name} {place}")
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
        domain = labelled(self.source)
        if isinstance(domain, Domain):
            return domain
        raise GantoolError(f"{name_of(domain)} is a stream without labels: pass --synthetic PATH with labels beside the images")

    @cached_property
    def labelled_target(self) -> Domain:
        """Real images with labels."""
        path = self.given.get("real_labelled")
        domain = labelled(self.open("real", path)) if path else getattr(self.own, "test", None)
        if isinstance(domain, Domain):
            return domain
        raise GantoolError(
            f"the data set {self.plan.dataset.component} has no labelled real images: pass --real-labelled PATH "
            "(.npz, .h5, or a folder with annotations, masks or a table)"
        )

    @cached_property
    def labelled_few(self) -> Domain | None:
        """Real images with labels to learn from."""
        path = self.given.get("real_train_labelled")
        domain: Domain | None = labelled(self.open("real", path)) if path else None
        return domain

    def open(self, domain: Literal["synthetic", "real"], path: str) -> Images:
        """Open other images of a domain; a folder is read as the run read its own. Raises `GantoolError`."""
        config = self.plan.dataset.config
        return open_images(path, config.reading(domain) if isinstance(config, FilesOptions) else None)


def labels_of(domain: object) -> Mapping[str, Any]:
    """The labels of a domain, by name: arrays, and columns of what annotations and passes say; none where it has none."""
    columns: Mapping[str, Any] = getattr(domain, "columns", {})
    values: Mapping[str, Any] = getattr(domain, "labels", None) or {}
    # Files of annotations may look like files of values, too.
    return {**columns, **{name: values[name] for name in values if name not in columns}} if columns else values


def labelled(domain: Any) -> Any:
    """A domain with its `labels`, and the `columns` of a folder. Raises `GantoolError` for labels that cannot be read."""
    domain.columns = columns = scene_columns(domain)
    try:
        return with_labels(domain)
    except GantoolError:
        if not columns:  # else a table beside annotations is about something else
            raise
        return domain


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
