"""Opens everything that an evaluation compares, and checks that it may be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..components import Domain, StreamingDomain
from ..data.label_files import with_labels
from ..data.opening import open_images
from ..errors import GantoolError
from ..model.bundle import Bundle, open_bundle
from ..options import to_dict
from ..plan.resolve import resolve
from ..plan.settings import EvaluateSettings
from ..plugins.registry import Registry
from ..refining.network import Network
from ..runs.folder import read_choices
from .arms import Material
from .labelled import choose_labels, labels_of, name_of, open_labelled, read_labels
from .reading import Images, all_digests, pick, read, read_stream
from .tasks import Task, check_alike, guess, make_task

MIN_SYNTHETIC, MIN_TEST = 64, 20
"""Images below which no figure would mean anything."""
_BATCH, _PIXELS = 64, 2**20
"""Images, and pixels, that are refined at once."""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Images in place of the run's own; None for these."""

    real_labelled: Path | None = None
    synthetic: Path | None = None
    real: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What is compared."""

    material: Material
    task: Task
    keypoints: Tensor | None
    """(N, K, 2), x and y in px of key points in the synthetic images, for label preservation; None without any."""
    described: dict[str, Any]
    """The key `data` of the result."""


@dataclass(frozen=True, kw_only=True)
class _Sources:
    synthetic: Domain
    labelled: Domain
    unlabelled: Domain | StreamingDomain
    """The real images that the run trained on."""


@dataclass(frozen=True, kw_only=True)
class _Labels:
    name: str
    task: str
    synthetic: np.ndarray
    real: np.ndarray
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class _Sets:
    """The images that were read, and what is known of them."""

    synthetic: Images
    labelled: Images
    unlabelled: Images
    compared_with: int
    """Different images that the labelled ones must not be among."""
    seen: int
    """Labelled images that are among them."""


def gather(run: Path, settings: EvaluateSettings, paths: Paths, registry: Registry) -> Gathered:
    """Read images and labels, refine, and refuse what must not be tested on. Raises `GantoolError`, one line."""
    plan = resolve(registry, read_choices(run))
    bundle = open_bundle(run, settings.checkpoint)
    sources = _open(registry, plan.dataset.component, plan.dataset.options, paths)
    labels = _read_labels(sources, settings, own_test=paths.real_labelled is None)
    sets = _read_sets(sources, bundle, settings, plan.settings.seed)
    synthetic, labelled = sets.synthetic, sets.labelled
    form: dict[str, Any] = {"size": tuple(synthetic.pixels.shape[2:]), "crop": bundle.preprocess.fit == "crop"}
    task = make_task(labels.task, labels.name, labels.synthetic, within_px=settings.within_px, **form)
    if task.name == "keypoints":
        _check_one_size(labelled, name_of(sources.labelled))
    half = _first_half(labelled.digests)
    reported = torch.ones_like(half) if settings.report_half == "all" else half == (settings.report_half == "first")
    _check_counts(len(synthetic.rows), int(reported.sum()), sources)
    material = Material(
        synthetic=synthetic.pixels,
        refined=refine(bundle, synthetic.pixels, settings.device),
        targets=task.targets(labels.synthetic[synthetic.rows], synthetic.stored_size),
        real=labelled.pixels,
        real_targets=task.targets(labels.real[labelled.rows], labelled.stored_size),
        half=half,
        reported=reported,
        references=sets.unlabelled.pixels,
        equalised=bundle.preprocess.equalize,
        seed=settings.seed,
    )
    point_name = labels.name if task.name == "keypoints" else _keypoints_of(sources.synthetic)
    described = {
        "run": str(run),
        "step": bundle.recorded.step,
        "checkpoint": settings.checkpoint or "last",
        "weights": bundle.digest,
        **_describe_sets(sources, sets, settings, tested=int(reported.sum())),
        "labels": labels.name,
        "keypoints": point_name or None,
        "task": task.name,
        "outputs": task.outputs,
        "size": list(form["size"]),
        "channels": bundle.in_channels,
        "preprocess": to_dict(bundle.preprocess),
        "notes": labels.notes,
    }
    keypoints = _keypoints(sources.synthetic, synthetic, point_name, form) if point_name else None
    return Gathered(material=material, task=task, keypoints=keypoints, described=described)


def _read_labels(sources: _Sources, settings: EvaluateSettings, *, own_test: bool) -> _Labels:
    name, note = choose_labels(settings.labels, sources.synthetic, sources.labelled, real_first=own_test)
    synthetic, real = read_labels(sources.synthetic, name), read_labels(sources.labelled, name)
    check_alike(name, synthetic, real)
    notes, task = [note] if note else [], str(settings.task)
    if task == "auto":
        task = guess(name, synthetic)
        notes.append(f"task: {task}, by the name and shape of {name}")
    return _Labels(name=name, task=task, synthetic=synthetic, real=real, notes=notes)


def _read_sets(sources: _Sources, bundle: Bundle, settings: EvaluateSettings, run_seed: int) -> _Sets:
    """Read at most `limit` images of each kind. Raises `GantoolError` where labelled ones were trained on."""
    preprocess = replace(bundle.preprocess, size=bundle.trained_size)
    height, width = bundle.trained_size or sources.synthetic[0].shape[:2]
    shape = (height, width, bundle.in_channels)

    def load(domain: Domain) -> Images:
        return read(domain, pick(len(domain), settings.limit, seed=settings.seed), preprocess, shape)

    synthetic, labelled = load(sources.synthetic), load(sources.labelled)
    if isinstance(sources.unlabelled, Domain):
        unlabelled = load(sources.unlabelled)
        complete = len(unlabelled.rows) == len(sources.unlabelled)
        trained = set(unlabelled.digests) if complete else all_digests(sources.unlabelled)
    else:  # a stream has no end: its first images stand for it
        unlabelled = read_stream(sources.unlabelled, settings.limit, preprocess, shape, seed=run_seed)
        trained = set(unlabelled.digests)
    trained |= set(synthetic.digests)
    seen = sum(digest in trained for digest in labelled.digests)
    if seen and not settings.allow_seen:
        raise GantoolError(
            f"{seen:,} of the {len(labelled.rows):,} labelled images of {name_of(sources.labelled)} were trained on "
            "(same pixels): leave them out, or pass --allow-seen"
        )
    return _Sets(synthetic=synthetic, labelled=labelled, unlabelled=unlabelled, compared_with=len(trained), seen=seen)


def _describe_sets(sources: _Sources, sets: _Sets, settings: EvaluateSettings, *, tested: int) -> dict[str, Any]:
    check = {"compared": len(sets.labelled.rows), "with": sets.compared_with, "seen": sets.seen, "allowed": settings.allow_seen}
    return {
        "synthetic": _described(sources.synthetic, sets.synthetic),
        "real_labelled": _described(sources.labelled, sets.labelled) | {"half": settings.report_half, "tested": tested},
        "real_unlabelled": _described(sources.unlabelled, sets.unlabelled),
        "content_check": check,
    }


def _keypoints(domain: Domain, images: Images, name: str, form: dict[str, Any]) -> Tensor:
    """(N, K, 2), x and y in px of the run's images."""
    _check_one_size(images, name_of(domain))
    points = read_labels(domain, name)
    targets = make_task("keypoints", name, points, **form).targets(points[images.rows], images.stored_size)
    return targets.reshape(len(images.rows), -1, 2)


def _check_one_size(images: Images, name: str) -> None:
    if not images.one_size:
        raise GantoolError(
            f"{name} has images of several sizes, so key points in pixels cannot be brought to one: resize them first"
        )


def _open(registry: Registry, dataset: str, options: dict[str, Any], paths: Paths) -> _Sources:
    own: Any = None
    if paths.synthetic is None or paths.real is None or paths.real_labelled is None:
        own = _own_domains(registry, dataset, options, paths)
    synthetic = open_labelled(paths.synthetic) if paths.synthetic else with_labels(own.source)
    if not isinstance(synthetic, Domain):
        raise GantoolError(
            f"{name_of(synthetic)} is a stream without labels: pass --synthetic PATH with labels beside the images"
        )
    labelled = open_labelled(paths.real_labelled) if paths.real_labelled else getattr(own, "test", None)
    if labelled is None:
        raise GantoolError(
            f"the data set {dataset} has no labelled real images: pass --real-labelled PATH (.npz, .h5 or a folder)"
        )
    unlabelled = open_images(paths.real) if paths.real else own.target
    return _Sources(synthetic=synthetic, labelled=labelled, unlabelled=unlabelled)


def _own_domains(registry: Registry, dataset: str, options: dict[str, Any], paths: Paths) -> Any:
    """The run's own data set; where the user gave a path for one of its domains, that domain need not exist any more."""
    given = {name: str(path) for name, path in (("synthetic", paths.synthetic), ("real", paths.real)) if path and name in options}
    return registry.build("dataset", dataset, options | given)


def _check_counts(synthetic: int, tested: int, sources: _Sources) -> None:
    for count, needed, domain, use in (
        (synthetic, MIN_SYNTHETIC, sources.synthetic, "learn from"),
        (tested, MIN_TEST, sources.labelled, "test on"),
    ):
        if count < needed:
            raise GantoolError(f"{name_of(domain)}: {count} labelled images to {use} are too few, at least {needed} are needed")


def _keypoints_of(domain: object) -> str:
    """Name of the first labels that say of themselves that they are positions, or ""."""
    return next((name for name in labels_of(domain) if name.lower().endswith("_xy")), "")


def _first_half(digests: tuple[bytes, ...]) -> Tensor:
    """(N,) bool: half of the images, by their content alone, so that no order, seed or limit moves one across."""
    return torch.tensor([digest[0] < 128 for digest in digests])


def refine(bundle: Bundle, images: Tensor, device: str) -> Tensor:
    """(N, C, H, W) in [-1, 1] to the same, refined, clipped to what an image file holds. Raises `GantoolError`."""
    network = Network(bundle, device)
    batch = max(1, min(_BATCH, _PIXELS // (images.shape[2] * images.shape[3])))
    stored = images.permute(0, 2, 3, 1).add(1).div(2).contiguous().numpy()
    parts = [network(list(stored[start : start + batch])) for start in range(0, len(stored), batch)]
    return torch.from_numpy(np.concatenate(parts)).clamp(-1, 1)


def _described(domain: Domain | StreamingDomain, images: Images) -> dict[str, Any]:
    return {
        "path": name_of(domain),
        "images": len(images.rows),
        "of": len(domain) if isinstance(domain, Domain) else None,
    }
