"""One network per process and content, however many transforms, threads and pipelines use it."""

from __future__ import annotations

import copy
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..data.domains import Preprocess
from ..errors import GantoolError
from ..model.bundle import CONFIG, WEIGHTS, open_bundle
from ..runs.state import first_not_finite

_networks: dict[tuple[str, str], nn.Module] = {}
"""By digest and device."""
_identities: dict[Path, tuple[tuple[int, ...], Identity]] = {}
"""By folder, with the state of its files when they were read."""
_lock = threading.RLock()


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a folder held when it was read."""

    digest: str
    channels: int
    preprocess: Preprocess


def identify(folder: Path) -> Identity:
    """Say what `folder` holds; it is read only where its files have changed since. Raises `GantoolError`."""
    state = _state_of(folder)
    with _lock:
        known = _identities.get(folder)
        if known is None or known[0] != state:
            known = _identities[folder] = (state, _read(folder))
        return known[1]


def shared_network(folder: Path, digest: str, device: torch.device, *, name: str) -> nn.Module:
    """Return the network with this digest on `device`: frozen, in eval mode, float32.

    Raises `GantoolError`, which calls the folder `name`, where it holds something else.
    """
    with _lock:
        found = identify(folder).digest
        if found != digest:
            raise GantoolError(
                f"{name} has changed since this transform was made (it wants {digest[:12]}, there is {found[:12]}), or an "
                "earlier gantool made it: make the transform anew, or keep a copy of a run that still trains with gantool.save"
            )
        key = digest, str(device)
        if key not in _networks:
            with torch.inference_mode(False):
                _networks[key] = copy.deepcopy(_networks[digest, "cpu"]).to(device)
        return _networks[key]


def _read(folder: Path) -> Identity:
    # Building draws first weights: that must not move the caller's random numbers, nor depend on the caller's modes.
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.device("cpu"):
        bundle = open_bundle(folder)
        network = bundle.module.float().requires_grad_(False)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if bundle.in_channels != bundle.out_channels:
        raise GantoolError(
            f"{folder} turns {bundle.in_channels} channels into {bundle.out_channels}: a transform keeps their number"
        )
    broken = first_not_finite(network.state_dict())
    if broken:
        raise GantoolError(f"{folder}: the weights {broken} are not finite; choose another run")
    _networks.setdefault((bundle.digest, "cpu"), network)
    return Identity(digest=bundle.digest, channels=bundle.in_channels, preprocess=bundle.preprocess)


def _state_of(folder: Path) -> tuple[int, ...]:
    state: list[int] = []
    for name in (CONFIG, WEIGHTS):
        try:
            found = (folder / name).stat()
        except OSError:
            state.append(-1)  # opening it says what is wrong
        else:
            state += found.st_ino, found.st_size, found.st_mtime_ns
    return tuple(state)


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


# A thread that held the lock when a worker was forked does not exist there and would never release it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
