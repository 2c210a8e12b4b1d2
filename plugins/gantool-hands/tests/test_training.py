"""Runs through the host: two steps on each data set, and an evaluation with the hourglass."""

import numpy as np
import pytest
import torch
from published import write_split

import gantool

NARROW = {
    "generator.width": 4,
    "generator.blocks": 1,
    "discriminator.width_factor": 0.1,
    "recipe.refiner_warmup": 0,
    "recipe.discriminator_warmup": 1,
}


def test_trains_on_published_files_at_the_networks_for_hands(gantool_host, tmp_path):
    write_split(tmp_path / "train", frames=4)
    host = gantool_host("hands", "simgan")
    options = NARROW | {"dataset.root": str(tmp_path), "generator.kernel": 7, "buffer.size": 4}
    run = host.train("simgan", steps=2, preset="hands", dataset="hands:nyu", size=(48, 48), options=options)
    source = gantool.build("dataset", "hands:nyu", root=str(tmp_path), size=(48, 48)).source
    images = torch.from_numpy(np.stack([source[index] for index in range(4)]) / np.float32(32767.5) - 1).permute(0, 3, 1, 2)
    with torch.inference_mode():
        refined = gantool.load(run)(images)
    assert refined.shape == (4, 1, 48, 48)
    assert refined.abs().max() <= 1


def test_trains_on_simulated_hands_and_is_judged_by_an_hourglass(gantool_host):
    host = gantool_host("hands", "simgan")
    data = {"dataset.synthetic_count": 64, "dataset.real_count": 16}
    run = host.train("simgan", steps=2, dataset="hands:simulated", size=(32, 32), options=NARROW | data)
    result = gantool.evaluate(
        run,
        estimators=("hands:hourglass",),
        arms=("synthetic", "refined"),
        repeats=1,
        limit=64,
        within_px=2.0,
        evidence=False,
        options={"estimator.steps": 10, "estimator.features": 4, "estimator.resolution": 16, "estimator.depth": 1},
    )
    assert result["data"]["labels"] == "joints_xy"
    assert result["data"]["task"] == "keypoints"
    extra = result["downstream"]["refined"]["extra"]
    assert set(extra) == {"pck@0.05w", "pck@2px", "offset removed"}
    # 2 px is more than 5 % of 32 px
    assert 0 <= extra["pck@0.05w"] <= extra["pck@2px"] <= 1

    with pytest.raises(gantool.GantoolError, match="hourglass finds key points"):
        gantool.evaluate(
            run,
            estimators=("hands:hourglass",),
            arms=("synthetic", "refined"),
            labels="joints_depth_mm",
            task="regression",
            limit=64,
            evidence=False,
        )
