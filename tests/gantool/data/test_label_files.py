from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from gantool.data.label_files import with_labels
from gantool.data.opening import open_images
from gantool.errors import GantoolError
from gantool.evaluation.meaning import choose_labels
from gantool.evaluation.sources import read_labels


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    (root / "sub").mkdir(parents=True)
    for name in ("b.png", "a.png", "sub/c.png"):
        Image.fromarray(np.zeros((9, 13), np.uint8)).save(root / name)
    return root


def write_json(folder, **labels):
    for number, name in enumerate(("a", "b", "sub/c")):
        (folder / f"{name}.json").write_text(json.dumps({key: values[number] for key, values in labels.items()}))


def test_json_beside_each_image(folder):
    write_json(folder, gaze=[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], state=["open", "shut", "open"])
    images = with_labels(open_images(folder))
    assert images.files == ("a.png", "b.png", "sub/c.png")
    assert read_labels(images, "gaze").tolist() == [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]
    assert read_labels(images, "state").tolist() == ["open", "shut", "open"]


def test_a_table(folder):
    (folder / "labels.csv").write_text("\ufefffile,x,y,kind,number\nsub/c.png,5,6.5,c,3\na.png,1,2.5,a,1\nb.png,3,4.5,b,-2\n")
    images = with_labels(open_images(folder))
    assert list(images.labels) == ["x", "y", "kind", "number"]
    assert read_labels(images, "x,y").tolist() == [[1, 2.5], [3, 4.5], [5, 6.5]]
    assert read_labels(images, "kind").tolist() == ["a", "b", "c"]
    assert read_labels(images, "number").dtype == np.int64


def test_without_labels_there_are_none(folder):
    assert dict(with_labels(open_images(folder)).labels) == {}


def test_what_cannot_be_read_is_named(folder):
    write_json(folder, gaze=[[1.0], [2.0, 3.0], [4.0]])
    with pytest.raises(GantoolError, match=r"images: gaze: rows differ in shape or are no numbers"):
        read_labels(with_labels(open_images(folder)), "gaze")
    (folder / "b.json").unlink()
    with pytest.raises(GantoolError, match=r"b\.json is missing: other images of the folder have such a file"):
        with_labels(open_images(folder))
    (folder / "b.json").write_text("[1]")
    with pytest.raises(GantoolError, match=r"b\.json must hold a JSON object"):
        with_labels(open_images(folder))
    (folder / "b.json").write_text("{")
    with pytest.raises(GantoolError, match=r"cannot read labels .*b\.json"):
        with_labels(open_images(folder))


def test_tables_that_do_not_fit(folder):
    (folder / "one.csv").write_text("file,x\na.png,1\n")
    with pytest.raises(GantoolError, match=r"one\.csv has no row for 2 of 3 images, such as b\.png"):
        with_labels(open_images(folder))
    (folder / "two.csv").write_text("file,x\na.png,1\n")
    with pytest.raises(GantoolError, match=r"has 2 tables \(one\.csv, two\.csv\)"):
        with_labels(open_images(folder))
    (folder / "two.csv").unlink()
    (folder / "one.csv").write_text("x\n1\n")
    with pytest.raises(GantoolError, match="needs a header with a column of file names"):
        with_labels(open_images(folder))


class Labelled:
    def __init__(self, name, **labels):
        self.name, self.labels = name, labels


def test_choosing_by_name():
    both = {"gaze": np.zeros((3, 2)), "pupil": np.zeros((3, 2))}
    synthetic, real = Labelled("renders", head=np.zeros(3), **both), Labelled("photos", **both)
    assert choose_labels("pupil", synthetic, real, real_first=False) == (("pupil",), "")
    assert choose_labels("", synthetic, real, real_first=True)[0] == ("gaze",)
    with pytest.raises(GantoolError, match="several labels: pass --labels NAME, one of: gaze, pupil"):
        choose_labels("", synthetic, real, real_first=False)
    name, note = choose_labels("", synthetic, Labelled("photos", pupil=np.zeros((3, 2))), real_first=False)
    assert name == ("pupil",)
    assert "the only ones in both domains" in note
    with pytest.raises(GantoolError, match=r"photos has no labels 'gaez'; did you mean 'gaze'|renders has no labels 'gaez'"):
        choose_labels("gaez", synthetic, real, real_first=False)
    with pytest.raises(GantoolError, match="renders has no labels: pass --synthetic PATH"):
        choose_labels("", Labelled("renders"), real, real_first=False)
