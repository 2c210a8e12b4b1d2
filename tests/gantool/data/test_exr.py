from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from gantool.data.exr import read_channels, read_header, write_channels, write_resized
from gantool.data.images import ImageReadError

H, W = 6, 8


def made(path: Path, *parts: tuple[str, dict[str, np.ndarray]], compression: str = "ZIP", **header: object) -> Path:
    given = {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION"), "type": OpenEXR.scanlineimage}
    OpenEXR.File(
        [OpenEXR.Part({**given, **(header if not n else {})}, dict(c), name) for n, (name, c) in enumerate(parts)]
    ).write(str(path))
    return path


def noise(seed: int, dtype: type = np.float32) -> np.ndarray:
    return (np.random.default_rng(seed).random((H, W)) * 30).astype(dtype)


def contents(path: Path) -> list[tuple[str, dict[str, np.ndarray], dict[str, str]]]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return [
            (
                part.name(),
                {n: c.pixels.copy() for n, c in part.channels.items()},
                {k: str(v) for k, v in part.header.items() if k != "channels"},
            )
            for part in file.parts
        ]


def test_parts_and_channels_by_name(tmp_path: Path):
    eyes = [
        (f"L.Combined-{eye}", {f"L.Combined.{c}": noise(n, np.float16) for c in "RGB"}) for n, eye in enumerate(("left", "right"))
    ]
    path = made(tmp_path / "a.exr", *eyes)
    assert [(part.name, part.height, part.width, part.channels[0]) for part in read_header(path)] == [
        ("L.Combined-left", H, W, "L.Combined.B"),
        ("L.Combined-right", H, W, "L.Combined.B"),
    ]
    # Both parts have channels of one name: only the part tells them apart.
    right = read_channels(path, ["L.Combined.R", "L.Combined.G"], part="L.Combined-right")
    assert right.dtype == np.float16
    assert np.array_equal(right[..., 0], noise(1, np.float16))
    assert np.array_equal(read_channels(path, ["L.Combined.R"])[..., 0], noise(0, np.float16))


@pytest.mark.parametrize("several", [False, True])
def test_a_refined_file_is_as_it_was_but_for_the_picture(several: bool, tmp_path: Path):
    colours = {f"V.Combined.{c}": noise(n, np.float16) for n, c in enumerate("RGBA")}
    others = {
        "V.Depth.Z": np.full((H, W), 1e10, np.float32),
        "V.IndexOB.X": noise(9).round(),
        "id": np.arange(H * W, dtype=np.uint32).reshape(H, W),
    }
    parts = [("V.Combined", colours), ("V.Depth", others)] if several else [("", {**colours, **others})]
    window = (np.array([2, 3], np.int32), np.array([W + 1, H + 2], np.int32))
    manifest = '{"Cube ä":"117ca633"}'
    path = made(tmp_path / "a.exr", *parts, dataWindow=window, **{"cryptomatte/1/manifest": manifest, "Camera": "Ü"})
    # Not contiguous, and one value beyond what half can hold.
    new = np.asfortranarray(np.stack([noise(20 + n) for n in range(3)], axis=-1))
    new[0, 0] = (1e6, np.nan, -1e6)
    channels = ["V.Combined.R", "V.Combined.G", "V.Combined.B"]
    (tmp_path / "b.exr").write_bytes(write_channels(path.read_bytes(), [("", channels, new)]))
    for (name, before, header), (name_after, after, header_after) in zip(
        contents(path), contents(tmp_path / "b.exr"), strict=True
    ):
        assert (name, header) == (name_after, header_after)
        assert before.keys() == after.keys()
        for channel in before.keys() - set(channels):
            assert before[channel].dtype == after[channel].dtype
            assert np.array_equal(before[channel], after[channel])
    got = read_channels(tmp_path / "b.exr", channels)
    assert got.dtype == np.float16
    assert np.array_equal(got[1:], new[1:].astype(np.float16))
    assert got[0, 0].tolist() == [65504.0, pytest.approx(np.nan, nan_ok=True), -65504.0]


@pytest.mark.parametrize("compression", ["DWAA", "DWAB", "B44", "PXR24"])
def test_passes_lose_nothing_a_second_time(compression: str, tmp_path: Path):
    path = made(
        tmp_path / "a.exr",
        ("", {c: noise(n, np.float16) for n, c in enumerate(("R", "G", "B", "P.Y", "P.R"))}),
        compression=compression,
    )
    before = {channel: read_channels(path, [channel]) for channel in ("P.Y", "P.R")}
    new = np.zeros((H, W, 3), np.float32)
    (tmp_path / "b.exr").write_bytes(write_channels(path.read_bytes(), [("", ["R", "G", "B"], new)]))
    for channel, stored in before.items():
        assert np.array_equal(read_channels(tmp_path / "b.exr", [channel]), stored)


def test_damaged_and_foreign_files_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = made(tmp_path / "a.exr", ("", {"R": noise(0)}))
    for name, content in (("no.exr", b"no"), ("cut.exr", path.read_bytes()[:-60])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageReadError, match=name):
            read_channels(tmp_path / name, ["R"])
    with pytest.raises(ImageReadError, match=r"no part with the channels G"):
        read_channels(path, ["G"])
    with pytest.raises(ImageReadError, match=r"a\.exr"):
        write_channels(path.read_bytes(), [("x", ["R"], np.zeros((H, W, 1)))], name="a.exr")


def test_every_channel_at_another_size(tmp_path: Path):
    parts = [
        ("V.Combined", {f"V.Combined.{c}": noise(n, np.float16) for n, c in enumerate("RGB")}),
        ("V.Depth", {"V.Depth.Z": noise(5)}),
    ]
    path = made(tmp_path / "a.exr", *parts, Camera="C")
    (tmp_path / "b.exr").write_bytes(write_resized(path.read_bytes(), (3, 4), lambda part, channel, pixels: pixels[::2, ::2]))
    first, second = read_header(tmp_path / "b.exr")
    assert [(part.name, part.height, part.width) for part in (first, second)] == [("V.Combined", 3, 4), ("V.Depth", 3, 4)]
    assert first.attributes["Camera"] == "C"
    assert np.array_equal(read_channels(tmp_path / "b.exr", ["V.Depth.Z"])[..., 0], noise(5)[::2, ::2])
    assert read_channels(tmp_path / "b.exr", ["V.Combined.G"]).dtype == np.float16
