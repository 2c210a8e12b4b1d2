"""What annotations say after images were resized or cropped: moved exactly, cut off at the border, gone where nothing is left."""

from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.annotations.rle import decode_counts
from gantool.data.geometry import cropped, resized

# Images are 20x30 (height, width); a crop of 10x10 out of the middle begins at (5, 10).
HALF, CROP = (10, 15), (10, 10)


@pytest.fixture
def fitted(put: Callable[..., None], opened: Callable[[], Any]) -> Callable[..., Any]:
    """Writes an annotation file beside `a.png`, and returns it as it is for another size: XML parsed, JSON loaded, else text."""

    def fit(name: str, content: Any, size: tuple[int, int], *, crop: bool = False, unknown: tuple[str, ...] = ()) -> Any:
        put("a.png")
        put(name, content)
        folder = opened()
        owner = folder.owner(name)
        data = (folder.root / name).read_bytes()
        assert tuple(owner.unknown(name, data)) == unknown
        new = owner.scaled(name, data, folder.size, partial(cropped if crop else resized, size=size))
        return ET.fromstring(new) if name.endswith(".xml") else json.loads(new) if name.endswith(".json") else new.decode()

    return fit


def coco(*annotations: dict[str, Any]) -> dict[str, Any]:
    images = [{"id": 0, "file_name": "a.png", "height": 20, "width": 30}]
    filled = [{"id": n, "image_id": 0, "category_id": 1, **one} for n, one in enumerate(annotations, 1)]
    return {"images": images, "categories": [{"id": 1, "name": "eye"}], "annotations": filled}


def test_coco_cropped(fitted):
    mask = np.zeros((20, 30), np.uint8)
    mask[4:8, 8:12] = 1
    edges = np.flatnonzero(np.diff(mask.T.ravel(), prepend=0))
    runs = np.diff([0, *edges, mask.size]).tolist()
    new = fitted(
        "coco.json",
        coco(
            {
                "bbox": [8, 6, 8, 4],
                "area": 32,
                "segmentation": [[8, 6, 16, 6, 16, 10, 8, 10]],
                "keypoints": [12, 7, 2, 1, 1, 2],
                "num_keypoints": 2,
            },
            {"bbox": [0, 0, 5, 5], "area": 25},
            {"bbox": [8, 4, 4, 4], "area": 16, "segmentation": {"size": [20, 30], "counts": runs}},
        ),
        CROP,
        crop=True,
    )
    first, third = new["annotations"]
    assert (first["bbox"], first["area"]) == ([0, 1, 6, 4], 24)
    assert sorted(zip(first["segmentation"][0][::2], first["segmentation"][0][1::2], strict=True)) == [
        (0, 1),
        (0, 5),
        (6, 1),
        (6, 5),
    ]
    assert (first["keypoints"], first["num_keypoints"]) == ([2, 2, 2, 0, 0, 0], 1)
    assert (third["id"], third["area"], third["segmentation"]["size"]) == (3, 6, [10, 10])
    assert sum(decode_counts(third["segmentation"]["counts"])) == 100
    assert new["images"][0] == {"id": 0, "file_name": "a.png", "height": 10, "width": 10}


def test_coco_whole_body_and_panoptic_fields_follow_and_what_nobody_knows_is_named(fitted):
    one = {
        "bbox": [0, 0, 30, 20],
        "face_box": [10, 4, 6, 8],
        "lefthand_box": [0, 0, 0, 0],
        "face_kpts": [12, 8, 2.0],
        "face_valid": True,
        "centre": [15.0, 10.0],
        "angle": 0.3,
        "label": "x",
    }
    segments = {"segments_info": [{"id": 7, "category_id": 1, "area": 40, "bbox": [2, 4, 6, 8]}]}
    new = fitted("coco.json", coco(one, segments), HALF, unknown=("angle", "centre"))
    first, second = new["annotations"]
    assert (first["face_box"], first["lefthand_box"], first["face_kpts"]) == ([5, 2, 3, 4], [0, 0, 0, 0], [6, 4, 2])
    assert (first["centre"], first["angle"], first["face_valid"]) == ([15, 10], 0.3, True)
    assert second["segments_info"] == [{"id": 7, "category_id": 1, "area": 10, "bbox": [1, 2, 3, 4]}]


def test_coco_finds_a_picture_that_is_listed_with_another_suffix(put, problems):
    put("rgb/000000.png")
    images = [{"id": 0, "file_name": "rgb/000000.jpg", "height": 20, "width": 30}]
    put("scene_gt_coco.json", {"images": images, "annotations": [], "categories": []})
    assert problems() == []


VOC = """<annotation><filename>a.png</filename><size><width>30</width><height>20</height></size><object><name>eye</name>{}</object>
<object><name>lid</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></object></annotation>"""


@pytest.mark.parametrize(
    ("where", "half", "cropped"),
    [
        # Counted from 1: columns 9 to 16, rows 7 to 10.
        ("bndbox", {"xmin": 5, "ymin": 4, "xmax": 8, "ymax": 5}, {"xmin": 1, "ymin": 2, "xmax": 6, "ymax": 5}),
        ("polygon", {"x1": 4, "y1": 3, "x2": 8, "y2": 3, "x3": 8, "y3": 5}, {"x1": 0, "y1": 2}),
        ("robndbox", {"cx": 6, "cy": 4, "w": 3, "h": 2, "angle": 0.5}, {"cx": 2, "cy": 3, "w": 6, "h": 4, "angle": 0.5}),
        ("point", {"x": 6.5, "y": 4}, {"x": 3, "y": 3}),
    ],
)
def test_voc(where: str, half: dict[str, float], cropped: dict[str, float], fitted):
    stored = {
        "bndbox": {"xmin": 9, "ymin": 7, "xmax": 16, "ymax": 10},
        "polygon": {"x1": 8, "y1": 6, "x2": 16, "y2": 6, "x3": 16, "y3": 10},
        "robndbox": {"cx": 12, "cy": 8, "w": 6, "h": 4, "angle": 0.5},
        "point": {"x": 13, "y": 8},
    }[where]
    text = f"<{where}>" + "".join(f"<{tag}>{value}</{tag}>" for tag, value in stored.items()) + f"</{where}>"
    found = fitted("a.xml", VOC.format(text), HALF).find(f"object/{where}")
    assert {item.tag: float(item.text) for item in found} == half
    cut = fitted("a.xml", VOC.format(text), CROP, crop=True)
    seen = {item.tag: float(item.text) for item in cut.find(f"object/{where}")}
    assert {**seen, **cropped} == seen
    assert [item.findtext("name") for item in cut.iter("object")] == ["eye"]  # the lid is cut off
    assert (cut.findtext("size/width"), cut.findtext("size/height")) == ("10", "10")


def test_voc_rotated_boxes_keep_their_aspect_or_stop(fitted):
    text = "<robndbox><cx>12</cx><cy>8</cy><w>6</w><h>4</h><angle>0.5</angle></robndbox><distance>3.5</distance>"
    with pytest.raises(ValueError, match="a rotated box cannot be scaled by different factors"):
        fitted("a.xml", VOC.format(text), (10, 30), unknown=("distance",))


def test_yolo_cropped(put, opened):
    put("data.yaml", "path: .\ntrain: images\nnames: [eye, lid]\n")
    put("images/a.png")
    # x 8 to 16, y 6 to 10; a triangle; and one that is cut off.
    put("labels/a.txt", "0 0.4 0.4 0.2666666667 0.2\n1 0.4 0.3 0.6 0.3 0.6 0.7\n0 0.05 0.05 0.1 0.1\n")
    folder = opened()
    (yolo,) = folder.annotations
    data = (folder.root / "labels/a.txt").read_bytes()
    lines = yolo.scaled("labels/a.txt", data, folder.size, partial(cropped, size=CROP)).decode().splitlines()
    assert [float(word) for word in lines[0].split()] == pytest.approx([0, 0.3, 0.3, 0.6, 0.4])
    assert [float(word) for word in lines[1].split()] == pytest.approx([1, 0.2, 0.1, 0.8, 0.1, 0.8, 0.9])
    assert len(lines) == 2
    assert yolo.scaled("labels/a.txt", data, folder.size, partial(resized, size=HALF)) == data


CVAT = """<annotations><version>1.1</version><image id="0" name="a.png" width="30" height="20">
<box label="eye" xtl="8" ytl="6" xbr="16" ybr="10" occluded="0"><attribute name="age">7</attribute></box>
<polygon label="lid" points="8,6;16,6;16,10"/><points label="tip" points="12,7;1,1"/>
<ellipse label="iris" cx="14" cy="8" rx="4" ry="2"/>
<mask label="m" rle="0, 3, 1, 2" left="9" top="5" width="3" height="2"/><tag label="day"/></image></annotations>"""


def test_cvat_is_cvat_and_not_broken_voc(put, problems, opened, fitted):
    put("a.png")
    put("cvat.xml", CVAT)
    assert problems() == []
    (found,) = opened().annotations
    assert (found.format, found.tally().objects, found.tally().images) == ("CVAT", 6, {"a.png"})
    (image,) = fitted("cvat.xml", CVAT, HALF)[1:]
    assert image.attrib == {"id": "0", "name": "a.png", "width": "15", "height": "10"}
    assert image[0].attrib == {"label": "eye", "xtl": "4", "ytl": "3", "xbr": "8", "ybr": "5", "occluded": "0"}
    assert (image[1].get("points"), image[3].get("rx"), image[3].get("ry")) == ("4,3;8,3;8,5", "2", "1")
    assert [shape.tag for shape in image] == ["box", "polygon", "points", "ellipse", "mask", "tag"]


def test_cvat_cropped(fitted):
    (image,) = fitted("cvat.xml", CVAT, CROP, crop=True)[1:]
    assert {k: image[0].get(k) for k in ("xtl", "ytl", "xbr", "ybr")} == {"xtl": "0", "ytl": "1", "xbr": "6", "ybr": "5"}
    assert image[0].find("attribute").text == "7"
    assert image[2].get("points") == "2,2"
    # Columns 9 to 11 of rows 5 and 6 were set but for one pixel; column 9 is cut off.
    mask = image[4]
    assert (mask.get("left"), mask.get("top"), mask.get("width"), mask.get("height"), mask.get("rle")) == (
        "0",
        "0",
        "2",
        "2",
        "0, 4",
    )


def test_cvat_projects_keep_subsets_in_folders(put, problems):
    for subset in ("Train", "Test"):
        put(f"images/{subset}/img0.png")
    images = "".join(f'<image id="{s}" name="img0.png" subset="{s}" width="30" height="20"/>' for s in ("Train", "Test"))
    put("annotations.xml", f"<annotations>{images}</annotations>")
    assert problems() == []


def labelme(*shapes: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "5.5",
        "flags": {},
        "imagePath": "a.png",
        "imageData": "c3RhbGU=",
        "imageHeight": 20,
        "imageWidth": 30,
        "shapes": list(shapes),
    }


def test_labelme(fitted, problems):
    shapes = [
        {"label": "lid", "shape_type": "polygon", "points": [[8, 6], [16, 6], [16, 10]]},
        {"label": "eye", "shape_type": "rectangle", "points": [[16, 10], [8, 6]]},
        {"label": "tip", "shape_type": "point", "points": [[1, 1]]},
    ]
    new = fitted("a.json", labelme(*shapes), HALF)
    assert problems() == []
    assert [shape["points"] for shape in new["shapes"]] == [[[4, 3], [8, 3], [8, 5]], [[4, 3], [8, 5]], [[0.5, 0.5]]]
    # The copy of the picture would be stale.
    assert (new["imageData"], new["imageHeight"], new["imageWidth"]) == (None, 10, 15)
    cut = fitted("a.json", labelme(*shapes), CROP, crop=True)
    assert [sorted(map(tuple, shape["points"])) for shape in cut["shapes"]] == [
        [(0, 1), (0, 2), (6, 1), (6, 5)],
        [(0, 1), (6, 5)],
    ]


def test_labelme_masks_circles_and_unknown_numbers(fitted):
    file = io.BytesIO()
    Image.fromarray(np.array([[1, 1, 1], [1, 0, 1]], np.uint8)).save(file, "PNG")
    mask = {
        "label": "m",
        "shape_type": "mask",
        "points": [[9, 5], [11, 6]],
        "mask": base64.b64encode(file.getvalue()).decode(),
        "depth": 3,
    }
    new = fitted("a.json", labelme(mask), CROP, crop=True, unknown=("depth",))
    (shape,) = new["shapes"]
    assert shape["points"] == [[0, 0], [1, 1]]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).tolist() == [[1, 1], [0, 1]]
    circle = {"label": "c", "shape_type": "circle", "points": [[10, 10], [12, 10]]}
    assert fitted("a.json", labelme(circle), HALF)["shapes"][0]["points"] == [[5, 5], [6, 5]]
    with pytest.raises(ValueError, match="a circle cannot be scaled by different factors"):
        fitted("a.json", labelme(circle), (10, 30))


WEB = """<annotation><filename>a.png</filename><source><sourceImage>x</sourceImage></source>
<imagesize><nrows>20</nrows><ncols>30</ncols></imagesize><object><name>eye</name><deleted>0</deleted>
<polygon><pt><x>8</x><y>6</y></pt><pt><x>16</x><y>6</y></pt><pt><x>16</x><y>10</y></pt></polygon></object></annotation>"""


def test_labelme_of_the_web_is_not_broken_voc(put, problems, opened, fitted):
    put("a.png")
    put("a.xml", WEB)
    assert problems() == []
    (found,) = opened().annotations
    assert (found.format, dict(found.tally().classes)) == ("LabelMe web", {"eye": 1})
    new = fitted("a.xml", WEB, HALF)
    assert [(pt.findtext("x"), pt.findtext("y")) for pt in new.iter("pt")] == [("4", "3"), ("8", "3"), ("8", "5")]
    assert (new.findtext("imagesize/nrows"), new.findtext("imagesize/ncols")) == ("10", "15")
    put("a.xml", WEB.replace("<x>16</x>", "<x>99</x>"))
    assert problems() == ["a.xml: object 1 reaches out of the image of 20x30"]


@pytest.mark.parametrize(
    ("name", "content", "unknown"),
    [
        ("a.json", {"gaze": [0.1, 0.2], "name": "x"}, ("gaze",)),
        ("a.txt", "3 4", ("its numbers",)),
        ("labels.csv", "file_name,x,class\na.png,3,eye\n", ("x",)),
    ],
)
def test_numbers_that_nobody_knows_are_named(name: str, content: Any, unknown: tuple[str, ...], fitted, put, opened):
    put("a.png")
    put(name, content)
    folder = opened()
    data = (folder.root / name).read_bytes()
    assert tuple(folder.owner(name).unknown(name, data)) == unknown
    assert folder.owner(name).scaled(name, data, folder.size, partial(resized, size=HALF)) == data
