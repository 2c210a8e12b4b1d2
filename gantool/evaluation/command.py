"""`gantool evaluate`: from a run folder to `evaluation.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..compute.device import choose_device
from ..errors import GantoolError, MissingExtra, cause, nearest
from ..plan.settings import EvaluateSettings, read_settings, takes
from ..plugins.registry import Part, load_plugins
from ..runs.files import write_json
from ..runs.folder import writing
from .arms import Arm, Skipped, make_arm
from .downstream import Outcome, run_arm
from .estimators import choose
from .evidence.collect import collect, without
from .gather import Gathered, Paths, gather
from .names import ARMS
from .result import make_result
from .statistics import require_scipy

RESULT = "evaluation.json"

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
    require_scipy()
    registry = load_plugins()
    estimators = [choose(registry, name, _estimator_options(options or {})) for name in checked.estimators]
    for chosen in estimators:
        chosen.build(outputs=2, seed=checked.seed)  # a missing package shows now, not after minutes of work
    device = choose_device(checked.device)
    given = {"real_labelled": real_labelled, "synthetic": synthetic, "real": real}
    paths = Paths(**{name: Path(path) for name, path in given.items() if path})
    say(f"reading images and refining with {run}")
    gathered = gather(run, checked, paths, registry)
    arms, skipped = _make_arms(checked.arms or (), gathered)
    outcomes = {chosen.component: _run_arms(arms, chosen, gathered, checked, device, say) for chosen in estimators}
    if checked.evidence:
        say("comparing images")
        evidence = collect(run, gathered, registry, features=checked.features)
    else:
        evidence = without(run, gathered)
    result = make_result(
        gathered=gathered,
        settings=checked,
        estimators=estimators,
        arms=arms,
        outcomes=outcomes,
        skipped=skipped,
        evidence=evidence,
    )
    with writing(run):
        write_json(run / RESULT, result)
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


def _estimator_options(options: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in options.items():
        slot, dot, option = name.partition(".")
        if slot != "estimator" or not dot:
            raise GantoolError(f"-o {name}: evaluate has options of the estimator only, such as estimator.steps=300")
        found[option] = value
    return found


def _make_arms(names: Sequence[str], gathered: Gathered) -> tuple[dict[str, Arm], dict[str, str]]:
    arms, skipped = {}, {}
    for name in [name for name in ARMS if name in names]:
        try:
            arms[name] = make_arm(name, gathered.material)
        except (Skipped, MissingExtra) as why:
            skipped[name] = str(why)
    return arms, skipped


def _run_arms(
    arms: Mapping[str, Arm], chosen: Part, gathered: Gathered, settings: EvaluateSettings, device: torch.device, say: Say
) -> dict[str, Outcome]:
    task, material = gathered.task, gathered.material
    truth = material.real_targets[material.reported]
    outcomes = {}
    for number, (name, arm) in enumerate(arms.items(), 1):
        say(f"{chosen.component}: {name} ({number} of {len(arms)})")
        try:
            outcomes[name] = run_arm(
                arm,
                task,
                truth,
                lambda seed: chosen.build(outputs=task.outputs, seed=seed),
                seeds=range(settings.seed, settings.seed + settings.repeats),
                device=device,
            )
        except ValueError as error:
            raise GantoolError(f"estimator {chosen.component}: {cause(error)}") from None
    return outcomes
