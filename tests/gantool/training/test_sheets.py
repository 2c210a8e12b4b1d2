from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from gantool.training.sheets import to_bytes, write_sheet

HEADER, GAP = 14, 4
COLUMNS = ("synthetic", "refined", "difference", "real")


def read(path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


def cells(sheet: np.ndarray, height: int, width: int, rows: int, groups: int):
    """The pixels of every cell, by (group, row, column), as the layout says."""
    block = len(COLUMNS) * (width + GAP) + 2 * GAP
    for group in range(groups):
        for row in range(rows):
            for column in range(len(COLUMNS)):
                top, left = HEADER + row * (height + GAP), GAP + group * block + column * (width + GAP)
                yield (group, row, column), sheet[top : top + height, left : left + width]


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_every_cell_shows_its_image(tmp_path, channels):
    shape = (3, channels, 130, 140)  # too large to be enlarged
    synthetic, refined, real = (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1 for seed in range(3))
    write_sheet(tmp_path / "a.png", synthetic, refined, real, groups=2)
    sheet = read(tmp_path / "a.png")
    assert sheet.shape == (HEADER + 2 * (130 + GAP) + GAP, 2 * (4 * (140 + GAP) + 2 * GAP), 3)
    columns = [to_bytes(images) for images in (synthetic, refined, (refined - synthetic) / 2, real)]
    shown = 0
    for (group, row, column), cell in cells(sheet, 130, 140, rows=2, groups=2):
        number = group * 2 + row
        if number < 3:
            assert np.array_equal(cell, columns[column][number])
            shown += 1
        else:
            assert (cell == 255).all()
    assert shown == 12


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_values_are_shown_as_they_are(channels):
    values = torch.tensor([-1.0, 0.0, 1.0, -3.0, 3.0, 1 / 255]).reshape(1, 1, 2, 3).expand(1, channels, 2, 3)
    found = to_bytes(values.to(memory_format=torch.channels_last))
    assert found.dtype == np.uint8
    assert found.shape == (1, 2, 3, 3)
    assert found[0, ..., 0].flatten().tolist() == [0, 128, 255, 0, 255, 128]


def test_colours_keep_their_order_and_more_channels_show_the_first():
    rgb = torch.tensor([1.0, 0.0, -1.0]).reshape(1, 3, 1, 1)
    assert to_bytes(rgb).flatten().tolist() == [255, 128, 0]
    assert to_bytes(torch.cat([rgb, rgb[:, :1]], dim=1)).flatten().tolist() == [255, 255, 255]
    assert to_bytes(rgb.bfloat16()).flatten().tolist() == [255, 128, 0]


def test_no_change_is_mid_grey(tmp_path):
    images = torch.full((1, 1, 130, 130), 0.5)
    write_sheet(tmp_path / "a.png", images, images, images)
    difference = dict(cells(read(tmp_path / "a.png"), 130, 130, rows=1, groups=1))[0, 0, 2]
    assert (difference == 128).all()


def test_small_images_are_enlarged_by_whole_factors_and_few_need_no_more_room(tmp_path):
    image = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).reshape(1, 1, 2, 2)
    write_sheet(tmp_path / "a.png", image, image, image)
    sheet = read(tmp_path / "a.png")
    found = dict(cells(sheet, 128, 128, rows=1, groups=1))[0, 0, 0]
    assert sheet.shape == (HEADER + 128 + 2 * GAP, 4 * (128 + GAP) + 2 * GAP, 3)
    assert (found[:64, :64] == 0).all()
    assert (found[:64, 64:] == 255).all()


def test_every_group_has_a_header(tmp_path):
    images = torch.full((2, 1, 130, 130), -1.0)
    write_sheet(tmp_path / "a.png", images, images, images)
    header = read(tmp_path / "a.png")[:HEADER]
    block = 4 * (130 + GAP) + 2 * GAP
    for group in range(2):
        for column in range(4):
            left = GAP + group * block + column * (130 + GAP)
            assert (header[:, left : left + 130] < 128).any()


def test_a_sheet_replaces_the_old_one_whole(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    images = torch.zeros(1, 1, 4, 4)
    write_sheet(tmp_path / "a.png", images, images, images)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert read(tmp_path / "a.png").size
