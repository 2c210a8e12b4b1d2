"""A network that ends its process when it is told to, installed as a plugin that worker processes find, too."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool

FRAGILE = """
import os, signal, time
from dataclasses import dataclass
from pathlib import Path
import torch
from gantool import Component, hookimpl

@dataclass(frozen=True)
class Options:
    folder: str = ""

@hookimpl
def gantool_generators():
    yield Component(name="net", factory="planted_fragile:Net", options=Options, summary="Dies when it is told to")

class Net(torch.nn.Module):
    def __init__(self, *, config, channels):
        super().__init__()
        self.folder = Path(config.folder)
        self.convolution = torch.nn.Conv2d(channels.images, channels.images, 3, padding=1)

    def forward(self, images):
        if bool((images == 1).all()):  # white images kill, again and again
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            (self.folder / "die once").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        except FileNotFoundError:
            pass
        if (self.folder / "slow").exists():
            time.sleep(0.5)
        return images + 0.1 * self.convolution(images)
"""


@dataclass(frozen=True)
class Fragile:
    """A saved run of that network, and the folder in which it is told what to do."""

    run: Path
    folder: Path

    def told(self, word: str) -> None:
        """ "die once", or "slow"."""
        (self.folder / word).touch()


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Installs the network for this process and those that it starts."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "planted_fragile.py").write_text(FRAGILE)
    info = folder / "gantool_fragile-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gantool-fragile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gantool]\nfragile = planted_fragile\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
        patch.setenv("OMP_NUM_THREADS", "1")
        # Workers of Ray are nice to others; here, others wait for them.
        patch.setenv("RAY_worker_niceness", "0")
        yield folder
    sys.modules.pop("planted_fragile", None)


@pytest.fixture
def fragile(plugin: Path, tmp_path: Path) -> Fragile:
    folder = tmp_path / "told"
    folder.mkdir()
    network = gantool.build("generator", "fragile:net", channels=1, folder=str(folder))
    return Fragile(gantool.save(network, tmp_path / "run"), folder)


def png(value: int, size: tuple[int, int] = (8, 12)) -> bytes:
    pixels = np.random.default_rng(value).integers(0, 200, size, np.uint8) if value < 255 else np.full(size, 255, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture
def image() -> Callable[..., bytes]:
    """Bytes of a grey PNG file, a different one for each number; 255 is white."""
    return png


@pytest.fixture
def write_shard() -> Callable[[Path, dict[str, bytes]], None]:
    def write(path: Path, members: dict[str, bytes]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    return write


@pytest.fixture
def shards(tmp_path: Path, write_shard: Callable[[Path, dict[str, bytes]], None]) -> Path:
    """Four shards of six images of two sizes with labels; one image is truncated, one empty."""
    for part in range(4):
        members: dict[str, bytes] = {}
        for number in range(6):
            data = png(10 * part + number, (8, 12) if number % 2 else (10, 9))
            damaged = {(1, 2): data[: len(data) // 2], (2, 3): b""}.get((part, number), data)
            members |= {f"{part}{number}.png": damaged, f"{part}{number}.json": b'{"n": %d}' % number}
        write_shard(tmp_path / f"shards/s-{part}.tar", members)
    (tmp_path / "shards/classes.txt").write_text("eye")
    return tmp_path / "shards"


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Names and contents of all files of a folder, hidden ones too."""
    return lambda root: {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
