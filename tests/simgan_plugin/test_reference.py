"""The recipe against Algorithm 1 written out plainly, in float64: whatever makes a step fast may change its rounding only."""

from __future__ import annotations

from functools import partialmethod
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import gantool
from gantool import Batch, Setup
from gantool.compute.device import make_accelerator
from simgan_plugin.history import History
from simgan_plugin.options import HistoryOptions, SimGANOptions
from simgan_plugin.recipe import SimGAN

SHAPE, ROUNDS, LAMBDA = (4, 1, 13, 18), 4, 0.7
RATES = {"refiner": 0.02, "discriminator": 0.03}
Weights = dict[str, Tensor]


def refine(w: Weights, x: Tensor) -> Tensor:
    """R with one block, borders reflected."""

    def conv(x: Tensor, name: str) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), w[f"{name}.weight"], w[f"{name}.bias"])

    x = F.relu(conv(x, "stem.0"))
    x = F.relu(x + conv(F.relu(conv(x, "blocks.0.conv1")), "blocks.0.conv2"))
    return torch.tanh(F.conv2d(x, w["head.weight"], w["head.bias"]))


def judge(w: Weights, x: Tensor) -> Tensor:
    """The paper's D for eyes."""

    def conv(x: Tensor, layer: int, stride: int) -> Tensor:
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.relu(F.conv2d(x, w[f"features.{layer}.weight"], w[f"features.{layer}.bias"], stride=stride))

    x = F.max_pool2d(conv(conv(x, 0, 2), 2, 2), 3, 1, 1)
    x = F.relu(F.conv2d(conv(x, 5, 1), w["features.7.weight"], w["features.7.bias"]))
    return F.conv2d(x, w["head.weight"], w["head.bias"])


def descend(w: Weights, loss: Tensor, rate: float) -> Weights:
    gradients = torch.autograd.grad(loss, list(w.values()))
    return {
        name: (value - rate * slope).detach().requires_grad_() for (name, value), slope in zip(w.items(), gradients, strict=True)
    }


def reference(start: dict[str, Weights], batches: list[tuple[Tensor, ...]], reuse: bool = False) -> dict[str, Weights]:
    """Two updates of R, one of D, `ROUNDS` times, with plain gradient descent."""
    r, d = ({name: value.double().requires_grad_() for name, value in start[part].items()} for part in RATES)
    history = History(config=HistoryOptions(size=6), generator=torch.Generator().manual_seed(1))
    for *synthetic, real in batches:
        for x in synthetic[:2]:
            refined = refine(r, x)
            # D(·) is the probability of "refined", so 1 − D(R(x)) = σ(logit).
            loss = -torch.log(torch.sigmoid(judge(d, refined))).mean() + LAMBDA * (refined - x).abs().mean()
            r = descend(r, loss, RATES["refiner"])
        shown = history.exchange((refined if reuse else refine(r, synthetic[2])).detach())
        loss = -torch.log(1 - torch.sigmoid(judge(d, shown))).mean() - torch.log(torch.sigmoid(judge(d, real))).mean()
        d = descend(d, loss, RATES["discriminator"])
    return {part: {name: value.detach() for name, value in w.items()} for part, w in (("refiner", r), ("discriminator", d))}


def make(compiled: bool = False, **options) -> SimGAN:
    torch.manual_seed(0)
    parts = {
        "generator": gantool.build("generator", "refiner", channels=1, width=8, blocks=1),
        "discriminator": gantool.build("discriminator", "local", channels=1, width_factor=0.1),
        "loss": gantool.build("loss", "local-adversarial"),
        "regularization": gantool.build("loss", "self-regularization"),
        "buffer": gantool.build("buffer", "history", generator=torch.Generator().manual_seed(1), size=6),
    }
    config = SimGANOptions(
        refiner_warmup=0,
        discriminator_warmup=0,
        optimizer="sgd",
        refiner_lr=RATES["refiner"],
        discriminator_lr=RATES["discriminator"],
        lambda_reg=LAMBDA,
        **options,
    )
    recipe = SimGAN(config=config, parts=parts)
    accelerator, sample = make_accelerator("cpu", "fp32"), torch.zeros(SHAPE)
    recipe.setup(Setup(accelerator=accelerator, sample=sample, channels_last=True, length=ROUNDS, compile=compiled))
    return recipe


def weights(recipe: SimGAN) -> dict[str, Weights]:
    return {part: {name: value.detach().clone() for name, value in getattr(recipe, part).named_parameters()} for part in RATES}


def drawn(reuse: bool = False) -> list[tuple[Tensor, ...]]:
    """For each round the synthetic batches and the real one, in float64."""
    generator = torch.Generator().manual_seed(2)
    return [
        tuple(torch.rand(SHAPE, generator=generator).double() * 1.8 - 0.9 for _ in range(3 if reuse else 4))
        for _ in range(ROUNDS)
    ]


def distance(recipe: SimGAN, batches: list[tuple[Tensor, ...]], *, reuse: bool = False) -> dict[str, float]:
    """How far the recipe's weights end up from the reference's, relative to how far they moved."""
    start = weights(recipe)
    fast = [Batch(images.float().to(memory_format=torch.channels_last)) for batch in batches for images in batch[:-1]]
    real = [Batch(batch[-1].float()) for batch in batches]
    draw = SimpleNamespace(source=iter(fast).__next__, target=iter(real).__next__)
    for step in range(ROUNDS):
        recipe.step(step, draw)
    ends, expected = weights(recipe), reference(start, batches, reuse)
    found = {}
    for part in RATES:
        off = sum(float((ends[part][name] - value).square().sum()) for name, value in expected[part].items())
        moved = sum(float((start[part][name] - value).square().sum()) for name, value in expected[part].items())
        assert moved > 1e-4
        found[part] = (off / moved) ** 0.5
    return found


def test_a_step_is_algorithm_1_to_rounding():
    assert max(distance(make(), drawn()).values()) < 2e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch.compile looks at one
def test_a_compiled_step_is_algorithm_1_to_rounding(monkeypatch):
    """What is captured and differentiated; inductor itself, which then writes C++, takes minutes."""
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="aot_eager"))
    assert max(distance(make(compiled=True), drawn()).values()) < 2e-5


def test_one_batch_for_d_changes_rounding_alone():
    assert max(distance(make(joint_batch=True), drawn()).values()) < 2e-5


def test_reused_images_are_those_of_the_last_update_of_r():
    batches = drawn(reuse=True)
    assert max(distance(make(reuse_refined=True), batches, reuse=True).values()) < 2e-5


def test_the_comparison_sees_another_algorithm():
    """One that differs in the images that D is shown, and one in the learning rate by a thousandth."""
    other = [(*batch[:2], batch[1], batch[2]) for batch in drawn(reuse=True)]
    assert distance(make(), other)["discriminator"] < 2e-5 < distance(make(reuse_refined=True), other)["discriminator"]
    recipe = make()
    recipe.refiner_optimizer.defaults["lr"] = RATES["refiner"] * 1.001
    assert distance(recipe, drawn())["refiner"] > 5e-4
