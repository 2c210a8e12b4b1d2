"""A network that is trained on images and targets: what it draws, how often it steps, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gantool.training import fit_network

EFFORT = {"steps": 12, "batch_size": 8, "learning_rate": 1e-2}


def data(count: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return images, images.mean((1, 2, 3))[:, None]


def dropping() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 16), nn.Dropout(0.5), nn.Linear(16, 1))


def fit(build=dropping, seed: int = 0, count: int = 30, **effort) -> nn.Module:
    return fit_network(build, *data(count), nn.functional.mse_loss, seed=seed, **EFFORT | effort)


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def test_everything_drawn_follows_from_the_seed_and_nothing_else_is_moved():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = fit()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert torch.equal(weights(fit()), weights(first))  # with its dropout
    assert not torch.equal(weights(fit(seed=1)), weights(first))


@pytest.mark.parametrize(("count", "size", "epoch"), [(30, 8, 3), (5, 8, 1)])
def test_each_epoch_shows_every_image_once_in_an_order_of_its_own(count, size, epoch):
    seen = []

    def loss(found, wanted):
        seen.append(wanted[:, 0].tolist())
        return found.square().mean()

    fit_network(dropping, *data(count), loss, seed=0, **EFFORT | {"batch_size": size, "steps": 2 * epoch + 1})
    assert [len(batch) for batch in seen] == [min(size, count)] * (2 * epoch + 1)
    first, second = ([each for batch in seen[start : start + epoch] for each in batch] for start in (0, epoch))
    assert len(set(first)) == len(first)
    assert len(set(second)) == len(second)
    assert first != second


def test_it_learns_and_returns_the_network_in_eval_mode():
    network = fit(lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 1)), steps=200)
    images, targets = data()
    assert nn.functional.mse_loss(network(images), targets) < 1e-3 < targets.var()
    assert not any(module.training for module in network.modules())


def test_layers_that_were_frozen_or_in_eval_mode_stay_so():
    def build():
        trunk = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).requires_grad_(False).eval()
        return nn.Sequential(trunk, nn.Flatten(), nn.Linear(64, 1))

    torch.manual_seed(0)
    fresh, network = build(), fit(build)
    assert torch.equal(weights(network[0]), weights(fresh[0]))
    assert torch.equal(network[0][1].running_mean, torch.zeros(4))
    assert not torch.equal(weights(network[2]), weights(fresh[2]))


def test_images_are_augmented_each_time_they_are_drawn():
    seen = []

    def augment(batch):
        seen.append(batch.clone())
        return batch + len(seen)

    images, targets = torch.zeros(8, 1, 4, 4), torch.zeros(8, 1)
    fed = []

    class Recording(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def forward(self, batch):
            fed.append(float(batch.mean()))
            return self.weight * batch.mean((1, 2, 3))[:, None]

    fit_network(
        Recording, images, targets, nn.functional.mse_loss, seed=0, steps=3, batch_size=4, learning_rate=0.1, augment=augment
    )
    assert fed == [1.0, 2.0, 3.0]
    assert all(not batch.any() for batch in seen)
