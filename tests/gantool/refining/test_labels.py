"""Annotations on their way through `refine`: equal after it, wherever they are equal before."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.domains import Preprocess
from gantool.refining.labels import InvalidAnnotations
from gantool.refining.places import RECORD
from gantool.refining.refine import refine

VOC = "<annotation><filename>v.png</filename><object><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>12</xmax><ymax>8</ymax></bndbox></object></annotation>"
COCO = {
    "images": [{"id": 1, "file_name": "a b.png", "height": 8, "width": 12}, {"id": 2, "file_name": "sub/ü.png"}],
    "annotations": [{"id": 1, "image_id": 1, "bbox": [0, 2, 12, 6]}],
}


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 12), 100, np.uint8)).save(path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """All kinds of annotations beside each other."""
    root = tmp_path / "in ü"
    for name in ("coco/a b.png", "coco/sub/ü.png", "yolo/images/y.png", "voc/v.png", "own/j.png", "own/t.png"):
        picture(root / name)
    (root / "coco/all.json").write_text(json.dumps(COCO, indent=1))
    (root / "yolo/labels").mkdir()
    (root / "yolo/labels/y.txt").write_text("0 0.5 0.5 1 1\n")
    (root / "yolo/data.yaml").write_text(f"path: {root}/yolo  # here\ntrain: images\nnames: [eye]\n", encoding="utf-8")
    (root / "voc/v.xml").write_text(VOC)
    (root / "own/j.json").write_text('{"gaze": [0.1, -0.2]}\n')
    (root / "own/table.csv").write_text(f"image,x\n{root}/own/t.png,3\nj.png,4\n", encoding="utf-8")
    (root / "readme.md").write_text(f"These are in {root}/own.\n", encoding="utf-8")
    return root


@pytest.fixture
def grey(trained: Callable[..., Any], added: type) -> None:
    trained(added(0.1), channels=1)


@pytest.mark.usefixtures("grey")
def test_files_come_out_byte_for_byte_but_for_absolute_paths(dataset: Path, tmp_path: Path):
    out = tmp_path / "out é"
    report = refine("run", input=dataset, output=out, validate=True)
    assert (report.refined, report.copied, report.failed) == (6, 7, ())
    for name in ("coco/all.json", "yolo/labels/y.txt", "voc/v.xml", "own/j.json", "readme.md"):
        assert (out / name).read_bytes() == (dataset / name).read_bytes(), name
    assert (out / "yolo/data.yaml").read_text("utf-8") == f"path: {out}/yolo  # here\ntrain: images\nnames: [eye]\n"
    assert (out / "own/table.csv").read_text("utf-8") == f"image,x\n{out}/own/t.png,3\nj.png,4\n"
    again = refine("run", input=out, output=tmp_path / "twice", validate=True)
    assert again.refined == 6, "the output is itself a valid set"


@pytest.mark.usefixtures("grey")
def test_a_record_says_which_refiner_made_each_image(dataset: Path, tmp_path: Path):
    (dataset / "own/bad.png").write_bytes(b"")
    refine("run", input=dataset, output=tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / RECORD).read_text("utf-8").splitlines()]
    assert {line["image"] for line in lines} == {
        "coco/a b.png", "coco/sub/ü.png", "yolo/images/y.png", "voc/v.png", "own/j.png", "own/t.png"
    }  # fmt: skip
    assert {(line["run"], line["digest"]) for line in lines} == {("run-1", "digest-1")}


@pytest.mark.usefixtures("grey")
def test_annotations_follow_the_size(dataset: Path, tmp_path: Path):
    report = refine("run", input=dataset, output=tmp_path / "out", size="16x6")
    coco = json.loads((tmp_path / "out/coco/all.json").read_text())
    assert coco["images"][0] == {"id": 1, "file_name": "a b.png", "height": 16, "width": 6}
    assert coco["annotations"][0]["bbox"] == [0, 4, 6, 12]
    box = ET.parse(tmp_path / "out/voc/v.xml").find("object/bndbox")
    assert [corner.text for corner in box] == ["1", "1", "6", "16"]
    assert (tmp_path / "out/yolo/labels/y.txt").read_text() == "0 0.5 0.5 1 1\n"
    assert any("labels in pixels no longer fit" in notice for notice in report.notices), "JSON and tables of one's own"
    refine("run", input=tmp_path / "out", output=tmp_path / "twice", validate=True)


@pytest.mark.usefixtures("grey")
def test_sizes_that_all_annotations_follow_need_no_notice(dataset: Path, tmp_path: Path):
    assert refine("run", input=dataset / "voc", output=tmp_path / "out", size="16x6").notices == ()


@pytest.mark.usefixtures("grey")
def test_what_cannot_be_scaled_is_reported_and_stops_nothing(dataset: Path, tmp_path: Path):
    broken = {**COCO, "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 2]}]}
    (dataset / "coco/all.json").write_text(json.dumps(broken))
    report = refine("run", input=dataset, output=tmp_path / "out", size="16x6")
    assert [failed.name for failed in report.failed] == ["coco/all.json"]
    assert report.refined == 6


def test_annotations_follow_a_crop(dataset: Path, tmp_path: Path, trained, added):
    trained(added(), channels=1, preprocess=Preprocess(size=(6, 6), fit="crop"))
    refine("run", input=dataset, output=tmp_path / "out", size="6x6")
    image = json.loads((tmp_path / "out/coco/all.json").read_text())["images"][0]
    assert (image["height"], image["width"]) == (6, 6)
    refine("run", input=tmp_path / "out", output=tmp_path / "twice", validate=True)


@pytest.mark.usefixtures("grey")
def test_validate_stops_before_anything_is_written(dataset: Path, tmp_path: Path):
    (dataset / "yolo/labels/y.txt").write_text("0 0.5 0.5 2 1\n")
    (dataset / "voc/v.png").unlink()
    with pytest.raises(InvalidAnnotations, match="do not fit: .* and 1 more; nothing was refined") as caught:
        refine("run", input=dataset, output=tmp_path / "out", validate=True)
    assert sorted(problem.file for problem in caught.value.problems) == ["voc/v.xml", "yolo/labels/y.txt"]
    assert not (tmp_path / "out").exists()
    assert refine("run", input=dataset, output=tmp_path / "out").refined == 5, "without it, they are carried as they are"
