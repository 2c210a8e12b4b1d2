"""The pytest fixture `gantool_host`: `pytest_plugins = ("gantool.testing.fixtures",)` in a `conftest.py` turns it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..plugins.registry import VARIABLE, Registry, load_plugins


@dataclass(frozen=True, kw_only=True)
class Host:
    """The host with a few plugins, and a folder to work in."""

    registry: Registry
    """The built-ins and the plugins asked for; nothing else is imported."""
    folder: Path
    """An empty folder of the test."""

    def images(self, *, count: int = 8, channels: int = 3, size: tuple[int, int] = (32, 40)) -> tuple[Path, Path]:
        """Write `count` small random images of each domain; return the paths of the synthetic and the real ones."""
        from .material import write_domains

        return write_domains(self.folder / "images", count=count, channels=channels, size=size)

    def build(self, kind: str, name: str, **arguments: Any) -> Any:
        """Build one component, `gantool.build`."""
        from ..api import build

        return build(kind, name, **arguments)

    def train(self, plugin: str, *, steps: int = 2, options: Mapping[str, Any] | None = None, **choices: Any) -> Path:
        """Train a few steps on the CPU and return the run folder, whose place is new each time.

        `choices` are those of `gantool.train`; without `synthetic` and `real`, or `dataset`, images are made. Warm-ups count as
        steps of their own: shorten them with options such as `{"recipe.refiner_warmup": 1}`.
        """
        from ..api import train

        if not {"synthetic", "real", "dataset"} & set(choices):
            choices["synthetic"], choices["real"] = self.images()
        given = {"batch_size": 2, "device": "cpu", **choices}
        run = self.folder / f"run-{len(list(self.folder.glob('run-*')))}"
        return train(plugin, output=run, steps=steps, options=options, **given)


@pytest.fixture
def gantool_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Host]:
    """Start a host that loads only the plugins that it is told: `host = gantool_host("my-plugin")`.

    It holds for the rest of the test, in processes that the test starts too (GANTOOL_PLUGINS is set). Raises `GantoolError` for a
    plugin that is not installed or broken.
    """

    def start(*plugins: str) -> Host:
        registry = load_plugins(plugins)
        # A host that is told nothing has its built-ins, while an empty variable means every plugin.
        monkeypatch.setenv(VARIABLE, ",".join(plugins) or "gantool")
        folder = tmp_path / "host"
        folder.mkdir(exist_ok=True)
        return Host(registry=registry, folder=folder)

    return start
