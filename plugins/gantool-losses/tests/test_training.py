"""The parts in real runs of SimGAN, and the ones that it refuses."""

import shutil

import pytest
import torch
from safetensors.torch import load_file

import gantool

SMALL = {
    "generator.width": 4,
    "generator.blocks": 1,
    "recipe.discriminator_warmup": 0,
    "dataset.synthetic_count": 16,
    "dataset.real_count": 16,
    "dataset.size": [12, 16],
}
SETTINGS = {"steps": 4, "batch_size": 2, "checkpoint_every": 2, "device": "cpu"}


def train(output, options=(), **more):
    return gantool.train("simgan", output=output, options=SMALL | dict(options), **SETTINGS | more)


@pytest.mark.parametrize(
    ("parts", "options"),
    [
        (
            {"loss": "losses:wgan-gp", "discriminator": "losses:spectral-norm"},
            {"discriminator.options": {"width_factor": 0.1}},
        ),
        ({"loss": "losses:r1"}, {"discriminator.width_factor": 0.1, "loss.loss": "gantool:hinge"}),
    ],
)
def test_trains_and_resumes_to_the_bit(tmp_path, parts, options):
    run = train(tmp_path / "run", options, parts=parts)
    again = tmp_path / "again"
    shutil.copytree(run, again)
    shutil.rmtree(again / "checkpoints" / "step-00000004")
    (again / "refiner.safetensors").unlink()
    gantool.train(resume=again)
    for name in ("refiner.safetensors", "checkpoints/step-00000004/state.safetensors"):
        expected, found = load_file(run / name), load_file(again / name)
        assert expected.keys() == found.keys()
        assert all(torch.equal(value, found[key]) for key, value in expected.items())


def test_the_penalty_reaches_simgans_discriminator(tmp_path):
    weights = {}
    for gamma in (0.0, 1000.0):
        run = train(tmp_path / f"{gamma}", {"loss.gamma": gamma, "discriminator.width_factor": 0.1}, loss="losses:r1")
        weights[gamma] = load_file(run / "checkpoints/step-00000004/state.safetensors")
    assert any(not torch.equal(value, weights[1000.0][name]) for name, value in weights[0.0].items())


def test_a_recipe_that_gives_no_real_logits_refuses_the_relativistic_loss(tmp_path):
    message = "losses:relativistic needs 'relativistic', which slot 'loss' does not accept; installed ones that fit: .*losses:r1"
    with pytest.raises(gantool.GantoolError, match=message):
        train(tmp_path / "run", loss="losses:relativistic")
