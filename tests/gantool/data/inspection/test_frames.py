"""What `inspect` says and shows of frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import simulators as made
from PIL import Image

from gantool.cli.main import run
from gantool.data.domains import Reading
from gantool.data.inspection.review import review
from gantool.data.inspection.sheet import write_sheet
from gantool.data.inspection.survey import survey
from gantool.data.opening import open_images


def findings(root: Path) -> list[str]:
    return [finding.text for finding in review(survey(open_images(root)))]


@pytest.mark.parametrize(
    ("write", "sentinel"),
    [(made.kubric, "1e+10"), (made.bop, "65535"), (made.dope, "-3.4e+38"), (made.vkitti2, "65535"), (made.file_output, "1e+10")],
)
def test_sentinels_of_passes_are_named(write, sentinel: str, tmp_path: Path):
    write(tmp_path)
    assert any(text.startswith("depth: ") and f" are {sentinel}: " in text for text in findings(tmp_path)), findings(tmp_path)


def test_nan_in_a_pass_is_named(tmp_path: Path):
    for n in range(2):
        made.save(tmp_path, f"rgb_{n}.png", made.photo(n))
        made.save(tmp_path, f"depth_{n}.npy", np.where(made.ids((0, 1)) > 0, np.nan, 2.0).astype(np.float32))
    assert any("50.0% of its pixels are nan: a sentinel" in text for text in findings(tmp_path))


def test_passes_and_labels_are_counted(tmp_path: Path):
    made.bop(tmp_path)
    found = survey(open_images(tmp_path)).frames
    assert found is not None
    (depth,) = found.passes
    assert (depth.name, depth.kind, depth.unit, depth.frames) == ("depth", "depth", "mm", 3)
    assert 100 <= depth.low < depth.high <= 2700
    assert found.labels["masks"] == ("masks", 3)


def test_masks_alone_are_no_duplicates(tmp_path: Path):
    for n in range(3):
        made.save(tmp_path, f"masks/{n}.png", made.ids())
        made.save(tmp_path, f"photos/{n}.png", made.photo())
    (finding,) = review(survey(open_images(tmp_path / "masks")))
    assert finding.topic == "ids"
    assert "remove" not in finding.advice
    assert [finding.topic for finding in review(survey(open_images(tmp_path / "photos")))] == ["duplicates"]


def test_a_set_of_depth_has_its_range_without_sentinels(tmp_path: Path):
    for n in range(3):
        made.save(tmp_path, f"{n}.tiff", np.where(made.ids((0, 1)) > 0, 1e10, 2.0 + n).astype(np.float32))
    found = survey(open_images(tmp_path))
    assert (found.low, found.high, found.sentinels) == (2.0, 4.0, {1e10: 0.5})
    assert "50.0% of the pixels are 1e+10: a sentinel, no measurement" in [finding.text for finding in review(found)]


def test_the_sheet_shows_pictures_passes_and_masks(tmp_path: Path):
    made.bop(tmp_path / "set")
    images = open_images(tmp_path / "set")
    write_sheet(tmp_path / "sheet.png", [("set", images, survey(images))])
    sheet = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    cells = [sheet[44 + 12 : 44 + 84, 4 + column * 100 : 100 + column * 100] for column in range(4)]
    assert (np.abs(cells[0] - (255, 200, 0)).sum(axis=2) == 0).any(), "boxes"
    assert all((cell != 255).any() for cell in cells[:3]), "picture, depth, masks"
    assert (cells[3] == 255).all()


def test_a_folder_without_pictures_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made.replicator(tmp_path / "set")
    made.save(tmp_path / "real", "a.png", made.photo())
    for file in (tmp_path / "set").glob("rgb_*"):
        file.unlink()
    assert run(["data", "inspect", str(tmp_path / "set")]) == 0
    printed = capsys.readouterr().out
    assert "none: there is no rgb_0000.png or the like" in printed
    assert "pass depth" in printed
    assert run(["data", "inspect", str(tmp_path / "set"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sets"][0]["frames"]["layout"] == "replicator"
    domains = ["--synthetic", str(tmp_path / "set"), "--real", str(tmp_path / "real")]
    assert run(["train", "--plugin", "simgan", *domains, "--output", str(tmp_path / "run")]) == 2
    assert "there is no rgb_0000.png or the like" in capsys.readouterr().err


def test_a_layout_is_printed_edited_and_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made.carla(tmp_path / "set")
    assert run(["data", "layout", str(tmp_path / "set")]) == 0
    text = capsys.readouterr().out
    assert 'files = "{at/}rgb/{sub/}{frame}.png"' in text
    (tmp_path / "my.toml").write_text(text.replace('layout = "carla"', 'layout = "mine"'))
    images = open_images(tmp_path / "set", Reading(layout=str(tmp_path / "my.toml")))
    assert images.told[0].startswith(f"{tmp_path / 'set'}: 3 frames (mine): pictures such as rgb/00000000.png")


def test_a_pass_of_another_size_than_its_picture_is_named(tmp_path: Path):
    for n in range(2):
        made.save(tmp_path, f"rgb/{n}.png", made.photo(n))
        made.save(tmp_path, f"masks/{n}.png", made.ids()[::2, ::2])
    (finding,) = review(survey(open_images(tmp_path)))
    assert finding.text == "classes: masks/0.png: it is 12x16, the picture 24x32"
    assert finding.advice == "both keep their sizes; --size scales them alike"


def test_the_sheet_shows_points_of_frames_without_passes(tmp_path: Path):
    (tmp_path / "my.toml").write_text(
        '[picture]\nfiles = "{frame:d}.png"\n[labels.eyes]\nfiles = "{frame:d}.json"\nkey = "at"\nkind = "keypoints"\npoint = "x y v"\n'
    )
    for n in range(2):
        made.save(tmp_path, f"set/{n}.png", np.zeros((24, 32, 3), np.uint8) + 9 * n)
        made.save(tmp_path, f"set/{n}.json", {"at": [16, 6, 2, 30, 20, 0]})
    images = open_images(tmp_path / "set", Reading(layout=str(tmp_path / "my.toml")))
    write_sheet(tmp_path / "sheet.png", [("set", images, survey(images))])
    sheet = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    rows, columns = np.nonzero(np.abs(sheet[40:140, 4:100] - (0, 255, 255)).sum(axis=2) == 0)
    assert abs(columns.mean() - 48) < 1, "half the width"
    assert abs(rows.mean() - (12 + 18)) < 1, "a quarter of the height; what was not seen is not shown"
