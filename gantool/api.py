"""What `gantool.train` and the other functions of the package are. Imports torch; `import gantool` does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .ambient import guest
from .components import Channels
from .compute.launch import forget_launcher
from .data.domains import Preprocess, Reading
from .errors import GantoolError, Stopped
from .kinds import KINDS
from .model.export import export
from .plan.choices import Choices, read_config
from .plan.resolve import resolve
from .plan.settings import EvaluateSettings, RunSettings, takes
from .plan.trust import check_trusted
from .plugins.registry import load_plugins
from .refining.refine import refine
from .runs.folder import REPEAT

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "evaluate", "export", "load", "refine", "save", "train"]


@guest(sole="gantool.train")
@takes(RunSettings, Reading, Preprocess)
def train(
    plugin: str | None = None,
    *,
    output: str | Path | None = None,
    resume: str | Path | None = None,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    repeat: int | None = None,
    quiet: bool = True,
    alone: bool = False,
    trust: bool = False,
    **choices: Any,
) -> Path:
    """Train a recipe: `gantool train` from Python.

    Args:
        plugin: Which recipe trains.
        output: The new run folder; None: the next free one in `runs`.
        resume: A run folder to go on with; then only `options` of loggers and the fields of `Resumable` may be said.
        config: A .toml file, or the run.json of another run.
        options: Of the recipe and its parts: `{"generator.blocks": 6, "recipe.lambda_reg": 2.0}`.
        repeat: Train so many runs, with seeds one after the other, in `output`; `evaluate` pools them.
        quiet: Print nothing.
        alone: Train in this process, whatever launcher started it: for a script of which one process alone calls this.
        trust: Import code that the files of `resume` or `config` name and `options` does not: only if you trust who wrote them.
        **choices: What the flags of `gantool train` are called, with underscores: fields of `gantool.plan.settings.RunSettings`
            and of `Reading` and `Preprocess` in `gantool.data.domains`, `synthetic`, `real`, `preset`, `dataset`, `metric`, and
            `generator`, `loss` or another kind of part; `parts`, {slot: name}, stands for `--part`.

    Returns:
        The run folder; with `repeat` the folder of the runs.

    Raises:
        GantoolError: What was said does not exist or fit, or training failed.
        KeyboardInterrupt: A signal stopped the run, after it saved.

    Example:
        >>> run = gantool.train("simgan", synthetic="renders", real="photos", steps=500)
    """
    from .training.command import Manner, resume_run, start_run
    from .training.repeating import resume_repeats, start_repeats

    if alone:
        forget_launcher()
    given = {name: value for name, value in {"plugin": plugin, **choices}.items() if value is not None}
    said = Choices.from_mapping(given, where="gantool.train").with_options(options or {}, where="options:")
    try:
        if resume:
            _check_alone(output or config or repeat)
            again = resume_repeats if (Path(resume) / REPEAT).is_file() else resume_run
            return again(Path(resume), said, manner=Manner(quiet=quiet, trust=trust))
        registry = load_plugins()
        plan = resolve(registry, *([read_config(Path(config))] if config else []), said)
        if config:
            check_trusted(plan, [said], Path(config), registry, trust=trust)
        if repeat is not None:
            return start_repeats(output, plan, registry, repeat, Manner(quiet=quiet))
        return start_run(output, plan, registry, Manner(quiet=quiet))
    except Stopped as stop:
        raise KeyboardInterrupt from stop


def _check_alone(other: object) -> None:
    if other:
        raise GantoolError("resume goes with none of output, config, repeat: the run has its own")


@guest(sole="gantool.evaluate")
@takes(EvaluateSettings)
def evaluate(
    run: str | Path | Sequence[str | Path],
    *,
    real_labelled: str | Path | None = None,
    real_train_labelled: str | Path | None = None,
    synthetic: str | Path | None = None,
    real: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Measure whether refining helps: `gantool evaluate` from Python.

    Args:
        run: A run folder, several of runs that differ in their seed alone, or the one that `train` made with `repeat`.
        real_labelled: Real images with labels; None: those of the run's data set.
        real_train_labelled: Real images with labels to learn from: the ceiling, and what refining is worth in such pictures.
        synthetic: Labelled synthetic images, if not the run's own.
        real: The unlabelled real images that the run trained on, if moved.
        options: Of the estimators: `{"estimator.steps": 300}`.
        **settings: Fields of `gantool.plan.settings.EvaluateSettings`.

    Returns:
        What it also writes to `RUN/evaluation.json`.

    Raises:
        GantoolError: Data or settings that cannot be used.
    """
    from .evaluation.command import evaluate_run
    from .model.bundle import run_folder

    runs = [run_folder(each) for each in run] if isinstance(run, Sequence) and not isinstance(run, str) else [run_folder(run)]
    return evaluate_run(
        runs,
        real_labelled=real_labelled,
        real_train_labelled=real_train_labelled,
        synthetic=synthetic,
        real=real,
        options=options,
        **settings,
    )


@guest(draws=True)
def build(kind: str, name: str, /, **arguments: Any) -> Any:
    """Build one component by name: `build("generator", "simgan:refiner", channels=3, width=16, blocks=2)`.

    Arguments that the kind's factory takes (see `gantool.hookspecs`) go there, all others are options of the component.
    `channels`: a `gantool.components.Channels`, or those of the images alone. A generator remembers what it was built
    from, so that `save` can write it. First weights are drawn from torch's random numbers, as those of any module. Raises
    `GantoolError`.
    """
    taken = KINDS[kind].arguments if kind in KINDS else None
    if taken is None:
        built_ones = ", ".join(each.name for each in KINDS.values() if each.arguments is not None)
        raise GantoolError(f"cannot build a {kind!r}; kinds are: {built_ones}")
    provided = load_plugins().find(kind, name)
    missing = [f"{argument}=…" for argument in taken if argument not in arguments]
    if missing:
        raise GantoolError(f"building {kind} {provided.full_name} needs {', '.join(missing)}")
    needed = {argument: arguments.pop(argument) for argument in taken}
    if isinstance(images := needed.get("channels"), int):
        needed["channels"] = Channels(images)
    part = provided.with_options(arguments, where=f"{provided.full_name}: ")
    built = part.build(**needed)
    if kind == "generator":
        from .model.bundle import Recorded, remember

        remember(built, Recorded(component=part.component, options=part.options, **needed))
    return built


@guest()
def load(run: str | Path, checkpoint: str | int | None = None) -> nn.Module:
    """Load a trained generator: a torch module in eval mode on the CPU, (N, C, H, W) in [-1, 1] to the same shape and range.

    `run`: a run folder or one that `save` wrote. `checkpoint`: None or "last", "best", or a step. Raises `GantoolError`.
    """
    from .model.bundle import open_bundle

    return open_bundle(run, checkpoint).module


@guest()
def save(module: nn.Module, folder: str | Path) -> Path:
    """Write a generator that `build` or `load` returned, as `load` reads it: safetensors and JSON, no pickle.

    What was put around it since (`torch.compile`, `DataParallel`, a parametrization such as a weight norm) is left out.

    Raises `GantoolError` for a module that gantool did not build, or that was altered since, as nothing would know how to build
    it again. Nothing is written then.
    """
    from .model.bundle import recall, write_bundle
    from .model.unwrapping import unwrap, weights_of

    plain = unwrap(module)
    recorded = recall(plain)
    write_bundle(Path(folder), weights_of(plain, recorded), recorded)
    return Path(folder)
