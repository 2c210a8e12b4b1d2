"""Checks that hold for generators and discriminators alike."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..runs.state import plain, read_tensors, write_tensors
from .pictures import noise
from .subject import Subject

TOLERANCE = 1e-4
"""By how much two ways of computing one thing in float32 may differ, relative to the largest value."""


def channels_of(subject: Subject) -> list[int]:
    """Return those of the subject's channels that the network takes. Raises `Fault` where it takes none."""
    taken, refused = [], ""
    for channels in subject.channels:
        try:
            subject.build(**_arguments(subject, channels))
            taken.append(channels)
        except ValueError as error:
            refused = str(error)
    asked = " nor ".join(map(str, subject.channels))
    subject.require(bool(taken), f"it takes images of neither {asked} channels ({refused}); say which: channels=(…,)")
    return taken


def build_network(subject: Subject, channels: int | None = None, *, seed: int = 0) -> nn.Module:
    """Build the network, with the weights of a seed, for `channels` or the first channels that it takes."""
    channels = channels_of(subject)[0] if channels is None else channels
    torch.manual_seed(seed)
    network = subject.made(**_arguments(subject, channels))
    subject.require(isinstance(network, nn.Module), f"its factory returned a {type(network).__name__}, not a torch.nn.Module")
    module: nn.Module = network
    return module


def batch_for(subject: Subject, count: int = 2, *, seed: int = 1) -> Tensor:
    """(count, C, H, W) in [-1, 1] of the first channels that the network takes."""
    return noise(count, channels_of(subject)[0], subject.size, seed=seed)


def run(subject: Subject, network: nn.Module, images: Tensor) -> Tensor:
    """Call the network. Raises `Fault` where that raises or returns no tensor."""
    with subject.calling(f"its forward of {tuple(images.shape)}"):
        result = network(images)
    subject.require(isinstance(result, Tensor), f"its forward returned a {type(result).__name__}, not a tensor")
    tensor: Tensor = result
    return tensor


def sizes(subject: Subject) -> list[tuple[int, int]]:
    """The subject's size, one with odd numbers, and one that is no multiple of 4."""
    height, width = subject.size
    return [(height, width), (height + 1, width + 3), (height + 5, width + 2)]


def check_gradients_reach_everything(subject: Subject) -> None:
    """Each parameter, and the image, receives a gradient."""
    network, images = build_network(subject).train(), batch_for(subject).requires_grad_()
    result = run(subject, network, images)
    subject.require(result.requires_grad, "its result has no gradient: something in its forward is detached")
    (result * torch.rand_like(result)).sum().backward()  # type: ignore[no-untyped-call]
    without = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    subject.require(not without, f"no gradient reaches the parameter {', '.join(without[:3])}")
    broken = [name for name, weight in network.named_parameters() if weight.grad is not None and not _finite(weight.grad)]
    subject.require(not broken, f"the gradient of {', '.join(broken[:3])} is not finite")
    subject.require(images.grad is not None, "no gradient reaches the image that it is given")


def check_is_deterministic_in_eval(subject: Subject) -> None:
    """In eval mode, one image gives one result."""
    network, images = build_network(subject).eval(), batch_for(subject)
    with torch.no_grad():
        first = run(subject, network, images)
        torch.manual_seed(12345)
        second = run(subject, network, images)
    subject.require(torch.equal(first, second), "in eval mode it gives two results for one image: something in it is random")


def check_rows_are_independent_in_eval(subject: Subject) -> None:
    """In eval mode, what else is in the batch does not matter."""
    network, images = build_network(subject).train(), batch_for(subject, 4)
    with torch.no_grad():
        run(subject, network, images)  # fills running statistics, which a fresh network has not
        network.eval()
        together = run(subject, network, images)
        alone = torch.cat([run(subject, network, image[None]) for image in images])
    subject.require(
        together.shape == alone.shape and _close(together, alone),
        "in eval mode the result for an image depends on the other images of its batch (batch statistics?)",
    )


def check_state_survives_safetensors(subject: Subject) -> None:
    """A network that is built anew and given the saved state computes the same."""
    channels = channels_of(subject)[0]
    original, images = build_network(subject, channels, seed=1).train(), batch_for(subject)
    run(subject, original, images)
    with subject.calling("saving its state_dict"):
        write_tensors(subject.folder / "state.safetensors", {key: plain(value) for key, value in original.state_dict().items()})
    restored = build_network(subject, channels, seed=2)
    with subject.calling("its load_state_dict"):
        restored.load_state_dict(read_tensors(subject.folder / "state.safetensors"))
    with torch.no_grad():
        before, after = run(subject, original.eval(), images), run(subject, restored.eval(), images)
    subject.require(
        torch.equal(before, after),
        "after its state_dict was saved and loaded it computes something else: "
        "something that it depends on is neither parameter nor buffer",
    )


def check_runs_in_other_precisions(subject: Subject) -> None:
    """float64 in gives float64 out, and bfloat16 autocast works."""
    network, images = build_network(subject).eval(), batch_for(subject)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            result = run(subject, network, images)
        subject.require(_finite(result), "under bfloat16 autocast (--precision bf16) its result is not finite")
        double = run(subject, network.double(), images.double())
    subject.require(double.dtype == torch.float64, f"as float64 it returns {double.dtype}: something in it is cast")


def check_leaves_its_input_alone(subject: Subject) -> None:
    """The images that it is given are the same afterwards, in both modes."""
    network, images = build_network(subject), batch_for(subject)
    before = images.clone()
    for training in (True, False):
        with torch.no_grad():
            run(subject, network.train(training), images)
        subject.require(torch.equal(images, before), "it changes the images that it is given (an inplace operation?)")


def check_takes_channels_last(subject: Subject) -> None:
    """Weights and images in channels-last layout, which runs use where it is faster, give the same."""
    network, images = build_network(subject).eval(), batch_for(subject)
    with torch.no_grad():
        wanted = run(subject, network, images)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with subject.calling("channels-last layout: its forward (reshape where view is?)"):
            result = network(images.to(memory_format=torch.channels_last))
    subject.require(_close(result, wanted), "with images in channels-last layout it computes something else")


CHECKS = (
    check_gradients_reach_everything,
    check_is_deterministic_in_eval,
    check_rows_are_independent_in_eval,
    check_state_survives_safetensors,
    check_runs_in_other_precisions,
    check_leaves_its_input_alone,
    check_takes_channels_last,
)


def _arguments(subject: Subject, channels: int) -> dict[str, int]:
    if subject.provided.kind == "generator":
        return {"in_channels": channels, "out_channels": channels}
    return {"in_channels": channels}


def _close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= TOLERANCE * max(1.0, float(a.abs().max())))


def _finite(values: Tensor) -> bool:
    return bool(torch.isfinite(values).all())
