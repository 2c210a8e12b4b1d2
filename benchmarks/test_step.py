"""What a training step costs: beside its convolutions, beside a naive loop, and by part.

pytest benchmarks/test_step.py --benchmark-enable
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import NO_CUDA
from naive_loop import NaiveProcess
from step_case import Case, Steps, open_case
from step_floor import Floor
from step_split import OVERHEAD, shares

# A step of the paper's networks takes seconds on a CPU, and on a busy one minutes.
# The naive loop has a process of its own, and the memory of that is not kept.
pytestmark = [pytest.mark.timeout(3600), pytest.mark.usefixtures("memory")]

CASES = {
    "laptop": Case(preset="laptop", batch=32),
    "paper": Case(preset="paper", batch=64, history=51_200),
    # A pass through these networks takes 0.4 TFLOP for one image.
    "hands": Case(preset="hands", batch=1, size=(224, 224)),
}
HOW: dict[str, dict[str, Any]] = {
    "fp32": {},
    "contiguous": {"channels_last": False},
    "compile": {"compile": True},
    "bf16": {"precision": "bf16"},
    "bf16, compile": {"precision": "bf16", "compile": True},
}
ON_CPU = [*((name, "fp32") for name in CASES), ("laptop", "contiguous"), ("laptop", "compile"), ("paper", "contiguous")]
"""Others take minutes on a CPU, and bf16 is slower there."""
GPU = (pytest.mark.cuda, NO_CUDA)
STEPS = [pytest.param("cpu", *each) for each in ON_CPU] + [
    pytest.param("cuda", case, how, marks=GPU) for case in CASES for how in HOW
]


def fitting(case: Case, record: Any, device: str) -> Case:
    """The case; smaller where nothing is measured seriously, and with more images where the GPU has room for them."""
    if record.count(64) < 64:
        return replace(case, batch=min(case.batch, 8), size=(min(case.size[0], 35), min(case.size[1], 55)), history=256)
    return replace(case, batch=16) if device == "cuda" and case.batch == 1 else case


def floors(steps: Steps, case: Case) -> dict[str, Floor]:
    """The bare convolutions in both layouts, in the precision of the case."""
    recipe: Any = steps.session.recipe
    dtype = torch.bfloat16 if case.settings.get("precision") == "bf16" else torch.float32
    images = steps.session.draws.source().images
    unwrap = recipe.unwrap
    return {
        f"convolutions, {name}": Floor(unwrap(recipe.refiner), unwrap(recipe.discriminator), images, layout=layout, dtype=dtype)
        for name, layout in (("channels last", torch.channels_last), ("contiguous", torch.contiguous_format))
    }


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch.compile looks at one
@pytest.mark.parametrize(("device", "name", "how"), STEPS, indirect=["device"])
def test_step(record: Any, device: str, name: str, how: str) -> None:
    """One round beside its bare convolutions in whichever layout is faster, and where its time goes."""
    case = fitting(replace(CASES[name], settings=HOW[how]), record, device)
    # Hooks, by which the floor finds shapes, would become part of a compiled network.
    plain = Steps(open_case(replace(case, settings=case.settings | {"compile": False}), device))
    bare = floors(plain, case)
    steps = Steps(open_case(case, device))
    seconds = record.in_turns(bare, rounds=1)
    best = min(seconds, key=lambda name: seconds[name])
    rounds = 2 if name == "hands" else 5
    record.compare({"step": steps, best: bare[best]}, case.batch, floor=best, rounds=rounds)
    split = shares(steps, device, rounds=1 if name == "hands" else 3)
    overhead = sum(split.get(part, 0.0) for part in OVERHEAD)
    record.info["split"] = split
    record.info["notes"]["time of a step"] = ", ".join(f"{part} {share:.1%}" for part, share in split.items())
    if device == "cpu" and (name, how) == ("paper", "fp32"):
        record.target("step / convolutions", 1 / record.info["ratio"], 1.15, sense="<=")
        record.target("data, history, logging, optimizers / step", overhead, 0.05, sense="<=")
        record.target("history, B = 51,200 / step", split["history"], 0.01, sense="<=")


@pytest.mark.parametrize(("name", "target"), [("laptop", 1.8), ("paper", 1.25)])
def test_step_beside_a_naive_loop(record: Any, device: str, name: str, target: float) -> None:
    """One round beside the same mathematics as public code has them, in turns."""
    case = fitting(replace(CASES[name], history=1024, batch=32), record, device)
    naive = NaiveProcess(case.preset, case.batch, device)
    try:
        functions = {"step": Steps(open_case(case, device)), "naive loop": naive}
        record.compare(functions, case.batch, floor="naive loop", rounds=21 if name == "laptop" else 9)
    finally:
        naive.close()
    if device == "cpu":
        record.target("step, images/s / naive loop", record.info["ratio"], target, sense=">=")


@pytest.mark.parametrize("name", ["laptop", "paper"])
def test_options_that_change_the_algorithm(record: Any, device: str, name: str) -> None:
    """What `recipe.reuse_refined` and `recipe.joint_batch` add."""
    case = fitting(replace(CASES[name], history=1024, batch=32), record, device)
    reuse, joint = {"recipe.reuse_refined": True}, {"recipe.joint_batch": True}
    options = {"both": reuse | joint, "reuse_refined": reuse, "joint_batch": joint, "Algorithm 1": {}}
    functions = {name: Steps(open_case(replace(case, options=chosen), device)) for name, chosen in options.items()}
    record.compare(functions, case.batch, floor="Algorithm 1")
