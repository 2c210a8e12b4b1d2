"""TIFF: pages as tifffile has them, and files that come back the same but for refined pixels."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from science_samples import ids, sky, write_tiff

from gantool.data.picture_files import opener
from gantool.errors import GantoolError

STACK = np.stack([sky(n) for n in range(3)])
WRITTEN = {
    "plain": {},
    "big-endian": {"byteorder": ">"},
    "bigtiff": {"bigtiff": True},
    "deflate": {"compression": "zlib", "predictor": 3},
    "lzw in strips": {"compression": "lzw", "rowsperstrip": 7},
    "tiles": {"tile": (16, 32)},
    "tiles, compressed": {"tile": (16, 32), "compression": "zlib"},
    "OME": {"ome": True, "description": None, "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.1}},
}


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint16])
def test_values_are_those_of_tifffile_and_a_change_touches_nothing_else(kind, dtype, opened, tmp_path):
    words = dict(WRITTEN[kind])
    if dtype != np.float32 and "predictor" in words:
        words["predictor"] = 2
    pages = STACK if dtype == np.float32 else np.nan_to_num(STACK + 150).astype(dtype)
    path = tmp_path / "a.tif"
    write_tiff(path, pages, **words)
    found = opened(path)
    assert (len(found), found.form.dtype) == (3, "uint16" if dtype == np.uint16 else "float32")
    assert all(np.array_equal(found.read(n)[..., 0], pages[n].astype(found.form.dtype), equal_nan=True) for n in range(3))
    after = found.read(1) + np.asarray(6, found.form.dtype)
    (tmp_path / "b.tif").write_bytes(found.rewritten({0: found.read(0), 1: after}))
    with tifffile.TiffFile(path) as old, tifffile.TiffFile(tmp_path / "b.tif") as new:
        assert (new.byteorder, new.is_bigtiff, len(new.pages)) == (old.byteorder, old.is_bigtiff, 3)
        assert new.pages[0].dtype == dtype
        assert new.pages[0].description == old.pages[0].description
        read = [page.asarray() for page in new.pages]
        assert new.pages[0].dataoffsets == old.pages[0].dataoffsets, "a page without change stays where it is"
    assert np.array_equal(read[0], pages[0], equal_nan=True)
    assert np.array_equal(read[2], pages[2], equal_nan=True)
    assert np.array_equal(read[1], pages[1] + dtype(6), equal_nan=True)
    if "predictor" not in words:  # Pillow reads no floats with one
        with Image.open(tmp_path / "b.tif") as other:
            other.seek(1)
            assert np.array_equal(np.asarray(other).astype(np.float32), read[1].astype(np.float32), equal_nan=True)


def test_pages_of_several_writes_and_of_other_kinds(opened, tmp_path):
    """Of several writes of one size, imread gives the first alone; thumbnails and pages of another size are kept."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in STACK:
            file.write(page, photometric="minisblack")
        file.write(STACK[0][::4, ::4], photometric="minisblack", subfiletype=1)
        file.write(ids(0), photometric="minisblack")
    found = opened(tmp_path / "a.tif")
    assert len(found) == 3
    assert found.notes == ("3 pages are pictures; 2 of another kind are kept",)
    (tmp_path / "b.tif").write_bytes(found.rewritten({n: found.read(n) + 1 for n in range(3)}))
    with tifffile.TiffFile(tmp_path / "b.tif") as new:
        assert np.array_equal(new.pages[4].asarray(), ids(0))
        assert np.array_equal(new.pages[2].asarray(), STACK[2] + 1, equal_nan=True)


@pytest.mark.parametrize("words", [{}, {"compression": "zlib"}, {"tile": (16, 16), "compression": "zlib"}])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_channels_side_by_side_or_one_after_the_other(words, planar, opened, tmp_path):
    colours = np.random.default_rng(0).integers(0, 60000, (20, 24, 3)).astype(np.uint16)
    stored = colours if planar == "contig" else colours.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, **words)
    found = opened(tmp_path / "a.tif")
    assert np.array_equal(found.read(0), colours)
    (tmp_path / "b.tif").write_bytes(found.rewritten({0: colours + np.uint16(9)}))
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), stored + np.uint16(9))


def test_the_number_that_gdal_writes_for_no_value(opened, tmp_path):
    heights = np.where(np.isnan(sky(0)), -9999, sky(0)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", heights, extratags=[(42113, "s", 0, "-9999", True)])
    found = opened(tmp_path / "a.tif")
    assert np.array_equal(found.read(0)[..., 0], sky(0), equal_nan=True)
    (tmp_path / "b.tif").write_bytes(found.rewritten({0: found.read(0) + 2}))
    again = tifffile.imread(tmp_path / "b.tif")
    assert np.count_nonzero(again == -9999) == 3
    np.testing.assert_allclose(again[again != -9999], heights[heights != -9999] + 2, rtol=1e-6)


def test_what_the_host_reads_is_left_to_it_and_what_would_be_lost_is_refused(opened, tmp_path):
    files = {
        "grey": np.zeros((8, 9), np.uint8), "deep": np.zeros((8, 9), np.uint16), "float": np.zeros((8, 9), np.float32),
        "signed": np.zeros((8, 9), np.int16), "stack": np.zeros((4, 8, 9), np.uint8),
    }  # fmt: skip
    for name, array in files.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", array, photometric="minisblack")
    tifffile.imwrite(tmp_path / "big-endian.tif", sky(0), byteorder=">")
    tifffile.imwrite(tmp_path / "map.tif", sky(0), extratags=[(33550, "d", 3, (1.0, 1.0, 0.0), True)])
    files |= {"big-endian": None, "map": None}
    claims = {name for name in files if opener("a.tif").claims(tmp_path / f"{name}.tif")}
    assert claims == {"signed", "stack", "big-endian", "map"}
    tifffile.imwrite(tmp_path / "jpeg.tif", np.zeros((3, 32, 32), np.uint8), photometric="minisblack", compression="jpeg")
    found = opened(tmp_path / "jpeg.tif")
    with pytest.raises(GantoolError, match=r"jpeg\.tif is compressed with loss: convert it first \(tiffcp -c zip OLD NEW\)"):
        found.rewritten({0: found.read(0) + np.uint8(3)})
