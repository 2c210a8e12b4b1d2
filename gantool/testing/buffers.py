"""Checks of replay buffers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..runs.checkpoints import random_state
from .material import finite, first_difference, leaves, through_disk
from .subject import Subject

_ROWS = 6
_COUNTS = (_ROWS, 1, 3)
"""Rows of one exchange after the other."""
_ENOUGH = 25_600
"""Rows after which what a buffer holds is compared with what it held after half of them."""


def check_gives_rows_that_it_was_given(subject: Subject) -> None:
    """Every row of a result was given in this call or an earlier one; rows, dtype and device stay, and so do the given images."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device, dtype in ((device, dtype) for device in devices for dtype in (torch.float32, torch.float64, torch.bfloat16)):
        buffer, given = _buffer(subject), set[float]()
        for call in range(8):
            fresh = _rows(call, _COUNTS[call % 3]).to(device, dtype)
            kept = fresh.clone()
            result = _exchange(subject, buffer, fresh)
            subject.require(torch.equal(fresh, kept), "it changes the images that it is given")
            subject.require(result.shape == fresh.shape, f"it got {tuple(fresh.shape)} and returned {tuple(result.shape)}")
            subject.require(result.dtype == fresh.dtype, f"it got {fresh.dtype} and returned {result.dtype}")
            subject.require(result.device == fresh.device, f"it got images on {fresh.device} and returned {result.device}")
            given |= set(fresh.flatten().tolist())
            subject.require(
                set(result.flatten().tolist()) <= given and bool((result == result[:, :, :1, :1]).all()),
                "a row that it returned was never given to it",
            )


def check_gives_back_what_it_holds(subject: Subject) -> None:
    """A buffer that holds images gives some back, and not for ever those that it was given first."""
    buffer, batch, newest = _buffer(subject), 64, -1.0
    calls = _ENOUGH // batch
    for call in range(calls):
        numbers = _exchange(subject, buffer, _rows(call, batch)).flatten()
        newest = max([newest, *numbers[numbers < _rows(call, 1).min()].tolist()])
    if not any(map(_is_image, leaves(buffer.state_dict()))):
        return
    subject.require(
        newest >= 0,
        f"it holds images but gave none of them back among {_ENOUGH}: discriminators never see an old one "
        "(one that begins only when it is full: give a smaller size, options={name: {…}})",
    )
    first = calls // 40
    subject.require(
        newest >= float(_rows(first, 1).min()),
        f"after {_ENOUGH} images it still gives back only some of its first {first * batch}: what it holds is never replaced",
    )


def check_detaches(subject: Subject) -> None:
    """Results carry no graph, nor do images that come back later."""
    buffer = _buffer(subject)
    for call in range(6):
        result = _exchange(subject, buffer, _rows(call).requires_grad_() * 1.0)
        subject.require(not result.requires_grad, "its result still has the graph of the generator: detach it")


def check_owns_what_it_holds(subject: Subject) -> None:
    """What the caller does to its tensors later does not reach the images held."""
    buffer = _buffer(subject)
    for call in range(12):
        fresh = _rows(call)
        result = _exchange(subject, buffer, fresh)
        subject.require(finite(result), "it holds the caller's own tensors: copy what is to be remembered")
        for tensor in (fresh, result):
            tensor.fill_(float("nan"))


def check_draws_from_its_generator_only(subject: Subject) -> None:
    """Nothing is drawn from the global random generators, so that a run does not depend on who else draws."""
    buffer, before = _buffer(subject), random_state()
    for call in range(12):
        _exchange(subject, buffer, _rows(call))
    place = first_difference(before, random_state())
    subject.require(place is None, f"it draws from a global random generator ({place}); `generator` is there for that")


def check_resumes_exactly(subject: Subject) -> None:
    """After its state was saved and loaded, later results are the same to the bit."""
    buffer, restored = _buffer(subject), _buffer(subject, seed=99)
    for call in range(10):
        _exchange(subject, buffer, _rows(call))
    with subject.calling("saving its state_dict"):
        state: Mapping[str, Any] = through_disk(subject.folder / "state", buffer.state_dict())
    expected = [_exchange(subject, buffer, _rows(call)).clone() for call in range(10, 20)]
    with subject.calling("its load_state_dict"):
        restored.load_state_dict(state)
    for call, wanted in zip(range(10, 20), expected, strict=True):
        subject.require(
            torch.equal(_exchange(subject, restored, _rows(call)), wanted),
            "after its state was saved and loaded it returns other images: images or random draws are missing from state_dict",
        )


def check_memory_is_bounded(subject: Subject) -> None:
    """It does not grow for ever."""
    buffer, batch, held = _buffer(subject), 256, []
    for call in range(_ENOUGH // batch):
        _exchange(subject, buffer, _rows(call, batch))
        held.append(sum(leaf.numel() if isinstance(leaf, Tensor) else 1 for leaf in leaves(buffer.state_dict())))
    subject.require(
        held[-1] <= held[len(held) // 2 - 1],
        f"it still grows after {_ENOUGH} images; memory must be bounded (give its size: options={{name: {{…}}}})",
    )


CHECKS = {
    "buffer": (
        check_gives_rows_that_it_was_given,
        check_gives_back_what_it_holds,
        check_detaches,
        check_owns_what_it_holds,
        check_draws_from_its_generator_only,
        check_resumes_exactly,
        check_memory_is_bounded,
    )
}


def _buffer(subject: Subject, *, seed: int = 0) -> Any:
    return subject.made(generator=torch.Generator().manual_seed(seed))


def _rows(call: int, count: int = _ROWS) -> Tensor:
    """(count, 1, 2, 2): images each of one number, which no other image has."""
    return (torch.arange(count, dtype=torch.float32) + 1000 * call).reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2)


def _exchange(subject: Subject, buffer: Any, fresh: Tensor) -> Tensor:
    result: Tensor = subject.ask(Tensor, f"its exchange of {tuple(fresh.shape)}", buffer.exchange, fresh)
    return result


def _is_image(leaf: object) -> bool:
    """Whether something may be images as of `_rows`."""
    return isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.shape[-3:] == (1, 2, 2) and leaf.numel() > 0
