"""Writes small files as well-known data sets have them: the layout and the names; the pixels are noise and bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from simulators import H, W, colours, depth16, ids, photo, save


def palette(root: Path, name: str, values: tuple[int, ...]) -> None:
    image = Image.fromarray(ids(values)).convert("P")
    image.putpalette([part for index in range(256) for part in (index, 128, 255 - index)])
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    image.save(root / name)


def coco(root: Path, name: str, files: list[str], box: tuple[int, ...] = (2, 4, 6, 8)) -> None:
    images = [{"id": n, "file_name": file, "width": W, "height": H} for n, file in enumerate(files)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": box, "area": 48, "iscrowd": 0} for n in range(len(files))]
    save(root, name, {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "thing"}]})


def coco_writer(root: Path) -> None:
    """Replicator's CocoWriter: a random word in every name, colours of classes beside the pictures."""
    names = [f"Replicator/rgb_Camera_abcdefgh.{n:04}.png" for n in range(3)]
    for n, name in enumerate(names):
        save(root, name, photo(n, 4))
        save(root, name.replace("rgb_", "panoptic_"), colours(((0, 0, 0), (220, 20, 60), (0, 0, 142))))
    coco(root, "coco_annotations_abcdefgh.json", names)


def coco_panoptic(root: Path) -> None:
    for n in range(3):
        save(root, f"train2017/{n:012}.jpg", photo(n))
        save(root, f"annotations/panoptic_train2017/{n:012}.png", colours(((0, 0, 0), (1, 2, 3), (9, 8, 7))))
    coco(root, "annotations/instances_train2017.json", [f"{n:012}.jpg" for n in range(3)])


def synthia(root: Path) -> None:
    labels = np.zeros((H, W, 3), np.uint16)
    labels[..., 0], labels[..., 1] = ids((0, 3, 7)), ids((0, 500, 501), np.uint16)
    for n in range(3):
        save(root, f"RGB/{n:07}.png", photo(n))
        save(root, f"Depth/Depth/{n:07}.png", depth16(65535))
        save(root, f"GT/LABELS/{n:07}.png", labels)
        save(root, f"GT/COLOR/{n:07}.png", colours(((0, 0, 0), (128, 64, 128), (70, 70, 70))))


def gta5(root: Path) -> None:
    for n in range(3):
        save(root, f"images/{n:05}.png", photo(n))
        palette(root, f"labels/{n:05}.png", (0, 7, 11))


def unityeyes(root: Path) -> None:
    for n in (1, 2, 10):
        save(root, f"imgs/{n}.jpg", photo(n))
        points = {"interior_margin_2d": ["(4.0, 6.0, 9.3)", "(8.5, 10.0, 9.1)"], "iris_2d": ["(2, 4, 9)"], "caruncle_2d": []}
        save(root, f"imgs/{n}.json", {**points, "eye_details": {"look_vec": "(-0.2, -0.1, -1.0, 0.0)"}})


def voc(root: Path) -> None:
    box = "<bndbox><xmin>3</xmin><ymin>3</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    size = f"<size><width>{W}</width><height>{H}</height><depth>3</depth></size>"
    for n in range(3):
        name = f"2007_{n:06}"
        save(root, f"VOC2012/JPEGImages/{name}.jpg", photo(n))
        xml = f"<annotation><filename>{name}.jpg</filename>{size}<object><name>cat</name>{box}</object></annotation>"
        save(root, f"VOC2012/Annotations/{name}.xml", xml)
        palette(root, f"VOC2012/SegmentationClass/{name}.png", (0, 8, 255))
        palette(root, f"VOC2012/SegmentationObject/{name}.png", (0, 1, 255))


def yolo(root: Path) -> None:
    for split in ("train", "val"):
        for n in range(2):
            save(root, f"images/{split}/{n}.jpg", photo(n))
            save(root, f"labels/{split}/{n}.txt", "0 0.5 0.5 0.25 0.25\n")
            save(root, f"masks/{split}/{n}.png", ids((0, 255)))
    save(root, "data.yaml", "train: images/train\nval: images/val\nnames: [thing]\n")


def nuclei(root: Path) -> None:
    """A folder per picture, with a mask per object in it."""
    for n in range(3):
        save(root, f"stage1_train/{n:04x}/images/{n:04x}.png", photo(n))
        for m in range(2):
            save(root, f"stage1_train/{n:04x}/masks/{n:04x}{m}.png", ids((0, 255)[:: m * 2 - 1]))


def vistas(root: Path) -> None:
    """Labels in a folder more than pictures."""
    for n in range(3):
        save(root, f"training/images/k{n}x.jpg", photo(n))
        save(root, f"training/v2.0/labels/k{n}x.png", ids((0, 1, 2)))
        save(root, f"training/v2.0/instances/k{n}x.png", ids((0, 257, 515), np.uint16))
