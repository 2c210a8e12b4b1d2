from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gantool import GantoolError
from gantool.files import LOCK, TEMPORARY, hidden, lock_for, owned, remove_leftovers_of, replacing
from gantool.runs.state import write_tensors


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_temporary_names_are_hidden_short_and_never_the_same(tmp_path):
    path = tmp_path / ("x" * 250 + ".png")
    assert len({hidden(path) for _ in range(100)}) == 100
    assert hidden(path).name.startswith(".")
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == [path.name]


def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "theirs").write_text("theirs")
    monkeypatch.setattr("secrets.token_hex", lambda count: "0" * 2 * count)
    hidden(tmp_path / "a").symlink_to(tmp_path / "theirs")
    with pytest.raises(FileExistsError), replacing(tmp_path / "a") as temporary:
        temporary.write_text("ours")
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / LOCK).symlink_to(tmp_path / "theirs")
    with pytest.raises(GantoolError, match="cannot be written to"), owned(tmp_path / LOCK, "a"):
        pass
    assert (tmp_path / "theirs").read_text() == "theirs"


@pytest.mark.parametrize("mask", [0o022, 0o007])
def test_weights_have_the_rights_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_tensors(tmp_path / "a.safetensors", {"x": torch.zeros(2)})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == 0o666 & ~mask
    assert names(tmp_path) == ["a.safetensors"]


def test_a_writer_that_is_interrupted_leaves_the_old_file_alone(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_leftovers_of_these_files_are_removed_unless_somebody_writes_them(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            patch.setattr("os.getpid", lambda: ended.pid)
        hidden(tmp_path / "a").write_text("half")
        (hidden(tmp_path / "a") / "deep").mkdir(parents=True)
        of_others = hidden(tmp_path / "b")
        of_others.write_text("half")
        patch.setattr("socket.gethostname", lambda: "elsewhere")
        old, new = hidden(tmp_path / "a"), hidden(tmp_path / "a")
        for path in (old, new):
            path.write_text("half")
        os.utime(old, (0, 0))
    with replacing(tmp_path / "a") as busy:
        remove_leftovers_of([tmp_path / "a"])
        assert names(tmp_path) == sorted([busy.name, of_others.name, new.name])


def test_an_output_has_one_owner_who_leaves_nothing(tmp_path):
    lock = lock_for(tmp_path / "new" / ("x" * 250))
    with owned(lock, "the output"):
        with (
            pytest.raises(
                GantoolError, match=rf"^the output is being written by process {os.getpid()} on \S+: wait for it, or end it$"
            ),
            owned(lock, "the output"),
        ):
            pass
        assert names(tmp_path / "new") == [lock.name]
    assert names(tmp_path) == []


HOLD = """
import sys, time, os
from pathlib import Path
from gantool.files import owned, LOCK
with owned(Path(sys.argv[1]) / LOCK, "a"):
    if os.fork() == 0:
        time.sleep(60)  # as a worker that outlives its parent
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_process_that_was_killed_is_taken_over_though_its_children_live(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as held:
        try:
            assert held.stdout.readline() == "held\n"
            with pytest.raises(GantoolError, match=rf"a is being written by process {held.pid} on "), owned(tmp_path / LOCK, "a"):
                pass
            held.send_signal(signal.SIGKILL)
            held.wait(10)
            assert names(tmp_path) == [LOCK]
            with owned(tmp_path / LOCK, "a"):
                time.sleep(0)
            assert names(tmp_path) == []
        finally:
            os.killpg(held.pid, signal.SIGKILL)


def test_temporary_names_end_as_readers_of_folders_expect(tmp_path):
    assert hidden(tmp_path / "a.png").name.endswith(TEMPORARY)
