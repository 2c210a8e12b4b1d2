from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from gantool.training.loop import TrainingRun


def profiled(plan, folder, registry, *, quiet=False):
    """Train with a profile; return what was printed."""
    folder.mkdir()
    printed = io.StringIO()
    TrainingRun(plan, folder, registry, console=Console(file=printed, width=200), quiet=quiet, profile=True).train()
    return printed.getvalue()


def events_of(path):
    return json.loads(path.read_text())["traceEvents"]


def test_a_trace_of_three_adversarial_steps_is_written_summed_up_and_changes_no_result(tmp_path, tiny, train, registry):
    printed = profiled(tiny(steps=6), tmp_path / "run", registry)
    # 4 + 3 steps of warm-up, 3 to settle, 3 recorded.
    path = tmp_path / "run" / "profile" / "step-00000013.json"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert f"Profile of 3 steps: {path}" in printed
    optimizers = [event["name"] for event in events_of(path) if event["name"].startswith("Optimizer.step#Adam.step")]
    assert len(optimizers) == 3 * (2 + 1)
    head, *rows = printed.partition("ui.perfetto.dev)\n")[2].splitlines()[:11]
    assert head.split() == ["share", "ms", "calls", "operation"]
    shares = [float(row.split("%")[0]) for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 100.5
    assert any("aten::convolution_backward" in row for row in rows)
    plain = train(tiny(steps=6), tmp_path / "plain")
    assert (plain / "refiner.safetensors").read_bytes() == (tmp_path / "run" / "refiner.safetensors").read_bytes()
    assert not (plain / "profile").exists()


def test_quiet_means_quiet(tmp_path, tiny, registry, capfd):
    plan = tiny({"recipe.refiner_warmup": 0, "recipe.discriminator_warmup": 0}, steps=4)
    assert profiled(plan, tmp_path / "run", registry, quiet=True) == ""
    assert len(list((tmp_path / "run" / "profile").iterdir())) == 1
    assert capfd.readouterr() == ("", "")


def test_a_run_that_ends_while_it_is_recorded_leaves_what_there_is(tmp_path, tiny, registry):
    printed = profiled(tiny(steps=5), tmp_path / "run", registry)
    path = tmp_path / "run" / "profile" / "step-00000012.json"
    assert f"Profile of 2 steps: {path}" in printed
    assert sum(event["name"].startswith("Optimizer.step#Adam.step") for event in events_of(path)) == 2 * 3


@pytest.mark.parametrize(("steps", "missing"), [(1, 3), (2, 2), (3, 1)])
def test_a_run_that_is_too_short_for_a_profile_says_so(tmp_path, tiny, registry, steps, missing):
    plan = tiny({"recipe.refiner_warmup": 1, "recipe.discriminator_warmup": 0}, steps=steps)
    printed = profiled(plan, tmp_path / "run", registry)
    assert f"--profile recorded nothing, for the run ended {missing} steps too early for it" in printed
    assert not (tmp_path / "run" / "profile").exists()
