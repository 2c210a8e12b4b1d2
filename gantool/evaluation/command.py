"""`gantool evaluate`: from run folders to `evaluation.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch

from ..compute.device import choose_device
from ..errors import GantoolError, MissingExtra, nearest, require
from ..plan.resolve import resolve
from ..plan.settings import EvaluateSettings, read_settings, takes
from ..plugins.registry import Part, Registry, load_plugins
from ..runs.files import write_json
from ..runs.folder import EVALUATION, read_choices, writing
from .arms import Arm, Material, Skipped, check_arm, make_arm
from .cells import Cells
from .downstream import Bench, InProcess, Learner, Outcome, choose
from .evidence.collect import PART, PARTS, collect, foreseen
from .evidence.realism import feature_space
from .examples import draw_examples
from .few import Labelled, open_labelled, with_labelled
from .given import parse_given
from .material import Opened, open_material, read_material
from .names import ARMS, FEW_COUNTS, few_name, in_order, of_run
from .pooling import Runs, find_runs, materials
from .progress import Progress, Say
from .result import make_result
from .sources import Sources
from .trainer.exchange import exchange_for
from .trainer.learner import External
from .trainer.program import Command


@takes(EvaluateSettings)
def evaluate_run(
    runs: Sequence[Path],
    *,
    real_labelled: str | Path | None = None,
    real_train_labelled: str | Path | None = None,
    synthetic: str | Path | None = None,
    real: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    say: Say = lambda _: None,
    **settings: Any,
) -> dict[str, Any]:
    """Evaluate a run, or several that differ in their seed alone; write `RUN/evaluation.json` and return what it holds.

    `runs`: one folder or several, or the one that `gantool train --repeat` made. `settings`: fields of `EvaluateSettings`. `say`
    is told what is being done. What was finished before is found again. Raises `GantoolError`.
    """
    checked = _settings(settings)
    require("gantool evaluate", "evaluate", "scipy")
    registry = load_plugins()
    slots = _options(options or {})
    device = choose_device(checked.device)
    if checked.evidence:
        feature_space(checked.features)
    pooled = find_runs(runs, registry)
    first = pooled.folders[0]
    paths = {"real_labelled": real_labelled, "real_train_labelled": real_train_labelled, "synthetic": synthetic, "real": real}
    sources = Sources(resolve(registry, read_choices(first)), **paths)
    opened = open_material(first, sources, checked, registry, slots["task"])
    labelled = open_labelled(sources, opened, checked, registry, slots["task"])
    learners = _learners(opened, registry, device, checked, slots["estimator"])
    for folder in pooled.results:
        with writing(folder), TemporaryFile(dir=folder):
            pass
    say(f"reading images and refining with {', '.join(map(str, pooled.folders))}")
    compared = read_material(first, opened, checked)
    compared = replace(compared, material=with_labelled(compared.material, labelled, opened, checked))
    made = materials(pooled, compared.material, checked)
    arms, skipped = _choose_arms(in_order([*(checked.arms or ()), *_few_arms(checked, labelled)]), compared.material, say)
    for line in foreseen(compared.material) if checked.evidence else ():
        say(line)
    progress = _progress(say, learners, arms, pooled, checked)
    outcomes = _learn(learners, arms, made, pooled, checked, progress)
    evidence = collect(first, compared, registry, features=checked.features if checked.evidence else None, progress=progress)
    drift = (evidence["label_preservation"] or {}).get("objects") or {"worst": []}
    evidence["pictures"] = draw_examples(first, compared, outcomes[learners[0].component], drift["worst"])
    result = make_result(
        runs=pooled,
        compared=compared,
        settings=checked,
        learners=learners,
        outcomes=outcomes,
        skipped=skipped,
        evidence=evidence,
    )
    for folder in pooled.results:
        with writing(folder):
            write_json(folder / EVALUATION, result)
    return result


def _learners(
    opened: Opened, registry: Registry, device: torch.device, settings: EvaluateSettings, options: Mapping[str, Any]
) -> list[Learner]:
    """Estimators, or the user's program in their place. `options`: of estimators."""
    if settings.trainer is None:
        task = opened.meaning.provided
        parts = [choose(registry, name, options, task) for name in settings.estimators]
        return [_in_process(part, opened, registry, device, settings) for part in parts]
    if options or settings.estimators != ("auto",):
        raise GantoolError("--trainer takes the place of --estimator and its options: leave one out")
    command = Command.parse(settings.trainer)
    exchange = exchange_for(settings.trainer_format, opened.task, opened.meaning.labels)
    return [External(command=command, exchange=exchange, timeout=settings.trainer_timeout, task_key=opened.task_key)]


def _in_process(part: Part, opened: Opened, registry: Registry, device: torch.device, settings: EvaluateSettings) -> Learner:
    """What cannot be built shows now, not after minutes of work."""
    part.build(outputs=opened.task.outputs, seed=settings.seed)
    plugin = registry.plugins.get(part.component.partition(":")[0])
    version = plugin.version if plugin else ""
    return InProcess(chosen=part, version=version, task=opened.task, task_key=opened.task_key, device=device)


def _few_arms(settings: EvaluateSettings, labelled: Labelled | None) -> list[str]:
    counts = sorted(set(settings.few or FEW_COUNTS)) if labelled else []
    return [few_name(count, kind) for kind in ("", "synthetic", "refined") for count in counts]


def _choose_arms(names: Sequence[str], material: Material, say: Say) -> tuple[list[str], dict[str, str]]:
    """Which arms can be made, and why others cannot; that is said before anything is trained."""
    arms, skipped = [], {}
    for name in names:
        try:
            check_arm(name, material)
            arms.append(name)
        except (Skipped, MissingExtra) as why:
            skipped[name] = str(why)
            say(f"{name}: skipped, {why}")
    return arms, skipped


def _progress(say: Say, learners: Sequence[Learner], arms: Sequence[str], runs: Runs, settings: EvaluateSettings) -> Progress:
    cells = sum(len(runs.folders) if of_run(name) else 1 for name in arms) * settings.repeats
    parts = Counter({learner.component: cells for learner in learners})
    return Progress(say, parts + Counter({PART: PARTS} if settings.evidence else {}))


def _learn(
    learners: Sequence[Learner],
    arms: Sequence[str],
    made: Mapping[Path, Material],
    runs: Runs,
    settings: EvaluateSettings,
    progress: Progress,
) -> dict[str, dict[str, Outcome]]:
    """One arm after the other, so that the images of one are held."""
    first, material = next(iter(made.items()))
    bench = Bench(
        cells=Cells(runs.results),
        progress=progress,
        seeds=range(settings.seed, settings.seed + settings.repeats),
        count=int(material.reported.sum()),
    )
    outcomes: dict[str, dict[str, Outcome]] = {learner.component: {} for learner in learners}
    for name in arms:
        images: dict[Path, Arm] = {run: make_arm(name, each) for run, each in made.items() if of_run(name) or run == first}
        for learner in learners:
            outcomes[learner.component][name] = bench.run(learner, name, images)
    return outcomes


def _settings(said: Mapping[str, Any]) -> EvaluateSettings:
    settings = read_settings(EvaluateSettings, said, of="evaluate")
    arms, given = settings.arms or tuple(ARMS), parse_given(settings.arm)
    for name in arms:
        if name not in ARMS and name not in given:
            raise GantoolError(f"--arms: no arm {name!r}{nearest(name, ARMS, 'arms are')}")
    for name in ("synthetic", "refined"):
        if name not in arms:
            raise GantoolError(f"--arms needs {name!r}: the verdict compares refined with synthetic")
    return replace(settings, arms=in_order({*arms, *given}))


def _options(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"estimator": {}, "task": {}}
    for name, value in options.items():
        slot, dot, option = name.partition(".")
        if slot not in found or not dot:
            raise GantoolError(f"-o {name}: evaluate has options of estimator and task only, such as estimator.steps=300")
        found[slot][option] = value
    return found
