"""Encoders that imitate a given image file.

Format, bit depth and channels stay, and with them the EXIF orientation, colour profile, resolution and texts where the
format's encoder takes them. What cannot stay: palette and CMYK images come out as RGB(A), images of fewer than 8 bits
with 8, a colour marked as transparent as an alpha channel; TIFF files come out upright, as all common readers show them,
and those with 16 bits in several channels without metadata; JPEG gets quality 95, WebP stays lossless if it was.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image, JpegImagePlugin

from .decoding import Header, swap_red_and_blue

Encoder = Callable[[np.ndarray], bytes]
"""(H, W, C), as stored (not upright), to the bytes of a file."""

_JPEG_QUALITY = 95
_PNG_LEVEL = 6
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = (b"cHRM", b"gAMA", b"iCCP", b"sRGB", b"cICP", b"eXIf", b"pHYs", b"tIME", b"tEXt", b"zTXt", b"iTXt")
"""Chunks that stay true when the pixels change."""

_TIFF_KEPT = (269, 270, 271, 272, 282, 283, 285, 296, 305, 306, 315, 33432)
"""Tags that stay true: names and texts, resolution, date, copyright."""
_TIFF_COMPRESSIONS = ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg", "zstd", "lzma")
"""Pillow's names of those that take every pixel type; others (fax and the like) become LZW."""
_TIFF_COMPRESSION_TAG, _TIFF_EXTRA_SAMPLES, _TIFF_LZW = 259, 338, 5
_CV2_TIFF_COMPRESSIONS = (1, _TIFF_LZW, 8, 32773, 32946)


@dataclass(frozen=True)
class Original:
    """The file to imitate."""

    data: bytes
    image: Image.Image
    """The same file, opened with Pillow."""
    header: Header


def as_png(pixels: np.ndarray) -> bytes:
    """(H, W, C) uint8 or uint16, C = 1 to 4, to the bytes of a PNG."""
    if pixels.shape[2] == 2:
        return _encode_grey_alpha(pixels)
    return _cv2_encode(".png", pixels, cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL)


def encoder_like(original: Original) -> Encoder:
    """Return an encoder for pixels of the channels and dtype of `original`."""
    return _ENCODERS[original.header.format](original)


def _png(original: Original) -> Encoder:
    kept = b"".join(chunk for kind, chunk in _chunks(original.data) if kind in _PNG_KEPT)

    def encode(pixels: np.ndarray) -> bytes:
        (_, head), *others = _chunks(as_png(pixels))
        return _PNG_SIGNATURE + head + kept + b"".join(chunk for _, chunk in others)

    return encode


def _jpeg(original: Original) -> Encoder:
    image = original.image
    options = _info(image, "exif", "icc_profile", "dpi", "comment", "xmp")
    if image.mode == "CMYK":
        options.pop("icc_profile", None)
    sampling = max(0, JpegImagePlugin.get_sampling(image)) if image.mode == "RGB" else 0
    progressive = bool(image.info.get("progressive"))
    return _pillow("JPEG", quality=_JPEG_QUALITY, subsampling=sampling, progressive=progressive, **options)


def _webp(original: Original) -> Encoder:
    # The pixels of a lossless file are in a chunk VP8L; in an extended file (VP8X) it comes somewhere behind the first.
    kind, data = original.data[12:16], original.data
    lossless = kind == b"VP8L" or (kind == b"VP8X" and b"VP8L" in data and b"VP8 " not in data)
    quality = {"lossless": True} if lossless else {"quality": _JPEG_QUALITY}
    # `exact` keeps the colours of transparent pixels.
    return _pillow("WEBP", exact=True, **quality, **_info(original.image, "exif", "icc_profile", "xmp"))


def _bmp(_: Original) -> Encoder:
    return lambda pixels: _cv2_encode(".bmp", pixels)  # Pillow writes no alpha that it would read again


def _tiff(original: Original) -> Encoder:
    image, tags = original.image, original.image.tag_v2  # type: ignore[attr-defined]
    # OpenCV declares no alpha and reads it untouched, but multiplies colours by one that Pillow declared.
    undeclared = original.header.form.channels == 4 and _TIFF_EXTRA_SAMPLES not in tags
    if original.header.sixteen_bit_colour or undeclared:
        number = tags.get(_TIFF_COMPRESSION_TAG)
        number = number if number in _CV2_TIFF_COMPRESSIONS else _TIFF_LZW
        return lambda pixels: _cv2_encode(".tiff", pixels, cv2.IMWRITE_TIFF_COMPRESSION, number)
    options = _info(image, "icc_profile")
    compression = image.info.get("compression", "raw")
    options["compression"] = compression if compression in _TIFF_COMPRESSIONS else "tiff_lzw"
    if compression == "jpeg":
        options["quality"] = _JPEG_QUALITY
    return _pillow("TIFF", tiffinfo={tag: tags[tag] for tag in _TIFF_KEPT if tag in tags}, **options)


def _ppm(_: Original) -> Encoder:
    return _pillow("PPM")


_ENCODERS = {"PPM": _ppm, "PNG": _png, "JPEG": _jpeg, "MPO": _jpeg, "WEBP": _webp, "BMP": _bmp, "TIFF": _tiff}


def _info(image: Image.Image, *names: str) -> dict[str, Any]:
    return {name: image.info[name] for name in names if image.info.get(name)}


def _pillow(kind: str, **options: Any) -> Encoder:
    def encode(pixels: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, format=kind, **options)
        return file.getvalue()

    return encode


def _cv2_encode(suffix: str, pixels: np.ndarray, *parameters: int) -> bytes:
    _, data = cv2.imencode(suffix, swap_red_and_blue(pixels), parameters)
    return bytes(data)


def _encode_grey_alpha(pixels: np.ndarray) -> bytes:
    """(H, W, 2) to PNG: cv2 cannot, and Pillow only with 8 bits."""
    height, width, _ = pixels.shape
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    unfiltered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, 4, 0, 0, 0)
    body = zlib.compress(unfiltered.tobytes(), _PNG_LEVEL)
    return _PNG_SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (kind, whole chunk) of a PNG file."""
    start = len(_PNG_SIGNATURE)
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], data[start:end]
        start = end


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
