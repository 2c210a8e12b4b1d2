"""The `files` data set: two paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import GantoolError
from .images import Images
from .opening import open_images
from .options import FilesOptions


@dataclass(frozen=True)
class FileDomains:
    """Synthetic and real images on disk. See `gantool.components.Domains`; sizes and types are settled by `prepare`."""

    source: Images
    target: Images


def files(*, config: FilesOptions) -> FileDomains:
    """Open both domains.

    Raises `GantoolError` as `open_images` does, and where the two are the same place or one lies inside the other.
    """
    for option, value in (("--synthetic", config.synthetic), ("--real", config.real)):
        if not value:
            raise GantoolError(f"{option} is missing: give a folder of images, an .npz or an .h5 file")
    synthetic, real = Path(config.synthetic), Path(config.real)
    _check_apart(synthetic, real)
    return FileDomains(open_images(synthetic), open_images(real))


def _check_apart(synthetic: Path, real: Path) -> None:
    a, b = synthetic.resolve(), real.resolve()
    if a == b or (a.exists() and b.exists() and a.samefile(b)):
        raise GantoolError(f"--synthetic and --real are the same place: {a}")
    for inner, outer, option in ((a, b, "--synthetic"), (b, a, "--real")):
        if outer in inner.parents:
            raise GantoolError(f"{option} {inner} lies inside the other domain, {outer}: the two must not share images")
