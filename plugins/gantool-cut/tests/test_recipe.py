"""The objective, who is trained on what, the third network, and real runs."""

import shutil

import pytest
import torch
from accelerate import Accelerator
from gantool_cut.options import CUTOptions
from gantool_cut.recipe import CUT
from safetensors.torch import load_file
from torch import nn

import gantool
from gantool import Batch, NoOptions, Setup
from gantool.builtin.buffers import NoBuffer
from gantool.builtin.losses import LSGAN

IMAGES = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Net(nn.Module):
    """A generator of one weight, whose encoder sees every second pixel in `channels` ways."""

    def __init__(self, channels=3):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))
        self.encoder = nn.Conv2d(1, channels, 2, 2)
        self.seen = []

    def forward(self, images):
        self.seen.append(images.detach())
        return self.weight * images

    def features(self, images):
        return images, self.encoder(images)


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.seen = []

    def forward(self, images):
        self.seen.append(images.detach())
        return self.weight * images


class Draws:
    def source(self):
        return Batch(IMAGES)

    def target(self):
        return Batch(-IMAGES)


def make(loss=None, length=10, **options):
    torch.manual_seed(0)
    parts = {
        "generator": Net(),
        "discriminator": Judge(),
        "loss": loss or LSGAN(config=NoOptions()),
        "buffer": NoBuffer(config=NoOptions(), generator=torch.Generator()),
    }
    recipe = CUT(config=CUTOptions(**{"width": 4, "patches": 8, **options}), parts=parts)
    recipe.setup(Setup(accelerator=Accelerator(cpu=True), sample=IMAGES, channels_last=False, length=length, compile=False))
    return recipe


def test_projections_are_sized_by_the_sample():
    assert [head[0].in_features for head in make().projections.heads] == [1, 3]


@pytest.mark.parametrize(("identity", "weight"), [(True, 1.0), (False, 10.0)])
def test_objective_is_the_weighted_sum(identity, weight):
    figures = make(identity=identity, lambda_nce=weight).step(0, Draws())
    contrast = figures["contrast_loss"]
    if identity:
        contrast = (contrast + figures["identity_loss"]) / 2
    assert figures["generator_loss"].item() == pytest.approx((2 * figures["realism_loss"] + weight * contrast).item())
    assert ("identity_loss" in figures) is identity


def test_everything_is_trained_by_its_own_loss():
    recipe = make()
    judge = recipe.discriminator.weight.item()
    fake = recipe.network(IMAGES)
    recipe.update_discriminator(-IMAGES, fake)
    assert recipe.discriminator.weight.item() != judge
    assert recipe.network.weight.item() == 0.5
    judge, head = recipe.discriminator.weight.item(), recipe.projections.heads[1][0].weight.clone()
    recipe.update_generator(IMAGES, -IMAGES, fake, flipped=False)
    assert recipe.discriminator.weight.item() == judge
    assert recipe.network.weight.item() != 0.5
    assert not torch.equal(recipe.projections.heads[1][0].weight, head)


def test_no_gradient_goes_through_the_keys():
    recipe = make()
    images = IMAGES.clone().requires_grad_()
    translated = IMAGES.clone().requires_grad_()
    recipe.contrast(images, translated, flipped=False).backward()
    assert images.grad is None
    assert translated.grad.abs().sum() > 0


def test_mirrored_features_are_mirrored_back():
    recipe = make(patches=64)
    nn.init.constant_(recipe.network.encoder.weight, 0.25)  # sees no difference between a patch and its mirror image
    plain = recipe.contrast(IMAGES, IMAGES, flipped=False)
    assert torch.allclose(recipe.contrast(IMAGES, IMAGES.flip(3), flipped=True), plain, atol=1e-6)
    assert recipe.contrast(IMAGES, IMAGES.flip(3), flipped=False) > plain + 0.1


def test_half_of_the_steps_are_mirrored():
    recipe = make(flip=True, identity=False)
    torch.manual_seed(0)
    for step in range(40):
        recipe.step(step, Draws())
    mirrored = sum(torch.equal(images, IMAGES.flip(3)) for images in recipe.network.seen)
    assert len(recipe.network.seen) == 40
    assert 10 < mirrored < 30


class Relative:
    def discriminator(self, real, fake):
        return (fake - real).mean()

    def relative_generator(self, real, fake):
        return (real - fake).square().mean()


class Penalized(LSGAN):
    def penalty(self, discriminator, real, fake):
        return discriminator(real).sum() * 0 + 100


def test_other_families_of_losses_get_what_they_need():
    plain = make().step(0, Draws())
    penalized = make(loss=Penalized(config=NoOptions())).step(0, Draws())
    assert (penalized["discriminator_loss"] - plain["discriminator_loss"]).item() == pytest.approx(100)
    recipe = make(loss=Relative())
    with torch.no_grad():
        expected = Relative().relative_generator(recipe.discriminator(-IMAGES), recipe.discriminator(IMAGES / 2))
    figures = recipe.update_generator(IMAGES, -IMAGES, recipe.network(IMAGES), flipped=False)
    assert figures["realism_loss"].item() == pytest.approx(expected.item())


SMALL = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width": 4,
    "recipe.width": 8,
    "dataset.synthetic_count": 16,
    "dataset.real_count": 16,
}


@pytest.mark.parametrize("preset", ["laptop", "laptop-fastcut"])
def test_trains_and_resumes_to_the_bit(tmp_path, preset):
    settings = {"steps": 4, "batch_size": 2, "checkpoint_every": 2, "device": "cpu"}
    run = gantool.train("cut", output=tmp_path / "run", preset=preset, options=SMALL, **settings)
    again = tmp_path / "again"
    shutil.copytree(run, again)
    shutil.rmtree(again / "checkpoints" / "step-00000004")
    (again / "refiner.safetensors").unlink()
    gantool.train(resume=again)
    for name in ("refiner.safetensors", "checkpoints/step-00000004/state.safetensors"):
        expected, found = load_file(run / name), load_file(again / name)
        assert expected.keys() == found.keys()
        assert all(torch.equal(value, found[key]) for key, value in expected.items())
    images = torch.rand(1, 1, 35, 55) * 2 - 1
    assert gantool.load(run)(images).shape == images.shape


def test_a_generator_without_features_is_refused(tmp_path):
    with pytest.raises(gantool.GantoolError, match=r"needs a generator that provides 'features'.*do: cyclegan:resnet"):
        gantool.train("cut", output=tmp_path / "run", generator="simgan:refiner")
