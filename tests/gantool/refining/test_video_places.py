"""Videos: where they may go, and what happens when memory or the disk is short."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gantool.data.formats.video import VideoRewriter
from gantool.data.video.writing import VideoWriter
from gantool.errors import GantoolError
from gantool.refining.refine import refine

av = pytest.importorskip("av")


@pytest.fixture
def identity(trained: Callable[..., Any], added: type) -> Any:
    return trained(added(0.0))


@pytest.mark.usefixtures("identity")
def test_a_full_disk_is_one_line(clip, moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise av.error.OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VideoWriter, "write", full)
    with pytest.raises(GantoolError, match=r"the disk is full at .*a\.mp4: free some space"):
        refine("run", input=clip(tmp_path / "in.mp4", moving(4)), output=tmp_path / "a.mp4")
    assert not list(tmp_path.glob(".*tmp*"))


@pytest.mark.usefixtures("identity")
def test_only_a_few_frames_are_in_memory(clip, moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    decoded = written = most = 0
    read, put = VideoRewriter._stored, VideoRewriter.put

    def counted(rewriter: VideoRewriter, *words: Any) -> Any:
        nonlocal decoded, most
        decoded += 1
        most = max(most, decoded - written)
        return read(rewriter, *words)

    def stored(rewriter: VideoRewriter, *words: Any) -> None:
        nonlocal written
        written += 1
        put(rewriter, *words)

    monkeypatch.setattr(VideoRewriter, "_stored", counted)
    monkeypatch.setattr(VideoRewriter, "put", stored)
    source = clip(tmp_path / "in.mkv", moving(200, size=(16, 16)), codec="ffv1")
    assert refine("run", input=source, output=tmp_path / "out.mkv", batch_size=4).refined == 200
    assert 0 < most <= 4 * 8


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize(
    ("given", "output", "message"),
    [
        ("in/a.mp4", "in/a.mp4", "is the input: gantool never writes into its input"),
        ("in/a.mp4", "in", "is the input: gantool never writes into its input"),
        ("in", "in/out", "one inside the other"),
        ("in", "out.mp4", "is a folder, so --output .* must be one too"),
        ("gone.mp4", "out", "gone.mp4 does not exist"),
    ],
)
def test_places_that_cannot_be(given: str, output: str, message: str, clip, moving, tmp_path: Path):
    source = clip(tmp_path / "in/a.mp4", moving(2))
    data = source.read_bytes()
    with pytest.raises(GantoolError, match=message):
        refine("run", input=tmp_path / given, output=tmp_path / output)
    assert source.read_bytes() == data
