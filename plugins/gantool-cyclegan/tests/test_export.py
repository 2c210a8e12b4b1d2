"""The generator in files for other programs, at sizes that do not halve evenly: `export` compares each with torch."""

import pytest
import torch

import gantool

OPTIONS = {"width": 4, "blocks": 1, "downsamplings": 2}


@pytest.mark.parametrize("name", ["refiner.onnx", "refiner.pt2"])
def test_export(tmp_path, name):
    if name.endswith("onnx"):
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    network = gantool.build("generator", "cyclegan:resnet", channels=1, **OPTIONS)
    run = gantool.save(network, tmp_path / "run")
    report = gantool.export(run, tmp_path / name)
    sizes = {check.shape[2:] for check in report.checks}
    assert any(height % 4 and width % 4 for height, width in sizes)
    assert any(height % 4 == 0 and width % 4 == 0 for height, width in sizes)
