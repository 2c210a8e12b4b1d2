from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.data.decoding import probe, read
from gantool.data.images import Form, ImageReadError


def test_every_kind_is_read_exactly(kind, noise, tmp_path: Path):
    pixels = noise((9, 13, kind.channels), kind.dtype)
    path = tmp_path / f"image{kind.suffix}"
    kind.save(pixels, path)
    found = read(path)
    assert found.dtype == kind.dtype
    assert np.array_equal(found, pixels)
    assert probe(path) == Form(9, 13, kind.channels, np.dtype(kind.dtype).name)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_palette_becomes_rgb_and_one_bit_becomes_grey(noise, tmp_path: Path, suffix: str):
    palette = Image.fromarray(noise()).quantize(7)
    palette.save(tmp_path / f"p{suffix}")
    assert np.array_equal(read(tmp_path / f"p{suffix}"), np.asarray(palette.convert("RGB")))
    bits = noise((9, 13, 1))[..., 0] > 127
    Image.fromarray(bits).save(tmp_path / f"b{suffix}")
    assert np.array_equal(read(tmp_path / f"b{suffix}")[..., 0], bits * 255)
    assert probe(tmp_path / f"p{suffix}").channels == 3
    assert probe(tmp_path / f"b{suffix}").channels == 1


def test_a_transparent_palette_entry_becomes_alpha(noise, tmp_path: Path):
    palette = Image.fromarray(noise()).quantize(7)
    palette.save(tmp_path / "p.png", transparency=3)
    found = read(tmp_path / "p.png")
    assert np.array_equal(found[..., 3] == 0, np.asarray(palette) == 3)
    assert probe(tmp_path / "p.png").channels == 4


def test_a_transparent_colour_becomes_alpha(noise, tmp_path: Path):
    pixels = noise()
    Image.fromarray(pixels).save(tmp_path / "rgb.png", transparency=tuple(int(v) for v in pixels[2, 3]))
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png", transparency=int(pixels[2, 3, 0]))
    colour, grey = read(tmp_path / "rgb.png"), read(tmp_path / "grey.png")
    assert colour.shape[2] == probe(tmp_path / "rgb.png").channels == 4
    assert grey.shape[2] == probe(tmp_path / "grey.png").channels == 2
    assert colour[2, 3, 3] == grey[2, 3, 1] == 0
    assert np.array_equal(colour[..., :3], pixels)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_is_read_as_pillow_reads_it(noise, tmp_path: Path, mode: str):
    smooth = Image.fromarray(noise((3, 4, 3))).resize((40, 30)).convert(mode)
    smooth.save(tmp_path / "image.jpg", quality=90)
    expected = np.asarray(Image.open(tmp_path / "image.jpg").convert("L" if mode == "L" else "RGB"))
    assert np.array_equal(read(tmp_path / "image.jpg").squeeze(), expected)


def test_16_bit_rgb_keeps_its_low_bits_and_its_order(tmp_path: Path, noise):
    import cv2

    pixels = np.zeros((2, 2, 3), np.uint16)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 1, 2, 65535
    cv2.imwrite(str(tmp_path / "image.png"), pixels[..., ::-1])
    assert read(tmp_path / "image.png")[0, 0].tolist() == [1, 2, 65535]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".jpg"])
def test_exif_orientation_is_applied(noise, tmp_path: Path, orientation: int, suffix: str):
    from PIL import ImageOps

    image = Image.fromarray(noise())
    exif = Image.Exif()
    exif[274] = orientation
    image.save(tmp_path / f"image{suffix}", exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    found = read(tmp_path / f"image{suffix}")
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / f"image{suffix}")))
    assert np.array_equal(found, expected)
    form = probe(tmp_path / f"image{suffix}")
    assert (form.height, form.width) == found.shape[:2] == ((9, 13) if orientation < 5 else (13, 9))


def test_damaged_exif_does_not_cost_the_picture(noise, tmp_path: Path):
    Image.fromarray(noise()).save(tmp_path / "image.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read(tmp_path / "image.png").shape == (9, 13, 3)


def test_the_content_decides_not_the_name(noise, tmp_path: Path):
    Image.fromarray(noise()).save(tmp_path / "image.png")
    (tmp_path / "image.png").rename(tmp_path / "image.jpg")
    assert np.array_equal(read(tmp_path / "image.jpg"), noise())


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_image_is_an_error(kind, noise, tmp_path: Path, share: float):
    path = tmp_path / f"image{kind.suffix}"
    kind.save(noise((40, 50, kind.channels), kind.dtype), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageReadError, match=r"cannot read image .*image\..*; remove or replace it$") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_truncated_jpeg_is_an_error(noise, tmp_path: Path):
    file = io.BytesIO()
    Image.fromarray(noise((80, 90, 3))).save(file, "JPEG")
    (tmp_path / "image.jpg").write_bytes(file.getvalue()[:-200])
    with pytest.raises(ImageReadError, match="truncated"):
        read(tmp_path / "image.jpg")


def test_flipped_bits_in_16_bit_data_are_an_error(noise, tmp_path: Path):
    import cv2

    cv2.imwrite(str(tmp_path / "image.png"), noise((40, 50, 3), np.uint16))
    data = bytearray((tmp_path / "image.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "image.png").write_bytes(data)
    with pytest.raises(ImageReadError, match="damaged"):
        read(tmp_path / "image.png")


@pytest.mark.parametrize(
    ("content", "cause"), [(b"", "empty"), (b"not an image at all", "not an image"), (b"GIF89a" + bytes(99), "not an image")]
)
def test_what_is_no_image_is_named_with_its_cause(tmp_path: Path, content: bytes, cause: str):
    path = tmp_path / "Bild mit Leerzeichen ü.png"
    path.write_bytes(content)
    for function in (read, probe):
        with pytest.raises(ImageReadError, match=cause) as error:
            function(path)
        assert str(path) in str(error.value)


def test_32_bit_integers_say_what_to_do(tmp_path: Path):
    Image.fromarray(np.arange(12, dtype=np.int32).reshape(3, 4)).save(tmp_path / "image.tif")
    with pytest.raises(ImageReadError, match="8 or 16 bits"):
        read(tmp_path / "image.tif")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ImageReadError, match=r"gone\.png: No such file"):
        read(tmp_path / "gone.png")
