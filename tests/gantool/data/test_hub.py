"""Hugging Face data sets on disk."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.data.convert import convert
from gantool.data.images import ImageReadError, Images
from gantool.data.opening import kind_of, open_images
from gantool.errors import GantoolError

datasets = pytest.importorskip("datasets")


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 12), value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "own.png").write_bytes(png(3))
    images = [
        {"bytes": png(1), "path": None},
        {"bytes": None, "path": str(tmp_path / "own.png")},
        None,
        {"bytes": b"", "path": None},
    ]
    rows = {
        "photo": images,
        "label": [0, 1, 2, 3],
        "gaze": [[0.5, 1.0]] * 4,
        "boxes": [[], [1], [1, 2], []],
        "word": ["a", "ü", "c", "d"],
    }
    features = datasets.Features(
        photo=datasets.Image(),
        label=datasets.Value("int64"),
        gaze=datasets.Sequence(datasets.Value("float32")),
        boxes=datasets.Sequence(datasets.Value("int64")),
        word=datasets.Value("string"),
    )
    found = datasets.Dataset.from_dict(rows, features=features)
    datasets.disable_progress_bars()
    found.save_to_disk(str(tmp_path / "set"))
    return tmp_path / "set"


def test_images_and_labels(saved: Path, tmp_path: Path):
    assert kind_of(str(saved)) == "hub"
    images = open_images(saved)
    assert isinstance(images, Images)
    assert [int(images[index][0, 0, 0]) for index in (0, 1)] == [1, 3]
    for index, cause in ((2, "the table holds no image there"), (3, "the file is empty")):
        with pytest.raises(ImageReadError, match=cause):
            images[index]
    assert images.labels["label"].tolist() == [0, 1, 2, 3]
    assert images.labels["gaze"].shape == (4, 2)
    assert images.labels["word"].tolist() == ["a", "ü", "c", "d"]


def test_it_is_converted_both_ways(saved: Path, tmp_path: Path):
    datasets.load_from_disk(str(saved)).select([0, 1]).save_to_disk(str(tmp_path / "whole"))
    assert convert(str(tmp_path / "whole"), tmp_path / "t.parquet").images == 2
    assert open_images(tmp_path / "t.parquet").labels["word"].tolist() == ["a", "ü"]
    assert convert(str(tmp_path / "t.parquet"), tmp_path / "back", format="hub").images == 2
    back = datasets.load_from_disk(str(tmp_path / "back"))
    assert isinstance(back.features["image"], datasets.Image)
    assert [np.asarray(image).max() for image in back["image"]] == [1, 3]
    assert (back["word"][:], back["gaze"][1], back["label"][:]) == (["a", "ü"], [0.5, 1.0], [0, 1])


def test_of_several_columns_of_images_the_one_so_called_is_taken(saved: Path, tmp_path: Path):
    whole = datasets.load_from_disk(str(saved)).select([0, 1])
    both = whole.add_column("mask", [{"bytes": png(9), "path": None}] * 2).cast_column("mask", datasets.Image())
    both.save_to_disk(str(tmp_path / "unclear"))
    with pytest.raises(GantoolError, match=r"has 2 columns of images among photo, .*, mask: name one `image`"):
        open_images(tmp_path / "unclear")
    both.rename_column("photo", "image").save_to_disk(str(tmp_path / "clear"))
    assert open_images(tmp_path / "clear")[1].max() == 3


def test_a_state_that_leads_elsewhere_is_not_followed(saved: Path):
    from gantool.data.formats.hub import _data_files

    assert [file.parent for file in _data_files(saved)] == [saved]
    state = json.loads((saved / "state.json").read_text())
    state["_data_files"] = [{"filename": "../../secret.arrow"}]
    (saved / "state.json").write_text(json.dumps(state))
    with pytest.raises(GantoolError, match="names what lies in other folders"):
        _data_files(saved)


def test_splits_and_damage_are_said(saved: Path, tmp_path: Path):
    (tmp_path / "dict").mkdir()
    (tmp_path / "dict/dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    with pytest.raises(GantoolError, match=r"has splits: give one of them, such as .*dict/train"):
        open_images(tmp_path / "dict")
    next(saved.glob("*.arrow")).write_bytes(b"nothing")
    with pytest.raises(GantoolError, match="cannot read"):
        open_images(saved)
