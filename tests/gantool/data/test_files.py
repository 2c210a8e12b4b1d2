from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantool.data.domains import FilesOptions
from gantool.data.files import files
from gantool.errors import GantoolError


@pytest.fixture
def two(tmp_path: Path) -> Path:
    for name in ("synthetic", "real"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / name / "a.png")
    np.savez(tmp_path / "set.npz", images=np.zeros((3, 5, 6), np.uint8))
    return tmp_path


def open_two(root: Path, synthetic: str, real: str):
    return files(config=FilesOptions(synthetic=str(root / synthetic), real=str(root / real)))


def test_folders_and_files_go_together(two: Path):
    domains = open_two(two, "set.npz", "real")
    assert (len(domains.source), len(domains.target)) == (3, 1)


def test_what_is_missing_is_named(two: Path):
    with pytest.raises(GantoolError, match=r"gone does not exist"):
        open_two(two, "gone", "real")
    with pytest.raises(GantoolError, match="--real is missing"):
        files(config=FilesOptions(synthetic=str(two / "synthetic")))


def test_no_images_lists_what_is_read(two: Path):
    (two / "empty").mkdir()
    (two / "empty/notes.txt").write_text("x")
    with pytest.raises(GantoolError, match=r"no images in .*empty: read are \.png, \.jpg, .*\.tiff"):
        open_two(two, "empty", "real")


def test_a_file_of_another_kind_is_named(two: Path):
    with pytest.raises(GantoolError, match=r"a\.png is one image: give the folder that it is in"):
        open_two(two, "synthetic/a.png", "real")


@pytest.mark.parametrize("other", ["synthetic", "link", "./real/../synthetic"])
def test_one_folder_for_both_is_an_error(two: Path, other: str):
    (two / "link").symlink_to(two / "synthetic")
    with pytest.raises(GantoolError, match="--synthetic and --real are the same place"):
        open_two(two, "synthetic", other)


def test_a_link_to_itself_is_no_place(two: Path):
    (two / "loop").symlink_to(two / "loop")
    with pytest.raises(GantoolError, match="loop does not exist"):
        open_two(two, "loop", "real")


def test_one_inside_the_other_is_an_error(two: Path):
    with pytest.raises(GantoolError, match=r"--real .*lies inside the other domain"):
        open_two(two, ".", "real")
    with pytest.raises(GantoolError, match=r"--synthetic .*lies inside the other domain"):
        open_two(two, "synthetic", ".")


def test_the_same_file_for_both_is_an_error(two: Path):
    with pytest.raises(GantoolError, match="are the same place"):
        open_two(two, "set.npz", "set.npz")


def test_reading_images_imports_no_torch_and_options_no_numpy():
    code = (
        "import sys; import gantool.data.domains; assert 'numpy' not in sys.modules; "
        "import gantool.data.files, gantool.data.prepare, gantool.data.load, gantool.data.writing, gantool.data.formats.hdf5; "
        "assert 'torch' not in sys.modules and 'h5py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_chunked_domain_is_streamed_and_the_other_one_is_not(two: Path):
    from gantool.data.chunks import ChunkStream
    from gantool.data.convert import convert

    convert(str(two / "synthetic"), two / "shards", format="shards")
    found = files(config=FilesOptions(synthetic=str(two / "shards"), real=str(two / "real"), stream=True))
    assert isinstance(found.source, ChunkStream)
    assert len(found.target) > 0
    assert next(found.source.stream(seed=0, skip=0)).ndim == 3
    with pytest.raises(GantoolError, match=r"dataset.stream is for .parquet, .tar, a video"):
        files(config=FilesOptions(synthetic=str(two / "synthetic"), real=str(two / "real"), stream=True))
