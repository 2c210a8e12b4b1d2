"""Opens everything that an evaluation compares, and checks that it may be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..components import Domain, StreamingDomain, Task
from ..data.domains import Preprocess, name_of
from ..data.order import real_seed
from ..errors import GantoolError
from ..model.bundle import Bundle, open_bundle
from ..options import to_dict
from ..plan.settings import EvaluateSettings
from ..plugins.registry import Registry
from ..refining.network import Network
from ..training.feeds import label_records
from .arms import Material
from .given import parse_given, read_given
from .meaning import Meaning, settle_meaning
from .reading import ReadImages, Shape, all_digests, check_some, pick, read, read_stream
from .run_images import common_size, known_of, refine_held
from .sources import Sources, labels_of, read_labels
from .tasks import in_pixels, task_name

MIN_SYNTHETIC, MIN_TEST = 64, 20
"""Images below which no figure would mean anything."""
_BYTES = 2**31
"""That images of one kind take in memory, as they are stored."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What is to be compared, before an image was read."""

    bundle: Bundle
    sources: Sources
    meaning: Meaning
    notes: list[str]

    @property
    def task(self) -> Task:
        """What labels mean."""
        return self.meaning.task

    @property
    def task_key(self) -> Any:
        """Name and options of the task and what it is for, as `cells.digest_of` takes them."""
        part, labels = self.meaning.part, self.meaning.labels
        return [part.component, part.options, labels.name, labels.kind, list(labels.names)]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What is compared."""

    material: Material
    task: Task
    keypoints: Tensor | None
    """(N, K, 2), x and y in px of key points in the synthetic images, for label preservation; None without any."""
    described: dict[str, Any]
    """The key `data` of the result."""
    records: Sequence[Mapping[str, Any]] | None = None
    """All labels of the synthetic images, as the data set holds them, for metrics that look at them."""


def open_material(
    run: Path, sources: Sources, settings: EvaluateSettings, registry: Registry, options: Mapping[str, Any]
) -> Opened:
    """Find images and labels, and settle what the labels mean. `options`: of the task. Raises `GantoolError`, one line."""
    bundle = open_bundle(run, settings.checkpoint)
    synthetic, real = sources.labelled_source, sources.labelled_target
    for domain in (synthetic, real, sources.target):
        check_some(len(domain) if isinstance(domain, Domain) else 1, domain)
    _check_count(len(synthetic), MIN_SYNTHETIC, synthetic, "learn from", settings.limit)
    _check_count(len(real), MIN_TEST, real, "test on", settings.limit)
    meaning = settle_meaning(
        settings,
        registry,
        options,
        (synthetic, real),
        size=common_size(bundle, synthetic),
        own_sizes=bundle.preprocess.size is None,
        crop=bundle.preprocess.fit == "crop",
        real_first="real_labelled" not in sources.given,
    )
    return Opened(bundle=bundle, sources=sources, meaning=meaning, notes=list(meaning.notes))


def read_material(run: Path, opened: Opened, settings: EvaluateSettings) -> Compared:
    """Read images, refine, and refuse what must not be tested on. Raises `GantoolError`, one line."""
    sources, bundle, labels, task = opened.sources, opened.bundle, opened.meaning.labels, opened.task
    synthetic, real, unlabelled, check = _read_sets(opened, settings)
    half = _first_half(real.digests)
    reported = torch.ones_like(half) if settings.report_half == "all" else half == (settings.report_half == "first")
    tested = int(reported.sum())
    _check_count(tested, MIN_TEST, sources.labelled_target, "test on")
    known = known_of(bundle, sources.labelled_source, synthetic, form_of(opened)[0])
    material = Material(
        synthetic=synthetic.pixels,
        refined=refine_held(Network(bundle, settings.device), synthetic.pixels, known),
        known=known,
        targets=task.load(labels.values[synthetic.rows], synthetic.sizes),
        real=real.pixels,
        real_targets=task.load(opened.meaning.real_values[real.rows], real.sizes),
        half=half,
        reported=reported,
        references=unlabelled.pixels,
        equalised=bundle.preprocess.equalize,
        seed=settings.seed,
        augment=settings.augment,
        given=read_given(parse_given(settings.arm), sources, synthetic, *form_of(opened)),
    )
    points = labels.name if opened.meaning.provided.full_name == "gantool:keypoints" else _points_of(sources.labelled_source)
    described = {
        "run": str(run),
        "step": bundle.recorded.step,
        "checkpoint": settings.checkpoint or "last",
        "weights": bundle.digest,
        "synthetic": _described(sources.labelled_source, synthetic),
        "real_labelled": _described(sources.labelled_target, real) | {"half": settings.report_half, "tested": tested},
        "real_unlabelled": _described(sources.target, unlabelled),
        "content_check": check,
        "labels": labels.name,
        "keypoints": points,
        "task": task_name(opened.meaning.provided),
        "higher_is_better": task.higher_is_better,
        "outputs": task.outputs,
        "size": labels.size and list(labels.size),
        "classes": list(labels.names),
        "channels": bundle.channels.images,
        "preprocess": to_dict(bundle.preprocess),
        "notes": opened.notes,
    }
    keypoints = _keypoints(points, opened, synthetic) if points else None
    records = label_records(sources.labelled_source, synthetic.rows) if getattr(sources.labelled_source, "labels", None) else None
    return Compared(material=material, task=task, keypoints=keypoints, described=described, records=records)


def _keypoints(name: str, opened: Opened, synthetic: ReadImages) -> Tensor | None:
    """(N, K, 2) of labels that are positions; None where images keep their sizes and, with a note, where some are unlabelled."""
    labels = opened.meaning.labels
    if not labels.size:
        return None
    places = read_labels(opened.sources.labelled_source, name)[synthetic.rows]
    if (places.reshape(len(places), -1, 2) == -1).all(2).any():
        opened.notes.append(f"{name}: some points are not labelled (-1, -1), so how far they move is not measured")
        return None
    return in_pixels(places, synthetic.sizes, size=labels.size, crop=labels.crop)


def _read_sets(opened: Opened, settings: EvaluateSettings) -> tuple[ReadImages, ReadImages, ReadImages, dict[str, Any]]:
    """Read at most `limit` images of each kind. Raises `GantoolError` where labelled ones were trained on."""
    sources, (preprocess, shape) = opened.sources, form_of(opened)

    def load(domain: Domain, own: Preprocess) -> ReadImages:
        limit = min(settings.limit, max(MIN_SYNTHETIC, _BYTES // max(1, domain[0].nbytes)))
        if limit < min(len(domain), settings.limit):
            opened.notes.append(f"{limit:,} of the images of {name_of(domain)}: they are large")
        return read(domain, pick(len(domain), limit, seed=settings.seed), own, shape)

    synthetic, real = load(sources.labelled_source, preprocess), load(sources.labelled_target, preprocess.of_real)
    if isinstance(sources.target, Domain):
        unlabelled = load(sources.target, preprocess.of_real)
        complete = len(unlabelled.rows) == len(sources.target)
        trained = set(unlabelled.digests) if complete else all_digests(sources.target)
    else:  # a stream has no end: the first images that the run drew stand for it
        seed = real_seed(sources.plan.settings.seed)
        unlabelled = read_stream(sources.target, settings.limit, preprocess.of_real, shape, seed=seed)
        trained = set(unlabelled.digests)
    trained |= set(synthetic.digests)
    seen = sum(digest in trained for digest in real.digests)
    if seen and not settings.allow_seen:
        raise GantoolError(
            f"{seen:,} of the {len(real.rows):,} labelled images of {name_of(sources.labelled_target)} were trained on "
            "(same pixels): leave them out, or pass --allow-seen"
        )
    check = {"compared": len(real.rows), "with": len(trained), "seen": seen, "allowed": settings.allow_seen}
    return synthetic, real, unlabelled, check


def form_of(opened: Opened) -> tuple[Preprocess, Shape]:
    """What brings synthetic images to the form that is compared, and its (H, W, C)."""
    size = opened.meaning.labels.size
    height, width = size or (None, None)
    return replace(opened.bundle.preprocess, size=size), (height, width, opened.bundle.channels.images)


def _check_count(count: int, needed: int, domain: Domain, use: str, limit: int | None = None) -> None:
    if limit is not None and limit < needed <= count:
        raise GantoolError(f"--limit {limit} leaves too few images to {use}: pass --limit {needed} or more")
    if count < needed:
        raise GantoolError(f"{name_of(domain)}: {count} labelled images to {use} are too few, at least {needed} are needed")


def _points_of(domain: Domain) -> str | None:
    """Name of the first labels that say of themselves that they are positions."""
    return next((name for name in labels_of(domain) if name.lower().endswith("_xy")), None)


def _first_half(digests: tuple[bytes, ...]) -> Tensor:
    """(N,) bool: half of the images, by their content alone, so that no order, seed or limit moves one across."""
    return torch.tensor([digest[0] < 128 for digest in digests])


def _described(domain: Domain | StreamingDomain, images: ReadImages) -> dict[str, Any]:
    return {
        "path": name_of(domain),
        "images": len(images.rows),
        "of": len(domain) if isinstance(domain, Domain) else None,
    }
