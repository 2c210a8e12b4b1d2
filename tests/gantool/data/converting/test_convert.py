"""From every format into every other one."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.data.convert import convert
from gantool.data.formats import records
from gantool.data.opening import open_images
from gantool.errors import GantoolError

FORMATS = [record.name for record in records("writes")]

pytest.importorskip("h5py")
pytest.importorskip("pyarrow")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Names with spaces, dots and non-ASCII letters, nested; a missing label; a file of the whole set."""
    random = np.random.default_rng(0)
    root = tmp_path / "in"
    for number, name in enumerate(("a b.png", "sub/ü.png", "sub/-0.25_0.5.png", "x.png")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 12), dtype=np.uint8)).save(root / name)
        if name != "x.png":
            (root / name).with_suffix(".json").write_text(json.dumps({"gaze": [number, 0.5], "id": f"é{number}"}))
    (root / "a b.txt").write_bytes(b"one\r\n")
    (root / "classes.yaml").write_text("eye")
    return root


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    images = np.random.default_rng(1).integers(0, 65536, (5, 8, 12), dtype=np.uint16)
    np.savez(tmp_path / "set.npz", images=images, gaze=np.arange(10.0).reshape(5, 2), kind=np.array(["a", "b", "a", "ü", "a"]))
    return tmp_path / "set.npz"


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def pixels(place: Path) -> list[bytes]:
    images = open_images(place)
    return sorted(images[index].tobytes() for index in range(len(images)))


def test_a_folder_comes_back_from_shards_byte_for_byte(folder: Path, tmp_path: Path):
    done = convert(str(folder), tmp_path / "shards", format="shards", per_part=3)
    assert (done.images, done.copied, done.left_out) == (4, 1, 0)
    assert sorted(contents(tmp_path / "shards")) == ["classes.yaml", "part-00000.tar", "part-00001.tar"]
    with tarfile.open(tmp_path / "shards/part-00000.tar") as tar:
        assert "sub/-0%2E25_0%2E5.json" in tar.getnames()
    convert(str(tmp_path / "shards"), tmp_path / "back", format="folder")
    assert contents(tmp_path / "back") == contents(folder)


@pytest.mark.parametrize("name", FORMATS)
def test_images_survive_every_format_and_the_way_back(name: str, folder: Path, arrays: Path, tmp_path: Path):
    for source, back in ((folder, "folder"), (arrays, "npz")):
        target, returned = tmp_path / f"{back}-{name}", tmp_path / f"{back}-back"
        if name in ("npz", "h5", "parquet"):
            target = target.with_suffix(f".{name}")
        convert(str(source), target, format=name)
        convert(str(target), returned.with_suffix(".npz" if back == "npz" else ""), format=back)
        returned = returned.with_suffix(".npz" if back == "npz" else "")
        assert pixels(target) == pixels(returned) == pixels(source)


@pytest.mark.parametrize("name", FORMATS)
def test_label_arrays_survive_every_format_and_the_way_back(name: str, arrays: Path, tmp_path: Path):
    target = tmp_path / (name if name in ("folder", "shards") else f"t.{name}")
    convert(str(arrays), target, format=name)
    convert(str(target), tmp_path / "back.npz")
    before, after = np.load(arrays), np.load(tmp_path / "back.npz")
    assert np.array_equal(after["gaze"], before["gaze"])
    assert after["images"].dtype == np.uint16
    assert after["kind"].tolist() == before["kind"].tolist()


def test_json_numbers_become_arrays_where_all_have_them(folder: Path, tmp_path: Path):
    (folder / "x.json").write_text('{"gaze": [3, 0.5]}')
    done = convert(str(folder), tmp_path / "t.npz")
    assert (done.images, done.left_out) == (4, 1)
    with np.load(tmp_path / "t.npz") as file:
        assert sorted(file["gaze"].tolist()) == [[0, 0.5], [1, 0.5], [2, 0.5], [3, 0.5]]
        assert "id" not in file.files, "one image has none"


def test_parquet_is_what_hugging_face_reads(folder: Path, tmp_path: Path):
    from pyarrow import parquet

    convert(str(folder), tmp_path / "t.parquet")
    table = parquet.read_table(tmp_path / "t.parquet")
    row = next(row for row in table.to_pylist() if row["key"] == "sub/ü")
    assert row["image"] == {"bytes": (folder / "sub/ü.png").read_bytes(), "path": "ü.png"}
    assert json.loads(row["json"]) == {"gaze": [1, 0.5], "id": "é1"}
    assert b"Image" in table.schema.metadata[b"huggingface"]


def test_images_of_different_kinds_need_a_format_that_takes_them(folder: Path, tmp_path: Path):
    Image.fromarray(np.arange(243, dtype=np.uint8).reshape(9, 9, 3)).save(folder / "colour.png")
    with pytest.raises(GantoolError, match=r"an .npz file holds images of one kind, but there are 8x12 uint8 and 9x9x3 uint8"):
        convert(str(folder), tmp_path / "t.npz")
    convert(str(folder), tmp_path / "t.h5")
    assert pixels(tmp_path / "t.h5") == pixels(folder)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n cut"])
def test_damaged_images_are_copied_as_files_and_refused_as_pixels(damage: bytes, folder: Path, tmp_path: Path):
    (folder / "x.png").write_bytes(damage)
    convert(str(folder), tmp_path / "shards", format="shards")
    with pytest.raises(GantoolError, match=r"cannot read image .*x.png"):
        convert(str(folder), tmp_path / "t.npz")
    assert not (tmp_path / "t.npz").exists()


def test_targets_that_exist_or_do_not_say_are_refused(folder: Path, tmp_path: Path):
    with pytest.raises(GantoolError, match="pass --format folder"):
        convert(str(folder), tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(GantoolError, match="out exists"):
        convert(str(folder), tmp_path / "out", format="shards")


def test_names_in_shards_cannot_lead_out(tmp_path: Path):
    png = io.BytesIO()
    Image.fromarray(np.zeros((8, 12), np.uint8)).save(png, format="PNG")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("%2E%2E/%2E%2E/evil.png")
        info.size = len(png.getvalue())
        tar.addfile(info, io.BytesIO(png.getvalue()))
    with pytest.raises(GantoolError, match="no name that a file can have inside a folder"):
        convert(str(tmp_path / "a.tar"), tmp_path / "deep" / "er", format="folder")
    assert not list(tmp_path.rglob("evil.*"))


def test_two_samples_of_one_name_are_not_merged(tmp_path: Path, folder: Path):
    convert(str(folder), tmp_path / "shards", format="shards")
    data = (tmp_path / "shards/part-00000.tar").read_bytes()
    (tmp_path / "shards/part-00001.tar").write_bytes(data)
    for format_ in ("folder", "shards"):
        with pytest.raises(GantoolError, match="two samples are called a b"):
            convert(str(tmp_path / "shards"), tmp_path / "out", format=format_)


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from gantool.cli.main import run

    convert_to: Callable[..., int] = lambda *words: run(["data", "convert", str(folder), *words])  # noqa: E731
    assert convert_to(str(tmp_path / "s"), "--format", "shards") == 0
    assert capsys.readouterr().out == f"4 images, 1 other file copied: {tmp_path / 's'}\n"
    assert convert_to(str(tmp_path / "t.parquet")) == 0
    assert capsys.readouterr().err == "Note: 1 file of no single image left out\n"
    (folder / "x.json").write_text('{"gaze": [3, 0.5], "boxes": [[1, 2, 3, 4]]}')
    assert convert_to(str(tmp_path / "t.h5")) == 0
    assert "Note: no array holds id, txt, boxes, which not all images have alike; shards" in capsys.readouterr().err
    assert convert_to(str(folder / "sub/t"), "--format", "folder") == 2
    assert f"{folder / 'sub/t'} lies in {folder}, which is read" in capsys.readouterr().err
    assert convert_to(str(tmp_path / "u"), "--format", "shard") == 2
    assert "did you mean 'shards'?" in capsys.readouterr().err
