"""The `files` data set: two paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..components import Pair
from ..errors import GantoolError
from .domains import FilesOptions
from .formats import find, words
from .images import Images
from .locations import Location
from .opening import open_images, open_stream
from .rows import in_range

_SAID = re.compile(r"--(layout|image|copy|view|array|slices) ('[^']*'|\S+)")


def files(*, config: FilesOptions) -> Pair:
    """Open both domains, as they are stored: sizes and types are settled by `prepare`.

    Raises `GantoolError` as `open_images` and `in_range` do, and where the two are the same place or one lies inside the other.
    """
    for option, value in (("--synthetic", config.synthetic), ("--real", config.real)):
        if not value:
            raise GantoolError(f"{option} is missing: give {words()}")
    places = (
        Location(config.synthetic, config.reading("synthetic")),
        Location(config.real, config.reading("real")),
    )
    if not any(place.is_remote for place in places):
        _check_apart(places[0].path, places[1].path)
    with _words_for_the_real_side():
        find(places[1])
    chunked = [place for place in places if "streams" in find(place).record.provides] if config.stream else []
    if config.stream and not chunked:
        raise GantoolError(f"dataset.stream is for {words('streams')}: leave it out, or gantool data convert one domain")
    # The other domain may be small, and stored otherwise.
    source, target = (open_stream(place, window=config.window) if place in chunked else open_images(place) for place in places)
    if config.label_range and isinstance(source, Images):
        source = in_range(source, config.label_range)
    return Pair(source, target)


@contextmanager
def _words_for_the_real_side() -> Iterator[None]:
    """Let errors name the options of the real images: flags are of the synthetic ones."""
    try:
        yield
    except GantoolError as error:
        raise GantoolError(_SAID.sub(r"-o dataset.real_\1=\2", str(error))) from None


def _check_apart(synthetic: Path, real: Path) -> None:
    a, b = (Path(os.path.realpath(path)) for path in (synthetic, real))  # unlike `resolve`, survives a link to itself
    if a == b or (a.exists() and b.exists() and a.samefile(b)):
        raise GantoolError(f"--synthetic and --real are the same place: {a}")
    for inner, outer, option in ((a, b, "--synthetic"), (b, a, "--real")):
        if outer in inner.parents:
            raise GantoolError(f"{option} {inner} lies inside the other domain, {outer}: the two must not share images")
