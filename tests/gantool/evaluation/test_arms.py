from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gantool.evaluation.arms import Material, Skipped, make_arm
from gantool.evaluation.names import AUGMENTED
from gantool.evaluation.peers import equalised


@pytest.fixture
def material():
    synthetic, real = torch.rand(50, 1, 8, 8), torch.rand(300, 1, 8, 8)
    half = torch.arange(300) % 3 == 0
    return Material(
        synthetic=synthetic,
        refined=synthetic - 1,
        targets=torch.arange(50.0)[:, None],
        real=real,
        real_targets=torch.arange(300.0)[:, None],
        half=half,
        reported=torch.ones(300, dtype=torch.bool),
        references=torch.zeros(5, 1, 8, 8),
        equalised=False,
        seed=0,
    )


@pytest.mark.parametrize("name", ["synthetic", "refined", "mix", "reinhard", "equalize"])
def test_arms_have_the_same_labels_and_number_of_images(material, name):
    (fold,) = make_arm(name, material).folds
    assert fold.images.shape == material.synthetic.shape
    assert torch.equal(fold.targets, material.targets)
    assert fold.rows.tolist() == list(range(300))
    assert fold.test.shape == material.real.shape


def test_the_mix_is_half_and_half_and_holds_every_image_once(material):
    images = make_arm("mix", material).folds[0].images
    refined = (images == material.refined).flatten(1).all(1)
    assert refined.sum() == 25
    assert torch.equal(images[~refined], material.synthetic[~refined])
    assert torch.equal(images, make_arm("mix", material).folds[0].images)
    assert not torch.equal(images, make_arm("mix", replace(material, seed=1)).folds[0].images)


def test_refined_arms_start_from_refined_images_and_augmented_ones_say_so(material):
    pytest.importorskip("albumentations")
    tamed = replace(material, refined=material.refined.clamp(-1, 1))
    slightly = make_arm("refined-degraded", tamed).folds[0].images
    assert 0.002 < (slightly - tamed.refined).abs().mean() < 0.1
    (fold,) = make_arm("refined-augmented", tamed).folds
    assert torch.equal(fold.images, tamed.refined)
    assert fold.augment
    assert not make_arm("refined", tamed).folds[0].augment


def test_with_augment_every_arm_is_augmented_and_those_that_say_so_are_the_same(material):
    pytest.importorskip("albumentations")
    augmenting = replace(material, augment=True)
    for name in ("synthetic", "refined", "mix", "real"):
        assert all(fold.augment for fold in make_arm(name, augmenting).folds)
    for name in AUGMENTED:
        with pytest.raises(Skipped, match="all arms are augmented"):
            make_arm(name, augmenting)


def test_making_arms_leaves_the_synthetic_images_alone(material):
    before = material.synthetic.clone()
    for name in ("mix", "reinhard", "refined-degraded", "augmented", "equalize", "real"):
        make_arm(name, material)
    assert torch.equal(material.synthetic, before)


def test_equalising_goes_for_test_images_too(material):
    (fold,) = make_arm("equalize", material).folds
    assert torch.equal(fold.test, equalised(material.real))
    with pytest.raises(Skipped, match="the run equalises all images already"):
        make_arm("equalize", replace(material, equalised=True))
    with pytest.raises(Skipped, match="1 or 3 channels, the images have 2"):
        make_arm("equalize", replace(material, synthetic=torch.rand(50, 2, 8, 8)))


@pytest.mark.parametrize("reported", ["all", "first", "second"])
def test_the_ceiling_never_learns_from_what_it_is_tested_on(material, reported):
    rows = {"all": material.reported, "first": material.half, "second": ~material.half}[reported]
    arm = make_arm("real", replace(material, reported=rows))
    tested = torch.cat([fold.rows for fold in arm.folds])
    assert sorted(tested.tolist()) == list(range(int(rows.sum())))
    for fold in arm.folds:
        learnt = {image.sum().item() for image in fold.images}
        assert not learnt & {image.sum().item() for image in fold.test}
        assert torch.equal(fold.test, material.real[rows][fold.rows])
    assert ("both ways" in arm.note) is (reported == "all")


def test_the_ceiling_needs_enough_images(material):
    few = replace(material, real=material.real[:199], half=material.half[:199], reported=material.reported[:199])
    with pytest.raises(Skipped, match="199 labelled real images are too few"):
        make_arm("real", few)
