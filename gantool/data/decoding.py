"""Image files to pixels: every format, bit depth and mode comes out upright, as (H, W, C) in RGB order.

cv2 decodes most files several times faster than Pillow, but it drops alpha or bits of some modes and takes some
damaged files for whole ones. So Pillow reads each header, and cv2 gets what it is known to decode right.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import cause
from .images import Form, ImageReadError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
"""What such files may hold, by Pillow's names, whatever they are called."""

_BITS_PER_SAMPLE, _ORIENTATION = 258, 274
_PNG_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_PNG_BIT_DEPTH, _PNG_COLOUR_TYPE = 24, 25
_HEAD = 26

UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image.swapaxes(0, 1)[::-1, ::-1],
    8: lambda image: np.rot90(image),
}
"""What each EXIF orientation but 1 asks of a viewer."""


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say."""

    format: str
    """One of `FORMATS`, or "MPO": a JPEG with further pictures behind it, as phones write it."""
    form: Form
    """Of the upright image."""
    orientation: int
    """EXIF orientation that has yet to be applied to the stored pixels, 1 to 8. A TIFF's is 1: decoders apply it."""
    sixteen_bit_colour: bool
    """16 bits in 2 to 4 channels, which Pillow would cut down to 8."""


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever keeps an image from being read into `ImageReadError`, which calls it `name`."""
    try:
        yield
    except ImageReadError:
        raise
    # Decoders raise whatever they like for damaged files: OSError, SyntaxError, struct.error, cv2.error and more.
    except Exception as error:
        raise ImageReadError(name, cause(error)) from None


def probe(path: Path) -> Form:
    """Return the form of an image file from its header. Raises `ImageReadError`."""
    with reading(str(path)), path.open("rb") as file:
        return _probe(file)


def probe_bytes(data: bytes, name: str) -> Form:
    """As `probe`, for a file's bytes; `name` is what an error calls it."""
    with reading(name):
        return _probe(io.BytesIO(data))


def read(path: Path) -> np.ndarray:
    """Return the pixels of an image file, (H, W, C) uint8, uint16 or float32. Raises `ImageReadError`."""
    with reading(str(path)):
        return read_bytes(path.read_bytes(), str(path))


def read_bytes(data: bytes, name: str) -> np.ndarray:
    """As `read`, for a file's bytes; `name` is what an error calls it."""
    with reading(name), open_pillow(data) as image:
        return decode(data, image, read_header(image, data))


def read_stored(data: bytes, name: str) -> np.ndarray:
    """As `read_bytes`, but a palette's indices stay what they are: ids, whatever their colours."""
    with reading(name), open_pillow(data) as image:
        return np.asarray(image)[..., None] if image.mode == "P" else decode(data, image, read_header(image, data))


def decode(data: bytes, image: Image.Image, header: Header) -> np.ndarray:
    """Return the pixels of a file's bytes, upright; `image` is what `open_pillow` made of them, `header` what it says."""
    pixels = _decode_cv2(data, header.form.channels) if _suits_cv2(data, image, header) else None
    if pixels is None:
        if header.sixteen_bit_colour or (header.form.dtype == "uint16" and header.format == "PNG"):
            raise ValueError("the image data is damaged")
        pixels = _decode_pillow(image)
    if header.orientation in UPRIGHT:
        pixels = UPRIGHT[header.orientation](pixels)
    return np.ascontiguousarray(pixels)


def open_pillow(data: bytes) -> Image.Image:
    """Open a file's bytes with Pillow without decoding them; only `FORMATS` are tried."""
    return _open(io.BytesIO(data))


def _probe(file: BinaryIO) -> Form:
    with _open(file) as image:
        file.seek(0)
        return read_header(image, file.read(_HEAD)).form


def _open(file: BinaryIO) -> Image.Image:
    if not file.read(1):
        raise ValueError("the file is empty")
    file.seek(0)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError("not an image, or damaged") from None


def read_header(image: Image.Image, head: bytes) -> Header:
    """Return what the header of a file says; `head` is the file's bytes, or the first of them."""
    bits, channels = 8, len(_pillow_mode(image).replace("I;16", "L").replace("F", "L"))
    if image.format == "PNG":
        bits = head[_PNG_BIT_DEPTH]
        # At 16 bits a transparent colour (tRNS) is left out: neither decoder keeps it along with all the bits.
        channels = _PNG_CHANNELS[head[_PNG_COLOUR_TYPE]] if bits == 16 else channels
    elif image.format == "TIFF":
        bits = max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,)))  # type: ignore[attr-defined]
    elif image.mode == "I":
        bits = 16
    dtype = "float32" if image.mode == "F" else "uint16" if bits > 8 else "uint8"
    orientation = _orientation(image)
    width, height = image.size if orientation < 5 else image.size[::-1]
    form = Form(height, width, channels, dtype)
    return Header(str(image.format), form, orientation, sixteen_bit_colour=dtype == "uint16" and channels > 1)


def _orientation(image: Image.Image) -> int:
    # Pillow decodes a PNG to look for EXIF behind the pixels, so it is asked only where there is some in front.
    if image.format == "TIFF" or "exif" not in image.info:
        return 1
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF must not cost the picture
        return 1
    return orientation if orientation in UPRIGHT else 1


def _pillow_mode(image: Image.Image) -> str:
    """Return the mode that keeps all that the image has: I;16, F, L, LA, RGB or RGBA."""
    if image.mode.startswith("I;16"):
        return "I;16"
    if image.mode == "F":
        return "F"
    if image.mode == "I":
        # Pillow opens 16-bit grey PGM as this, and before 11 PNG, too.
        if image.format in ("PNG", "PPM"):
            return "I;16"
        raise ValueError("32-bit or signed integers are not supported: save it with 8 or 16 bits, unsigned, or as float")
    grey = image.mode in ("1", "L", "LA", "La")
    alpha = image.has_transparency_data
    return ("LA" if alpha else "L") if grey else ("RGBA" if alpha else "RGB")


def _suits_cv2(data: bytes, image: Image.Image, header: Header) -> bool:
    """Return whether cv2 decodes the file right. It must also be complete: some versions of cv2 fill up what is missing."""
    plain = image.mode in ("L", "RGB", "RGBA") and _pillow_mode(image) == image.mode
    if header.format == "PNG":
        return (plain or header.form.dtype == "uint16") and b"IEND" in data[-4096:]
    if header.format == "JPEG":
        return plain and data[-64:].rstrip(b"\0\r\n ").endswith(b"\xff\xd9")
    if header.format == "WEBP":
        still = getattr(image, "n_frames", 1) == 1
        return plain and still and int.from_bytes(data[4:8], "little") + 8 <= len(data)
    return header.format == "TIFF" and header.sixteen_bit_colour


def _decode_cv2(data: bytes, channels: int) -> np.ndarray | None:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    image: np.ndarray = pixels if pixels.ndim == 3 else pixels[..., None]
    # The order is BGR(A); grey with alpha comes as BGRA.
    if channels == 2 and image.shape[2] == 4:
        return image[..., [0, 3]]
    if image.shape[2] < channels or channels == 2:
        return None
    return swap_red_and_blue(image[..., :channels])


def swap_red_and_blue(image: np.ndarray) -> np.ndarray:
    """(H, W, C) between OpenCV's order and everybody else's; grey stays."""
    if image.shape[2] < 3:
        return image
    code = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    swapped: np.ndarray = cv2.cvtColor(np.ascontiguousarray(image), code)
    return swapped


def _decode_pillow(image: Image.Image) -> np.ndarray:
    mode = _pillow_mode(image)
    if mode == "I;16":
        return np.asarray(image).astype(np.uint16)[..., None]
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]
