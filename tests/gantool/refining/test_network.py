from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gantool.errors import GantoolError
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
