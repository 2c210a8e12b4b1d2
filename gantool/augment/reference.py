"""What a transform carries in place of weights: where a generator is, and the hash of what it was.

There is one network per process and content, however many transforms, threads and pipelines use it.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..ambient import guest
from ..data.conditions import Encoder
from ..data.domains import Preprocess
from ..data.frames import PassForm
from ..data.passes import form_of_array
from ..errors import GantoolError, InvalidType, InvalidValue
from ..model.bundle import CONFIG, WEIGHTS, Bundle, open_bundle
from ..runs.state import first_not_finite

_log = logging.getLogger(__name__)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_told: set[str] = set()
_networks: dict[tuple[str, str, torch.dtype], nn.Module] = {}
"""By digest, device and dtype."""
_identities: dict[Path, tuple[tuple[int, ...], Bundle]] = {}
"""By folder, with the state of its files when they were read."""
_lock = threading.RLock()


class Reference:
    """A trained generator by name and content.

    It is cheap to pickle and to copy: weights stay behind and are loaded once per process, when first used.
    """

    def __init__(self, run: str | Path, digest: str | None = None) -> None:
        """`run`: a run folder, a folder of `gantool.save`, or `owner/name[@revision]` in the local Hugging Face cache.

        Raises `GantoolError` for a run that cannot be loaded, or that is not what `digest` says.
        """
        if not isinstance(run, str | os.PathLike) or not str(run):
            raise InvalidType(f"run: a run folder, or owner/name of a Hugging Face repository, got {run!r}")
        if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
            raise InvalidValue(f"digest: a SHA-256 of 64 hexadecimal digits, or None, got {digest!r}")
        self.run = str(run)
        bundle = identify(locate(self.run))
        self.digest = digest or bundle.digest
        self.channels, self.conditions = bundle.channels, bundle.conditions
        self._networks: dict[str, nn.Module] = {}
        self.network(torch.device("cpu"))
        if self.digest not in _told and (prepared := _describe(bundle.preprocess)):
            _told.add(self.digest)
            _log.warning("%s was trained on images that were %s: do the same before this transform", self.run, prepared)

    def network(self, device: torch.device, dtype: torch.dtype = torch.float32) -> nn.Module:
        """Return the process's one network of this content on `device`: frozen, in eval mode, (N, C, H, W) in [-1, 1].

        Raises `GantoolError` where the files are no longer those that this reference was made from.
        """
        name = f"{device} {dtype}"
        found = self._networks.get(name)
        if found is None:
            found = self._networks[name] = shared_network(locate(self.run), self.digest, device, dtype, name=self.run)
        return found

    @guest()
    def own_network(self) -> nn.Module:
        """Return a copy of that on the CPU whose weights get gradients, but for those that the component keeps from training."""
        own = copy.deepcopy(self.network(torch.device("cpu")))
        for name, weight in own.named_parameters():
            weight.requires_grad_(name in own._gantool_trained)  # type: ignore[operator]
        return own

    def check_channels(self, channels: int, shape: tuple[int, ...]) -> None:
        """Raise `InvalidValue` unless images have the channels that the network takes, alone or with all conditions."""
        own, both = self.channels.images, self.channels.joined - self.channels.noise
        if channels not in (own, both):
            more = f", or {both} with those of {', '.join(self.conditions)}" if self.conditions else ""
            raise InvalidValue(
                f"{self.run} refines images of {own} channel{'s' * (own > 1)}{more}, got {channels} in "
                f"{tuple(shape)}: convert them before this transform, or train on such images"
            )

    def encode(self, passes: Mapping[str, np.ndarray], size: tuple[int, int]) -> np.ndarray:
        """Return what the network sees of passes, (H, W, K) float32, zero where there is none.

        Args:
            passes: (H, W) or (H, W, C) by the names that `--condition` said, as they are stored: ids as numbers, depth in the
                unit of the run's, normals as 8- or 16-bit colours or as floats in [-1, 1]. What has another name is left alone.
            size: (H, W) of the picture.

        Raises:
            GantoolError: A pass of another size.
        """
        forms = {name: form_of_array(self.conditions[name].kind, passes[name]) for name in self.conditions if name in passes}

        def read(name: str) -> tuple[np.ndarray, PassForm]:
            return (passes[name] if passes[name].ndim == 3 else passes[name][..., None]), forms[name]

        return Encoder(self.conditions, forms, Preprocess())(read, size, "the image").astype(np.float32)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_networks": {}}


def locate(run: str) -> Path:
    """Return the folder that `run` names; never asks the network. Raises `GantoolError`."""
    folder = Path(run)
    if folder.exists() or not _REPOSITORY.fullmatch(run):
        return folder
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = run.partition("@")
    try:
        files = [try_to_load_from_cache(name, file, revision=revision or None) for file in (CONFIG, WEIGHTS)]
    except ValueError:  # no name that the hub allows
        return folder
    if not all(isinstance(file, str) for file in files):
        raise GantoolError(f"{run} is neither a folder nor in the local Hugging Face cache: hf download {name}")
    return Path(str(files[0])).parent


def _describe(preprocess: Preprocess) -> str:
    """Say what was done to training images beyond cropping and choosing channels, which leave pixels as they are."""
    done = (
        "mapped from {:g}–{:g}".format(*preprocess.limits) if preprocess.limits else "",
        "resized to {}x{}".format(*preprocess.size) if preprocess.size and preprocess.fit == "resize" else "",
        "equalised" if preprocess.equalize else "",
    )
    return " and ".join(filter(None, done))


def identify(folder: Path) -> Bundle:
    """Return what `folder` holds, its network frozen; read only where its files have changed since. Raises `GantoolError`."""
    state = _state_of(folder)
    with _lock:
        known = _identities.get(folder)
        if known is None or known[0] != state:
            known = _identities[folder] = (state, _read(folder))
        return known[1]


def shared_network(folder: Path, digest: str, device: torch.device, dtype: torch.dtype, *, name: str) -> nn.Module:
    """Return the network with this digest on `device`: frozen, in eval mode.

    Raises `GantoolError`, which calls the folder `name`, where it holds something else.
    """
    with _lock:
        bundle = identify(folder)
        if bundle.digest != digest:
            raise GantoolError(
                f"{name} has changed since this transform was made (it wants {digest[:12]}, there is {bundle.digest[:12]}), or "
                "an earlier gantool made it: make the transform anew, or keep a copy of a run that still trains with gantool.save"
            )
        key = digest, str(device), dtype
        if key not in _networks:
            with guest():
                _networks[key] = copy.deepcopy(bundle.module).to(device, dtype)
        return _networks[key]


def _read(folder: Path) -> Bundle:
    with guest():
        bundle = open_bundle(folder)
        own = frozenset(name for name, weight in bundle.module.named_parameters() if weight.requires_grad)
        network = bundle.module.float().requires_grad_(False)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        network._gantool_trained = own
    broken = first_not_finite(network.state_dict())
    if broken:
        raise GantoolError(f"{folder}: the weights {broken} are not finite; choose another run")
    return replace(bundle, module=_networks.setdefault((bundle.digest, "cpu", torch.float32), network))


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
