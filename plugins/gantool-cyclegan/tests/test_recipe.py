"""The objective against one written out by hand, who is trained on what, the schedule, and real runs."""

import shutil

import pytest
import torch
from accelerate import Accelerator
from gantool_cyclegan.options import CycleGANOptions
from gantool_cyclegan.recipe import CONSTANT, FALLING, CycleGAN
from safetensors.torch import load_file
from torch import nn

import gantool
from gantool import Batch, NoOptions, Setup
from gantool.builtin.buffers import NoBuffer
from gantool.builtin.losses import L1, LSGAN
from gantool.training import decayed

SOURCE, TARGET = torch.full((2, 1, 4, 4), 0.5), torch.full((2, 1, 4, 4), -0.25)
RATES = {"generator_lr": 0.1, "discriminator_lr": 0.01}


class Factor(nn.Module):
    """Multiplies by one weight, and remembers what it was given."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(weight)))
        self.seen = []

    def forward(self, images):
        self.seen.append(images.detach().mean().item())
        return self.weight * images


class Draws:
    def source(self):
        return Batch(SOURCE)

    def target(self):
        return Batch(TARGET)


def make(loss=None, length=10, **options):
    parts = {
        "to_target": Factor(0.5),
        "to_source": Factor(3.0),
        "target_discriminator": Factor(2.0),
        "source_discriminator": Factor(-1.0),
        "loss": loss or LSGAN(config=NoOptions()),
        "cycle": L1(config=NoOptions()),
        "identity": L1(config=NoOptions()),
        "target_buffer": NoBuffer(config=NoOptions(), generator=torch.Generator()),
        "source_buffer": NoBuffer(config=NoOptions(), generator=torch.Generator()),
    }
    recipe = CycleGAN(config=CycleGANOptions(**RATES | options), parts=parts)
    recipe.setup(Setup(accelerator=Accelerator(cpu=True), sample=SOURCE, channels_last=False, length=length, compile=False))
    return recipe


def test_objective_is_the_papers():
    figures = make().step(0, Draws())
    # G(x) = 0.25, D_Y(G(x)) = 0.5; F(y) = -0.75, D_X(F(y)) = 0.75. Without the factor ½ of gantool:lsgan, as in the paper.
    gan = (0.5 - 1) ** 2 + (0.75 - 1) ** 2
    cycle = abs(3 * 0.25 - 0.5) + abs(0.5 * -0.75 - -0.25)
    identity = abs(0.5 * -0.25 - -0.25) + abs(3 * 0.5 - 0.5)
    assert figures["generator_loss"].item() == pytest.approx(gan + 10 * cycle + 10 * 0.5 * identity)
    assert figures["change"].item() == pytest.approx(0.25)
    judged = ((2 * -0.25 - 1) ** 2 + (2 * 0.25) ** 2) / 2 + ((-1 * 0.5 - 1) ** 2 + (-1 * -0.75) ** 2) / 2
    assert figures["discriminator_loss"].item() == pytest.approx(judged)


def test_no_identity_costs_no_passes():
    recipe = make(lambda_identity=0.0)
    figures = recipe.step(0, Draws())
    assert "identity_loss" not in figures
    assert len(recipe.to_target.seen) == 2


def test_each_discriminator_sees_its_own_domain():
    recipe = make()
    recipe.step(0, Draws())
    assert recipe.target_discriminator.seen == [0.25, -0.25, 0.25]
    assert recipe.source_discriminator.seen == [-0.75, 0.5, -0.75]


def test_updates_change_their_own_networks_only():
    recipe = make()
    source, target = SOURCE, TARGET
    _, fake_target, fake_source = recipe.update_generators(Batch(source), target)
    assert recipe.to_target.weight.item() != 0.5
    assert recipe.to_source.weight.item() != 3.0
    assert (recipe.target_discriminator.weight.item(), recipe.source_discriminator.weight.item()) == (2.0, -1.0)
    assert recipe.target_discriminator.weight.grad is None
    generators = [recipe.to_target.weight.item(), recipe.to_source.weight.item()]
    recipe.update_discriminators(source, target, fake_source=fake_source, fake_target=fake_target)
    assert recipe.target_discriminator.weight.item() != 2.0
    assert recipe.source_discriminator.weight.item() != -1.0
    assert [recipe.to_target.weight.item(), recipe.to_source.weight.item()] == generators


class Relative:
    def discriminator(self, real, fake):
        return (fake - real).mean()

    def relative_generator(self, real, fake):
        return (real - fake).square().mean()


class Penalized(LSGAN):
    def penalty(self, discriminator, real, fake):
        return discriminator(real).sum() * 0 + 100


def test_a_relativistic_loss_gets_real_logits():
    figures = make(loss=Relative()).step(0, Draws())
    assert figures["realism_loss"].item() == pytest.approx((2 * -0.25 - 0.5) ** 2 + (-0.5 - 0.75) ** 2)


def test_a_penalty_is_added_for_both_discriminators():
    plain = make().step(0, Draws())["discriminator_loss"]
    penalized = make(loss=Penalized(config=NoOptions())).step(0, Draws())["discriminator_loss"]
    assert (penalized - plain).item() == pytest.approx(200)


def test_rates_fall_over_the_last_part_of_the_run():
    assert [round(decayed(step, 10, 0.5), 3) for step in (0, 4, 5, 6, 9, 10, 12)] == [1, 1, 1, 0.8, 0.2, 0, 0]
    recipe = make(length=10)
    assert [recipe.phase(step) for step in (5, 6)] == [CONSTANT, FALLING]
    recipe.step(9, Draws())
    assert recipe.generator_optimizer.param_groups[0]["lr"] == pytest.approx(0.02)
    assert recipe.discriminator_optimizer.param_groups[0]["lr"] == pytest.approx(0.002)


def train(output, **more):
    small = {
        f"{slot}.{name}": value
        for slots, values in (
            (("to_target", "to_source"), {"width": 4, "blocks": 1}),
            (("target_discriminator", "source_discriminator"), {"width": 4, "depth": 1}),
            (("target_buffer", "source_buffer"), {"size": 3}),
        )
        for slot in slots
        for name, value in values.items()
    }
    data = {"dataset.synthetic_count": 16, "dataset.real_count": 16}
    settings = {"steps": 4, "batch_size": 2, "checkpoint_every": 2, "device": "cpu"}
    return gantool.train("cyclegan", output=output, options=small | data, **settings | more)


def test_trains_and_resumes_to_the_bit(tmp_path):
    run = train(tmp_path / "run")
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


def test_a_part_of_another_plugin_fills_all_slots_of_its_kind(tmp_path):
    plan = (train(tmp_path / "run", steps=1, buffer="simgan:history", parts={}) / "run.json").read_text()
    assert plan.count('"simgan:history"') == 2
