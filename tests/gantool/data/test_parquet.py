"""Parquet files with images, as Hugging Face data sets have them."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.images import ImageReadError, Images
from gantool.data.opening import kind_of, open_images, open_stream
from gantool.errors import GantoolError

pa = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 12), value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str = "data/train.parquet", values: range = range(10), **columns: Any) -> Path:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        images = [{"bytes": png(value), "path": f"{value}.png"} for value in values]
        columns = columns or {
            "image": images,
            "label": [value % 3 for value in values],
            "gaze": [[value / 10, 0.5] for value in values],
            "name": [f"ü {value}" for value in values],
            "boxes": [[[1, 2, 3, 4]] * (value % 2) for value in values],
        }
        parquet.write_table(pa.table(columns), path, row_group_size=3)
        return path

    return write


def test_images_and_labels_of_a_folder_of_files(table, tmp_path: Path):
    table("data/train-0.parquet", range(10))
    table("data/train-1.parquet", range(10, 14))
    assert kind_of(str(tmp_path / "set")) == "parquet"
    images = open_images(tmp_path / "set")
    assert isinstance(images, Images)
    assert len(images) == 14
    assert [int(images[index][0, 0, 0]) for index in (0, 9, 10, 13, -1, 4)] == [0, 9, 10, 13, 13, 4]
    assert images.labels["label"].tolist() == [*(v % 3 for v in range(14))]
    assert images.labels["gaze"].shape == (14, 2)
    assert images.labels["name"][12] == "ü 12"
    assert len(images.labels["boxes"]) == 14
    assert [form.size for form in images.forms()] == ["8x12"]
    assert int(pickle.loads(pickle.dumps(images))[5][0, 0, 0]) == 5


def test_plain_bytes_and_missing_values(table):
    images = open_images(table(photo=[png(1), None, b"", png(4)[:50]], x=[1, None, 3, 4], word=["a", None, "c", "d"]))
    assert int(images[0][0, 0, 0]) == 1
    for index, cause in ((1, "the table holds no image there"), (2, "the file is empty"), (3, "damaged|truncated|broken")):
        with pytest.raises(ImageReadError, match=cause):
            images[index]
    assert np.isnan(images.labels["x"]).tolist() == [False, True, False, False]
    assert images.labels["word"].tolist() == ["a", "", "c", "d"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [b"1"], "b": [b"2"]}, r"2 columns that could be the images \(a \(binary\), b \(binary\)\): name one `image`"),
        ({"a": [1]}, "no column of image bytes"),
    ],
)
def test_columns_that_cannot_be_told_are_an_error(columns: dict[str, Any], message: str, table):
    with pytest.raises(GantoolError, match=message):
        open_images(table(**columns))


def test_damaged_files_are_named(tmp_path: Path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(GantoolError, match=r"cannot read .*a.parquet"):
        open_images(tmp_path / "a.parquet")
    with pytest.raises(GantoolError, match=r"gone.parquet does not exist"):
        open_images(tmp_path / "gone.parquet")


def test_row_groups_are_streamed(table):
    stream = open_stream(table(), window=2)
    drawn = [int(image[0, 0, 0]) for image in islice(stream.stream(seed=1, skip=0), 25)]
    assert sorted(drawn[:10]) == sorted(drawn[10:20]) == list(range(10))
    assert [int(image[0, 0, 0]) for image in islice(stream.stream(seed=1, skip=13), 12)] == drawn[13:]


def test_files_elsewhere_are_read_through_fsspec(table):
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/hub/train.parquet", table().read_bytes())
    images = open_images("memory://hub/train.parquet")
    assert (len(images), int(images[7][0, 0, 0])) == (10, 7)


def test_refining_keeps_schema_metadata_and_all_other_columns(table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torch = pytest.importorskip("torch")
    import gantool

    path = table()
    features = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})}
    before = parquet.read_table(path).replace_schema_metadata(features)
    images = before.column("image").to_pylist()
    images[2] = {"bytes": b"", "path": "bad.png"}
    before = before.set_column(0, before.schema.field(0), pa.array([*images[:4], None, *images[5:]], before.schema.field(0).type))
    parquet.write_table(before, path, row_group_size=4, compression="zstd")
    torch.manual_seed(0)
    network = gantool.build("generator", "simgan:refiner", channels=1, width=4, blocks=1)
    run = gantool.save(network, tmp_path / "run")
    report = gantool.refine(run, input=tmp_path / "set/data", output=tmp_path / "out", device="cpu")
    assert (report.refined, [failed.name for failed in report.failed]) == (8, [f"{path}[2]"])
    after = parquet.read_table(tmp_path / "out/train.parquet")
    assert after.schema.equals(before.schema, check_metadata=True)
    assert after.drop_columns("image").equals(before.drop_columns("image"))
    for row, (old, new) in enumerate(zip(before.column("image").to_pylist(), after.column("image").to_pylist(), strict=True)):
        if row in (2, 4):
            assert new is None
        else:
            assert new["path"] == old["path"]
            assert new["bytes"] != old["bytes"]
            assert Image.open(io.BytesIO(new["bytes"])).size == (12, 8)
    metadata = parquet.ParquetFile(tmp_path / "out/train.parquet").metadata
    assert (metadata.num_row_groups, metadata.row_group(0).column(0).compression) == (3, "ZSTD")
    assert gantool.refine(run, input=tmp_path / "set/data", output=tmp_path / "out", device="cpu").refined == 0
