"""What a step costs beside the convolutions that it cannot do without.

pytest benchmarks --benchmark-enable
"""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from gantool.plan import Choices, resolve
from gantool.plugins import load_plugins
from gantool.run.session import Session, open_session

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=(pytest.mark.cuda, NO_CUDA))]


def session(device: str, preset: str, batch: int, **options: object) -> Session:
    said = {
        "dataset.synthetic_count": 512,
        "dataset.real_count": 512,
        "recipe.refiner_warmup": 0,
        "recipe.discriminator_warmup": 0,
    }
    settings = {"batch_size": batch, "device": device}
    registry = load_plugins()
    choices = Choices(plugin="simgan", preset=preset, options=said | options, settings=settings)
    return open_session(resolve(registry, choices), registry)


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def convolutions(network: nn.Module, images: torch.Tensor) -> list[tuple[nn.Conv2d, torch.Tensor]]:
    """Every convolution of a network with the input that it gets."""
    found: list[tuple[nn.Conv2d, torch.Tensor]] = []
    hooks = [
        layer.register_forward_hook(lambda layer, inputs, _: found.append((layer, inputs[0].detach())))
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    network(images)
    for hook in hooks:
        hook.remove()
    return found


def bare(found: list[tuple[nn.Conv2d, torch.Tensor]], *gradients: str) -> None:
    """The arithmetic of those convolutions alone: no padding layers, no activations, no losses, no optimizer.

    `gradients`: of "inputs", "weights"; without any, forward only.
    """
    for layer, images in found:
        weight = layer.weight.detach().requires_grad_("weights" in gradients)
        inputs = images.detach().requires_grad_("inputs" in gradients)
        result = nn.functional.conv2d(inputs, weight, layer.bias, layer.stride, layer.kernel_size[0] // 2)
        if gradients:
            torch.autograd.grad(result, [tensor for tensor in (inputs, weight) if tensor.requires_grad], torch.ones_like(result))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("preset", "batch"), [("laptop", 32), ("paper", 64)])
def test_training_step(benchmark, device, preset, batch):
    """One round: 2 updates of R, 1 of D, 35×55. `floor_ratio` is its time over that of the bare convolutions."""
    open_ = session(device, preset, batch)
    number = 0

    def step() -> None:
        nonlocal number
        open_.recipe.step(number, open_.draws)
        number += 1
        wait(device)

    refiner, discriminator = open_.recipe.refiner, open_.recipe.discriminator  # type: ignore[attr-defined]
    images = open_.held_source[:batch]
    of_refiner, of_discriminator = convolutions(refiner, images), convolutions(discriminator, images)

    def floor() -> None:
        for _ in range(2):
            bare(of_refiner, "inputs", "weights")
            bare(of_discriminator, "inputs")  # R's updates leave D's weights alone
        bare(of_refiner)
        for _ in range(2):
            bare(of_discriminator, "inputs", "weights")
        wait(device)

    step()
    floor()
    # Both in one run, in turns: times on a shared machine drift.
    seconds: dict[str, list[float]] = {"floor": [], "step": []}
    for _ in range(5):
        for name, function in (("floor", floor), ("step", step)):
            began = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - began)
    medians = {name: sorted(values)[len(values) // 2] for name, values in seconds.items()}
    benchmark.extra_info["floor_ratio"] = round(medians["step"] / medians["floor"], 3)
    benchmark.extra_info["images_per_second"] = round(batch / medians["step"], 1)
    benchmark.pedantic(step, rounds=5, warmup_rounds=0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [1024, 51_200])
def test_history_exchange(benchmark, device, size):
    """Half a batch of 64 in and out of a full history; must not grow with its size."""
    open_ = session(device, "paper", 64, **{"buffer.size": size})
    history = open_.recipe.history  # type: ignore[attr-defined]
    images = open_.held_source[:64]
    for _ in range(2 * size // 64 + 1):
        history.exchange(images)

    def exchange() -> None:
        history.exchange(images)
        wait(device)

    benchmark(exchange)
