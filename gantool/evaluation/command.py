"""`gantool evaluate`: from a run folder to `evaluation.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from ..compute.device import choose_device
from ..errors import GantoolError, MissingExtra, nearest, require
from ..plan.resolve import resolve
from ..plan.settings import EvaluateSettings, read_settings, takes
from ..plugins.registry import load_plugins
from ..runs.files import write_json
from ..runs.folder import EVALUATION, read_choices, writing
from .arms import Arm, Material, Skipped, make_arm
from .downstream import InProcess, Learner, Outcome, choose, run_arm
from .evidence.collect import collect
from .evidence.realism import feature_space
from .material import open_material, read_material
from .names import ARMS
from .result import make_result
from .sources import Sources
from .tasks import select

Say = Callable[[str], None]


@takes(EvaluateSettings)
def evaluate_run(
    run: Path,
    *,
    real_labelled: str | Path | None = None,
    synthetic: str | Path | None = None,
    real: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    say: Say = lambda _: None,
    **settings: Any,
) -> dict[str, Any]:
    """Evaluate a run, write `RUN/evaluation.json` and return what it holds.

    `settings`: fields of `EvaluateSettings`. `say` is told what is being done. Raises `GantoolError`.
    """
    checked = _settings(settings)
    require("gantool evaluate", "evaluate", "scipy")
    registry = load_plugins()
    slots = _options(options or {})
    estimators = [choose(registry, name, slots["estimator"]) for name in checked.estimators]
    device = choose_device(checked.device)
    if checked.evidence:
        feature_space(checked.features)
    paths = {"real_labelled": real_labelled, "synthetic": synthetic, "real": real}
    sources = Sources(resolve(registry, read_choices(run)), **paths)
    opened = open_material(run, sources, checked, registry, slots["task"])
    for chosen in estimators:
        chosen.build(outputs=opened.task.outputs, seed=checked.seed)  # what cannot be built shows now, not after minutes of work
    with writing(run), TemporaryFile(dir=run):
        say(f"reading images and refining with {run}")
    compared = read_material(run, opened, checked)
    arms, skipped = _make_arms(checked.arms or (), compared.material)
    seeds = range(checked.seed, checked.seed + checked.repeats)
    truth = select(compared.material.real_targets, compared.material.reported)
    learners: list[Learner] = [InProcess(chosen=chosen, task=compared.task, device=device) for chosen in estimators]
    outcomes: dict[str, dict[str, Outcome]] = {learner.component: {} for learner in learners}
    for learner in learners:
        for number, (name, arm) in enumerate(arms.items(), 1):
            say(f"{learner.component}: {name} ({number} of {len(arms)})")
            outcomes[learner.component][name] = run_arm(name, arm, compared.task, truth, learner, seeds=seeds)
    if checked.evidence:
        say("comparing images")
    evidence = collect(run, compared, registry, features=checked.features if checked.evidence else None)
    result = make_result(
        compared=compared,
        settings=checked,
        learners=learners,
        arms=arms,
        outcomes=outcomes,
        skipped=skipped,
        evidence=evidence,
    )
    with writing(run):
        write_json(run / EVALUATION, result)
    return result


def _settings(said: Mapping[str, Any]) -> EvaluateSettings:
    settings = read_settings(EvaluateSettings, said, of="evaluate")
    arms = settings.arms or tuple(ARMS)
    for name in arms:
        if name not in ARMS:
            raise GantoolError(f"--arms: no arm {name!r}{nearest(name, ARMS, 'arms are')}")
    for name in ("synthetic", "refined"):
        if name not in arms:
            raise GantoolError(f"--arms needs {name!r}: the verdict compares refined with synthetic")
    return replace(settings, arms=arms)


def _options(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"estimator": {}, "task": {}}
    for name, value in options.items():
        slot, dot, option = name.partition(".")
        if slot not in found or not dot:
            raise GantoolError(f"-o {name}: evaluate has options of estimator and task only, such as estimator.steps=300")
        found[slot][option] = value
    return found


def _make_arms(names: Sequence[str], material: Material) -> tuple[dict[str, Arm], dict[str, str]]:
    arms, skipped = {}, {}
    for name in [name for name in ARMS if name in names]:
        try:
            arms[name] = make_arm(name, material)
        except (Skipped, MissingExtra) as why:
            skipped[name] = str(why)
    return arms, skipped
