"""The images of a study: both kinds through one path, so that nothing but the picture itself differs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from ...errors import GantoolError
from ...plan.settings import StudySettings
from ...training.sheets import to_bytes
from ..run_images import Drawn, RunImages, draw
from .study import REAL, REFINED, Study

_BYTES = 2**27
"""Images of one kind take at most this much in the study."""


def fill(study: Study, run: Path, kinds: Sequence[str], asked: StudySettings) -> None:
    """Add images of each kind that the study does not hold yet, fewer where they are large, at least half of a participant's."""
    held = study.counts()
    missing = [kind for kind in kinds if kind not in held]
    images = RunImages(run, checkpoint=asked.checkpoint, real=asked.real, device=asked.device)
    height, width = images.size
    least = asked.trials // 2
    count = max(least, min(asked.images, _BYTES // (3 * height * width)))
    seed = int(study.notes()["seed"])
    for kind in missing:
        domain = images.real if kind == REAL else images.synthetic
        drawn = draw(domain, count, seed=seed)
        if len(drawn) < least:
            what = "real" if kind == REAL else "synthetic"
            raise GantoolError(f"{domain.name} has {len(drawn)} {what} images: pass --trials {2 * len(drawn)} or fewer")
        if kind == REFINED:
            drawn = Drawn(images=images.refine(drawn.images), names=drawn.names)
        study.add_images(kind, drawn.names, encode(drawn.images))
    recorded = images.bundle.recorded
    study.note(
        height=str(height),
        width=str(width),
        **({"digest": images.bundle.digest, "step": str(recorded.step)} if REFINED in missing else {}),
        **({"real": images.real.name} if REAL in missing else {}),
    )


def encode(images: torch.Tensor) -> list[bytes]:
    """(N, C, H, W) in [-1, 1] to PNG files of 8 bits, not compressed: files of one size, whatever they show."""
    return [_png(Image.fromarray(image)) for image in to_bytes(images)]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", compress_level=0)
    return file.getvalue()
