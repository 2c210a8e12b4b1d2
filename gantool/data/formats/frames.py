"""A folder of frames as samples, each with its passes and labels, whatever files these lie in."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import IMAGE_SUFFIXES
from ..frames import Frame, Frames, LabelForm, LabelKind, PassForm, Place
from ..layouts.description import Description, Source
from ..layouts.patterns import split_suffix
from ..layouts.written import FILE, write
from ..listing import Listing
from ..picture_files import holds_pictures, open_pictures
from ..pictures import is_image_file, read_picture
from ..samples import Sample
from ..samples import Source as Samples
from ..stored import read_pass

_SCALES = "gantool-scales.json"
_WHOLE = (*IMAGE_SUFFIXES, ".npy", ".pfm")
"""Files that hold one pass, and nothing else."""


def samples_of_frames(root: Path, listing: Listing, frames: Frames, view: str) -> Samples:
    """Return the frames of a folder sample by sample.

    A picture in an image file stays as it is; one that lies among other things, such as in an EXR, is written as it is shown.
    Passes come as files of their own, `KEY.depth.png`, and what their numbers mean in a layout beside. Label files that are of
    one frame come along with it, all others lie beside.
    """
    counts = Counter(file for frame in frames.frames for file in {place.file for place in _labels(frame)})
    pictures = {frame.picture.file for frame in frames.frames}
    own = {file for file, count in counts.items() if count == 1} - pictures
    passes = {place.file for frame in frames.frames for place in frame.passes.values()}
    by_stem = {split_suffix(file)[0]: file for file in pictures}
    beside: list[str] = []
    companions: dict[str, list[str]] = {}
    for file in listing.others:
        stem = file.rpartition(".")[0]
        # An image of the same name would be taken for the picture.
        if stem in by_stem and file not in own and file not in passes and not file.lower().endswith(IMAGE_SUFFIXES):
            companions.setdefault(by_stem[stem], []).append(file)
        elif file not in own and file not in passes:
            beside.append(file)

    def read_all() -> Iterator[Sample]:
        for frame in frames.frames:
            file = frame.picture.file
            files = dict(_pass(root, place, frames, name) for name, place in frame.passes.items())
            files |= _label_files(root, frame, own)
            files |= {one.rpartition(".")[2].lower(): (root / one).read_bytes() for one in companions.get(file, ())}
            key, name = _key(frame), str(root / file)
            if is_image_file(frame.picture):
                suffix = f".{file.rpartition('.')[2].lower()}"
                yield Sample(key=key, name=name, suffix=suffix, encoded=(root / file).read_bytes(), files=files)
            else:
                array = read_picture(root, frame.picture, frames.picture, view)
                array = array if holds_pictures(frame.picture) else _sixteen_bits(array)
                yield Sample(key=key, name=name, array=array, files=files)

    images = any(file.lower().endswith(IMAGE_SUFFIXES) for file in beside)
    made = {FILE: write(_description(root, frames, own, beside))} if frames.passes or images else {}
    if scales := _scales(frames):
        made[_SCALES] = json.dumps(scales, ensure_ascii=False)
    return Samples(read_all(), tuple(beside), {name: text.encode() for name, text in made.items()})


def _labels(frame: Frame) -> Iterator[Place]:
    for places in frame.labels.values():
        yield from places


def _pass(root: Path, place: Place, frames: Frames, name: str) -> tuple[str, bytes]:
    """Return the name and the content of a file that holds one pass."""
    if (end := _end(place)) != "npy" or (place.file.endswith(".npy") and place.row is None):
        return f"{name}.{end}", (root / place.file).read_bytes()
    file = io.BytesIO()
    stored = read_pass(root, place, frames.passes[name])
    np.save(file, stored[..., 0] if stored.shape[2] == 1 else stored)
    return f"{name}.npy", file.getvalue()


def _label_files(root: Path, frame: Frame, own: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    taken: set[str] = set()
    for name, places in frame.labels.items():
        for number, place in enumerate(places):
            if place.file in own and place.file not in taken:
                taken.add(place.file)
                several = f"_{number}" if len(places) > 1 else ""
                found[f"{name}{several}.{place.file.rpartition('.')[2].lower()}"] = (root / place.file).read_bytes()
    return found


def _sixteen_bits(image: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] as PNG holds them."""
    return image if image.dtype.kind == "u" else np.rint(image.clip(0, 1) * 65535).astype(np.uint16)


def _description(root: Path, frames: Frames, own: set[str], beside: Sequence[str]) -> Description:
    """Return the layout of the samples as files."""
    pictures = {_picture_end(root, frame.picture) for frame in frames.frames}
    passes: dict[str, tuple[tuple[Source, ...], PassForm]] = {}
    for name, form in frames.passes.items():
        places = [frame.passes[name] for frame in frames.frames if name in frame.passes]
        ends = {_end(place) for place in places}
        # A scale that the files beside say frame by frame goes into the form, where it is one and the same.
        several = _differ(places)
        scale, offset = (None, None) if several or not places else (places[0].scale, places[0].offset)
        stated = replace(form, scale=form.scale if scale is None else scale, offset=form.offset if offset is None else offset)
        where = f"{_SCALES}#{{at/}}{{frame}}/{name}" if several else ""
        passes[name] = (tuple(Source(f"{{at/}}{{frame}}.{name}.{end}", scale_in=where) for end in sorted(ends)), stated)
    masks = {
        name: (Source(f"{{at/}}{{frame}}.{name}_{{number:d}}.png"), LabelForm(LabelKind.MASKS))
        for name, form in frames.labels.items()
        if form.kind == LabelKind.MASKS and own & {place.file for frame in frames.frames for place in frame.labels.get(name, ())}
    }
    sources = tuple(Source(f"{{at/}}{{frame}}.{end}") for end in sorted(pictures))
    # Images that lie beside are no pictures, as they were none before.
    copy = dict.fromkeys(_numbered(file) for file in beside if file.lower().endswith(IMAGE_SUFFIXES))
    return Description(frames.layout, sources, passes, masks, copy=tuple(copy))


def _differ(places: Sequence[Place]) -> bool:
    return len({(place.scale, place.offset) for place in places}) > 1


def _scales(frames: Frames) -> dict[str, Any]:
    """Return scale and offset of passes whose frames differ in them, by name of the frame (a folder is a level), then theirs."""
    found: dict[str, Any] = {}
    for name in frames.passes:
        having = [frame for frame in frames.frames if name in frame.passes]
        for frame in having if _differ([frame.passes[name] for frame in having]) else ():
            level = found
            for word in _key(frame).split("/"):
                level = level.setdefault(word, {})
            level[name] = {"scale": frame.passes[name].scale, "offset": frame.passes[name].offset}
    return found


def _key(frame: Frame) -> str:
    return frame.name.replace(":", "_")


def _numbered(file: str) -> str:
    """Return a pattern of the files that are called alike, but for their numbers."""
    count = itertools.count()
    return re.sub(r"\d+", lambda _: f"{{n{next(count)}:d}}", file)


def _picture_end(root: Path, place: Place) -> str:
    if is_image_file(place):
        return place.file.rpartition(".")[2].lower()
    return "tiff" if holds_pictures(place) and open_pictures(root, place).form.dtype == "float32" else "png"


def _end(place: Place) -> str:
    suffix = Path(place.file).suffix.lower()
    return suffix[1:] if suffix in _WHOLE and place.row is None and not holds_pictures(place) else "npy"
