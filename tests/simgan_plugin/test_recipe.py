from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from simgan_recipes import SHAPE, Batches, make, updates, weights
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import gantool
from gantool import Batch
from gantool.training import frozen
from simgan_plugin.recipe import ADVERSARIAL, DISCRIMINATOR_WARMUP, REFINER_WARMUP


@pytest.mark.parametrize(("refiner_updates", "discriminator_updates"), [(2, 1), (1, 3), (5, 2)])
def test_a_round_is_k_g_updates_of_r_and_k_d_of_d(refiner_updates, discriminator_updates):
    recipe = make(refiner_updates=refiner_updates, discriminator_updates=discriminator_updates)
    draw = Batches()
    recipe.step(3, draw)
    assert updates(recipe.refiner_optimizer) == refiner_updates
    assert updates(recipe.discriminator_optimizer) == discriminator_updates
    # Every update draws fresh images.
    assert draw.calls == ["source"] * refiner_updates + ["source", "target"] * discriminator_updates


def test_warm_ups_touch_r_or_d_alone():
    recipe, draw = make(), Batches()
    seen = []
    for step in range(4):
        before = weights(recipe.refiner), weights(recipe.discriminator)
        figures = recipe.step(step, draw)
        moved = [
            not torch.equal(a, b) for a, b in zip(before, (weights(recipe.refiner), weights(recipe.discriminator)), strict=True)
        ]
        seen.append((recipe.phase(step), *moved))
        assert all(value.dim() == 0 and not value.requires_grad for value in figures.values())
    assert seen == [
        (REFINER_WARMUP, True, False),
        (REFINER_WARMUP, True, False),
        (DISCRIMINATOR_WARMUP, False, True),
        (ADVERSARIAL, True, True),
    ]
    assert draw.calls[:2] == ["source", "source"]


def test_figures_are_named_by_phase():
    recipe, draw = make(), Batches()
    refiner = {"refiner_loss", "regularization", "change"}
    discriminator = {"discriminator_loss", "accuracy_real", "accuracy_refined"}
    assert set(recipe.step(0, draw)) == refiner
    assert set(recipe.step(2, draw)) == discriminator
    assert set(recipe.step(3, draw)) == refiner | {"realism_loss"} | discriminator


def test_gradients_of_d_are_spared_in_updates_of_r_and_back_after_them():
    recipe, draw = make(), Batches()
    asked = []
    recipe.discriminator.register_forward_hook(
        lambda network, *_: asked.append({weight.requires_grad for weight in network.parameters()})
    )
    recipe.update_refiner(draw.source())
    assert asked == [{False}]
    assert all(weight.requires_grad and weight.grad is None for weight in recipe.discriminator.parameters())
    recipe.update_discriminator(draw.source().images, draw.target().images)
    assert asked[1:] == [{True}, {True}]
    network = nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="does not require grad"), frozen(network):
        network(torch.ones(1, 1)).sum().backward()
    assert all(weight.requires_grad for weight in network.parameters())


def test_a_trunk_of_d_that_is_frozen_is_never_trained():
    torch.manual_seed(0)
    discriminator = gantool.build("discriminator", "local", channels=1, width_factor=0.25)
    trunk = discriminator.features.requires_grad_(False)
    recipe, draw = make(parts={"discriminator": discriminator}), Batches()
    before, head = weights(trunk), weights(discriminator.head)
    for step in range(5):
        recipe.step(step, draw)
    assert torch.equal(weights(trunk), before)
    assert not torch.equal(weights(discriminator.head), head)


def test_the_refiners_loss_is_equation_4():
    """L_R = −log(1 − D(R(x))) + λ |R(x) − x|, D's probability being that of "refined", computed here in other words."""
    recipe, batch = make(lambda_reg=0.3), Batches().source()
    x = batch.images
    with torch.no_grad():
        refined = recipe.refiner(x).double()
        probability_refined = torch.sigmoid(-recipe.discriminator(refined.float()).double())
        expected = -torch.log(1 - probability_refined).mean() + 0.3 * (refined - x.double()).abs().mean()
    figures = recipe.update_refiner(batch)
    assert figures["refiner_loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert figures["change"].item() == pytest.approx((refined - x).abs().mean().item(), rel=1e-5)
    parts = figures["realism_loss"] + 0.3 * figures["regularization"]
    assert figures["refiner_loss"].item() == pytest.approx(parts.item(), rel=1e-6)


def test_the_warm_up_loss_is_the_second_term_alone():
    recipe, batch = make(lambda_reg=0.3), Batches().source()
    x = batch.images
    with torch.no_grad():
        expected = 0.3 * (recipe.refiner(x) - x).abs().mean()
    assert recipe.update_refiner(batch, adversarial=False)["refiner_loss"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_discriminators_loss_is_equation_2_and_its_accuracies_are_of_the_same_patches():
    recipe, draw = make(parts={"buffer": gantool.build("buffer", "none", generator=torch.Generator())}), Batches()
    x, y = draw.source().images, draw.target().images
    with torch.no_grad():
        refined, real = (torch.sigmoid(-recipe.discriminator(images).double()) for images in (recipe.refiner(x), y))
        expected = -torch.log(refined).mean() - torch.log(1 - real).mean()
    figures = recipe.update_discriminator(recipe.refiner(x), y)
    assert figures["discriminator_loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert figures["accuracy_real"].item() == pytest.approx((real < 0.5).double().mean().item())
    assert figures["accuracy_refined"].item() == pytest.approx((refined > 0.5).double().mean().item())


class Recorder(nn.Module):
    """Stands for a part, and writes down when it is called."""

    def __init__(self, name: str, log: list, result) -> None:
        super().__init__()
        self.name, self.log, self.result = name, log, result
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, *inputs: Tensor) -> Tensor:
        self.log.append(self.name)
        return self.result(self.weight, *inputs)


def test_the_order_of_calls_is_that_of_algorithm_1():
    log: list[str] = []

    def write(name, value):
        log.append(name)
        return value

    parts = {
        "generator": Recorder("R", log, lambda weight, x: weight * x),
        "discriminator": Recorder("D", log, lambda weight, x: weight * x),
        "loss": SimpleNamespace(
            generator=lambda fake: write("realism", fake.mean()),
            discriminator=lambda real, fake: write("judge", (fake - real).mean()),
        ),
        "regularization": lambda a, b: write("regularization", (a - b).abs().mean()),
        "buffer": SimpleNamespace(exchange=lambda fresh: write("exchange", fresh.detach())),
    }
    recipe = make(parts=parts)
    for name in ("refiner", "discriminator"):
        step = getattr(recipe, f"{name}_optimizer").step
        getattr(recipe, f"{name}_optimizer").step = lambda name=name, step=step: write(f"step {name}", step())
    refine, judge = ["R", "regularization"], ["R", "exchange", "D", "D", "judge", "step discriminator"]
    recipe.step(0, Batches())
    assert log == [*refine, "step refiner"]
    log.clear()
    recipe.step(2, Batches())
    assert log == judge
    log.clear()
    recipe.step(3, Batches())
    assert log == [*refine, "D", "realism", "step refiner"] * 2 + judge


def test_d_sees_half_of_its_refined_images_from_earlier_refiners():
    recipe, draw = make(refiner_lr=0.5), Batches()
    seen: list[Tensor] = []
    recipe.discriminator.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].detach().clone()))
    first = draw.source().images
    with torch.no_grad():
        old = recipe.refiner(first)
    recipe.update_discriminator(old, draw.target().images)
    for _ in range(3):
        recipe.update_refiner(draw.source())
    seen.clear()
    second = draw.source().images
    with torch.no_grad():
        new = recipe.refiner(second)
    recipe.update_discriminator(new, draw.target().images)
    refined = seen[1]
    assert torch.equal(refined[:2], new[:2])
    assert all(any(torch.equal(row, image) for image in old) for row in refined[2:])


@pytest.mark.parametrize(("steps", "discriminator_updates", "length"), [(0, 1, 3), (5, 1, 8), (5, 2, 6), (6, 2, 6), (1, 4, 4)])
def test_steps_are_counted_in_discriminator_updates_after_the_warm_ups(steps, discriminator_updates, length):
    recipe = make(discriminator_updates=discriminator_updates)
    assert recipe.length(steps) == length
    phases = [recipe.phase(step) for step in range(length)]
    assert phases == [REFINER_WARMUP] * 2 + [DISCRIMINATOR_WARMUP] + [ADVERSARIAL] * (length - 3)


class NoHostSync(TorchDispatchMode):
    """Raises at whatever would wait for a device: reading a value, or copying one to the host."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.name()
        if any(word in name for word in ("_local_scalar_dense", "nonzero", "masked_select")):
            raise AssertionError(f"{name} waits for the device")
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "options",
    [{}, {"optimizer": "sgd", "momentum": 0.9}, {"average": 0.9}, {"reuse_refined": True, "joint_batch": True}],
)
def test_no_step_waits_for_the_device(monkeypatch, options, precision):
    recipe, draw = make(precision, **options), Batches()

    def refuse(*_, **__):
        raise AssertionError("waits for the device")

    with monkeypatch.context() as patch, NoHostSync():
        for name in ("item", "cpu", "numpy", "__bool__", "__float__", "__int__"):
            patch.setattr(Tensor, name, refuse)
        for step in range(6):
            recipe.step(step, draw)


def test_the_guard_sees_a_step_that_waits():
    with NoHostSync(), pytest.raises(AssertionError, match="waits for the device"):
        torch.ones(()).item()


def test_refine_leaves_the_mode_alone_and_gives_no_gradient():
    recipe = make()
    recipe.refiner.train()
    images = torch.zeros(SHAPE, requires_grad=True)
    refined = recipe.refine(Batch(images))
    assert recipe.refiner.training
    assert not refined.requires_grad
    assert refined.shape == images.shape
    recipe.refiner.eval()
    recipe.refine(Batch(images))
    assert not recipe.refiner.training


class Statistics(nn.Module):
    """A refiner with a weight, a running mean and a counter, as a batch norm has them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1, 1, 1))
        self.norm = nn.BatchNorm2d(1)

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(self.norm(images) * self.weight)


def test_the_average_follows_the_weights_with_its_decay_and_takes_statistics_as_they_are():
    recipe, draw = make(average=0.75, optimizer="sgd", refiner_lr=0.5, parts={"generator": Statistics()}), Batches()
    expected = weights(recipe.refiner).double()
    assert recipe.generator() is recipe.average
    for _ in range(5):
        recipe.update_refiner(draw.source())
        expected = 0.75 * expected + 0.25 * weights(recipe.refiner).double()
    assert torch.allclose(weights(recipe.average).double(), expected, atol=1e-6)
    assert not torch.allclose(weights(recipe.average), weights(recipe.refiner), atol=1e-3)
    assert all(torch.equal(a, b) for a, b in zip(recipe.average.buffers(), recipe.refiner.buffers(), strict=True))
    assert int(recipe.average.norm.num_batches_tracked) == 5
    assert not recipe.average.training
    assert not any(weight.requires_grad for weight in recipe.average.parameters())
    images = draw.source().images
    with torch.no_grad():
        assert torch.equal(recipe.refine(Batch(images)), recipe.average(images))


def test_without_an_average_the_result_is_r_itself():
    recipe = make()
    assert recipe.generator() is recipe.unwrap(recipe.refiner)
    assert "average" not in recipe.state_dict()


@pytest.mark.parametrize("options", [{}, {"optimizer": "sgd", "momentum": 0.9, "average": 0.5}, {"reuse_refined": True}])
def test_a_recipe_goes_on_from_its_state(options):
    recipe, draw = make(**options), Batches()
    for step in range(5):
        recipe.step(step, draw)
    state = copy.deepcopy(recipe.state_dict())
    again = make(**options)
    again.load_state_dict(state)
    position = draw.generator.get_state()
    after = recipe.step(5, draw)
    draw.generator.set_state(position)
    assert {name: value.item() for name, value in again.step(5, draw).items()} == {
        name: value.item() for name, value in after.items()
    }
    for name in ("refiner", "discriminator"):
        assert torch.equal(weights(getattr(again, name)), weights(getattr(recipe, name)))
