"""Images of a run on patches, which are of any size: crops of them are compared, at their own resolution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gantool
from gantool.evaluation.run_images import RunImages, draw

TINY = {
    **{"generator.width": 4, "generator.blocks": 1, "discriminator.width_factor": 0.05, "metric.samples": 16},
    **{"recipe.refiner_warmup": 0, "recipe.discriminator_warmup": 0},
}


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Path]:
    """Trains on pictures whose rows and columns rise: a pixel says where it was."""

    def train(**settings: Any) -> Path:
        for folder, size, seed in (("renders", (300, 40), 0), ("renders", (310, 44), 1), ("photos", (320, 48), 2)):
            rows, columns = np.mgrid[: size[0], : size[1]]
            pixels = np.stack([rows // 2, columns * 5, np.full(size, 40 * seed)], axis=2).astype(np.uint8)
            (tmp_path / folder).mkdir(exist_ok=True)
            for n in range(2):
                Image.fromarray(np.roll(pixels, n, axis=2)).save(tmp_path / folder / f"{seed}{n}.png")
        places = {"synthetic": tmp_path / "renders", "real": tmp_path / "photos", "output": tmp_path / "run"}
        return gantool.train(
            "simgan", **places, steps=1, batch_size=2, workers=0, log=("none",), device="cpu", options=TINY, **settings
        )

    return train


def test_a_run_on_patches_is_judged_on_crops_at_the_resolution_of_its_files(trained: Callable[..., Path], tmp_path: Path):
    images = RunImages(trained(patch=(12, 16)), device="cpu")
    assert (images.crops, images.size, images.trained) == (True, (256, 40), (12, 16))
    drawn = draw(images.synthetic, 4, seed=0)
    assert drawn.images.shape == (4, 3, 256, 40)
    again = draw(images.synthetic, 4, seed=0).images
    assert torch.equal(drawn.images, again)
    for image, name in zip(drawn.images, drawn.names, strict=True):
        whole = torch.from_numpy(np.asarray(Image.open(name)).astype(np.float32)).permute(2, 0, 1) / 127.5 - 1
        places = whole.unfold(1, 256, 1).unfold(2, 40, 1).flatten(1, 2).permute(1, 0, 2, 3)
        assert (places - image).abs().flatten(1).amax(dim=1).min() < 1e-5, "a crop of it, pixel for pixel"
    assert images.refine(drawn.images).shape == drawn.images.shape


def test_the_page_of_a_run_on_patches_says_so_and_shows_its_history(trained: Callable[..., Path]):
    pytest.importorskip("jinja2")
    from gantool.evaluation.report.write import write_report

    page = write_report(trained(patch=(12, 16)), images=4).path.read_text(encoding="utf-8")
    assert "Images are crops of 256 × 40 px (height × width), at the resolution of the files." in page
    assert "history.images" in page


def test_a_run_on_whole_images_is_judged_on_these(trained: Callable[..., Path]):
    images = RunImages(trained(size=(24, 32), patch=(12, 16)), device="cpu")
    assert (images.crops, images.size) == (False, (24, 32))
    assert draw(images.real, 2, seed=0).images.shape == (2, 3, 24, 32)
