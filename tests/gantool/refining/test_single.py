"""One image file by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gantool
from gantool import GantoolError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    torch.manual_seed(0)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    return Path(gantool.save(network, tmp_path / "saved"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "a.png"
    path.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30), np.uint8)).save(path)
    return path


def test_one_image_is_refined_as_it_is_in_a_folder(run, image, tmp_path):
    gantool.refine(run, input=image.parent, output=tmp_path / "folder")
    expected = (tmp_path / "folder" / "a.png").read_bytes()
    assert expected != image.read_bytes()
    assert gantool.refine(run, input=image, output=tmp_path / "b.png").refined == 1
    assert (tmp_path / "b.png").read_bytes() == expected
    (tmp_path / "into").mkdir()
    gantool.refine(run, input=image, output=tmp_path / "into", workers=1)
    assert (tmp_path / "into" / "a.png").read_bytes() == expected
    again = gantool.refine(run, input=image, output=tmp_path / "b.png")
    assert (again.refined, again.skipped) == (0, 1)


@pytest.mark.parametrize(
    ("input", "output", "message"),
    [
        ("in/a.png", "b.jpg", r"b\.jpg: a refined image stays what it is; name it \.png"),
        ("in/a.png", "in/a.png", "gantool never writes into its input"),
        ("in/none.png", "b.png", "none.png does not exist"),
        ("junk.png", "b.png", "junk.png: not an image, or damaged"),
        ("pages.webp", "b.webp", "it holds 2 pages or frames: split it into single images"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_no_image(run, image, tmp_path, monkeypatch, input, output, message):
    monkeypatch.chdir(tmp_path)
    Path("junk.png").write_bytes(b"junk")
    Image.open(image).save("pages.webp", save_all=True, append_images=[Image.new("L", (30, 20))], lossless=True)
    before = image.read_bytes()
    with pytest.raises(GantoolError, match=message) as error:
        gantool.refine(run, input=input, output=output)
    assert "\n" not in str(error.value)
    assert image.read_bytes() == before
    assert not Path(output).exists() or output == "in/a.png"


def test_one_image_is_not_trained_on(image, tmp_path):
    (tmp_path / "real").mkdir()
    with pytest.raises(GantoolError, match=r"a\.png is one image: give the folder that it is in"):
        gantool.train("simgan", synthetic=image, real=tmp_path / "real")
