from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gantool.errors import GantoolError
from gantool.model import tiling
from gantool.refining.refine import refine


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (torch.nn.AvgPool2d(2), "it must keep the shape"),
        (torch.nn.Threshold(9, float("nan")), "not finite: try another --checkpoint"),
    ],
)
def test_a_network_that_breaks_its_contract_is_named(trained, folder: Path, tmp_path: Path, network, message: str):
    trained(network)
    with pytest.raises(GantoolError, match=message):
        refine("run", input=folder, output=tmp_path / "out")


def test_what_one_backend_began_another_finishes(trained, added, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch, "compile", lambda module, **_: module)
    trained(added(0.1))
    assert refine("run", input=folder, output=tmp_path / "out", backend="torch").backend == "torch"
    (tmp_path / "out/a.png").unlink()
    report = refine("run", input=folder, output=tmp_path / "out", backend="compile")
    assert (report.backend, report.refined, report.skipped) == ("compile", 1, 1)


def test_a_large_single_image_that_does_not_fit_is_told_to_use_tiles(trained, folder: Path, tmp_path: Path):
    class Hungry(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError

    trained(Hungry())
    with pytest.raises(GantoolError, match="1 image does not fit .* lower --tile, which is 1024"):
        refine("run", input=folder, output=tmp_path / "out", batch_size=1)
    with pytest.raises(GantoolError, match="2 images do not fit .* lower --batch-size"):
        refine("run", input=folder, output=tmp_path / "out")


class Blurred(torch.nn.Module):
    """Looks at its surroundings, or, normalised, at the whole image; remembers the sizes that it saw."""

    def __init__(self, *, normalised: bool = False) -> None:
        super().__init__()
        self.blur = torch.nn.Conv2d(1, 1, 5, padding=2)
        self.norm = torch.nn.InstanceNorm2d(1) if normalised else torch.nn.Identity()
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(tuple(images.shape[2:]))
        return self.norm(self.blur(images))


@pytest.fixture
def picture(tmp_path: Path, save, pixels) -> Path:
    save(tmp_path / "in/a.png", pixels((90, 120)))
    return tmp_path


def test_refining_a_file_in_tiles_and_whole(picture: Path, trained, load) -> None:
    network = trained(Blurred(), 1)
    refine("run", input=picture / "in", output=picture / "whole", tile=0)
    assert network.sizes == [(90, 120)]
    network.sizes.clear()
    refine("run", input=picture / "in", output=picture / "tiled", tile=48, tile_overlap=11)
    assert max(height * width for height, width in network.sizes) <= 48 * 48
    assert np.array_equal(load(picture / "whole/a.png"), load(picture / "tiled/a.png"))


def test_large_images_are_tiled_unless_that_would_show(picture: Path, trained, monkeypatch) -> None:
    monkeypatch.setattr(tiling, "LARGE", 100 * 100)
    torch.manual_seed(0)
    notices: list[str] = []
    trained(Blurred(normalised=True), 1)
    refine("run", input=picture / "in", output=picture / "out", watcher=_Notices(notices))
    assert [text.partition(":")[0] for text in notices] == ["large images are computed whole, which takes memory"]
    with pytest.raises(GantoolError, match="pass --tile-overlap to tile all the same"):
        refine("run", input=picture / "in", output=picture / "forced", tile=64)
    refine("run", input=picture / "in", output=picture / "forced", tile=64, tile_overlap=8)


class _Notices:
    def __init__(self, texts: list[str]) -> None:
        self.notice = texts.append

    def start(self, total: int, done: int) -> None: ...

    def advance(self) -> None: ...
