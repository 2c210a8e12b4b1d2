"""What a person asks of `refine`, and what that is once the network is open: what to refine, with what, to where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from .._version import __version__
from ..data.images import Form
from ..data.parallel import threads
from ..data.view import digest
from ..errors import GantoolError
from ..model.bundle import Bundle, open_bundle
from ..model.tiling import Tiling
from ..plan.settings import RefineSettings
from .network import Network
from .pipeline import make_batches
from .report import Watcher
from .treatment import Treatment
from .workers.base import InProcess, Workers


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to refine, with what, to where."""

    source: Path
    place: str
    """`source` as it was given: a pattern or a URL is no path."""
    output: Path
    treatment: Treatment
    network: Network
    settings: Request
    """What was asked for."""
    threads: int
    """That read and write."""
    marker: Mapping[str, str]
    """What says which network and settings wrote an output."""
    watcher: Watcher
    workers: Workers
    """Who computes it."""


@dataclass(frozen=True, kw_only=True)
class Request(RefineSettings):
    """The settings of `gantool refine`, what it reads and what it writes.

    They are plain values: a request can be sent to a worker, which opens the same network with it.
    """

    run: str
    input: str
    output: Path
    """A file where the input is one, else a folder."""
    draw: int = 0
    """Which of the draws."""
    marker: Mapping[str, str] | None = None
    """What the first process found the run to be; a worker that finds another one must not go on."""

    def open(self, watcher: Watcher, workers: Workers | None = None) -> Job:
        """Open the network. Raises `GantoolError`."""
        tiling = Tiling(side=self.tile, overlap=self.tile_overlap)
        bundle = open_bundle(self.run, self.checkpoint)
        treatment = _treatment(bundle, self.size)
        marker = {**_marker(bundle, treatment), "view": digest(self.view)}
        if bundle.channels.noise:
            marker["noise"] = f"seed {self.seed}, draw {self.draw}"
        elif self.draws > 1 or self.seed:
            told = f"--draws {self.draws}" if self.draws > 1 else f"--seed {self.seed}"
            raise GantoolError(f"{told}: the generator of {bundle.name} takes no noise: leave it out")
        if self.marker is not None and self.marker != marker:
            same = self.marker["gantool"] == __version__
            what = (
                f"{self.run} has changed since" if same else f"a worker has gantool {__version__}, not {self.marker['gantool']}"
            )
            raise GantoolError(f"{what}: give the same command again" + ("" if same else " when all have the same version"))
        return Job(
            source=Path(self.input),
            place=self.input,
            output=self.output,
            treatment=treatment,
            network=Network(bundle, self.device, backend=self.backend, tiling=tiling, notice=watcher.notice),
            settings=self,
            threads=self.threads or threads(),
            marker=marker,
            watcher=watcher,
            workers=workers or InProcess(),
        )

    def settled(self, job: Job, sample: Form | None, *, on_cpu: bool) -> Request:
        """Return what workers get: one backend for all of them, since backends differ in the last bit.

        `job` has been told how much there is to do. "auto" is decided here, on a batch of noise like `sample`, if the workers
        compute on CPUs; elsewhere it is torch.
        """
        backend = self.backend
        if backend == "auto" and on_cpu and sample is not None:
            height, width = job.treatment.sizes(sample)[1]
            batch = next(make_batches(((number, sample) for number in range(self.batch_size)), job.treatment, self.batch_size))
            noise = np.random.default_rng(0)
            shape = (len(batch), height, width, job.treatment.channels)
            job.network(list(noise.integers(0, 255, shape, np.uint8, endpoint=True)))
            backend = job.network.backend
        return replace(self, backend="torch" if backend == "auto" else backend, marker=job.marker)


def _treatment(bundle: Bundle, size: Literal["keep", "run"] | tuple[int, int]) -> Treatment:
    preprocess = replace(bundle.preprocess, channels=bundle.channels.images)
    resized = preprocess.size is not None and preprocess.fit == "resize"
    if size == "run" and bundle.trained_size is None:
        raise GantoolError(f"--size run: {bundle.name} was trained on patches, or does not say at which size; give --size HxW")
    output_size = None if size == "keep" else bundle.trained_size if size == "run" else size
    return Treatment(
        preprocess=preprocess,
        compute_size=preprocess.size if resized else None,
        output_size=output_size,
        conditions=bundle.conditions,
    )


def _marker(bundle: Bundle, treatment: Treatment) -> dict[str, str]:
    size = "x".join(map(str, treatment.output_size)) if treatment.output_size else "keep"
    return {"gantool": __version__, "run": bundle.name, "digest": bundle.digest, "size": size}
