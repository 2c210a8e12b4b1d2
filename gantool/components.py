"""What plugins describe (light frozen records) and what the host then builds from them (protocols).

A record never holds a network: its `factory` is a string, `"package.module:callable"`, imported only when a run needs it.
That keeps listing, planning and `--help` free of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from accelerate import Accelerator


@dataclass(frozen=True)
class NoOptions:
    """The options of a component that has none."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One thing a plugin provides.

    Raises nothing itself; the host checks every record when it loads the plugin.
    """

    name: str
    """Bare name, `[a-z0-9][a-z0-9_-]*`. Its full name is `plugin:name`."""
    factory: str
    """`"package.module:callable"`; what it is called with depends on the hook that yields the record."""
    summary: str = ""
    """One line for `gantool plugins` and `gantool show`."""
    options: type = NoOptions
    """A frozen dataclass: every field has a default, `annotated_types` bounds and a docstring that gives its unit."""
    provides: frozenset[str] = frozenset()
    """Capabilities that a slot can ask for, such as "adversarial", "image-pair" or "features"."""
    needs: frozenset[str] = frozenset()
    """What it needs a recipe to do for it, such as "penalty" or "relativistic": it fits only slots that accept all of it."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One replaceable part of a recipe."""

    name: str
    """The word in front of the dot in `-o SLOT.OPTION=VALUE`."""
    kind: str
    """One of `gantool.kinds.SLOT_KINDS`."""
    default: str
    """Full name of the component that fills the slot unless the user says otherwise."""
    summary: str = ""
    requires: frozenset[str] = frozenset()
    """Capabilities that whatever fills the slot must provide."""
    accepts: frozenset[str] = frozenset()
    """What the recipe does for a part that needs it. A part that needs anything else is refused before the run starts."""


@dataclass(frozen=True)
class Figure:
    """A figure of a recipe that tells at a glance how a run is doing: it stands below the bar while the run trains."""

    name: str
    """Its key in what `step` returns."""
    label: str
    """What the display calls it, a few letters: a terminal of 80 columns has room for about six figures."""
    form: str = ".3g"
    """How its value is written, as of Python's `format`: ".0%" for a share."""


@dataclass(frozen=True, kw_only=True)
class Recipe(Component):
    """How networks, losses and buffers are trained together: what `--plugin NAME` picks."""

    slots: tuple[Slot, ...] = ()
    dataset: str = ""
    """Full name of the data set that is used when the user names none."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Named sets of values: `{"laptop": {"generator.width": 16, "batch_size": 32}}`. A dotted key is an option of a slot
    (or of `recipe`), a bare one a setting of the run."""
    default_preset: str = ""
    figures: tuple[Figure, ...] = ()
    """What the live display shows of the figures that `step` returns, in this order; without them, the first six."""


@dataclass(frozen=True, kw_only=True)
class Format(Component):
    """A storage format."""

    suffixes: tuple[str, ...] = ()
    """Ends of the paths that it opens, in lower case and with their dot: `(".h5", ".hdf5")`."""
    word: str = ""
    """What help texts call it, such as "a video"; the first suffix where this is empty."""


# What factories return. Shapes are (N, C, H, W); images are float, in [-1, 1].


@runtime_checkable
class Features(Protocol):
    """What a generator that provides "features" has beside its forward pass: the maps of its encoder."""

    def features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, C, H, W) in [-1, 1] -> (N, C_l, h_l, w_l) each, fine to coarse, with gradients to images and weights.

        How many there are and their C_l depend on the options alone, h_l and w_l on H and W alone; a position is the same
        region in every image of one size. Generated images can be given, too, where C allows.
        """


@runtime_checkable
class AdversarialLoss(Protocol):
    """Judges logits, in which higher means "more like the target (real) domain". Never calls backward."""

    def discriminator(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the discriminator; logits are (N, 1, h, w)."""

    def generator(self, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the generator; logits are (N, 1, h, w)."""


@runtime_checkable
class Penalty(Protocol):
    """What an adversarial loss that needs "penalty" has beside its two terms: one on the gradients of the discriminator."""

    def penalty(
        self, discriminator: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor
    ) -> torch.Tensor:
        """0-d, to be added to the discriminator's loss in each of its updates; images are (N, C, H, W) in [-1, 1] each."""


@runtime_checkable
class Relativistic(Protocol):
    """What an adversarial loss that needs "relativistic" has in place of `generator`: real logits are part of it."""

    def discriminator(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the discriminator; logits are (N, 1, h, w)."""

    def relative_generator(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> torch.Tensor:
        """0-d loss of the generator; logits are (N, 1, h, w), the real ones of a real batch that the same D judged."""


@runtime_checkable
class PairLoss(Protocol):
    """A distance of two image batches of one shape. Never calls backward."""

    def __call__(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """0-d, non-negative; (N, C, H, W) each."""


@runtime_checkable
class ReplayBuffer(Protocol):
    """Remembers generated images, so that a discriminator does not forget old ones."""

    def exchange(self, fresh: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W), detached, same device and dtype; each row was given now or before."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides later results: the images held and the random state of later draws."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""


@runtime_checkable
class Domain(Protocol):
    """One side of a data set, map-style. Item i is the same image every time.

    Optional: `labels`, a mapping of names to arrays of `len(self)` rows; `name`, which says in an error where the images
    come from; `block(start, stop)`, the images of a range, where reading many at once is cheaper than one by one.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """(H, W, C) uint8, uint16, or float32 in [0, 1]. Every item has the same shape and dtype."""


@runtime_checkable
class StreamingDomain(Protocol):
    """One side of a data set that has no random access.

    Optional: `stream_rows(*, seed, skip, rows, of)`, of every `of` images of `stream(seed=seed, skip=skip)` those whose numbers
    there are in the `range` `rows`. With it, each process of a run on several GPUs decodes no images but its own.
    """

    def stream(self, *, seed: int, skip: int) -> Iterator[np.ndarray]:
        """Endless images as of `Domain.__getitem__`, in an order that is a pure function of `seed`, without the first
        `skip` of them. That is what makes a run resumable."""


@runtime_checkable
class Domains(Protocol):
    """What a data-set factory returns.

    Optional: `test`, a `Domain` of labelled target images that training never draws. `gantool evaluate` then needs no flag; the
    first of its labels is the one that it takes.
    """

    @property
    def source(self) -> Domain | StreamingDomain:
        """The synthetic images, which are refined."""

    @property
    def target(self) -> Domain | StreamingDomain:
        """The real images, which they shall look like."""


@dataclass
class Pair:
    """A data set of these domains: what a factory returns that has no class of its own for it."""

    source: Domain | StreamingDomain
    target: Domain | StreamingDomain
    test: Domain | None = None


@runtime_checkable
class Metric(Protocol):
    """Compares refined with target images; larger-is-better or smaller-is-better is said in the component's summary.

    A component that provides "sees-source" returns a `SourceMetric` instead, one that provides "sees-labels" a `LabelsMetric`,
    and one that provides both what takes both.
    """

    def update(self, refined: torch.Tensor, target: torch.Tensor) -> None:
        """Add a batch of each, (N, C, H, W) in [-1, 1]; the two may differ in N."""

    def compute(self) -> dict[str, float]:
        """The figures over all batches so far."""


@runtime_checkable
class Estimator(Protocol):
    """Learns labels from images, so that training sets can be compared by what is learnt from them."""

    def fit(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and either (N, outputs) float32 targets, which the host has brought to mean 0
        and a spread near 1, or (N,) int64 classes. The effort must not depend on the images: it is each arm's equal budget."""

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) in [-1, 1] to (N, outputs): values as of `fit`, or scores of the classes."""


@runtime_checkable
class KeypointEstimator(Protocol):
    """An estimator that has to know where in the image a key point lies, such as one with heat maps. Where labels are key points,
    the host calls `fit_points` in place of `fit`, and `predict` gives pixels."""

    def fit_points(self, images: torch.Tensor, points: torch.Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and (N, K, 2) float32: x and y in pixels of these images, centres at integers,
        some beside the image maybe."""

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) in [-1, 1] to (N, 2·K): x and y of each point in pixels."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels that a task is made for."""

    name: str
    """What they are called beside the synthetic images."""
    values: np.ndarray
    """(N, ...) numbers or text, those of the synthetic images."""
    size: tuple[int, int]
    """(H, W) in pixels of the run's images."""
    crop: bool
    """Whether images get to it by a crop around their centre, instead of resizing."""

    def __str__(self) -> str:
        return f"labels {self.name} ({'x'.join(map(str, self.values.shape))} {self.values.dtype})"


@runtime_checkable
class Task(Protocol):
    """What labels mean: what is learnt from them, and how good predictions are.

    Targets and predictions are rows, one for each image: a tensor, or a list of whatever a row is. Estimators are compared by the
    figure that `aggregate` makes of what `statistics` says of each image, so that any set of images has one, also where the
    figure of a set is no mean over its images (a share of pixels, an average precision).
    """

    @property
    def unit(self) -> str:
        """Of the figure: "deg", "px", "%" or any other word."""

    @property
    def higher_is_better(self) -> bool:
        """Whether the figure is a score; else it is an error."""

    @property
    def outputs(self) -> int:
        """How many numbers an estimator gives for each image, or classes: what estimators are built with."""

    def load(self, values: np.ndarray, sizes: np.ndarray) -> Any:
        """(N, ...) labels, and (N, 2) int64 height and width in pixels of the images as they are stored, to N targets. Raises
        `GantoolError` for labels that those of the synthetic images do not go with."""

    def learn(self, estimator: Estimator, images: torch.Tensor, targets: Any) -> Callable[[torch.Tensor], Any]:
        """Fit an estimator to (N, C, H, W) in [-1, 1] and their targets; return what predicts rows for images likewise, on the
        CPU. Raises `ValueError` as the estimator does, and `GantoolError` for predictions that are none."""

    def statistics(self, predicted: Any, targets: Any) -> Any:
        """N predictions and targets to all that `aggregate` has to know of each image."""

    def aggregate(self, statistics: Any, counts: np.ndarray) -> np.ndarray:
        """The figure of S sets of these images, (S,) float64. `counts`, (S, N) float64: how often each set has each image."""

    def baseline(self, targets: Any, count: int) -> tuple[str, Any]:
        """What one predicts who has seen the training targets and no image, in words, and as `count` rows."""

    def extra(self, predicted: Any, targets: Any) -> dict[str, float]:
        """Further figures of a field's custom."""

    def picture(self, image: np.ndarray, row: Any) -> np.ndarray:
        """(H, W, 3) uint8 with a target or a prediction drawn on it, as it is where there is nothing to see."""


@runtime_checkable
class SourceMetric(Protocol):
    """A metric that also compares refined images with the synthetic ones they came from."""

    def update(self, refined: torch.Tensor, target: torch.Tensor, *, source: torch.Tensor) -> None:
        """Add a batch of each; `source` holds the images that were refined, in the same order."""

    def compute(self) -> dict[str, float]:
        """The figures over all batches so far."""


@runtime_checkable
class LabelsMetric(Protocol):
    """A metric that also looks at the labels of the images that were refined."""

    def update(self, refined: torch.Tensor, target: torch.Tensor, *, labels: Sequence[Mapping[str, Any]] | None) -> None:
        """Add a batch of each; `labels` as in `Batch`, those of the refined images, in the same order."""

    def compute(self) -> dict[str, float]:
        """The figures over all batches so far."""


@dataclass(frozen=True)
class Batch:
    """What is drawn of one domain at a time.

    Example::

        batch = draw.source()
        refined = self.network(batch.images)
    """

    images: torch.Tensor
    """(N, C, H, W) in [-1, 1], on the run's device."""
    conditions: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """What is known of the images beside their pixels, by name: (N, channels, H, W) each, on the run's device."""
    labels: Sequence[Mapping[str, Any]] | None = None
    """One record for each row, `{name: value}`, as the data set holds it. Of a crop (`--patch`), maps of its image's size are
    cropped alike, and "patch" is its top, left, height and width there (px): places are those of the whole image. None where the
    domain has no labels, and where the recipe does not provide "sees-labels"."""

    def __len__(self) -> int:
        return len(self.images)

    def chunk(self, count: int) -> tuple[Batch, ...]:
        """Split it into at most `count` parts, as `torch.Tensor.chunk` does."""
        images = self.images.chunk(count)
        starts = [sum(map(len, images[:number])) for number in range(len(images))]

        def part(rows: slice, own: torch.Tensor) -> Batch:
            conditions = {name: values[rows] for name, values in self.conditions.items()}
            return Batch(own, conditions, None if self.labels is None else self.labels[rows])

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

    def refine(self, images: torch.Tensor) -> torch.Tensor:
        """Source images to target look, (N, C, H, W) in [-1, 1] both, without gradients, the same every time. What later steps
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
