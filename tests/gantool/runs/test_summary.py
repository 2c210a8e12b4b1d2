from __future__ import annotations

import json

import pytest

from gantool import GantoolError
from gantool.runs.folder import EVALUATION, RUN, write_plan
from gantool.runs.summary import differences, find_runs, newest_sheet, summarise


def made(folder, plan, registry, **notes):
    folder.mkdir(parents=True)
    write_plan(folder, plan, registry, **notes)
    return folder


def test_a_run_is_summed_up_from_its_files_at_any_time(tmp_path, tiny, registry):
    run = made(tmp_path / "run", tiny(steps=5), registry)
    new = summarise(run)
    assert (new.recipe, new.preset, new.data) == ("simgan:simgan", "laptop", "simgan:eyes")
    assert (new.saved, new.steps, new.verdict) == (0, 5, "")
    write_plan(run, tiny(steps=5), registry, total=12)  # as when the recipe was asked
    for name in ("step-00000004", "step-00000012", ".step-00000013.1.tmp", "step-mine"):
        (run / "checkpoints" / name).mkdir(parents=True)
    (run / EVALUATION).write_text(json.dumps({"verdict": "helps"}))
    done = summarise(run)
    assert (done.saved, done.steps, done.verdict, done.created) == (12, 12, "helps", new.created)
    (run / EVALUATION).write_text("[" * 100_000)
    assert summarise(run).verdict == ""


def test_files_are_named_by_their_folders(tmp_path, tiny, registry):
    plan = tiny({"dataset.synthetic": "/a/renders", "dataset.real": "/b/photos"}, dataset="gantool:files")
    assert summarise(made(tmp_path / "run", plan, registry)).data == "renders + photos"


def test_runs_are_found_below_a_folder_but_not_in_runs_links_or_hidden_folders(tmp_path, tiny, registry):
    one, deep = made(tmp_path / "b", tiny(), registry), made(tmp_path / "a" / "c", tiny(), registry)
    made(one / "samples" / "inner", tiny(), registry)
    made(tmp_path / ".hidden", tiny(), registry)
    (tmp_path / "link").symlink_to(one)
    assert find_runs(tmp_path) == [deep, one]
    assert find_runs(one) == [one]
    with pytest.raises(GantoolError, match="nowhere does not exist"):
        find_runs(tmp_path / "nowhere")
    with pytest.raises(GantoolError, match=r"run\.json is a file: name a folder of runs"):
        find_runs(one / RUN)


def test_what_differs_is_every_value_that_one_has_and_the_other_has_not_alike(tmp_path, tiny, registry):
    first = made(tmp_path / "a", tiny(seed=1), registry)
    second = made(tmp_path / "b", tiny({"generator.width": 7}, seed=2, parts={"buffer": "none"}), registry)
    found = differences(first, second)
    assert found["seed"] == (1, 2)
    assert found["generator.width"][1] == 7
    assert found["buffer"] == ("simgan:history", "gantool:none")
    assert found["buffer.size"][1] is None
    assert differences(first, first) == {}


def test_the_newest_sheet_is_that_of_most_steps(tmp_path):
    (tmp_path / "samples").mkdir()
    assert newest_sheet(tmp_path) is None
    for name in ("step-00000009.png", "step-00000010.png", "mine.png"):
        (tmp_path / "samples" / name).touch()
    assert newest_sheet(tmp_path) == tmp_path / "samples" / "step-00000010.png"
