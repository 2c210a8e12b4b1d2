"""Small networks in place of a trained run's, and small data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import gantool.refining.job
from gantool.components import Channels
from gantool.data.domains import Preprocess


class Added(torch.nn.Module):
    """Adds a constant, in units of [-1, 1]; remembers the shapes that it saw."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value
        self.seen: list[torch.Size] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images.shape)
        return images + self.value


@dataclass(frozen=True)
class FakeBundle:
    module: torch.nn.Module
    preprocess: Preprocess = field(default_factory=Preprocess)
    trained_size: tuple[int, int] | None = None
    channels: Channels = Channels(3)  # noqa: RUF009
    conditions: dict = field(default_factory=dict)
    name: str = "run-1"
    digest: str = "digest-1"


@pytest.fixture
def added() -> type[Added]:
    return Added


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[..., torch.nn.Module]:
    """Let every run be this network."""

    def use(network: torch.nn.Module, channels: int = 3, **fields: object) -> torch.nn.Module:
        bundle = FakeBundle(network, channels=Channels(channels), **fields)
        monkeypatch.setattr(gantool.refining.job, "open_bundle", lambda *_: bundle)
        return network

    return use


def make_pixels(shape: tuple[int, ...], dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.random(shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save_image(path: Path, image: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


@pytest.fixture
def pixels() -> Callable[..., np.ndarray]:
    return make_pixels


@pytest.fixture
def save() -> Callable[..., None]:
    return save_image


@pytest.fixture
def load() -> Callable[[Path], np.ndarray]:
    return lambda path: cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def files() -> Callable[[Path], dict[str, bytes]]:
    """Names and contents of all files of a folder that are not hidden."""
    return lambda root: {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("[!.]*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images and a label file of each."""
    root = tmp_path / "input"
    save_image(root / "a.png", make_pixels((20, 30, 3)))
    save_image(root / "sub dir/bü.png", make_pixels((20, 30, 3), seed=1))
    (root / "a.json").write_bytes(b'{"gaze": [0.1, 0.2]}\r\n')
    (root / "sub dir/bü.txt").write_bytes(b"\xff\x00 not utf-8")
    return root
