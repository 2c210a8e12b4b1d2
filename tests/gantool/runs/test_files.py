from __future__ import annotations

import json

import pytest

from gantool.runs.files import announce, remove_folder, remove_leftovers, write_file, write_folder, write_json


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path):
    write_json(tmp_path / "a.json", {"old": 1})
    write_json(tmp_path / "a.json", {"new": "λ"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"new": "λ"}
    assert names(tmp_path) == ["a.json"]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("planted")

    with pytest.raises(OSError, match="planted"):
        write_file(tmp_path / "a.txt", fail)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_the_old_file_is_there_until_the_new_one_is_whole_and_keeps_its_suffix(tmp_path):
    (tmp_path / "a.png").write_text("old")

    def write(path):
        assert path.suffix == ".png"
        assert path.parent == tmp_path
        assert (tmp_path / "a.png").read_text() == "old"
        path.write_text("new")

    write_file(tmp_path / "a.png", write)
    assert (tmp_path / "a.png").read_text() == "new"


def test_who_reads_the_old_file_reads_it_to_the_end(tmp_path):
    """A name that moves, and no content that is overwritten: nobody ever sees half of each."""
    (tmp_path / "a.txt").write_text("old")
    with (tmp_path / "a.txt").open() as reader:
        write_file(tmp_path / "a.txt", lambda path: path.write_text("new"))
        assert reader.read() == "old"


def test_a_folder_gets_its_name_when_it_is_whole(tmp_path):
    def write(path):
        assert not (tmp_path / "deep" / "a").exists()
        (path / "x").write_text("1")

    write_folder(tmp_path / "deep" / "a", write)
    assert (tmp_path / "deep" / "a" / "x").read_text() == "1"
    assert names(tmp_path / "deep") == ["a"]


def test_a_folder_whose_writer_fails_does_not_exist(tmp_path):
    def fail(path):
        (path / "x").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "a", fail)
    assert names(tmp_path) == []


def test_a_folder_is_removed_with_what_is_in_it(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("1")
    remove_folder(tmp_path / "a")
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    """Whatever a writer is killed in: the names are those that it had at that moment."""
    seen = []

    def record(path):
        path.mkdir(exist_ok=True) if path.suffix == ".tmp" else path.write_text("half")
        seen.append(path.name)

    write_file(tmp_path / "run.json", record)
    write_folder(tmp_path / "step-00000001", record)
    for name in [*seen, ".tmpa1B2c3"]:  # safetensors writes under such a name first
        (tmp_path / name).mkdir() if name.startswith(".step") else (tmp_path / name).write_text("half")
    (tmp_path / ".hidden").write_text("theirs")
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".hidden", "run.json", "step-00000001"]
    remove_leftovers(tmp_path / "nowhere")


def test_one_of_several_processes_makes_a_note(tmp_path):
    assert announce(tmp_path, "lost")
    assert not announce(tmp_path, "lost")
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []
    assert announce(tmp_path, "lost")
    assert not announce(tmp_path / "removed", "lost")
