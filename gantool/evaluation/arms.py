"""What the estimator of each arm learns from. Every arm has the same labels and, but for `real`, the same number of images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import GantoolError, require
from .cells import digest_of
from .held import HeldImages
from .names import AUGMENTED, FEW
from .peers import OF_ALBUMENTATIONS, REFERENCED, degraded, equalised
from .tasks import joined, select

_ANY_CHANNELS = ("synthetic", "refined", "mix", "real")
MIN_REAL = 200
"""Labelled real images that the arm `real` needs: half are learnt from, half tested on."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What arms are made from. Targets are rows, as `Task.load` gives them."""

    synthetic: HeldImages
    refined: HeldImages
    """The same images, refined."""
    targets: Any
    real: HeldImages
    """Labelled real images, all of them."""
    real_targets: Any
    half: Tensor
    """(N,) bool: whether a labelled real image is of the first half."""
    reported: Tensor
    """(N,) bool: whether it is tested on."""
    references: HeldImages
    """Unlabelled real images."""
    equalised: bool
    """Whether the run's own preprocessing equalises already."""
    seed: int
    augment: bool = False
    """Whether what learns sees the images of every arm augmented."""
    given: Mapping[str, HeldImages] = field(default_factory=dict)
    """The same images by other methods, by the name of the arm."""
    known: Callable[[int], np.ndarray] | None = None
    """What a network sees beside a synthetic image, by its number."""
    labelled: HeldImages | None = None
    """Labelled real images to learn from; none of them is tested on."""
    labelled_targets: Any = None


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A training set, and the images that its estimator is tested on."""

    images: HeldImages
    targets: Any
    test: HeldImages
    rows: Tensor
    """(n,) int64: which of the reported images `test` are."""
    augment: bool = False
    """Whether what learns sees the images augmented as `peers.Augmentation` does, anew each time where it can."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One line of the table."""

    folds: tuple[Fold, ...]
    """Together their tests are all reported images, each once."""
    note: str = ""

    @cached_property
    def key(self) -> str:
        """A digest of what is learnt from and tested on."""
        return digest_of([[fold.images, fold.targets, fold.test, fold.rows, fold.augment] for fold in self.folds])


class Skipped(GantoolError):
    """An arm that cannot be run; the message says why."""


def check_arm(name: str, material: Material) -> None:
    """Raise `Skipped` for an arm that cannot be made or is another one, `MissingExtra` for want of a package. Costs nothing."""
    augment, channels = material.augment or name in AUGMENTED, material.synthetic.channels
    if augment or name in OF_ALBUMENTATIONS:
        require("augmentation" if augment else name, "albumentations", "albumentations")
    if few := FEW.fullmatch(name):
        have = len(material.labelled) if material.labelled else 0
        if have < int(few[1]):
            raise Skipped(f"--real-train-labelled has {have} pictures")
    if name == "real" and material.labelled is None and len(material.real) < MIN_REAL:
        raise Skipped(f"{len(material.real)} labelled real images are too few to learn from one half: it needs {MIN_REAL}")
    if name == "equalize" and material.equalised:
        raise Skipped("the run equalises all images already, so it is the arm synthetic")
    if name in AUGMENTED and material.augment:
        raise Skipped("all arms are augmented")
    if ((name not in (*_ANY_CHANNELS, *material.given) and not few) or augment) and channels not in (1, 3):
        raise Skipped(f"it is for 1 or 3 channels, the images have {channels}")


def make_arm(name: str, material: Material) -> Arm:
    """Make one of `names.ARMS`, or of the user's. Raises as `check_arm`."""
    check_arm(name, material)
    if name == "real" and material.labelled is None:
        return _real(material)
    if name == "real" or FEW.fullmatch(name):
        return _labelled(name, material)
    augment = material.augment or name in AUGMENTED
    images, test, note = _training_images(name, material), material.real.take(material.reported), ""
    if name == "equalize":
        test, note = test.changed(equalised), "test images are equalised too"
    rows = torch.arange(len(test))
    return Arm(folds=(Fold(images=images, targets=material.targets, test=test, rows=rows, augment=augment),), note=note)


def _training_images(name: str, material: Material) -> HeldImages:
    synthetic, refined, seed = material.synthetic, material.refined, material.seed
    if name in material.given:
        return material.given[name]
    if name == "mix":
        # Every image once, in one of its two forms: neither more images nor fewer labels than in the other arms.
        order = torch.randperm(len(synthetic), generator=torch.Generator().manual_seed(seed))
        chosen = set(order[: len(order) // 2].tolist())
        return HeldImages([(refined if row in chosen else synthetic)[row] for row in range(len(order))])
    if name in REFERENCED:
        if material.references.size is None:
            raise Skipped("the unlabelled real images differ in size")
        references = material.references.tensor()
        return synthetic.changed(lambda images: REFERENCED[name](images, references, seed=seed), pixels=sys.maxsize)
    if name == "refined-degraded":
        return refined.changed(lambda images: degraded(images, seed=seed), pixels=sys.maxsize)
    if name == "equalize":
        return synthetic.changed(equalised)
    return {"synthetic": synthetic, "augmented": synthetic, "refined": refined, "refined-augmented": refined}[name]


def _labelled(name: str, material: Material) -> Arm:
    """Labelled real images, all or the first few in an order that the seed decides; those beside others are repeated until half
    of what is learnt from is real."""
    assert material.labelled is not None, "check_arm sees to it"
    few = FEW.fullmatch(name)
    count, beside = (int(few[1]), few[2]) if few else (len(material.labelled), None)
    chosen = torch.randperm(len(material.labelled), generator=torch.Generator().manual_seed(material.seed))[:count]
    images, targets = material.labelled.take(chosen), select(material.labelled_targets, chosen)
    note = f"learnt from {count} labelled real images"
    if beside:
        others = material.synthetic if beside == "synthetic" else material.refined
        again = torch.arange(len(others)) % count
        images, targets = others.joined(images.take(again)), joined(material.targets, select(targets, again))
        note += f", repeated until they are half, and the {beside} ones"
    test = material.real.take(material.reported)
    fold = Fold(images=images, targets=targets, test=test, rows=torch.arange(len(test)), augment=material.augment)
    return Arm(folds=(fold,), note=note)


def _real(material: Material) -> Arm:
    place = torch.full((len(material.real),), -1)
    place[material.reported] = torch.arange(int(material.reported.sum()))
    folds = [
        Fold(
            images=material.real.take(~side),
            targets=select(material.real_targets, ~side),
            test=material.real.take(side & material.reported),
            rows=place[side & material.reported],
            augment=material.augment,
        )
        for side in (material.half, ~material.half)
        if (side & material.reported).any()
    ]
    note = "learnt from one half of the labelled real images, tested on the other"
    return Arm(folds=tuple(folds), note=note + (", both ways" if len(folds) == 2 else ""))
