"""`refine` with a network that gantool saved; the details are tested under `refining/`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gantool
from gantool.errors import GantoolError


def test_a_saved_network_refines_as_it_does_from_python(tmp_path: Path):
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", channels=3, width=4, blocks=1).eval()
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


def test_a_checkpoint_goes_on_refining_after_the_run_went_on(tiny, train, folder: Path, tmp_path: Path):
    settings = {"checkpoint_every": 4, "keep": 9}
    run = train(tiny(steps=5, **settings), tmp_path / "run")
    words = {"checkpoint": 12, "input": folder, "output": tmp_path / "out", "device": "cpu", "backend": "torch"}
    assert gantool.refine(run, **words).refined == 2
    before = (tmp_path / "out/a.png").read_bytes()
    (tmp_path / "out/a.png").unlink()
    train(tiny(steps=9, **settings), run)
    assert gantool.load(run) is not None
    report = gantool.refine(run, **words)
    assert (report.refined, report.skipped) == (1, 1)
    assert (tmp_path / "out/a.png").read_bytes() == before
    with pytest.raises(GantoolError, match="was written by run .* with other weights, or by an earlier gantool"):
        gantool.refine(run, **words | {"checkpoint": "last"})
