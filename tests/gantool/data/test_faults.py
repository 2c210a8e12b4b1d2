"""Sets that are not quite what they should be: nothing is lost or guessed, and what is wrong is one line."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.data.convert import convert
from gantool.data.label_files import with_labels
from gantool.data.opening import kind_of, open_images
from gantool.data.tar import check_shards
from gantool.errors import GantoolError
from gantool.evaluation.sources import read_labels

h5py = pytest.importorskip("h5py")
pa = pytest.importorskip("pyarrow")
from pyarrow import parquet  # noqa: E402


def picture(value: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.tile(np.array([value, 0], np.uint8), (8, 6))).save(file, format=kind)
    return file.getvalue()


def pixels(place: Path) -> list[int]:
    images = open_images(place)
    return sorted(int(images[index].max()) for index in range(len(images)))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes the files of a folder."""

    def write(**files: bytes) -> Path:
        for name, data in files.items():
            path = tmp_path / "in" / name.replace("__", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "in"

    return write


class TestKeys:
    def test_images_that_share_all_but_the_suffix_are_all_converted(self, make, tmp_path: Path):
        folder = make(x__png=picture(1), x__PNG=picture(2), x__jpg=picture(90, "JPEG"), x__json=b'{"n": 1}', y__png=picture(4))
        done = convert(str(folder), tmp_path / "shards", format="shards")
        assert (done.images, len(pixels(tmp_path / "shards"))) == (4, 4)
        with tarfile.open(tmp_path / "shards/part-00000.tar") as tar:
            assert sorted(tar.getnames()) == [
                "x%2EPNG.json", "x%2EPNG.png", "x%2Ejpg.jpg", "x%2Ejpg.json", "x%2Epng.json", "x%2Epng.png", "y.png"
            ]  # fmt: skip
        assert list(check_shards([str(tmp_path / "shards/part-00000.tar")])) != [], "y has no .json, most have one"
        convert(str(tmp_path / "shards"), tmp_path / "back", format="folder")
        assert pixels(tmp_path / "back") == pixels(folder)

    def test_neighbours_of_one_key_are_found(self, tmp_path: Path):
        with tarfile.open(tmp_path / "a.tar", "w") as tar:
            for name in ("k.png", "k.json", "k.png", "k.json", "l.png", "l.jpg", "l.json"):
                info, content = tarfile.TarInfo(name), b"{}" if name.endswith("json") else picture(1)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        place = str(tmp_path / "a.tar")
        assert [problem.text for problem in check_shards([place])] == [
            f"sample k occurs before, in {place}",
            "sample l has 2 images: png, jpg",
        ]
        with pytest.raises(GantoolError, match="two samples are called k"):
            convert(place, tmp_path / "out", format="folder")
        with pytest.raises(GantoolError, match="two samples are called k"):
            convert(place, tmp_path / "out", format="shards")


class TestTables:
    @pytest.fixture
    def table(self, make) -> Callable[[str], Path]:
        return lambda text: make(a__png=picture(1), b__png=picture(2), labels__csv=text.encode())

    @pytest.mark.parametrize("cell", ["", " ", "n/a", "NA", "-"])
    def test_a_missing_number_is_no_word(self, cell: str, table):
        images = with_labels(open_images(table(f"file,x,kind\na.png,1.5,red\nb.png,{cell},\n")))
        with pytest.raises(GantoolError, match=r"labels\.csv: x of b\.png is missing, the others are numbers"):
            read_labels(images, "x")
        assert read_labels(images, "kind").tolist() == ["red", ""], "words may be empty"

    def test_a_short_row_has_missing_cells(self, table):
        with pytest.raises(GantoolError, match=r"x of b\.png is missing"):
            read_labels(with_labels(open_images(table("file,x\na.png,1.5\nb.png\n"))), "x")

    def test_two_rows_for_one_image_are_not_one(self, table):
        with pytest.raises(GantoolError, match=r"labels\.csv has 2 rows for a\.png: leave one"):
            with_labels(open_images(table("file,x\na.png,1\nb.png,2\na.png,3\n")))

    @pytest.mark.parametrize("text", ["file,x\na.png,1,7\nb.png,2\n", "file,x,x\na.png,1,7\nb.png,2,3\n"])
    def test_cells_without_a_column_of_their_own(self, text: str, table):
        with pytest.raises(GantoolError, match="each with a name of its own"):
            with_labels(open_images(table(text)))

    @pytest.mark.parametrize("text", ["file,x\na.png,1\nb.png,2\nother.png,5\nother.png,6\n", "file,x\n\na.png,-1\nb.png,2\n"])
    def test_what_is_no_fault(self, text: str, table):
        assert len(read_labels(with_labels(open_images(table(text))), "x")) == 2


class TestParquet:
    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., Path]:
        def table(name: str, column: str, *values: bytes, **others: Any) -> Path:
            path = tmp_path / "set" / name
            path.parent.mkdir(exist_ok=True)
            schema = pa.schema([(column, pa.binary()), *((other, pa.int64()) for other in others)])
            with parquet.ParquetWriter(path, schema) as writer:
                if values:
                    writer.write_table(pa.table({column: list(values), **others}, schema=schema))
            return path

        return table

    def test_files_with_different_columns(self, write, tmp_path: Path):
        write("a.parquet", "image", picture(10), age=[3], own=[1])
        write("b.parquet", "photo", picture(20), age=[4])
        images = open_images(tmp_path / "set")
        assert [int(images[index].max()) for index in (0, 1)] == [10, 20]
        assert {name: images.labels[name].tolist() for name in images.labels} == {"age": [3, 4]}
        assert convert(str(tmp_path / "set"), tmp_path / "t.npz").images == 2

    def test_names_in_capitals(self, write, tmp_path: Path):
        place = write("X.PARQUET", "image", picture(10))
        assert kind_of(place) == kind_of(place.parent) == "parquet"
        assert pixels(place) == pixels(place.parent) == [10]

    @pytest.mark.parametrize(
        ("kind", "suffix"), [("BMP", ".bmp"), ("TIFF", ".tiff"), ("WEBP", ".webp"), ("JPEG", ".jpg"), ("PNG", ".png")]
    )
    def test_files_are_called_what_they_are(self, kind: str, suffix: str, write, tmp_path: Path):
        convert(str(write("a.parquet", "image", picture(10, kind))), tmp_path / "out", format="folder")
        assert [path.suffix for path in (tmp_path / "out").iterdir() if path.suffix != ".json"] == [suffix]

    @pytest.mark.parametrize("format", ["parquet", "hub"])
    def test_a_label_that_is_called_like_the_images(self, format: str, tmp_path: Path):
        np.savez(tmp_path / "set.npz", images=np.zeros((2, 8, 12), np.uint8), image=np.arange(2))
        with pytest.raises(GantoolError, match="has a label 'image', which is the name of the column of images"):
            convert(str(tmp_path / "set.npz"), tmp_path / f"t.{format}", format=format)


class TestArrays:
    @pytest.mark.parametrize("suffix", ["npz", "h5"])
    @pytest.mark.parametrize("name", ["images", "images/x"])
    def test_a_label_that_is_called_images(self, suffix: str, name: str, make, tmp_path: Path):
        folder = make(a__png=picture(1), a__json=json.dumps({name: 3}).encode())
        with pytest.raises(GantoolError, match=f"labels are called '{name}', which is how arrays of images are found"):
            convert(str(folder), tmp_path / f"t.{suffix}")
        assert not list(tmp_path.glob("*t.*"))

    @pytest.mark.parametrize("suffix", ["npz", "h5"])
    def test_a_label_that_is_called_image_but_is_none(self, suffix: str, make, tmp_path: Path):
        convert(str(make(a__png=picture(1), a__json=b'{"image": 7}')), tmp_path / f"t.{suffix}")
        images = open_images(tmp_path / f"t.{suffix}")
        assert (int(images[0].max()), images.labels["image"].tolist()) == (1, [7])

    @pytest.mark.parametrize("name", ["", "a/b"])
    def test_a_label_whose_name_hdf5_cannot_have(self, name: str, make, tmp_path: Path):
        folder = make(a__png=picture(1), a__json=json.dumps({"a": 1, name: 2}).encode())
        with pytest.raises(GantoolError, match=f"labels '{name}' cannot be stored in"):
            convert(str(folder), tmp_path / "t.h5")

    def test_data_sets_without_a_shape_are_passed_over(self, tmp_path: Path):
        with h5py.File(tmp_path / "set.h5", "w") as file:
            file["images"] = np.zeros((3, 8, 12), np.uint8)
            file["empty"] = h5py.Empty("f")
            file["type"] = np.dtype("f4")
        assert len(open_images(tmp_path / "set.h5")) == 3


class TestHub:
    def test_splits_that_lead_elsewhere_are_not_followed(self, tmp_path: Path):
        (tmp_path / "set").mkdir()
        (tmp_path / "set/dataset_dict.json").write_text(json.dumps({"splits": ["../secret"]}))
        with pytest.raises(GantoolError, match="names what lies in other folders: gantool will not follow it"):
            open_images(tmp_path / "set")
