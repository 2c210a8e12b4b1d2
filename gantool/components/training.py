"""What a recipe is given, what it is, and what observers of a run are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


@dataclass(frozen=True)
class Batch:
    """What is drawn of one domain at a time.

    Example::

        batch = draw.source()
        refined = gantool.training.generate(self.network, batch)
    """

    images: torch.Tensor
    """(N, C, H, W) in [-1, 1], on the run's device."""
    conditions: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """What is known of the images beside their pixels, by name: (N, channels, H, W) each, on the run's device. Those of the
    source are what `--condition` names, all in every batch, zero where an image lacks one; the target has none."""
    labels: Sequence[Mapping[str, Any]] | None = None
    """One record for each row, `{name: value}`, as the data set holds it. Of a crop (`--patch`), maps of its image's size are
    cropped alike, and "patch" is its top, left, height and width there (px): places are those of the whole image. None where the
    domain has no labels, and where the recipe does not provide "sees-labels"."""

    noise: torch.Tensor | None = None
    """(N, planes, H, W) for a generator that takes noise: for each image that is drawn, noise of its own. None: as for `refine`,
    the same every time."""

    def __len__(self) -> int:
        return len(self.images)

    def chunk(self, count: int) -> tuple[Batch, ...]:
        """Split it into at most `count` parts, as `torch.Tensor.chunk` does."""
        images = self.images.chunk(count)
        starts = [sum(map(len, images[:number])) for number in range(len(images))]

        def part(rows: slice, own: torch.Tensor) -> Batch:
            conditions = {name: values[rows] for name, values in self.conditions.items()}
            labels = None if self.labels is None else self.labels[rows]
            return Batch(own, conditions, labels, None if self.noise is None else self.noise[rows])

        return tuple(part(slice(start, start + len(own)), own) for start, own in zip(starts, images, strict=True))


class Draw(Protocol):
    """Gives a recipe its data. Every call returns the next batch; what it holds is a pure function of the seed and of how
    many batches of that domain were drawn before, so a resumed run draws what the interrupted one would have."""

    def source(self) -> Batch:
        """The next synthetic batch."""

    def target(self) -> Batch:
        """The next real batch."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the host hands to a recipe before the first step."""

    accelerator: Accelerator
    """Use its `prepare` for modules and optimizers and its `backward`; device and precision are its business."""
    sample: torch.Tensor
    """One source batch, (N, C, H, W) in [-1, 1], for parts that are sized by what they see."""
    channels_last: bool
    """Whether networks should be laid out channels-last."""
    length: int
    """How many times `step` is called in the whole run, a resumed one included: what `length` returned. For schedules."""
    compile: bool
    """Whether networks should be compiled (`module.compile()`, which leaves state-dict keys alone)."""
    accumulate: int = 1
    """Parts in which a batch is to be worked through in each update, for `gantool.training.in_parts`. More than 1 only for a
    recipe that provides "accumulates"."""


class TrainingRecipe(Protocol):
    """What a recipe's factory returns. It owns networks, optimizers and the step; the host owns everything else."""

    def setup(self, setup: Setup) -> None:
        """Location networks, make optimizers. Called once, before `load_state_dict` and the first step."""

    def length(self, steps: int) -> int:
        """How many times `step` is called for the user's `--steps`, warm-ups included. Called before `setup`, too."""

    def phase(self, step: int) -> str:
        """Name of the phase that call number `step` (from 0) belongs to, for the log."""

    def step(self, step: int, draw: Draw) -> dict[str, torch.Tensor]:
        """Do call number `step` (from 0): figures as detached 0-d tensors. Must not synchronise with the host."""

    def refine(self, batch: Batch) -> torch.Tensor:
        """A source batch to target look, (N, C, H, W) in [-1, 1], without gradients, the same every time. What later steps
        depend on, and the mode (train or eval) of the networks, stay as they were."""

    def generator(self) -> torch.nn.Module:
        """The network that `gantool.load` gives back: the one `refine` uses, unwrapped. Built by the component in the recipe's
        first generator slot."""

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimizers, buffers: nested dicts and lists of tensors and plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """What `gantool_log` observes."""

    kind: str
    """"start", "step", "sample", "checkpoint" or "end"."""
    run: Path
    """The run folder."""
    step: int
    """Calls of the recipe's `step` so far."""
    phase: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    """For "step": means since the last such event, and `images_per_second`. For "checkpoint": the metric's figures."""
    path: Path | None = None
    """For "sample" and "checkpoint": what was written."""


@runtime_checkable
class Logger(Protocol):
    """Observes one run, on the main process."""

    def log(self, event: Event) -> None:
        """Take an event; the first is "start"."""

    def close(self) -> None:
        """Write what is held back. Called once, after the last event, and after an error too."""
