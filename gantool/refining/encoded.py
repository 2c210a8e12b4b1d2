"""An image that is the bytes of a file, in a folder, a shard or a table: to a frame, and back to bytes like them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.images import ImageReadError
from ..data.writing import Picture, picture_of
from ..errors import GantoolError, cause
from .pipeline import Failed
from .treatment import Frame, Treatment


@dataclass(frozen=True)
class FileFrame(Frame):
    """A frame that remembers its file."""

    picture: Picture


def read_frame(data: bytes, treatment: Treatment, name: str) -> FileFrame | Failed:
    """Decode a file's bytes; `name` is what a failure calls it."""
    try:
        picture = picture_of(data, name)
        frame = treatment.split(picture.pixels, name)
    except ImageReadError as error:
        return Failed(name, error.cause)
    except GantoolError as error:
        return Failed(name, str(error).removeprefix(name).strip())
    return FileFrame(frame.canvas, frame.alpha, frame.inputs, picture)


def encode_refined(frame: FileFrame, change: np.ndarray, treatment: Treatment, name: str) -> bytes | Failed:
    """Return the bytes of a file like the one that was read; `change` is the network's, as `Treatment.merge` takes it."""
    try:
        return frame.picture.encode(treatment.merge(frame, change))
    # Encoders have limits of their own (16,383 pixels for WebP), and raise what they like.
    except Exception as error:
        return Failed(name, f"cannot be written as {frame.picture.header.format}: {cause(error)}")
