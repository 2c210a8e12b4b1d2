"""`refine` with a network that gantool saved; the details are tested under `refining/`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

import gantool


def test_a_saved_network_refines_as_it_does_from_python(tmp_path: Path):
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", in_channels=3, out_channels=3, width=4, blocks=1).eval()
    gantool.save(network, tmp_path / "saved")
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(image).save(tmp_path / "in/a.png")
    report = gantool.refine(tmp_path / "saved", input=tmp_path / "in", output=tmp_path / "out", device="cpu")
    assert report.refined == 1
    with torch.no_grad():
        refined = network(torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1)
    expected = ((refined[0].permute(1, 2, 0) + 1) * 127.5).clamp(0, 255).numpy()
    assert np.abs(np.asarray(Image.open(tmp_path / "out/a.png")) - expected).max() <= 0.51
    again = gantool.refine(tmp_path / "saved", input=tmp_path / "in", output=tmp_path / "out", device="cpu")
    assert (again.refined, again.skipped) == (0, 1), "the digest of the same weights is the same"
