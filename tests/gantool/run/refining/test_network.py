from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gantool.errors import GantoolError
from gantool.run.refine import refine


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
