"""Labelled real pictures to learn from, a few or all: what refining saves is counted in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..data.domains import name_of
from ..errors import GantoolError
from ..plan.settings import EvaluateSettings
from ..plugins.registry import Registry
from .arms import Material
from .material import Opened, form_of
from .meaning import settle_meaning
from .reading import digest, pick, read
from .sources import Sources, labels_of

MIN_LABELLED = 2
"""Labelled pictures without which nothing is learnt."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Labelled real pictures to learn from, not read yet."""

    domain: Any
    values: Any
    """Labels, as `Meaning.real_values`."""


def open_labelled(
    sources: Sources, opened: Opened, settings: EvaluateSettings, registry: Registry, options: Mapping[str, Any]
) -> Labelled | None:
    """Open what --real-train-labelled names, and find in it the labels that are tested on; None without it.

    Raises `GantoolError`, one line, for labels that are not those, and for `few` without pictures.
    """
    domain = sources.labelled_few
    if domain is None:
        if settings.few is not None:
            raise GantoolError("--few says how many of the pictures of --real-train-labelled are learnt from: name these")
        return None
    labels = opened.meaning.labels
    asked = replace(settings, labels=labels.name, task=opened.meaning.provided.full_name)
    if not labels_of(domain):
        raise GantoolError(
            f"--real-train-labelled {name_of(domain)} has no labels: they lie beside the images, as in --real-labelled"
        )
    meaning = settle_meaning(
        asked,
        registry,
        options,
        (sources.labelled_source, domain),
        size=labels.size or (0, 0),
        own_sizes=labels.size is None,
        crop=labels.crop,
        real_first=False,
    )
    if meaning.labels.names != labels.names:
        own, tested = (", ".join(each) for each in (meaning.labels.names, labels.names))
        raise GantoolError(f"--real-train-labelled {name_of(domain)} has labels of {own}, and tested are {tested}")
    if len(domain) < MIN_LABELLED:
        raise GantoolError(f"--real-train-labelled {name_of(domain)}: {len(domain)} labelled pictures are too few")
    return Labelled(domain=domain, values=meaning.real_values)


def with_labelled(material: Material, labelled: Labelled | None, opened: Opened, settings: EvaluateSettings) -> Material:
    """Add labelled real pictures to what arms are made from. Raises `GantoolError` for pictures that are tested on, too."""
    if labelled is None:
        return material
    preprocess, shape = form_of(opened)
    rows = pick(len(labelled.domain), settings.limit, seed=settings.seed)
    found = read(labelled.domain, rows, preprocess.of_real, shape)
    tested = {digest(image) for image in material.real}
    if both := sum(digest(image) in tested for image in found.pixels):
        raise GantoolError(
            f"{both:,} of the {len(rows):,} pictures of --real-train-labelled {name_of(labelled.domain)} are tested on, too: "
            "leave them out of one of the two"
        )
    targets = opened.task.load(labelled.values[rows], found.sizes)
    return replace(material, labelled=found.pixels, labelled_targets=targets)
