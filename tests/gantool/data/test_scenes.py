from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from gantool.data.opening import open_images
from gantool.data.scenes import scene_columns
from gantool.errors import GantoolError

SIZE = (40, 60)
BOX = (10.0, 5.0, 30.0, 25.0)
"""Edges of the one object in every picture."""


def pictures(folder, count=2, *, under="images"):
    (folder / under).mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (count, *SIZE, 3), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / under / f"{number}.png")


def coco(folder):
    pictures(folder)
    images = [{"id": 7 + n, "file_name": f"{n}.png", "height": 40, "width": 60} for n in range(2)]
    objects = [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 20], "iscrowd": 1}]
    data = {"images": images, "categories": [{"id": 3, "name": "cell"}], "annotations": objects}
    (folder / "annotations.json").write_text(json.dumps(data))


def yolo(folder):
    pictures(folder)
    (folder / "data.yaml").write_text("train: images\nnames: [cell]\n")
    (folder / "labels").mkdir()
    (folder / "labels" / "0.txt").write_text(f"0 {20 / 60} {15 / 40} {20 / 60} {20 / 40}\n")


def voc(folder):
    pictures(folder)
    for number, objects in enumerate(("<object><name>cell</name><difficult>1</difficult><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>25</ymax></bndbox></object>", "")):  # fmt: skip
        text = f"<annotation><filename>{number}.png</filename>{objects}</annotation>"
        (folder / "images" / f"{number}.xml").write_text(text)


def cvat(folder):
    pictures(folder)
    box = '<box label="cell" xtl="10" ytl="5" xbr="30" ybr="25"/>'
    text = f'<annotations><image name="0.png" height="40" width="60">{box}</image><image name="1.png" height="40" width="60"/></annotations>'
    (folder / "annotations.xml").write_text(text)


def labelme(folder):
    pictures(folder)
    for number in range(2):
        shape = {"label": "cell", "shape_type": "polygon", "points": [[10, 5], [30, 5], [30, 25], [10, 25]]}
        data = {"imagePath": f"{number}.png", "imageHeight": 40, "imageWidth": 60, "shapes": [shape][: 1 - number]}
        (folder / "images" / f"{number}.json").write_text(json.dumps(data))


@pytest.mark.parametrize("write", [coco, yolo, voc, cvat, labelme])
def test_objects_of_every_format_are_edges_in_pixels(tmp_path, write):
    write(tmp_path)
    column = scene_columns(open_images(tmp_path))["objects"]
    first, second = column[[0, 1]]
    assert column.names == ("cell",)
    assert column.kind == ("outlines" if write is labelme else "objects")
    assert first.objects[0].name == "cell"
    assert first.objects[0].box == pytest.approx(BOX)
    assert first.objects[0].crowd is (write in (coco, voc))
    assert second.objects == ()


def test_an_image_that_no_annotation_lists_is_named(tmp_path):
    coco(tmp_path)
    Image.open(tmp_path / "images" / "0.png").rotate(90).save(tmp_path / "images" / "2.png")
    column = scene_columns(open_images(tmp_path))["objects"]
    assert "1 of 3 images have no labels, such as images/2.png" in column.problem


def test_damaged_annotations_are_one_line(tmp_path):
    yolo(tmp_path)
    (tmp_path / "labels" / "0.txt").write_text("0 a b c d\n")
    with pytest.raises(GantoolError, match="YOLO annotations are damaged"):
        scene_columns(open_images(tmp_path))


def test_folders_of_masks_are_maps_of_classes(tmp_path):
    pictures(tmp_path)
    (tmp_path / "masks").mkdir()
    for number in range(2):
        ids = np.zeros(SIZE, np.uint8)
        ids[5:25, 10:30] = 3 + number
        Image.fromarray(ids).save(tmp_path / "masks" / f"{number}.png")
    found = {name: column for name, column in scene_columns(open_images(tmp_path)).items() if column.kind == "classes"}
    (column,) = found.values()
    assert column.names == ("0", "3", "4")
    assert [np.unique(ids).tolist() for ids in column[[0, 1]]] == [[0, 1], [0, 2]]
    assert column[[1]][0][10, 20] == 2


def test_annotations_that_cannot_be_right_are_named_beside_what_is_read(tmp_path):
    coco(tmp_path)
    assert scene_columns(open_images(tmp_path))["objects"].doubt() == ""
    path = tmp_path / "annotations.json"
    data = json.loads(path.read_text())
    data["annotations"].append({"id": 2, "image_id": 8, "category_id": 3, "bbox": [10, 5, -5, 20], "iscrowd": 0})
    path.write_text(json.dumps(data))
    doubt = scene_columns(open_images(tmp_path))["objects"].doubt()
    assert doubt.startswith(f"{tmp_path}: 1 annotation may be wrong, such as annotations.json: ")
    assert "-5 x 20" in doubt
