"""YOLO, Pascal VOC, files per image and tables."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gantool.data.geometry import resized

Put = Callable[..., None]
Problems = Callable[[], list[str]]

DATA_YAML = "path: .\ntrain: images\nnames:\n  0: eye\n  1: lid\n"


@pytest.fixture
def yolo(put: Put) -> Callable[..., None]:
    put("images/a b.png")
    put("images/sub/ü.png")

    def write(first: str = "0 0.5 0.5 1 1\n", second: str = "", config: str = DATA_YAML) -> None:
        put("data.yaml", config)
        put("labels/a b.txt", first)
        put("labels/sub/ü.txt", second)

    return write


def test_a_good_yolo_folder(yolo, problems: Problems, opened):
    yolo("0 0.5 0.5 1 1\n1 0.1 0.1 0.9 0.1 0.5 0.9\n1 0 0 1 0 1 1 0 1\n", "\n")
    assert problems() == []
    (found,) = opened().annotations
    assert (found.format, found.tally().objects, dict(found.tally().classes)) == ("YOLO", 3, {"eye": 1, "lid": 2})
    assert set(found.files) == {"data.yaml", "labels/a b.txt", "labels/sub/ü.txt"}
    assert found.tally().images == {"images/a b.png", "images/sub/ü.png"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 1.1 1", "line 1: reaches out of the image"),
        ("0 0.5 0.5 0 1", "line 1: the box has the size 0 x 1"),
        ("2 0.5 0.5 1 1", "line 1: class 2 has no name in data.yaml"),
        ("0 0.5 0.5 1", "line 1: 4 numbers are neither a box"),
        ("0 0.1 0.1 0.9 0.1 0.5 1.9", "line 1: reaches out of the image"),
        ("eye 0.5 0.5 1 1", "line 1: not a class number and coordinates"),
        ("0 nan 0.5 1 1", "line 1: reaches out of the image"),
    ],
)
def test_faults_in_yolo_lines(line: str, message: str, yolo, problems: Problems):
    yolo(line)
    assert [p for p in problems() if p.startswith(f"labels/a b.txt: {message}")]


def test_yolo_key_points(yolo, problems: Problems):
    pose = DATA_YAML + "kpt_shape: [2, 3]\n"
    yolo("0 0.5 0.5 1 1 0.2 0.2 2 9 9 0\n", config=pose)
    assert problems() == []
    yolo("0 0.5 0.5 1 1 0.2 0.2 2 9 9 1\n", config=pose)
    assert "reaches out" in problems()[0]
    yolo("0 0.5 0.5 1 1\n", config=pose)
    assert "5 numbers are neither" in problems()[0]


def test_faults_around_yolo(yolo, put: Put, problems: Problems, tmp_path: Path):
    yolo(config="train: images\nval: images/val\nnc: 3\nnames: [eye, lid]\n")
    put("labels/orphan.txt", "0 0.5 0.5 1 1")
    put("images/bare.png")
    assert [p.removeprefix(str(tmp_path / "set")) for p in problems()] == [
        "data.yaml: nc is 3, but there are 2 names",
        "data.yaml: val: images/val is not there",
        "labels/orphan.txt: there is no image for these labels",
        ": 1 of 3 images have no labels: images/bare.png",
    ]


VOC = """<?xml version="1.0" encoding="utf-8"?>
<annotation><folder>JPEGImages</folder><filename>{name}</filename><size><width>30</width><height>20</height><depth>1</depth></size>
<object><name>eye</name><bndbox><xmin>{xmin}</xmin><ymin>1</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object></annotation>
"""


def test_pascal_voc(put: Put, problems: Problems, opened):
    put("JPEGImages/a ü.png")
    put("Annotations/a ü.xml", VOC.format(name="a ü.png", xmin=1))
    assert problems() == []
    folder = opened()
    (found,) = folder.annotations
    assert (found.format, dict(found.tally().classes)) == ("Pascal VOC", {"eye": 1})
    data = (folder.root / found.files[0]).read_bytes()
    scaled = ET.fromstring(found.scaled(found.files[0], data, folder.size, partial(resized, size=(40, 15))))
    assert [scaled.findtext(f"size/{tag}") for tag in ("height", "width")] == ["40", "15"]
    assert [child.text for child in scaled.find("object/bndbox")] == ["1", "1", "15", "40"]
    assert scaled.findtext("filename") == "a ü.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (VOC.format(name="a.png", xmin=33), "object 1 (eye): its box has no size"),
        (VOC.format(name="a.png", xmin=-5), "object 1 (eye): its box reaches out of the image of 20x30"),
        (VOC.format(name="a.png", xmin="x"), "object 1 (eye): its box is not four numbers"),
        (VOC.format(name="a.png", xmin=1).replace("<width>30", "<width>31"), "the image is said to be 20x31, but is 20x30"),
        (VOC.format(name="a.png", xmin=1)[:-20], "unclosed token"),
        ("<!DOCTYPE annotation><annotation></annotation>", "declares a document type"),
    ],
)
def test_faults_in_voc(text: str, message: str, put: Put, problems: Problems):
    put("a.png")
    put("a.xml", text)
    assert any(p.startswith("a.xml: ") and message in p for p in problems()), problems()


def test_voc_without_its_image_or_twice(put: Put, problems: Problems):
    put("a.png")
    put("gone.xml", VOC.format(name="gone.png", xmin=1))
    put("a.xml", VOC.format(name="a.png", xmin=1))
    put("b.xml", VOC.format(name="a.png", xmin=1))
    assert problems() == [
        "b.xml: image a.png is annotated more than once",
        "gone.xml: image gone.png is not there",
    ]


def test_files_per_image(put: Put, problems: Problems, opened, tmp_path: Path):
    put("a.png")
    put("a.json", {"gaze": [0.1, 0.2]})
    put("sub/b.png")
    put("sub/b.json", {"imageHeight": 20, "imageWidth": 30, "shapes": [{"points": [[1, 1], [31, 5]]}]})
    put("notes.txt", "not a label")
    assert problems() == []
    assert [(found.format, found.files) for found in opened().annotations] == [
        ("LabelMe", ("sub/b.json",)),
        ("JSON per image", ("a.json",)),
    ]
    put("a.json", "{")
    put("sub/b.json", {"imageHeight": 30, "shapes": [{"points": [[1, 1], [35, 5]]}, 3]})
    put("c.png")
    found = problems()
    assert found.pop(2).startswith("a.json: is no JSON")
    assert found == [
        "sub/b.json: the image is said to be 30x30, but is 20x30",
        "sub/b.json: shape 1 reaches out of the image of 20x30",
        f"{tmp_path / 'set'}: 1 of 3 images have no labels: c.png",
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables(suffix: str, put: Put, problems: Problems, opened, tmp_path: Path):
    put("images/a ü.png")
    put("images/b.png")
    rows: list[dict[str, Any]] = [
        {"id": 1, "filename": "a ü.png", "xmin": 0, "ymin": 0, "xmax": 30, "ymax": 20},
        {"id": 2, "filename": "b.png", "xmin": 0, "ymin": 0, "xmax": 40, "ymax": 20},
        {"id": 3, "filename": "gone.png", "xmin": 0, "ymin": 0, "xmax": 3, "ymax": 2},
    ]
    if suffix == "csv":
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        put("labels.csv", "﻿" + "\r\n".join(lines))
    else:
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "set" / "labels.parquet")
    (found,) = opened().annotations
    assert (found.format, found.tally().objects) == ("table", 3)
    assert problems() == [
        f"labels.{suffix}: row 2: its box reaches out of the image of 20x30",
        f"labels.{suffix}: row 3: image gone.png is not there",
    ]


def test_a_table_without_images_is_none(put: Put, opened):
    put("a.png")
    put("scores.csv", "name,score\nfirst,1\n")
    put("bad.parquet", "PAR1")
    put("empty.csv", "")
    assert opened().annotations == ()
