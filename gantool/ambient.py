"""What a process has once: random numbers, defaults of torch, accelerate's state, signals, the environment.

A call of the Python API is a guest there: whatever the program around it has set, it finds the usual, and it leaves all as it
was. No torch: what is not imported yet has no state.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from .errors import GantoolError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHARED = ("AcceleratorState", "PartialState", "GradientState")
"""Classes of accelerate of which all objects have one state."""


@dataclass(frozen=True)
class _Setting:
    """Something that a process has once."""

    name: str
    """What a message calls it."""
    module: str
    """Whose it is; `read` and `write` get it."""
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], object]
    usual: Callable[[], Any] | None = None
    """Makes what it is when its module is imported, and inside of a call; None: whatever it happens to be."""
    told: bool = True
    """Whether `read` tells all of it; what it does not tell is written in any case."""

    def now(self) -> Any:
        """What it is; None where that cannot be known yet."""
        if self.module in sys.modules:
            return self.read(sys.modules[self.module])
        return self.usual and self.usual()

    def put(self, value: Any) -> None:
        """Make it so, unless it is."""
        module = sys.modules.get(self.module)
        if module is not None and value is not None and not (self.told and self.read(module) == value):
            self.write(module, value)

    def clean(self) -> None:
        """Make it what it usually is."""
        if self.usual:
            self.put(self.usual())


def _numpy_state(numpy: Any) -> tuple[Any, ...]:
    name, keys, *rest = numpy.random.get_state()
    return name, keys.tobytes(), *rest


def _set_numpy_state(numpy: Any, state: tuple[Any, ...]) -> None:
    name, keys, *rest = state
    numpy.random.set_state((name, numpy.frombuffer(keys, numpy.uint32), *rest))


def _cuda_states(torch: Any) -> list[bytes]:
    """Of every GPU; none before CUDA is used."""
    generators = torch.cuda.default_generators if torch.cuda.is_initialized() else ()
    return [generator.get_state().numpy().tobytes() for generator in generators]


def _set_cuda_states(torch: Any, states: Sequence[bytes]) -> None:
    if not states and torch.cuda.is_available():  # what a first use would have begun with; a seed may be waiting for that
        torch.cuda.manual_seed_all(torch.initial_seed())
    for generator, state in zip(torch.cuda.default_generators, states, strict=False):
        generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _set_environment(system: Any, before: dict[str, str]) -> None:
    for name in system.environ.keys() - before.keys():
        del system.environ[name]
    system.environ.update({name: value for name, value in before.items() if system.environ.get(name) != value})


def _set_handlers(module: Any, handlers: Sequence[Any]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in zip(_SIGNALS, handlers, strict=True):
            # None stands for a handler that was not set from Python, which cannot be set back from there either.
            module.signal(number, module.SIG_DFL if handler is None else handler)


def _set_shared(module: Any, states: Sequence[Any]) -> None:
    # Others are put in their place, never emptied: objects that the program around holds keep theirs.
    for name, state in zip(_SHARED, states, strict=True):
        setattr(getattr(module, name), "_shared_state", state)  # noqa: B010 - mypy does not know the class


_RANDOM = (
    _Setting("Python's random numbers", "random", lambda _: random.getstate(), lambda _, state: random.setstate(state)),
    _Setting("numpy's random numbers", "numpy", _numpy_state, _set_numpy_state),
    _Setting(
        "torch's random numbers",
        "torch",
        lambda torch: torch.get_rng_state().numpy().tobytes(),
        lambda torch, state: torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8)),
    ),
    _Setting("random numbers of the GPUs", "torch", _cuda_states, _set_cuda_states, told=False),
)
_DEFAULTS = (
    _Setting(
        "torch's default dtype",
        "torch",
        lambda torch: str(torch.get_default_dtype()).removeprefix("torch."),
        lambda torch, name: torch.set_default_dtype(getattr(torch, name)),
        usual=lambda: "float32",
    ),
    _Setting(
        "torch's deterministic mode",
        "torch",
        lambda torch: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda torch, modes: torch.use_deterministic_algorithms(modes[0], warn_only=modes[1]),
        usual=lambda: (False, False),
    ),
    _Setting(
        "torch's number of threads",
        "torch",
        lambda torch: torch.get_num_threads(),
        lambda torch, count: torch.set_num_threads(count),
    ),
)
_OF_THREAD = (
    _Setting(
        "torch's default device",
        "torch",
        lambda torch: str(torch.get_default_device()),
        lambda torch, name: torch.set_default_device(None if name == "cpu" else name),
        usual=lambda: "cpu",
    ),
    _Setting(
        "torch's grad mode",
        "torch",
        lambda torch: torch.is_grad_enabled(),
        lambda torch, on: torch.set_grad_enabled(on),
        usual=lambda: True,
    ),
)
_HANDLERS = _Setting("signal handlers", "signal", lambda module: [module.getsignal(each) for each in _SIGNALS], _set_handlers)
_ENVIRONMENT = _Setting("environment", "os", lambda system: dict(system.environ), _set_environment)
_ACCELERATE = _Setting(
    "accelerate's state",
    "accelerate.state",
    lambda module: [vars(getattr(module, name))["_shared_state"] for name in _SHARED],
    _set_shared,
    usual=lambda: [{} for _ in _SHARED],
    told=False,
)


class _Kept:
    """Settings of the process: the first thread that enters cleans them, the last one to leave puts them back."""

    def __init__(self, settings: Sequence[_Setting]) -> None:
        self._settings = settings
        self.renew()

    def renew(self) -> None:
        """Forget calls that were inside in the process from which this one was forked."""
        self._lock, self._inside, self._before = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                for setting in self._settings:
                    self._before.callback(setting.put, setting.now())
                for setting in self._settings:
                    setting.clean()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._before.close()


# A random state of CUDA that was not there follows from torch's, which therefore has to be there first: callbacks run backwards.
_NUMBERS, _MODES = _RANDOM[::-1], (*_DEFAULTS, _ENVIRONMENT, _ACCELERATE)
_random, _process, _sole = _Kept(_NUMBERS), _Kept(_MODES), threading.Lock()
_thread = threading.local()


def _renew() -> None:
    global _sole
    _sole = threading.Lock()
    _random.renew()
    _process.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


@contextmanager
def guest(*, draws: bool = False, sole: str = "") -> Iterator[None]:
    """Find the process as it usually is, whatever modes the program around has set, and leave it as it was.

    Inside: float32, the CPU, gradients, no autocast, no inference mode, no deterministic mode, and an accelerate without a state.

    Args:
        draws: Random numbers are the caller's, as in the building of any torch module: a seed decides them, and they move on.
        sole: What this is called, where two at a time would take each other's random numbers.

    Raises:
        GantoolError: Another one that is `sole` runs in this process.
    """
    with ExitStack() as stack:
        if sole:
            stack.enter_context(_alone(sole))
        # A call inside of another one, of a plugin's say, is a guest of that one.
        nested = getattr(_thread, "inside", False)
        if not draws:
            stack.enter_context(_Kept(_NUMBERS) if nested else _random)
        stack.enter_context(_Kept(_MODES) if nested else _process)
        stack.enter_context(warnings.catch_warnings())
        stack.callback(setattr, _thread, "inside", nested)
        _thread.inside = True
        for setting in (*_OF_THREAD, _HANDLERS):
            stack.callback(setting.put, setting.now())
        stack.enter_context(_clean_thread())
        yield


def kept_random_state() -> _Kept:
    """Undo what is drawn meanwhile: looking at a run (at other moments when it is resumed) must not change its course."""
    return _Kept(_NUMBERS)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    if not _sole.acquire(blocking=False):
        raise GantoolError(
            f"{name}: a training or evaluation runs in this process already, and the two would take each other's random numbers: "
            "wait for it, or start this one in a process of its own"
        )
    lock = _sole
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _clean_thread() -> Iterator[None]:
    import numpy as np
    import torch

    with ExitStack() as stack:
        enter = stack.enter_context
        if torch.get_default_device().type != "cpu":
            enter(torch.device("cpu"))  # only then: every call of torch takes longer in it
        enter(torch.inference_mode(False))
        enter(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                enter(torch.autocast(kind, enabled=False))
        enter(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        yield


@contextmanager
def importing() -> Iterator[list[str]]:
    """Undo what code that is imported meanwhile sets for the whole process; yields the names of that, when it is over."""
    settings = (*_RANDOM, *_DEFAULTS, *_OF_THREAD)
    before = [setting.now() for setting in settings]
    found: list[str] = []
    try:
        yield found
    finally:
        for setting, value in zip(settings, before, strict=True):
            if value is not None and setting.now() != value:
                found.append(setting.name)
                setting.put(value)
