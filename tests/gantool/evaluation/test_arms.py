from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gantool.evaluation.arms import Material, Skipped, make_arm
from gantool.evaluation.held import HeldImages, held
from gantool.evaluation.names import AUGMENTED
from gantool.evaluation.peers import equalised


def pixels(images):
    """(N, H, W, C)."""
    return np.stack(list(images))


@pytest.fixture
def material():
    synthetic, real = (np.random.default_rng(0).integers(0, 128, (count, 8, 8, 1), np.uint8) for count in (50, 300))
    half = torch.arange(300) % 3 == 0
    return Material(
        synthetic=HeldImages(synthetic),
        refined=HeldImages(synthetic + 128),
        targets=torch.arange(50.0)[:, None],
        real=HeldImages(real),
        real_targets=torch.arange(300.0)[:, None],
        half=half,
        reported=torch.ones(300, dtype=torch.bool),
        references=held(torch.zeros(5, 1, 8, 8)),
        equalised=False,
        seed=0,
    )


@pytest.mark.parametrize("name", ["synthetic", "refined", "mix", "reinhard", "equalize"])
def test_arms_have_the_same_labels_and_number_of_images(material, name):
    (fold,) = make_arm(name, material).folds
    assert pixels(fold.images).shape == pixels(material.synthetic).shape
    assert torch.equal(fold.targets, material.targets)
    assert fold.rows.tolist() == list(range(300))
    assert pixels(fold.test).shape == pixels(material.real).shape


def test_the_mix_is_half_and_half_and_holds_every_image_once(material):
    images = pixels(make_arm("mix", material).folds[0].images)
    refined = (images == pixels(material.refined)).all((1, 2, 3))
    assert refined.sum() == 25
    assert (images[~refined] == pixels(material.synthetic)[~refined]).all()
    assert (images == pixels(make_arm("mix", material).folds[0].images)).all()
    assert (images != pixels(make_arm("mix", replace(material, seed=1)).folds[0].images)).any()


def test_refined_arms_start_from_refined_images_and_augmented_ones_say_so(material):
    pytest.importorskip("albumentations")
    slightly = make_arm("refined-degraded", material).folds[0].images
    assert 0.002 < (slightly.tensor() - material.refined.tensor()).abs().mean() < 0.1
    (fold,) = make_arm("refined-augmented", material).folds
    assert (pixels(fold.images) == pixels(material.refined)).all()
    assert fold.augment
    assert not make_arm("refined", material).folds[0].augment


def test_with_augment_every_arm_is_augmented_and_those_that_say_so_are_the_same(material):
    pytest.importorskip("albumentations")
    augmenting = replace(material, augment=True)
    for name in ("synthetic", "refined", "mix", "real"):
        assert all(fold.augment for fold in make_arm(name, augmenting).folds)
    for name in AUGMENTED:
        with pytest.raises(Skipped, match="all arms are augmented"):
            make_arm(name, augmenting)


def test_making_arms_leaves_the_synthetic_images_alone(material):
    before = pixels(material.synthetic).copy()
    for name in ("mix", "reinhard", "refined-degraded", "augmented", "equalize", "real"):
        make_arm(name, material)
    assert (pixels(material.synthetic) == before).all()


def test_equalising_goes_for_test_images_too(material):
    (fold,) = make_arm("equalize", material).folds
    assert torch.equal(fold.test.tensor(), equalised(material.real.tensor()))
    with pytest.raises(Skipped, match="the run equalises all images already"):
        make_arm("equalize", replace(material, equalised=True))
    with pytest.raises(Skipped, match="1 or 3 channels, the images have 2"):
        make_arm("equalize", replace(material, synthetic=held(torch.rand(50, 2, 8, 8))))


@pytest.mark.parametrize("reported", ["all", "first", "second"])
def test_the_ceiling_never_learns_from_what_it_is_tested_on(material, reported):
    rows = {"all": material.reported, "first": material.half, "second": ~material.half}[reported]
    arm = make_arm("real", replace(material, reported=rows))
    tested = torch.cat([fold.rows for fold in arm.folds])
    assert sorted(tested.tolist()) == list(range(int(rows.sum())))
    for fold in arm.folds:
        learnt = {image.tobytes() for image in fold.images}
        assert not learnt & {image.tobytes() for image in fold.test}
        assert (pixels(fold.test) == pixels(material.real.take(rows).take(fold.rows))).all()
    assert ("both ways" in arm.note) is (reported == "all")


def test_the_ceiling_needs_enough_images(material):
    few = replace(material, real=material.real.take(range(199)), half=material.half[:199], reported=material.reported[:199])
    with pytest.raises(Skipped, match="199 labelled real images are too few"):
        make_arm("real", few)
