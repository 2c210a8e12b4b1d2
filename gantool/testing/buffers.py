"""Checks of replay buffers. See `gantool.hookspecs.gantool_replay_buffers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..runs.checkpoints import random_state
from .state import first_difference, through_disk
from .subject import Subject

_ROWS = 6
_ENOUGH = 25_600
"""Rows after which what a buffer holds is compared with what it held after half of them."""


def check_gives_rows_that_it_was_given(subject: Subject) -> None:
    """Every row of a result was given in this call or an earlier one; rows, dtype and device stay, and so do the given images."""
    for device, dtype in [(device, dtype) for device in _devices() for dtype in (torch.float32, torch.float64, torch.bfloat16)]:
        buffer = _buffer(subject)
        for call in range(8):
            count = (_ROWS, 1, 3)[call % 3]
            fresh = _rows(call, count).to(device, dtype)
            kept = fresh.clone()
            result = _exchange(subject, buffer, fresh)
            subject.require(torch.equal(fresh, kept), "it changes the images that it is given")
            subject.require(result.shape == fresh.shape, f"it got {tuple(fresh.shape)} and returned {tuple(result.shape)}")
            subject.require(result.dtype == fresh.dtype, f"it got {fresh.dtype} and returned {result.dtype}")
            subject.require(result.device == fresh.device, f"it got images on {fresh.device} and returned {result.device}")
            given = {
                float(number)
                for earlier in range(call + 1)
                for number in _rows(earlier, (_ROWS, 1, 3)[earlier % 3]).to(dtype).flatten()
            }
            subject.require(
                set(result.flatten().tolist()) <= given and bool((result == result[:, :, :1, :1]).all()),
                "a row that it returned was never given to it",
            )


def check_gives_back_what_it_holds(subject: Subject) -> None:
    """A buffer that holds images gives some back, and not for ever those that it was given first."""
    buffer, batch = _buffer(subject), 64
    calls = _ENOUGH // batch
    newest = -1.0
    for call in range(calls):
        numbers = _exchange(subject, buffer, _rows(call, batch)).flatten()
        newest = max([newest, *numbers[numbers < _rows(call, 1).min()].tolist()])
    if not _holds_images(buffer.state_dict()):
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
        fresh = (_rows(call).requires_grad_()) * 1.0
        result = _exchange(subject, buffer, fresh)
        subject.require(not result.requires_grad, "its result still has the graph of the generator: detach it")


def check_owns_what_it_holds(subject: Subject) -> None:
    """What the caller does to its tensors later does not reach the images held."""
    buffer = _buffer(subject)
    for call in range(12):
        fresh = _rows(call)
        result = _exchange(subject, buffer, fresh)
        subject.require(bool(torch.isfinite(result).all()), "it holds the caller's own tensors: copy what is to be remembered")
        fresh.fill_(float("nan"))
        result.fill_(float("nan"))


def check_draws_from_its_generator_only(subject: Subject) -> None:
    """Nothing is drawn from the global random generators, so that a run does not depend on who else draws."""
    buffer = _buffer(subject)
    before = random_state()
    for call in range(12):
        _exchange(subject, buffer, _rows(call))
    place = first_difference(before, random_state())
    subject.require(place is None, f"it draws from a global random generator ({place}); `generator` is there for that")


def check_resumes_exactly(subject: Subject) -> None:
    """After its state was saved and loaded, later results are the same to the bit."""
    buffer = _buffer(subject)
    for call in range(10):
        _exchange(subject, buffer, _rows(call))
    state = _state(subject, buffer)
    later = [_exchange(subject, buffer, _rows(call)).clone() for call in range(10, 20)]
    restored = _buffer(subject, seed=99)
    with subject.calling("its load_state_dict"):
        restored.load_state_dict(state)
    for call, expected in zip(range(10, 20), later, strict=True):
        result = _exchange(subject, restored, _rows(call))
        subject.require(
            torch.equal(result, expected),
            "after its state was saved and loaded it returns other images: images or random draws are missing from state_dict",
        )


def check_memory_is_bounded(subject: Subject) -> None:
    """It does not grow for ever."""
    buffer, batch = _buffer(subject), 256
    held = []
    for call in range(_ENOUGH // batch):
        _exchange(subject, buffer, _rows(call, batch))
        if call + 1 in (_ENOUGH // batch // 2, _ENOUGH // batch):
            held.append(_values(buffer.state_dict()))
    subject.require(
        held[1] <= held[0],
        f"it still grows after {_ENOUGH} images; memory must be bounded (give its size: options={{name: {{…}}}})",
    )


CHECKS = (
    check_gives_rows_that_it_was_given,
    check_gives_back_what_it_holds,
    check_detaches,
    check_owns_what_it_holds,
    check_draws_from_its_generator_only,
    check_resumes_exactly,
    check_memory_is_bounded,
)


def _buffer(subject: Subject, *, seed: int = 0) -> Any:
    return subject.made(generator=torch.Generator().manual_seed(seed))


def _rows(call: int, count: int = _ROWS) -> Tensor:
    """(count, 1, 2, 2): images each of one number, which no other image has."""
    return (torch.arange(count, dtype=torch.float32) + 1000 * call).reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2)


def _exchange(subject: Subject, buffer: Any, fresh: Tensor) -> Tensor:
    with subject.calling(f"its exchange of {tuple(fresh.shape)}"):
        result = buffer.exchange(fresh)
    subject.require(isinstance(result, Tensor), f"its exchange returned a {type(result).__name__}, not a tensor")
    tensor: Tensor = result
    return tensor


def _state(subject: Subject, buffer: Any) -> Mapping[str, Any]:
    with subject.calling("saving its state_dict"):
        return through_disk(subject.folder / "state", buffer.state_dict())


def _values(state: Any) -> int:
    if isinstance(state, Tensor):
        return state.numel()
    items = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return 1 + sum(_values(item) for item in items)


def _holds_images(state: Any) -> bool:
    """Whether images as of `_rows` are among the tensors of a state."""
    if isinstance(state, Tensor):
        return state.is_floating_point() and state.ndim >= 3 and state.shape[-3:] == (1, 2, 2) and state.numel() > 0
    items = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return any(_holds_images(item) for item in items)


def _devices() -> list[str]:
    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
