"""Plugins planted as really installed distributions: a module, METADATA and entry_points.txt in a folder on the path."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from programs import CONTEXT
from rich.console import Console

from gantool import Component, NoOptions, hookimpl
from gantool.plan import Plan, resolve
from gantool.plan.choices import Choices
from gantool.plugins import PluginInfo, Provided, Registry, load_plugins
from gantool.plugins.hooks import new_manager, register
from gantool.refining.workers import processes
from gantool.training import session
from gantool.training.loop import TrainingRun

UNET = """
from gantool import Component, hookimpl

@hookimpl
def gantool_generators():
    yield Component(name="unet", factory="MODULE:UNet", summary="A network")

def UNet(*, config, channels):
    return (channels.images, channels.images)
"""


@dataclass(frozen=True)
class Site:
    """A folder of installed distributions."""

    folder: Path

    def plant(
        self,
        name: str,
        source: str = UNET,
        *,
        distribution: str | None = None,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        value: str | None = None,
    ) -> str:
        """Install the plugin `name`; return its module, which replaces the word MODULE in `source`."""
        distribution = distribution or f"gantool-{name}"
        module = f"planted_{distribution}_{name}".replace("-", "_").replace(" ", "_").replace(":", "_")
        (self.folder / f"{module}.py").write_text(source.replace("MODULE", module), encoding="utf-8")
        metadata = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        self.install(
            distribution,
            version,
            METADATA="\n".join([*metadata, *(f"Requires-Dist: {text}" for text in requires)]) + "\n",
            entry_points_txt=f"[gantool]\n{name} = {value or module}\n".replace("MODULE", module),
        )
        return module

    def install(self, distribution: str, version: str, **files: str) -> None:
        """Write the files of a dist-info folder; `_txt` at the end of a name stands for `.txt`."""
        folder = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name.replace("_txt", ".txt")).write_text(text, encoding="utf-8")
        # Two changes of a folder within one tick of its clock look like none to importlib.
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder on `sys.path` (and on that of the `gantool` fixture) in which a test installs plugins."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.delenv("GANTOOL_PLUGINS", raising=False)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.invalidate_caches()
    yield Site(folder)
    for name in [name for name in sys.modules if name.startswith("planted_")]:
        del sys.modules[name]


Gantool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def gantool(site: Site) -> Gantool:
    """Run `python -m gantool WORDS` in a process of its own, with the planted plugins installed; `env` adds variables."""

    def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return run_python("-m", "gantool", *words, site=site, env=env)

    return run


@pytest.fixture
def modules_after(site: Site) -> Callable[..., set[str]]:
    """Return what is imported, top-level names, after a command of gantool ran in a process of its own."""

    def run(*words: str, env: dict[str, str] | None = None) -> set[str]:
        code = (
            "import contextlib, io, sys; from gantool.cli.main import run\n"
            "with contextlib.redirect_stdout(io.StringIO()): code = run(sys.argv[1:])\n"
            "assert code == 0, code\n"
            "print(*{name.partition('.')[0] for name in sys.modules})"
        )
        return set(run_python("-c", code, *words, site=site, env=env).stdout.split())

    return run


def run_python(*words: str, site: Site, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site.folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("GANTOOL_", "COLUMNS", "PYTHONIOENCODING"))}
    variables |= {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", **(env or {})}
    return subprocess.run(
        [sys.executable, *words], env=variables, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def make_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rate: int = 25,
    times: Sequence[int] = (),
    unit: Fraction | None = None,
    sound: str = "",
    rotation: int = 0,
    **options: str,
) -> Path:
    """Write a video of (H, W, 3) uint8 or (H, W) uint16 frames.

    `times`: when they are shown, in `unit` seconds; without them, one after the other at `rate`. `sound`: codec of a tone.
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.gop_size, stream.bit_rate = pixels, 8, 8_000_000
        if times:
            stream.codec_context.time_base = unit
        if rotation:
            stream.set_display_rotation(rotation)
        if sound:
            tone = container.add_stream(sound, rate=48000)
            tone.layout = "mono"
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, "rgb24" if image.ndim == 3 else "gray16le").reformat(format=pixels)
            frame.pts, frame.time_base = (times[number], unit) if times else (number, Fraction(1, rate))
            container.mux(stream.encode(frame))
        if sound:
            wave = (np.sin(np.arange(48000 * len(frames) // rate) / 20) * 8000).astype(np.int16)
            chunk = tone.frame_size or 1024
            for first in range(0, len(wave), chunk):
                block = av.AudioFrame.from_ndarray(wave[None, first : first + chunk], "s16", "mono")
                block.sample_rate, block.pts, block.time_base = 48000, first, Fraction(1, 48000)
                container.mux(tone.encode(block))
            container.mux(tone.encode(None))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def clip() -> Callable[..., Path]:
    return make_clip


@pytest.fixture
def moving() -> Callable[..., list[np.ndarray]]:
    """(H, W, 3) uint8 frames of a picture that moves: each is unlike the others."""

    def frames(count: int, size: tuple[int, int] = (32, 48), seed: int = 0) -> list[np.ndarray]:
        coarse = np.random.default_rng(seed).integers(0, 256, (size[0] // 8 + 2, size[1] // 8 + 2, 3))
        picture = np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)
        return [
            np.ascontiguousarray(picture[n // 4 % 8 :, n % 8 :][: size[0], : size[1]]) // 2 + np.uint8(4 * n % 128)
            for n in range(count)
        ]

    return frames


OPTIONS = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.05,
    "buffer.size": 8,
    "dataset.synthetic_count": 24,
    "dataset.real_count": 20,
    "dataset.size": [12, 16],
    "recipe.refiner_warmup": 4,
    "recipe.discriminator_warmup": 3,
    "metric.samples": 64,
    "metric.directions": 4,
}
SETTINGS = {"batch_size": 4, "steps": 5, "device": "cpu", "log_every": 2, "checkpoint_every": 100, "sample_every": 100}


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_plugins()


@pytest.fixture
def tiny(registry: Registry) -> Callable[..., Plan]:
    """Makes a plan of 4 + 3 warm-up steps and 5 rounds that trains in a fraction of a second."""

    def make(
        options: dict[str, Any] | None = None,
        *,
        registry: Registry = registry,
        parts: dict[str, str] | None = None,
        dataset: str | None = None,
        **settings: Any,
    ) -> Plan:
        parts = parts or {}
        own = {key: value for key, value in OPTIONS.items() if key.partition(".")[0] not in parts}
        if dataset is not None:
            own = {key: value for key, value in own.items() if not key.startswith("dataset.")}
        said = Choices(plugin="simgan", parts=parts, dataset=dataset, options=own | (options or {}), settings=SETTINGS | settings)
        return resolve(registry, said)

    return make


@pytest.fixture
def train(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Trains, or goes on with, a plan in a folder, quietly, with sheets of two images."""
    monkeypatch.setattr(session, "_SAMPLES", 2)

    def run(plan: Plan, folder: Path, *, registry: Registry = registry, console: Console | None = None) -> Path:
        folder.mkdir(exist_ok=True)
        TrainingRun(plan, folder, registry, console=console or Console(quiet=True), quiet=console is None).train()
        return folder

    return run


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes of `refine` are forked from one that has imported torch, which each would do otherwise."""
    monkeypatch.setattr(processes, "multiprocessing", SimpleNamespace(get_context=lambda _: CONTEXT))


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> Callable[..., Registry]:
    """Adds a plugin "planted" with one component, or an observer, to the installed ones."""

    def add(
        kind: str = "",
        factory: Callable[..., Any] | None = None,
        *,
        options: type = NoOptions,
        provides: frozenset[str] = frozenset(),
        observer: Callable[..., None] | None = None,
    ) -> Registry:
        module = ModuleType("planted_parts")
        module.factory = factory  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "planted_parts", module)
        component = Component(name="part", factory="planted_parts:factory", options=options, provides=provides)
        provided = (Provided("planted", kind, component),) if kind else ()
        info = PluginInfo("planted", "planted", "1", "planted_parts", provides=provided)
        manager = new_manager()
        if observer:
            module.gantool_log = hookimpl(lambda event: observer(event), specname="gantool_log")  # type: ignore[attr-defined]
            register(manager, "planted", module)
        return replace(registry, plugins={**registry.plugins, "planted": info}, manager=manager)

    return add


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """Compares two nested states to the bit, and says where they differ."""

    def check(a: Any, b: Any, at: str = "") -> None:
        assert type(a) is type(b), at
        if isinstance(a, torch.Tensor):
            assert (a.dtype, a.shape, a.stride()) == (b.dtype, b.shape, b.stride()), at
            assert torch.equal(a, b), f"{at}: {(a != b).sum()} of {a.numel()} values differ"
        elif isinstance(a, dict):
            assert list(a) == list(b), at
            for key in a:
                check(a[key], b[key], f"{at}.{key}")
        elif isinstance(a, list | tuple):
            assert len(a) == len(b), at
            for number, (one, other) in enumerate(zip(a, b, strict=True)):
                check(one, other, f"{at}[{number}]")
        else:
            assert a == b, at

    return check
