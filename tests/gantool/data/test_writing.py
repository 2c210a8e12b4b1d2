from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from gantool.data.decoding import read
from gantool.data.images import ImageReadError
from gantool.data.writing import picture_of, write_file


def rewrite(path: Path, pixels: np.ndarray | None = None) -> Path:
    """Write a file like `path` beside it, with the same pixels unless others are given."""
    picture = picture_of(path.read_bytes(), str(path))
    out = path.with_name(f"out {path.name}")
    write_file(out, picture.encode(picture.pixels if pixels is None else pixels))
    return out


def test_every_kind_is_written_like_it_was(kind, noise, tmp_path: Path):
    path = tmp_path / f"image{kind.suffix}"
    kind.save(noise((9, 13, kind.channels), kind.dtype), path)
    other = noise((9, 13, kind.channels), kind.dtype, seed=1)
    out = rewrite(path, other)
    assert np.array_equal(read(out), other)
    before, after = Image.open(path), Image.open(out)
    assert (after.format, after.mode) == (before.format, before.mode)
    assert after.info.get("compression") == before.info.get("compression")


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_jpeg_stays_jpeg_and_near(noise, tmp_path: Path, mode: str, subsampling: int):
    smooth = Image.fromarray(noise((3, 4, 3))).resize((64, 48)).convert(mode)
    smooth.save(tmp_path / "a.jpg", quality=98, subsampling=subsampling, progressive=True, icc_profile=b"profile")
    out = rewrite(tmp_path / "a.jpg")
    after = Image.open(out)
    assert (after.format, after.mode) == ("JPEG", mode)
    assert after.info["icc_profile"] == b"profile"
    assert after.info.get("progressive")
    change = np.abs(read(out).astype(int) - read(tmp_path / "a.jpg"))
    assert change.mean() < 1.5


def test_palette_and_one_bit_files_keep_their_look(noise, tmp_path: Path):
    palette = Image.fromarray(noise()).quantize(7)
    palette.save(tmp_path / "p.png", transparency=3)
    assert np.array_equal(np.asarray(Image.open(rewrite(tmp_path / "p.png"))), np.asarray(palette_rgba(tmp_path / "p.png")))
    Image.fromarray(noise()[..., 0] > 99).save(tmp_path / "b.png")
    assert np.array_equal(np.asarray(Image.open(rewrite(tmp_path / "b.png"))), (noise()[..., 0] > 99) * 255)


def palette_rgba(path: Path) -> Image.Image:
    return Image.open(path).convert("RGBA")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_stored_orientation_and_pixels_stay_together(noise, tmp_path: Path, orientation: int, suffix: str):
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(noise()).save(path, exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    out = rewrite(path)
    assert np.array_equal(np.asarray(Image.open(out)), np.asarray(Image.open(path))), "pixels as stored"
    assert Image.open(out).getexif()[274] == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_comes_out_upright(noise, tmp_path: Path, orientation: int):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(noise()).save(tmp_path / "a.tif", exif=exif)
    out = rewrite(tmp_path / "a.tif")
    assert np.array_equal(read(out), read(tmp_path / "a.tif"))
    assert 274 not in Image.open(out).tag_v2


def test_png_metadata_stays(noise, tmp_path: Path):
    info = PngImagePlugin.PngInfo()
    info.add_text("gaze", "0.1 0.2")
    info.add_itxt("who", "Müller", zip=True)
    Image.fromarray(noise()).save(tmp_path / "a.png", pnginfo=info, dpi=(300, 300), icc_profile=b"profile")
    after = Image.open(rewrite(tmp_path / "a.png"))
    assert after.text == {"gaze": "0.1 0.2", "who": "Müller"}
    assert after.info["icc_profile"] == b"profile"
    assert round(after.info["dpi"][0]) == 300


def test_tiff_metadata_stays(noise, tmp_path: Path):
    Image.fromarray(noise()).save(tmp_path / "a.tif", compression="tiff_lzw", description="scene 7", dpi=(300, 300))
    after = Image.open(rewrite(tmp_path / "a.tif"))
    assert after.tag_v2[270] == "scene 7"
    assert after.info["dpi"] == (300, 300)


def test_lossy_webp_stays_lossy_and_small(noise, tmp_path: Path):
    Image.fromarray(noise((3, 4, 4))).resize((128, 96)).save(tmp_path / "a.webp", quality=90)
    out = rewrite(tmp_path / "a.webp")
    assert b"VP8L" not in out.read_bytes()
    assert np.abs(read(out).astype(int) - read(tmp_path / "a.webp"))[..., 3].max() == 0, "alpha is lossless"


def test_several_pages_are_refused(noise, tmp_path: Path):
    pages = [Image.fromarray(noise(seed=seed)) for seed in range(3)]
    for name in ("a.tif", "a.webp", "a.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        with pytest.raises(ImageReadError, match="3 pages or frames"):
            picture_of((tmp_path / name).read_bytes(), name)


def test_an_interrupted_write_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KeyboardInterrupt):
        write_file(target, b"new data")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
