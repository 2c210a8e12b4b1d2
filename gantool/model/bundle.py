"""A trained generator as a folder: `refiner.safetensors` and `config.json`, all that loading needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from .._version import __version__
from ..components import Channels
from ..data.conditions import Condition, Conditions
from ..data.domains import Preprocess
from ..errors import GantoolError, quoted
from ..noise import noise_channels
from ..options import to_dict, validate
from ..plugins.registry import Registry, load_plugins
from ..runs.checkpoints import Checkpoints
from ..runs.files import write_file, write_json
from ..runs.folder import writing
from ..runs.state import plain, read_tensors, write_tensors

WEIGHTS, CONFIG = "refiner.safetensors", "config.json"
FORMAT = 2
"""1 had `in_channels` and `out_channels` in the place of `channels`."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What `config.json` says of a generator."""

    component: str
    """Full name of the generator, `plugin:name`."""
    options: dict[str, Any]
    channels: Channels
    preprocess: Preprocess = field(default_factory=Preprocess)
    """What was done to the images that it was trained on."""
    trained_size: tuple[int, int] | None = None
    """(H, W) in pixels of those images."""
    conditions: dict[str, Condition] = field(default_factory=dict)
    """What passes became of which it saw beside the images, in the order of `channels.conditions`."""
    step: int | None = None
    """Steps that it was trained for."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A generator, ready to use, and what it was trained on."""

    module: torch.nn.Module
    """In eval mode, float32, on the CPU: (N, C, H, W) in [-1, 1] to the same shape."""
    recorded: Recorded
    name: str
    """Where it was loaded from."""
    digest: str
    """SHA-256 of weights, component, options and preprocessing, hexadecimal: of what makes its images, and nothing else."""

    @property
    def preprocess(self) -> Preprocess:
        """What was done to the images that it was trained on."""
        return self.recorded.preprocess

    @property
    def conditions(self) -> Conditions:
        """What passes become of which it sees beside the images."""
        return self.recorded.conditions

    @property
    def trained_size(self) -> tuple[int, int] | None:
        """(H, W) in pixels of those images."""
        return self.recorded.trained_size

    @property
    def channels(self) -> Channels:
        """What it was built for."""
        return replace(self.recorded.channels, noise=noise_channels(self.module))


def write_bundle(folder: Path, weights: Mapping[str, torch.Tensor], recorded: Recorded) -> None:
    """Write a generator's folder; each file is replaced in one step.

    Args:
        folder: Where to; made if needed.
        weights: State dict of the network.
        recorded: What it is.

    Raises:
        GantoolError: The folder cannot be written.
    """
    tensors = {name: plain(value) for name, value in weights.items()}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / CONFIG, {"format": FORMAT, "gantool": __version__, **to_dict(recorded)})
        write_file(folder / WEIGHTS, lambda file: write_tensors(file, tensors))


def run_folder(run: object) -> Path:
    """Return the folder that a run was said by. Raises `GantoolError` for what is none."""
    if isinstance(run, str | Path) and str(run):
        return Path(run)
    hint = ": gantool.save(module, folder) makes one of a module" if isinstance(run, torch.nn.Module) else ""
    got = type(run).__name__ if hint else quoted(run)
    raise GantoolError(f"run must be the folder of a run, or one that gantool.save wrote, got {got}{hint}")


def open_bundle(run: str | Path, checkpoint: str | int | None = None) -> Bundle:
    """Load the generator of a run folder, or of a folder that `gantool.save` wrote.

    Args:
        run: The folder.
        checkpoint: None or "last" for the newest weights, "best" for those that the run's metric chose, or a step number.

    Raises:
        GantoolError: The folder is neither, of a newer version, damaged, or needs a missing plugin.
    """
    folder = run_folder(run)
    recorded = read_recorded(folder)
    if checkpoint in (None, "last"):
        weights = _newest_weights(folder)
    else:
        step, weights = _checkpoint_of(folder, checkpoint)
        recorded = replace(recorded, step=step)
    try:
        module = build_generator(load_plugins(), recorded)
    except GantoolError as error:
        raise GantoolError(f"{folder}: {error}") from error
    check_fits(module, weights, f"the weights in {folder} do not fit {recorded.component} as {CONFIG} describes it")
    module.load_state_dict(weights)
    return Bundle(module=module.eval(), recorded=recorded, name=str(run), digest=_digest(module.state_dict(), recorded))


def _digest(weights: Mapping[str, torch.Tensor], recorded: Recorded) -> str:
    usual = to_dict(Preprocess())
    # Settings at their defaults are left out: a new one must not make other networks of those that do without it.
    prepared = {name: value for name, value in to_dict(recorded.preprocess).items() if value != usual[name]}
    seen = [to_dict(recorded)["conditions"]] if recorded.conditions else []
    described = json.dumps([recorded.component, recorded.options, prepared, *seen], sort_keys=True)
    digest = hashlib.sha256(described.encode())
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_recorded(folder: Path) -> Recorded:
    """Read `config.json`. Raises `GantoolError`."""
    file = folder / CONFIG
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        version = data.pop("format")
        if version > FORMAT:
            raise GantoolError(f"{file} was written by a newer gantool (format {version}): upgrade to use it")
        del data["gantool"]
        if version == 1:
            data["channels"] = {"images": data.pop("in_channels")}
            del data["out_channels"]
    except (FileNotFoundError, NotADirectoryError):
        hint = "; it has a run.json but no weights yet: resume it" if (folder / "run.json").exists() else ""
        raise GantoolError(f"{folder} is no run folder: it has no {CONFIG}{hint}") from None
    except OSError as error:
        raise GantoolError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GantoolError(f"{file} is damaged or not gantool's ({error!r})") from None
    recorded: Recorded = validate(Recorded, data, where=f"{file}: ")
    return recorded


def build_generator(registry: Registry, recorded: Recorded) -> torch.nn.Module:
    """Build the network that `recorded` describes, with fresh weights. Raises `GantoolError`."""
    module: torch.nn.Module = registry.build("generator", recorded.component, recorded.options, channels=recorded.channels)
    remember(module, recorded)
    return module


def check_fits(module: torch.nn.Module, weights: Mapping[str, torch.Tensor], message: str) -> None:
    """Raise `GantoolError`, which begins with `message`, unless names and shapes of the weights are those of the network."""
    expected, found = ({name: tuple(value.shape) for name, value in each.items()} for each in (module.state_dict(), weights))
    wrong = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
    if wrong:
        name, more = wrong[0], f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        shapes = f"{name} is {found.get(name, 'missing')} there and {expected.get(name, 'not expected')} in the network"
        raise GantoolError(f"{message}: {shapes}{more}")


def _newest_weights(folder: Path) -> dict[str, torch.Tensor]:
    try:
        return read_tensors(folder / WEIGHTS)
    except GantoolError as error:
        steps = Checkpoints(folder, keep=1).steps()
        hint = f"; its newest checkpoint holds such weights, too: --checkpoint {steps[-1]} takes them" if steps else ""
        raise GantoolError(f"{error}{hint}") from None


def _checkpoint_of(folder: Path, checkpoint: str | int | None) -> tuple[int, dict[str, torch.Tensor]]:
    """Return the step of a checkpoint, and its weights."""
    checkpoints = Checkpoints(folder, keep=1)
    steps = checkpoints.steps()
    if not steps:
        raise GantoolError(f"{folder} has no checkpoints to choose from")
    if checkpoint == "best":
        best = checkpoints.load(steps[-1])["best"]
        if best is None:
            raise GantoolError(f"{folder} has no best checkpoint yet")
        step = int(best["step"])
    elif str(checkpoint).isdecimal():
        step = int(str(checkpoint))
    else:
        raise GantoolError(f"--checkpoint: {checkpoint!r} is not last, best or a step number")
    if step not in steps:
        raise GantoolError(f"{folder} has no checkpoint of step {step}; it has: {', '.join(map(str, steps))}")
    weights: dict[str, torch.Tensor] = checkpoints.load(step)["generator"]
    return step, weights


def remember(module: torch.nn.Module, recorded: Recorded) -> None:
    """Attach to a generator what it was built from."""
    module._gantool_recorded = recorded  # type: ignore[assignment]


def recall(module: torch.nn.Module) -> Recorded:
    """Return what `remember` attached. Raises `GantoolError` for a module that gantool did not build."""
    recorded = getattr(module, "_gantool_recorded", None)
    if not isinstance(recorded, Recorded):
        raise GantoolError(f"{type(module).__name__} was not made by gantool.build or gantool.load, so it cannot be saved")
    return recorded
