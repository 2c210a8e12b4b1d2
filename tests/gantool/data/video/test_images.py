"""Videos as sets of images."""

from __future__ import annotations

import pickle
import random
import weakref
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gantool.data.convert import convert
from gantool.data.domains import FilesOptions
from gantool.data.files import files
from gantool.data.formats import find
from gantool.data.formats import video as stream_module
from gantool.data.images import Images
from gantool.data.inspection.survey import survey
from gantool.data.locations import Location
from gantool.data.opening import kind_of, open_images, open_stream
from gantool.data.video.reading import read_timeline
from gantool.errors import GantoolError, MissingExtra

av = pytest.importorskip("av")

CONTAINERS = [
    ("a b.mp4", "libx264", "yuv420p"),
    ("ü.mov", "mpeg4", "yuv420p"),
    ("c.mkv", "ffv1", "yuv444p"),
    ("d.webm", "libvpx-vp9", "yuv420p"),
    ("d8.webm", "libvpx", "yuv420p"),
    ("e.avi", "mpeg4", "yuv420p"),
    ("with b-frames.avi", "libx264", "yuv420p"),
    ("f.TS", "libx264", "yuv420p"),
    ("g.flv", "flv", "yuv420p"),
    ("h.wmv", "wmv2", "yuv420p"),
]


def nearest(image: np.ndarray, frames: list[np.ndarray]) -> int:
    """Number of the frame that an image was before it was compressed."""
    return int(np.argmin([np.abs(image.astype(float) - frame).mean() for frame in frames]))


@pytest.fixture
def lossless(tmp_path: Path, clip: Callable[..., Path], moving: Callable[..., list[np.ndarray]]) -> Callable[..., Path]:
    def make(name: str, count: int, seed: int = 0) -> Path:
        return clip(tmp_path / name, moving(count, seed=seed), codec="ffv1", pixels="bgr0")

    return make


@pytest.mark.parametrize(("name", "codec", "pixels"), CONTAINERS, ids=[name for name, *_ in CONTAINERS])
def test_frames_at_random_are_those_in_order(name: str, codec: str, pixels: str, clip, moving, tmp_path: Path):
    frames = moving(30)
    path = clip(tmp_path / name, frames, codec=codec, pixels=pixels)
    assert kind_of(str(path)) == "video"
    images = open_images(path)
    assert isinstance(images, Images)
    assert len(images) == 30
    in_order = images.block(0, 30)
    assert [nearest(image, frames) for image in in_order] == list(range(30))
    for index in random.Random(0).sample(range(30), 30):
        assert np.array_equal(images[index], in_order[index]), index
    assert np.array_equal(images[-1], in_order[29])
    assert images.names[7] == f"{path}[7]"
    (form, first) = next(iter(images.forms().items()))
    assert ((form.height, form.width, form.channels), form.dtype, first) == (images[0].shape, str(images[0].dtype), 0)


def test_a_folder_of_videos(lossless, moving, tmp_path: Path):
    lossless("in/b/ü 2.mkv", 3, seed=1)
    lossless("in/a.mkv", 5)
    (tmp_path / "in/notes.txt").write_text("x")
    assert kind_of(str(tmp_path / "in")) == "video"
    images = open_images(tmp_path / "in")
    assert [images.names[index] for index in (4, 5)] == [f"{tmp_path}/in/a.mkv[4]", f"{tmp_path}/in/b/ü 2.mkv[0]"]
    wanted = moving(5) + moving(3, seed=1)
    assert all(np.array_equal(images[index], wanted[index]) for index in (7, 0, 5, 4))
    copied = pickle.loads(pickle.dumps(images))
    assert np.array_equal(copied[6], wanted[6])


def test_frames_come_out_upright(clip, moving, tmp_path: Path):
    frames = moving(4)
    images = open_images(clip(tmp_path / "a.mp4", frames, rotation=90))
    assert images[1].shape == (48, 32, 3)
    turned = [np.rot90(frame, quarter) for frame in frames for quarter in (1, 3)]
    assert [nearest(images[n], turned) for n in range(4)] == [0, 2, 4, 6]
    assert [(form.height, form.width) for form in images.forms()] == [(48, 32)]


def test_depth_keeps_its_16_bits(clip, tmp_path: Path):
    depth = [np.random.default_rng(n).integers(0, 65536, (24, 20), dtype=np.uint16) for n in range(3)]
    images = open_images(clip(tmp_path / "depth.mkv", depth, codec="ffv1", pixels="gray16le"))
    assert all(np.array_equal(images[n][..., 0], depth[n]) for n in range(3))


def test_a_stream_has_every_frame_once_an_epoch_and_resumes(lossless, moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream_module, "_BYTES", 6 * 32 * 48 * 3)
    path = lossless("a.mkv", 20)
    chunks = [chunk() for chunk in find(Location(path)).chunks(Location(path))]
    assert sum(map(len, chunks)) == 20
    assert max(map(len, chunks)) <= 6
    wanted = sorted(frame.tobytes() for frame in moving(20))
    drawn = list(islice(open_stream(path, window=2).stream(seed=1, skip=0), 40))
    assert sorted(image.tobytes() for image in drawn[:20]) == wanted
    assert sorted(image.tobytes() for image in drawn[20:]) == wanted
    later = list(islice(open_stream(path, window=2).stream(seed=1, skip=13), 27))
    assert all(np.array_equal(a, b) for a, b in zip(later, drawn[13:], strict=True))


def test_a_stream_holds_only_its_window(clip, moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream_module, "_BYTES", 4 * 16 * 16 * 3)
    alive: weakref.WeakSet[stream_module.VideoChunk] = weakref.WeakSet()
    real = stream_module.VideoChunk.__init__

    def watch(chunk: stream_module.VideoChunk, *words: object) -> None:
        alive.add(chunk)
        real(chunk, *words)

    monkeypatch.setattr(stream_module.VideoChunk, "__init__", watch)
    path = clip(tmp_path / "a.mkv", moving(400, size=(16, 16)), codec="ffv1", pixels="bgr0")
    most = 0
    for _ in islice(open_stream(path, window=2).stream(seed=0, skip=0), 400):
        most = max(most, sum(bool(chunk._frames) for chunk in list(alive)))
    # Two windows, and the 80 images that `ChunkStream` reads ahead, of 100 chunks of four.
    assert 2 <= most <= 4 + 80 / 4


def test_both_domains(lossless, tmp_path: Path):
    source, target = lossless("renders.mkv", 5), lossless("real.mkv", 5, seed=1)
    domains = files(config=FilesOptions(synthetic=str(source), real=str(target)))
    assert len(domains.source) == len(domains.target) == 5
    domains = files(config=FilesOptions(synthetic=str(source), real=str(target), stream=True))
    assert next(domains.source.stream(seed=0, skip=0)).shape == (32, 48, 3)


def test_inspect(lossless, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from gantool.cli.main import run

    path = lossless("a.mkv", 12)
    found = survey(open_images(path))
    assert (found.images, found.unreadable, dict(found.sizes), dict(found.channels)) == (12, 0, {"32x48": 12}, {3: 12})
    assert run(["data", "inspect", str(path), "--sheet", str(tmp_path / "s.png")]) == 0
    assert "12" in capsys.readouterr().out
    assert (tmp_path / "s.png").stat().st_size > 1000


def test_convert(lossless, moving, tmp_path: Path):
    path = lossless("in/a.mkv", 3)
    lossless("in/sub/a.mkv", 2, seed=1)
    assert convert(str(path), tmp_path / "one", format="folder").images == 3
    assert convert(str(tmp_path / "in"), tmp_path / "all", format="folder").images == 5
    names = [str(file.relative_to(tmp_path / "all")) for file in sorted((tmp_path / "all").rglob("*.png"))]
    assert names == ["a/00000000.png", "a/00000001.png", "a/00000002.png", "sub/a/00000000.png", "sub/a/00000001.png"]
    back = open_images(tmp_path / "all")
    assert all(np.array_equal(back[n], frame) for n, frame in enumerate(moving(3) + moving(2, seed=1)))
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == ["00000000.png", "00000001.png", "00000002.png"]


def test_through_fsspec(lossless, moving, tmp_path: Path):
    fsspec = pytest.importorskip("fsspec")
    path = lossless("a.mkv", 9)
    with fsspec.open("memory://videos/a ü.mkv", "wb") as file:
        file.write(path.read_bytes())
    images = open_images("memory://videos/a ü.mkv")
    assert np.array_equal(images[7], moving(9)[7])
    assert np.array_equal(images[2], moving(9)[2])


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.mp4", b"", "it is damaged, or no video"),
        ("playlist.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/hosts\n", "it is damaged, or no video"),
        ("gone.mp4", None, "does not exist"),
    ],
)
def test_what_is_no_video_is_said(name: str, data: bytes | None, message: str, tmp_path: Path):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(GantoolError, match=message) as error:
        open_images(tmp_path / name)
    assert "\n" not in str(error.value)


def test_sound_alone_is_no_video(clip, moving, tmp_path: Path):
    path = clip(tmp_path / "a.mp4", moving(9), sound="aac")
    with av.open(str(path)) as old, av.open(str(tmp_path / "sound.mp4"), "w") as new:
        tone = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(old.streams.audio[0]):
            if packet.size:
                packet.stream = tone
                new.mux(packet)
    with pytest.raises(GantoolError, match=r"sound\.mp4: it has no video stream"):
        open_images(tmp_path / "sound.mp4")


@pytest.mark.parametrize(
    ("name", "options"), [("a.mkv", {}), ("a.mp4", {"movflags": "faststart"}), ("a.avi", {"codec": "mpeg4"})]
)
def test_a_file_that_was_cut_off_is_not_whole(name: str, options: dict[str, str], clip, moving, tmp_path: Path):
    path = clip(tmp_path / name, moving(40), **options)
    assert read_timeline(str(path)).whole
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    line = read_timeline(str(path))
    assert not line.whole
    assert 0 < len(line) < 40 or name == "a.mp4"


def test_a_recording_that_begins_between_key_frames_has_the_frames_that_can_be_decoded(clip, moving, tmp_path: Path):
    frames = moving(30)
    path = clip(tmp_path / "a.ts", frames)
    with av.open(str(path)) as old, av.open(str(tmp_path / "cut.ts"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0], opaque=True)
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size and number >= 3:
                packet.stream = stream
                new.mux(packet)
    images = open_images(tmp_path / "cut.ts")
    in_order = images.block(0, len(images))
    assert [nearest(image, frames) for image in in_order] == list(range(30 - len(images), 30))
    assert 20 <= len(images) <= 27
    assert all(np.array_equal(images[index], in_order[index]) for index in (9, 2, 15))


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"a\.mp4 needs PyAV: pip install 'simgan-plugin\[video\]'"):
        open_images(tmp_path / "a.mp4")
