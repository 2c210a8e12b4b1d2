"""What is compared is what `gantool refine` writes: with the passes that the run saw."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from framed import conditioned_run, write_frames

import gantool
from gantool.data.domains import Preprocess
from gantool.data.opening import open_images
from gantool.evaluation.reading import read
from gantool.evaluation.run_images import known_of, refine_held
from gantool.model.bundle import open_bundle
from gantool.refining.network import Network


def test_images_are_refined_with_their_passes(tmp_path: Path):
    frames = write_frames(tmp_path / "frames", count=4)
    bundle = open_bundle(conditioned_run(tmp_path / "run", frames, ("depth", "instances")))
    domain, preprocess = open_images(frames), Preprocess(channels=3)
    images = read(domain, np.array([1, 3]), preprocess, (40, 48, 3))
    network = Network(bundle, "cpu")
    known = known_of(bundle, domain, images, preprocess)
    refined = refine_held(network, images.pixels, known)
    gantool.refine(tmp_path / "run", input=frames, output=tmp_path / "out", backend="torch")
    written = [cv2.imread(str(tmp_path / "out" / "rgb" / f"000{number}.png")) for number in (1, 3)]
    for ours, theirs in zip(refined, written, strict=True):
        assert np.abs(ours.astype(int) - theirs[..., ::-1].astype(int)).max() <= 1  # type: ignore[index]
    without = refine_held(network, images.pixels)
    assert np.abs(without[0].astype(int) - refined[0].astype(int)).mean() > 2
    assert known_of(bundle, open_images(frames / "rgb"), images, preprocess) is None
