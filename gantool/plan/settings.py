"""The settings of every command: what one is called, which values it takes and what it means stand here and nowhere else.

From a field come the command's option (its name, type, choices, default and, from the first sentence of the docstring, its help),
the environment variable, the check of what a call from Python or a file says, and the reference. A sentence that begins
with "None:" says what happens where the field stays None. No torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from annotated_types import Ge, Gt, Le, MinLen

from ..data.domains import Reading
from ..errors import GantoolError, nearest
from ..options import validate
from ..values import Device, Flag, Place, Reads, Size, parse_tile

Settings = TypeVar("Settings")
Function = TypeVar("Function", bound=Callable[..., Any])


def read_settings(settings: type[Settings], said: Mapping[str, Any], of: str) -> Settings:
    """Validate what was said to the function `of` by name; None says nothing. Raises `GantoolError`, one line."""
    known = [field.name for field in fields(settings)]  # type: ignore[arg-type]
    for name in said:
        if name not in known:
            raise GantoolError(f"{of} has no argument {name!r}{nearest(name, known, 'arguments are')}")
    checked: Settings = validate(settings, {name: value for name, value in said.items() if value is not None}, where="--")
    return checked


def takes(*settings: type) -> Callable[[Function], Function]:
    """Let `inspect.signature` list the fields in the place of a function's `**settings`, or before its `**choices`."""

    def decorate(function: Function) -> Function:
        parameters = inspect.signature(function).parameters
        kept = [parameter for name, parameter in parameters.items() if name not in ("settings", "choices")]
        for each in settings:
            hints = get_type_hints(each)
            kept += [
                inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name])
                for field in fields(each)
            ]
        kept += [parameters["choices"]] if "choices" in parameters else []
        function.__signature__ = inspect.signature(function).replace(parameters=kept)  # type: ignore[attr-defined]
        return function

    return decorate


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Of a command that opens a trained network."""

    checkpoint: Annotated[str | int | None, Flag("NAME")] = None
    """last (as without it), best, or a step number."""


@dataclass(frozen=True, kw_only=True)
class Computing:
    """Of a command that computes with one."""

    device: Device = "auto"
    """auto, cpu, cuda, cuda:1, mps. "auto" is CUDA, then MPS, then the CPU."""


@dataclass(frozen=True, kw_only=True)
class Resumable(Computing):
    """How long and how a run trains, not what: when it is resumed, these may differ."""

    steps: Annotated[int, Ge(1)] = 1000
    """Discriminator updates after the warm-ups."""
    accumulate: Annotated[int, Ge(1)] = 1
    """Parts a process takes them in: less memory, same gradients. Only recipes that provide "accumulates" can: gradients of the
    parts add up to those of the whole batch, and memory is that of one part."""
    compile: bool = False
    """Compile the networks first. With torch.compile: a minute at the start, faster steps after it."""
    checkpoint_every: Annotated[int, Ge(1)] = 200
    """Steps between checkpoints. One is also written at the end and on Ctrl-C."""
    sample_every: Annotated[int, Ge(1)] = 200
    """Steps between sample sheets."""
    log_every: Annotated[int, Ge(1)] = 10
    """Steps between lines of metrics.jsonl. The only moments at which the device is waited for."""
    log: Annotated[tuple[str, ...], Flag("NAME", completes="logger")] = ()
    """Loggers beside metrics.jsonl, or none (repeatable). Without it, tensorboard where that is installed."""
    keep: Annotated[int, Ge(1)] = 2
    """Checkpoints kept beside the best."""
    workers: Annotated[int, Ge(0)] = 2
    """Processes that read images of a domain too large to hold."""
    cache_gib: Annotated[float, Gt(0)] = 2.0
    """Size up to which a domain is held on the device (GiB). As stored, 8 or 16 bit; a larger one streams from disk."""
    timeout: Annotated[float, Ge(1), Flag("S")] = 600.0
    """Seconds that processes of one run wait for each other. Then they give up."""


@dataclass(frozen=True, kw_only=True)
class RunSettings(Resumable):
    """How long, where and how a run trains, and what it writes."""

    batch_size: Annotated[int, Ge(1)] = 32
    """Images of each domain in one update, all processes together. How many share them does not change what is trained."""
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    """Decides weights, order and everything drawn. The order is that of images, within a domain."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: convolutions in bfloat16 (autocast). Weights and losses stay float32. Slower on most CPUs."""
    patch: Literal["auto", "off"] | Size = "auto"
    """Train on random crops of this size (px); off: whole images. A crop has the resolution of its image, so that images of any
    and of mixed size are trained on at the cost of a crop. auto: 64x64 where all images hold that and some are larger, and no
    `size` is given; a local discriminator sees regions of some 15 to 70 px, and 64x64 is a twelfth of the work of 256x192."""
    conditions: Annotated[tuple[str, ...], Flag("A,B", name="--condition", commas=True)] = ()
    """Passes that the generator sees beside the picture. Such as depth,normals: by the name that `gantool data inspect` gives
    them, or by kind where there is one of that. Ids of instances are seen as boundaries, those of classes and materials as a
    channel each, depth over the range of the set; D sees none, and the real images need none."""
    condition_dropout: Annotated[float, Ge(0), Le(1)] = 0.1
    """Share of images that are drawn without their conditions. So the generator also learns to do without."""
    match: Literal["off", "grid", "network"] = "off"
    """Draw real patches that hold what the synthetic ones do. Where one domain is crowded
    and the other is not, D otherwise has R paint what is missing. Of either domain some 16,000 patches are looked at, once: at
    their colours, contrast and edges (grid), or by EfficientNet-Lite0 of the extra `features` (network), in 4x4 cells each."""
    channels_last: bool = True
    """Lay images and weights out channels-last, which is faster. Training is 1.3 to 1.9 times as fast on a CPU."""


@dataclass(frozen=True, kw_only=True)
class RefineSettings(Reading, Weights, Computing):
    """How images are refined and written."""

    size: Literal["keep", "run"] | Size = "keep"
    """Size of the written images (px). keep: each its own; run: that of the images the run was trained on."""
    batch_size: Annotated[int, Ge(1)] = 64
    """Images at most in a batch. Fewer where they are large."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides the noise of a generator that takes some. It follows from seed, draw, name of the picture and pixel alone."""
    draws: Annotated[int, Ge(1), Le(1000)] = 1
    """Variants of each picture, of noise of their own. Above 1 they go to OUTPUT/draw-0, draw-1 and so on, each with labels."""
    threads: Annotated[int, Ge(1)] | None = None
    """Threads that read and write. Of each worker. None: one per core, at most 8."""
    backend: str = "auto"
    """torch, compile, onnxruntime, openvino; auto: the fastest. It begins with torch and, where much is left to do, goes on with
    the fastest on the first batch. They agree within 1e-5 of [-1, 1], so that one pixel in some thousands is rounded to the
    neighbouring 8-bit value."""
    tile: Annotated[Annotated[int, Ge(0)] | None, Reads(parse_tile, "auto|off|N")] = None
    """Side (px) of tiles for large images. 0 is off. None: auto. That is 1024, for images above 2**20 pixels."""
    tile_overlap: Annotated[int, Ge(0)] | None = None
    """Pixels that tiles share. None: the receptive field."""
    video_codec: str = "auto"
    """h264, hevc, vp9, av1, ffv1; auto: as the input. FFmpeg's name of a codec or encoder; as the input, if it can be written."""
    video_crf: int | None = None
    """Quality on the scale of the video's encoder: lower is better. Without it, hardly told from the input by eye."""
    engine: Annotated[str, Flag("local|ray")] = "local"
    """Who computes: this machine, or Ray. "local" is this process or, with `workers` above 1, as many processes of the machine.
    Then the program that calls it needs the usual `if __name__ == "__main__":`. All write the same bytes under the same
    backend."""
    workers: Annotated[int, Ge(1)] = 1
    """Processes of this machine; 1: this one. Arrays take one process."""
    num_actors: Annotated[int, Ge(1)] | None = None
    """Actors of Ray. None: one per GPU, or per CPU. The CPU counts where there is no GPU or it is not wanted."""
    ray_address: Annotated[str | None, Flag("ADDRESS")] = None
    """Of a running Ray cluster. None: $RAY_ADDRESS, or start one here. Files must then be where every node finds them."""
    validate: bool = False
    """Check annotations against the images first, stop if they do not fit. With exit code 2."""
    overwrite: bool = False
    """Refine again what the output already holds."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings(Weights, Computing):
    """How an evaluation is done."""

    labels: str = ""
    """Which labels: an array, a JSON key, or columns such as x,y. Their name; columns are those of a table."""
    task: Annotated[str, Flag("NAME", completes="task")] = "auto"
    """What the labels are, such as angles. A task by name; "auto": by name and shape, where these leave no doubt."""
    estimators: Annotated[tuple[str, ...], MinLen(1), Flag("NAME", name="--estimator", commas=True, completes="estimator")] = (
        "auto",
    )
    """What learns (repeatable). A component or `package.module:callable`; the first one decides the verdict. auto: the first
    that is for the task."""
    trainer: Annotated[str | None, Flag("COMMAND")] = None
    """Your own training program in the place of --estimator. A command line with {train}, {test}, {seed} and {out}, which is run
    once for each arm and seed; no configuration file or run can name it."""
    trainer_format: Literal["auto", "coco", "yolo", "masks", "csv"] = "auto"
    """In what form it is given labels. auto: csv for numbers and one class, coco for boxes and instances, masks for classes of
    pixels."""
    trainer_timeout: Annotated[float, Gt(0), Flag("S")] = 21600.0
    """Seconds that one training may take."""
    arms: Annotated[tuple[str, ...], MinLen(1), Flag("A,B", commas=True)] | None = None
    """Which arms. Names of `gantool.evaluation.names.ARMS`. None: all."""
    arm: Annotated[tuple[str, ...], Flag("NAME=DIR")] = ()
    """An arm of your own (repeatable): a folder. What any other method made of the synthetic images, with the same names and
    sizes, so that their labels hold."""
    augment: bool = False
    """Augment the images of every arm while learning. Strong colour jitter, blur, noise and JPEG, as in the arm augmented: what
    is compared then is worth something to whoever augments anyway."""
    within_px: Annotated[float, Gt(0), Flag("PX")] | None = None
    """For key points: also the share found within this distance. In px of the run's images."""
    repeats: Annotated[int, Ge(1), Le(1000)] = 3
    """Estimators per arm, each with a seed of its own. These are `seed`, `seed + 1` and so on."""
    seed: Annotated[int, Ge(0), Le(2**31)] = 0
    """Decides everything drawn. Estimators, which images are taken, and what classical methods draw."""
    limit: Annotated[int, Gt(0)] = 4000
    """Images at most of each set. Synthetic, labelled real, unlabelled real."""
    report_half: Literal["all", "first", "second"] = "all"
    """Test on one half of the labelled real images. Choose with one half and report with the other; the halves follow from the
    pixels of each image, not from its place or the seed."""
    few: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(2), Flag("N,N", commas=True)] | None = None
    """Counts of pictures of --real-train-labelled. Each count is learnt from alone and beside the synthetic and the refined
    ones, to say how many refining is worth. None: 10,30,100."""
    evidence: bool = True
    """Compare images: labels, realism, artefacts. Costs a minute or so."""
    features: str = "patches"
    """Feature space of the realism figures. As `gantool.evaluation.evidence.realism.feature_space` takes it."""
    allow_seen: bool = False
    """Test even on images that the run trained on."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings(Weights):
    """How a network is written for other programs."""

    format: str | None = None
    """onnx, torch-export or safetensors. None: by the ending of --output."""
    opset: int | None = None
    """Version of ONNX's operators. None: the one torch prefers."""
    overwrite: bool = False
    """Replace a file that exists."""


@dataclass(frozen=True, kw_only=True)
class PublishSettings(Weights):
    """How a folder for a model hub is written."""

    name: str | None = None
    """Name of the model. None: that of the folder."""
    overwrite: bool = False
    """Write into a folder that is not empty."""


@dataclass(frozen=True, kw_only=True)
class ReportSettings(Weights, Computing):
    """What the page about a run shows."""

    synthetic: Place | None = None
    """Images to refine other than the run's own."""
    real: Place | None = None
    """Real images other than the run's own."""
    images: Annotated[int, Ge(1)] = 24
    """Images in the grid, fewer where they are large."""
    seed: Annotated[int, Ge(0)] = 0
    """Decides which images are shown."""


@dataclass(frozen=True, kw_only=True)
class StudySettings(Weights, Computing):
    """What people see in a visual Turing test."""

    against: Literal["refined", "synthetic"] = "refined"
    """What is shown beside real images."""
    trials: int = 50
    """Images per participant, half of them real."""
    real: Place | None = None
    """Real images other than the run's own: a folder, .npz or .h5."""
    images: int = 500
    """Images of each kind that trials are drawn from."""
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] | None = None
    """Decides images and order of a new study."""
    port: Annotated[int, Ge(1), Le(65535)] | None = None
    """Port of the page. None: the study's last one, else a free one."""


@dataclass(frozen=True, kw_only=True)
class InspectSettings(Reading):
    """How a set is looked at."""

    limit: Annotated[int, Ge(1)] = 1000
    """Images examined at most."""


@dataclass(frozen=True, kw_only=True)
class ConvertSettings(Reading):
    """How a set is written."""

    format: Annotated[str | None, Flag("NAME", completes="format")] = None
    """Such as folder, shards or hub: see gantool plugins. None: by TARGET's name."""
    per_shard: Annotated[int, Ge(1)] = 1000
    """Samples of a shard."""
