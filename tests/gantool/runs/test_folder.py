from __future__ import annotations

import errno
import json
import os

import pytest

from gantool import GantoolError
from gantool.plan import resolve
from gantool.runs.folder import REPEAT, RUN, discard, new_folder, read_choices, read_repeat, repeated, write_plan, writing


def test_a_folder_is_made_with_its_parents_and_an_empty_one_is_taken(tmp_path):
    assert new_folder(tmp_path / "a" / "b", "x") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    assert new_folder(tmp_path / "a" / "b", "x") == tmp_path / "a" / "b"


def test_folders_are_numbered_and_none_is_given_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(new_folder(None, "simgan")) for _ in range(3)] == [f"runs/simgan-00{number}" for number in (1, 2, 3)]
    (tmp_path / "runs" / "simgan-002").rmdir()
    assert str(new_folder(None, "simgan")) == "runs/simgan-002"
    assert str(new_folder(None, "other")) == "runs/other-001"


def test_what_exists_is_not_written_into(tmp_path):
    run, full, file = tmp_path / "run", tmp_path / "full", tmp_path / "file"
    for folder in (run, full):
        folder.mkdir()
    (run / RUN).write_text("{}")
    (full / "x").write_text("theirs")
    file.write_text("theirs")
    with pytest.raises(GantoolError, match=r"run is a run already: go on with `gantool train --resume .*run`, or choose another"):
        new_folder(run, "x")
    for path in (full, file):
        with pytest.raises(GantoolError, match=r"exists and is not empty: choose another folder"):
            new_folder(path, "x")
    with pytest.raises(GantoolError, match=r"cannot be written to \(Not a directory\): choose another --output"):
        new_folder(file / "below", "x")


@pytest.mark.parametrize("target", ["link", "nowhere/below"])
def test_a_link_that_leads_nowhere_is_no_folder(tmp_path, target):
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(GantoolError, match=r"link cannot be written to \(File exists\): choose another --output"):
        new_folder(tmp_path / "link", "x")


def test_a_plan_is_written_with_its_versions_and_read_back(tmp_path, tiny, registry):
    plan = tiny(parts={"loss": "lsgan"})
    write_plan(tmp_path, plan, registry)
    written = json.loads((tmp_path / RUN).read_text())
    assert set(written["versions"]) == {"gantool", "python", "torch", "simgan"}
    assert resolve(registry, read_choices(tmp_path)) == plan


def test_when_a_run_was_made_stays(tmp_path, tiny, registry):
    write_plan(tmp_path, tiny(), registry)
    written = json.loads((tmp_path / RUN).read_text())
    (tmp_path / RUN).write_text(json.dumps({**written, "created": "long ago"}))
    write_plan(tmp_path, tiny(steps=99), registry)
    again = json.loads((tmp_path / RUN).read_text())
    assert (again["created"], again["steps"]) == ("long ago", 99)


def test_only_a_run_that_never_began_is_removed(tmp_path):
    for name, files in {"fresh": [RUN], "begun": [RUN, "metrics.jsonl"], "empty": []}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text("{}")
        discard(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "empty"]
    discard(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk of .* is full: what was saved before is good; free some space$"),
        (errno.EDQUOT, "the disk of .* is full"),
        (errno.EACCES, r"cannot be written to \(Permission denied\): choose another --output"),
        (errno.EROFS, r"cannot be written to \(Read-only file system\)"),
    ],
)
def test_what_the_operating_system_refuses_is_one_line(tmp_path, number, message):
    with pytest.raises(GantoolError, match=message) as error, writing(tmp_path):
        raise OSError(number, os.strerror(number))
    assert "\n" not in str(error.value)
    with pytest.raises(GantoolError, match=message), writing(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "x"))


def test_a_folder_above_that_cannot_be_written_to_is_one_line(tmp_path):
    with (
        pytest.raises(GantoolError, match=r"run cannot be written to \(Read-only file system\): choose another --output"),
        writing(tmp_path / "above" / "run"),
    ):
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / "above"))


def test_a_full_disk_says_how_to_go_on(tmp_path):
    (tmp_path / RUN).write_text("{}")
    with pytest.raises(GantoolError, match=r"free some space, then go on with: gantool train --resume "), writing(tmp_path):
        raise OSError(errno.ENOSPC, "planted")


def test_other_errors_and_other_peoples_files_are_not_ours(tmp_path):
    with pytest.raises(PermissionError), writing(tmp_path):
        raise PermissionError(errno.EACCES, "planted", "/data/image.png")
    with pytest.raises(OSError, match="Bad file"), writing(tmp_path):
        raise OSError(errno.EBADF, "Bad file")


def test_a_folder_without_a_plan_is_no_run(tmp_path):
    with pytest.raises(GantoolError, match=r"is no run folder: it has no run\.json"):
        read_choices(tmp_path)
    with pytest.raises(GantoolError, match="nowhere does not exist"):
        read_choices(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(GantoolError, match="is no run folder"):
        read_choices(tmp_path / "file")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"seeds": 3, "run": {}}', '{"run": {}}', '{"seeds": ["x"], "run": {}}', '{"seeds": [0]}']
)
def test_what_repeats_are_made_from_is_read_or_said_to_be_damaged(tmp_path, text):
    assert repeated(tmp_path) == []
    (tmp_path / REPEAT).write_text(text)
    for reader in (read_repeat, repeated):
        with pytest.raises(GantoolError, match=r"repeat\.json is damaged .*: name its runs one by one"):
            reader(tmp_path)
