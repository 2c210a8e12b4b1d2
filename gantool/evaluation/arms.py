"""What the estimator of each arm learns from. Every arm has the same labels and, but for `real`, the same number of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import GantoolError
from .peers import REFERENCED, Photometric, equalised
from .tasks import select

MIN_REAL = 200
"""Labelled real images that the arm `real` needs: half are learnt from, half tested on."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What arms are made from. Images are (N, C, H, W) in [-1, 1]; targets are rows, as `Task.load` gives them."""

    synthetic: Tensor
    refined: Tensor
    """The same images, refined."""
    targets: Any
    real: Tensor
    """Labelled real images, all of them."""
    real_targets: Any
    half: Tensor
    """(N,) bool: whether a labelled real image is of the first half."""
    reported: Tensor
    """(N,) bool: whether it is tested on."""
    references: Tensor
    """Unlabelled real images."""
    equalised: bool
    """Whether the run's own preprocessing equalises already."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A training set, and the images that its estimator is tested on."""

    images: Tensor
    targets: Any
    test: Tensor
    rows: Tensor
    """(n,) int64: which of the reported images `test` are."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One line of the table."""

    folds: tuple[Fold, ...]
    """Together their tests are all reported images, each once."""
    note: str = ""


class Skipped(GantoolError):
    """An arm that cannot be run; the message says why."""


def make_arm(name: str, material: Material) -> Arm:
    """Make one of `options.ARMS`. Raises `Skipped`, and `MissingExtra` where a package is missing."""
    if name == "real":
        return _real(material)
    if name == "equalize":
        return _equalised(material)
    images = _training_images(name, material)
    return _one_fold(images, material.targets, material.real[material.reported])


def _training_images(name: str, material: Material) -> Tensor:
    synthetic, seed = material.synthetic, material.seed
    if name == "synthetic":
        return synthetic
    if name == "refined":
        return material.refined
    if name == "mix":
        # Every image once, in one of its two forms: neither more images nor fewer labels than in the other arms.
        order = torch.randperm(len(synthetic), generator=torch.Generator().manual_seed(seed))
        mixed = synthetic.clone()
        chosen = order[: len(order) // 2]
        mixed[chosen] = material.refined[chosen]
        return mixed
    if name == "photometric":
        return Photometric()(synthetic, seed=seed)
    if synthetic.shape[1] not in (1, 3):
        raise Skipped(f"it is for 1 or 3 channels, the images have {synthetic.shape[1]}")
    return REFERENCED[name](synthetic, material.references, seed=seed)


def _one_fold(images: Tensor, targets: Any, test: Tensor, note: str = "") -> Arm:
    return Arm(folds=(Fold(images=images, targets=targets, test=test, rows=torch.arange(len(test))),), note=note)


def _equalised(material: Material) -> Arm:
    if material.equalised:
        raise Skipped("the run equalises all images already, so it is the arm synthetic")
    if material.synthetic.shape[1] not in (1, 3):
        raise Skipped(f"it is for 1 or 3 channels, the images have {material.synthetic.shape[1]}")
    test = equalised(material.real[material.reported])
    return _one_fold(equalised(material.synthetic), material.targets, test, "test images are equalised too")


def _real(material: Material) -> Arm:
    if len(material.real) < MIN_REAL:
        raise Skipped(f"{len(material.real)} labelled real images are too few to learn from one half: it needs {MIN_REAL}")
    place = torch.full((len(material.real),), -1)
    place[material.reported] = torch.arange(int(material.reported.sum()))
    folds = []
    for side in (material.half, ~material.half):
        tested = side & material.reported
        if tested.any():
            images, targets = material.real[~side], select(material.real_targets, ~side)
            folds.append(Fold(images=images, targets=targets, test=material.real[tested], rows=place[tested]))
    note = "learnt from one half of the labelled real images, tested on the other"
    return Arm(folds=tuple(folds), note=note + (", both ways" if len(folds) == 2 else ""))
