"""What the options of the recipe change."""

from __future__ import annotations

import pytest
import torch
from simgan_recipes import SHAPE, Batches, make, weights

import gantool
from gantool import Batch
from simgan_plugin.options import SimGANOptions


def test_networks_are_laid_out_as_the_host_says():
    recipe = make()
    for network in (recipe.refiner, recipe.discriminator):
        layouts = [weight for weight in network.parameters() if weight.dim() == 4 and min(weight.shape[1:]) > 1]
        assert layouts
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in layouts)


def test_optimizers_are_what_the_options_say():
    adam = make(refiner_lr=0.1, discriminator_lr=0.2, beta1=0.25)
    assert isinstance(adam.refiner_optimizer.optimizer, torch.optim.Adam)
    assert [adam.refiner_optimizer.param_groups[0][key] for key in ("lr", "betas")] == [0.1, (0.25, 0.999)]
    assert adam.discriminator_optimizer.param_groups[0]["lr"] == 0.2
    sgd = make(optimizer="sgd", momentum=0.5)
    assert isinstance(sgd.discriminator_optimizer.optimizer, torch.optim.SGD)
    assert sgd.discriminator_optimizer.param_groups[0]["momentum"] == 0.5


def test_training_lowers_what_it_should():
    """R learns to copy in its warm-up; D learns to tell the domains apart in its own."""
    recipe = make(refiner_warmup=60, discriminator_warmup=30, refiner_lr=0.01, discriminator_lr=0.01)
    draw = Batches()
    draw.target = lambda: Batch(draw.source().images.mul(0.1).add(0.8))
    changes = [recipe.step(step, draw)["change"].item() for step in range(60)]
    assert changes[-1] < changes[0] / 2
    figures = [recipe.step(step, draw) for step in range(60, 90)]
    assert figures[-1]["discriminator_loss"] < figures[0]["discriminator_loss"] / 2
    assert figures[-1]["accuracy_real"] > 0.9


def test_decay_lets_both_rates_fall_linearly_to_zero_over_the_last_part_of_the_run():
    recipe, draw = (
        make(refiner_warmup=0, discriminator_warmup=2, steps=8, decay=0.5, refiner_lr=1e-3, discriminator_lr=2e-3),
        Batches(),
    )
    rates = []
    for step in range(recipe.length(8)):
        recipe.step(step, draw)
        rates.append((recipe.refiner_optimizer.param_groups[0]["lr"], recipe.discriminator_optimizer.param_groups[0]["lr"]))
    # Ten calls: full rates in the first six, counting the one in which the fall starts, and a fifth of them in the last.
    expected = [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]
    assert [refiner for refiner, _ in rates] == pytest.approx([1e-3 * part for part in expected])
    assert [discriminator for _, discriminator in rates] == pytest.approx([2e-3 * part for part in expected])


def test_without_decay_the_rates_stay():
    recipe, draw = make(refiner_warmup=0, discriminator_warmup=0, steps=3), Batches()
    for step in range(3):
        recipe.step(step, draw)
    assert recipe.refiner_optimizer.param_groups[0]["lr"] == SimGANOptions().refiner_lr


@pytest.mark.parametrize(
    ("refiner_updates", "discriminator_updates", "fresh", "shown"), [(2, 1, 0, [1]), (3, 2, 0, [2, 1]), (1, 3, 2, [0, 1, 2])]
)
def test_reused_batches_are_shown_newest_first_and_fresh_ones_after_them(refiner_updates, discriminator_updates, fresh, shown):
    nothing = gantool.build("buffer", "none", generator=torch.Generator())
    updates = {"refiner_updates": refiner_updates, "discriminator_updates": discriminator_updates}
    recipe, draw = make(reuse_refined=True, parts={"buffer": nothing}, **updates), Batches()
    refined, seen = [], []
    recipe.refiner.register_forward_hook(lambda *call: refined.append(call[2].detach().clone()))
    recipe.discriminator.register_forward_hook(lambda network, inputs, _: seen.append(inputs[0].detach().clone()))
    for step in (2, 3, 4):  # the warm-up of D has no batch to reuse, and none is left over for the next round
        refined.clear()
        seen.clear()
        draw.calls.clear()
        recipe.step(step, draw)
        if step == 2:
            assert draw.calls == ["source", "target"]
            assert torch.equal(seen[1], refined[0])
            continue
        assert draw.calls.count("source") == refiner_updates + fresh
        assert draw.calls.count("target") == discriminator_updates
        of_d = seen[refiner_updates:][1::2]
        assert [torch.equal(images, refined[number]) for images, number in zip(of_d, shown, strict=True)] == [True] * len(shown)


def test_one_batch_for_d_is_one_pass_with_the_same_figures():
    separate, joint = make(), make(joint_batch=True)
    passes = []
    joint.discriminator.register_forward_hook(lambda network, inputs, _: passes.append(len(inputs[0])))
    draw = Batches()
    refined, real = draw.source().images, draw.target().images
    expected, figures = (recipe.update_discriminator(refined, real) for recipe in (separate, joint))
    assert passes == [2 * SHAPE[0]]
    for name, value in expected.items():
        assert figures[name].item() == pytest.approx(value.item(), rel=1e-5)
    assert torch.allclose(weights(joint.discriminator), weights(separate.discriminator), atol=1e-5)
