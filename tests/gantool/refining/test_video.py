"""Videos in, videos out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gantool.cli.main import run
from gantool.data.domains import Preprocess
from gantool.data.inspection.survey import survey
from gantool.data.opening import open_images
from gantool.errors import GantoolError
from gantool.refining.containers import record_path
from gantool.refining.refine import refine
from gantool.refining.report import Silent

av = pytest.importorskip("av")

UNEVEN = [0, 1501, 4504, 13505, 15007, 18010, 24444, 33445, 36448, 37949]
"""In units of 1/90000 s."""


@dataclass
class Content:
    """All that is in a file."""

    times: list[Fraction]
    images: list[np.ndarray]
    planes: list[list[bytes]]
    others: list[tuple[str, Fraction, bytes]]
    """Type, time and content of packets that are not of the video."""
    codec: str
    pixels: str
    facts: dict[str, Any]


def content(path: Path) -> Content:
    with av.open(str(path)) as file:
        others = [
            (packet.stream.type, packet.pts * packet.time_base, bytes(packet))
            for packet in file.demux()
            if packet.size and packet.stream.type != "video"
        ]
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        frames = list(file.decode(stream))
        context = stream.codec_context
        return Content(
            times=[frame.pts * frame.time_base for frame in frames],
            images=[frame.to_ndarray(format="rgb24") for frame in frames],
            planes=[[bytes(plane) for plane in frame.planes] for frame in frames],
            others=sorted(others),
            codec=context.codec.canonical_name,
            pixels=context.pix_fmt,
            facts={
                "size": (stream.width, stream.height),
                "rate": stream.average_rate,
                "unit": stream.time_base,
                "colours": (context.color_primaries, context.color_trc, context.colorspace, context.color_range),
                "aspect": stream.sample_aspect_ratio,
                "rotation": frames[0].rotation,
                "title": file.metadata.get("title"),
                "languages": [other.metadata.get("language") for other in file.streams],
                "chapters": [chapter["metadata"] for chapter in file.chapters()],
                "types": [other.type for other in file.streams],
            },
        )


class Told(Silent):
    """Remembers notices."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def identity(trained: Callable[..., Any], added: type) -> Any:
    return trained(added(0.0))


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize(
    ("name", "codec", "pixels", "sound"),
    [
        ("a b ü.mp4", "libx264", "yuv420p", "aac"),
        ("b.mov", "mpeg4", "yuv420p", "pcm_s16le"),
        ("c.mkv", "ffv1", "yuv420p", "aac"),
        ("c10.mkv", "ffv1", "yuv422p10le", ""),
        ("d.webm", "libvpx-vp9", "yuv420p", ""),
        ("e.avi", "mpeg4", "yuv420p", "pcm_s16le"),
        ("f.ts", "libx264", "yuv420p", "mp2"),
        ("g.flv", "flv", "yuv420p", ""),
        ("h.mp4", "libx265", "yuv420p", ""),
        ("i.mp4", "libsvtav1", "yuv420p", ""),
        ("j.avi", "huffyuv", "rgb24", ""),
        ("k.avi", "mjpeg", "yuvj420p", ""),
        ("l.mkv", "ffv1", "bgr0", ""),
        ("m.avi", "rawvideo", "yuv420p", ""),
    ],
)
def test_frames_keep_their_number_times_and_kind(name: str, codec: str, pixels: str, sound: str, clip, moving, tmp_path: Path):
    source = clip(tmp_path / "in" / name, moving(20, size=(64, 64)), codec=codec, pixels=pixels, sound=sound)
    report = refine("run", input=source, output=tmp_path / "out", batch_size=6)
    assert (report.refined, report.output, report.exit_code) == (20, tmp_path / "out" / name, 0)
    before, after = content(source), content(report.output)
    assert after.times == before.times
    assert after.others == before.others
    assert (sound == "") == (before.others == [])
    assert (after.codec, after.pixels) == (before.codec, before.pixels)
    assert after.facts == before.facts
    if codec in ("ffv1", "huffyuv", "rawvideo"):
        assert after.planes == before.planes
    else:
        worst = max(np.abs(a.astype(float) - b).mean() for a, b in zip(before.images, after.images, strict=True))
        assert worst < 4
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        f".{name}.gantool-refine.json",
        f".{name}.gantool-refined.jsonl",
        name,
    ]


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_uneven_times_stay(name: str, clip, moving, tmp_path: Path):
    source = clip(tmp_path / "in" / name, moving(10), times=UNEVEN, unit=Fraction(1, 90000), sound="aac")
    report = refine("run", input=source, output=tmp_path / "out")
    before, after = content(source), content(report.output)
    assert after.times == before.times
    assert len(set(np.diff([float(time) for time in after.times]).round(4))) > 3
    assert after.others == before.others


def test_what_changes_is_what_the_network_says(trained, added, clip, moving, tmp_path: Path):
    trained(added(2 * 20 / 255))
    source = clip(tmp_path / "in.mkv", [frame // 2 for frame in moving(6)], codec="ffv1", pixels="bgr0")
    report = refine("run", input=source, output=tmp_path / "out.mkv")
    before, after = content(source), content(report.output)
    for a, b in zip(before.images, after.images, strict=True):
        assert np.array_equal(a.astype(int) + 20, b)


def test_a_grey_run_changes_the_luminance_of_colour(trained, added, clip, moving, tmp_path: Path):
    network = trained(added(2 * 10 / 255), 1)
    source = clip(tmp_path / "in.mkv", [frame // 2 for frame in moving(4)], codec="ffv1", pixels="yuv420p")
    before, after = content(source), content(refine("run", input=source, output=tmp_path / "out.mkv").output)
    assert network.seen[0][1] == 1
    for (_, *chroma), (_, *refined) in zip(before.planes, after.planes, strict=True):
        assert chroma == refined
    assert before.planes[0][0] != after.planes[0][0]


def test_depth_of_16_bits(trained, added, clip, tmp_path: Path):
    trained(added(2 * 100 / 65535), 1)
    depth = [np.random.default_rng(n).integers(0, 60000, (24, 20), dtype=np.uint16) for n in range(3)]
    source = clip(tmp_path / "in.mkv", depth, codec="ffv1", pixels="gray16le")
    report = refine("run", input=source, output=tmp_path / "out.mkv")
    with av.open(str(report.output)) as file:
        assert all(np.array_equal(frame.to_ndarray(), depth[n] + 100) for n, frame in enumerate(file.decode(video=0)))


class Painted(torch.nn.Module):
    """Makes the top rows of an upright image white."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        painted = images.clone()
        painted[:, :, :8] = 1
        return painted


@pytest.mark.parametrize("size", ["keep", "24x16"])
def test_the_network_sees_upright_frames(size: str, trained, clip, moving, tmp_path: Path):
    trained(Painted())
    source = clip(tmp_path / "in.mov", [frame // 2 for frame in moving(3)], rotation=90)
    after = content(refine("run", input=source, output=tmp_path / "out.mov", size=size).output)
    assert after.facts["rotation"] == 90
    assert after.facts["size"] == ((48, 32) if size == "keep" else (24, 16))
    upright = np.rot90(after.images[1])
    assert upright[:6].min() > 230
    assert upright[10:].max() < 200


@pytest.mark.usefixtures("identity")
def test_another_size_keeps_the_picture(clip, moving, tmp_path: Path):
    source = clip(tmp_path / "in.mkv", moving(3, size=(64, 96)), codec="ffv1", pixels="yuv444p")
    report = refine("run", input=source, output=tmp_path / "out.mkv", size="32x48")
    after = content(report.output)
    wanted = [frame.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3)) for frame in content(source).images]
    assert all(np.abs(a - b).mean() < 3 for a, b in zip(after.images, wanted, strict=True))
    odd = refine("run", input=source, output=tmp_path / "odd.mkv", size="31x47")
    assert content(odd.output).facts["size"] == (47, 31)
    source = clip(tmp_path / "in.mp4", moving(3))
    with pytest.raises(GantoolError, match=r"libx264 takes no 31x47 at 25 a second; most codecs want even sizes"):
        refine("run", input=source, output=tmp_path / "odd.mp4", size="31x47", video_codec="h264")
    assert not list(tmp_path.glob("odd.mp4"))


@pytest.mark.usefixtures("identity")
def test_texts_chapters_covers_and_attachments_come_along(clip, moving, tmp_path: Path):
    plain = clip(tmp_path / "plain.mkv", moving(20), sound="aac")
    cover = clip(tmp_path / "cover.avi", moving(1), codec="mjpeg", pixels="yuvj420p")
    with av.open(str(plain)) as old, av.open(str(cover)) as picture, av.open(str(tmp_path / "in.mp4"), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream, opaque=True) for stream in old.streams}
        streams[1].metadata["language"] = "deu"
        front = new.add_stream_from_template(picture.streams.video[0], opaque=True)
        front.disposition = av.stream.Disposition.attached_pic
        new.metadata["title"] = "Ä"
        span = {"id": 1, "start": 0, "end": 400, "time_base": Fraction(1, 1000)}
        new.set_chapters([{**span, "metadata": {"title": "one"}}])
        for packet in [*picture.demux(video=0), *old.demux()]:
            if packet.size:
                packet.stream = front if packet.stream is picture.streams.video[0] else streams[packet.stream.index]
                new.mux(packet)
    told = Told()
    report = refine("run", input=tmp_path / "in.mp4", output=tmp_path / "out.mp4", watcher=told)
    before, after = content(tmp_path / "in.mp4"), content(report.output)
    assert after.facts == before.facts
    assert (after.facts["title"], after.facts["languages"][1]) == ("Ä", "deu")
    assert after.facts["chapters"] == [{"title": "one"}]
    with av.open(str(report.output)) as a, av.open(str(tmp_path / "in.mp4")) as b:
        pictures = [[bytes(packet) for packet in file.demux(video=1) if packet.size] for file in (a, b)]
        assert a.streams.video[1].disposition & av.stream.Disposition.attached_pic
    assert pictures[0] == pictures[1] != []
    # Chapters of an .mp4 are a data stream that players make anew.
    assert [notice.partition(": ")[2] for notice in told.notices] == ["left out, since players make them anew: bin_data"]


@pytest.mark.usefixtures("identity")
def test_colours_and_shape_of_pixels_are_said_as_before(moving, tmp_path: Path):
    with av.open(str(tmp_path / "in.mkv"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, 16, 9, 1
        context.sample_aspect_ratio = Fraction(4, 3)
        for number, image in enumerate(moving(4)):
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    report = refine("run", input=tmp_path / "in.mkv", output=tmp_path / "out.mkv")
    facts = content(report.output).facts
    assert facts == content(tmp_path / "in.mkv").facts
    assert (facts["colours"], facts["aspect"]) == ((9, 16, 9, 1), Fraction(4, 3))


@pytest.mark.usefixtures("identity")
def test_other_codecs(clip, moving, tmp_path: Path):
    source = clip(tmp_path / "in.mp4", moving(8))
    lossless = refine("run", input=source, output=tmp_path / "out.mkv", video_codec="ffv1")
    after = content(lossless.output)
    assert (after.codec, after.planes) == ("ffv1", content(source).planes)
    sizes = []
    for crf in (10, 45):
        refine("run", input=source, output=tmp_path / f"{crf}.mp4", video_crf=crf)
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > sizes[1]
    with pytest.raises(GantoolError, match="other settings"):
        refine("run", input=source, output=tmp_path / "45.mp4", video_crf=44)
    for options, message in (
        ({"video_codec": "h256"}, r"no such encoder; did you mean 'h264'\?"),
        ({"video_codec": "mpeg4", "video_crf": 4}, "mpeg4 has no such quality"),
        ({"video_codec": "wmv2"}, r"no\.mp4 cannot hold wmv2: choose another --video-codec, or an --output that ends with \.mkv"),
    ):
        with pytest.raises(GantoolError, match=message):
            refine("run", input=source, output=tmp_path / "no.mp4", **options)
    assert not (tmp_path / "no.mp4").exists()


@pytest.mark.usefixtures("identity")
def test_a_container_that_cannot_hold_the_sound_is_said(clip, moving, tmp_path: Path):
    source = clip(tmp_path / "in.mkv", moving(20), sound="pcm_s16le")
    with pytest.raises(GantoolError, match=r"out\.webm cannot hold the audio stream \(pcm_s16le\)"):
        refine("run", input=source, output=tmp_path / "out.webm", video_codec="vp9")
    assert not list(tmp_path.glob(".*tmp"))


@pytest.mark.usefixtures("identity")
def test_a_folder_of_videos(clip, moving, tmp_path: Path):
    clip(tmp_path / "in/a.mp4", moving(6))
    clip(tmp_path / "in/sub dir/ü.mkv", moving(9), codec="ffv1")
    clip(tmp_path / "in/cut.mp4", moving(20))
    data = (tmp_path / "in/cut.mp4").read_bytes()
    (tmp_path / "in/cut.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "in/sub dir/ü.json").write_bytes(b'{"gaze": 1}\r\n')
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (report.refined, report.copied, report.skipped, report.exit_code) == (15, 1, 0, 1)
    assert [(failed.name, failed.cause) for failed in report.failed] == [(f"{tmp_path}/in/cut.mp4", "it is damaged, or no video")]
    assert (tmp_path / "out/sub dir/ü.json").read_bytes() == b'{"gaze": 1}\r\n'
    record = [json.loads(line) for line in record_path(tmp_path / "out/sub dir/ü.mkv").read_text("utf-8").splitlines()]
    assert [(line["image"], line["digest"]) for line in record] == [("ü.mkv", "digest-1")]
    kept = (tmp_path / "out/a.mp4").stat()
    (tmp_path / "out/sub dir/ü.mkv").unlink()
    report = refine("run", input=tmp_path / "in", output=tmp_path / "out")
    assert (report.refined, report.skipped) == (9, 6)
    assert (tmp_path / "out/a.mp4").stat() == kept


def test_an_interruption_leaves_no_half_file(trained, added, clip, moving, tmp_path: Path):
    class Stop(added):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if len(self.seen) == 3:
                raise KeyboardInterrupt
            return super().forward(images)

    source = clip(tmp_path / "in.mp4", moving(20), sound="aac")
    trained(Stop())
    with pytest.raises(KeyboardInterrupt):
        refine("run", input=source, output=tmp_path / "out/a.mp4", batch_size=2)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".a.mp4.gantool-refine.json"]
    trained(added(0.0))
    assert refine("run", input=source, output=tmp_path / "out/a.mp4").refined == 20
    assert refine("run", input=source, output=tmp_path / "out/a.mp4").skipped == 20


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("codec", ["ffv1", "h264"])
def test_damage_inside_is_said(codec: str, clip, moving, tmp_path: Path):
    refine("run", input=clip(tmp_path / "in.mp4", moving(20)), output=tmp_path / "in.mkv", video_codec=codec)
    source = tmp_path / "in.mkv"
    with av.open(str(source)) as file:
        packet = next(packet for number, packet in enumerate(file.demux()) if number == 12)
        offset, size = source.read_bytes().index(bytes(packet)), packet.size
    data = bytearray(source.read_bytes())
    data[offset + size // 2 : offset + size] = bytes(size - size // 2)
    source.write_bytes(data)
    with pytest.raises(GantoolError, match=r"cannot read .*in\.mkv: (frame 1\d of 20 is damaged|it is damaged, or no video)"):
        refine("run", input=source, output=tmp_path / "out.mkv")
    assert not (tmp_path / "out.mkv").exists()
    found = survey(open_images(source))
    assert found.images == 20
    assert found.unreadable >= 1


def test_equalised_frames(trained, added, clip, moving, tmp_path: Path):
    trained(added(0.0), preprocess=Preprocess(equalize=True))
    source = clip(tmp_path / "in.mkv", [frame // 4 for frame in moving(3)], codec="ffv1", pixels="bgr0")
    after = content(refine("run", input=source, output=tmp_path / "out.mkv").output)
    assert content(source).images[0].max() < 70
    assert after.images[0].max() > 240


@pytest.mark.usefixtures("identity")
def test_the_command(clip, moving, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = clip(tmp_path / "a b.mp4", moving(4))
    words = ["refine", "run", "--input", str(source), "--output"]
    assert run([*words, str(tmp_path / "new.mkv"), "--video-codec", "ffv1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"4 images refined: {tmp_path / 'new.mkv'}"
    assert content(tmp_path / "new.mkv").codec == "ffv1"
    source.write_bytes(source.read_bytes()[:400])
    assert run([*words, str(tmp_path / "other.mkv")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "it is damaged, or no video" in error


@pytest.mark.usefixtures("identity")
def test_into_the_folder_that_the_program_runs_in(clip, moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clip(tmp_path / "renders.mp4", moving(4))
    monkeypatch.chdir(tmp_path)
    assert run(["refine", "run", "--input", "renders.mp4", "--output", "refined.mp4"]) == 0
    assert len(content(tmp_path / "refined.mp4").images) == 4
