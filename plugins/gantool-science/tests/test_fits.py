"""FITS: values as astropy has them, and files that come back the same but for refined pixels."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from science_samples import ids, sky, write_fits

from gantool.errors import GantoolError

UNSCALED = {"do_not_scale_image_data": True}
STORED = {
    "float32": lambda: (sky(0), {}),
    "float64": lambda: (sky(0).astype(np.float64), {}),
    "int16 scaled": lambda: (np.nan_to_num(sky(0)).astype(np.int16), {"BSCALE": 0.25, "BZERO": 12.5}),
    "uint16": lambda: (np.nan_to_num(sky(0) + 200).astype(np.uint16), {}),
    "int32 with BLANK": lambda: (np.nan_to_num(sky(0), nan=-999).astype(np.int32), {"BLANK": -999}),
    "signed bytes": lambda: (np.nan_to_num(sky(0) / 8).clip(0, 255).astype(np.uint8), {"BZERO": -128}),
    "uint8": lambda: (np.nan_to_num(sky(0) / 8).clip(0, 255).astype(np.uint8), {}),
}


@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_values_are_those_of_astropy_and_a_change_touches_nothing_else(kind, suffix, opened, tmp_path):
    stored, cards = STORED[kind]()
    path = tmp_path / f"frame{suffix}"
    hdu = fits.PrimaryHDU(stored)
    # As a camera writes them: numbers as they are, the cards beside.
    hdu.header.update({"BUNIT": "adu", "EXPTIME": 30.0})
    hdus = fits.HDUList([hdu, fits.ImageHDU(ids(1), name="DQ")])
    hdus.writeto(path)
    if cards:
        with fits.open(path, mode="update", **UNSCALED) as change:
            for name, value in cards.items():
                change[0].header[name] = value
    found = opened(path)
    with fits.open(path) as file:
        wanted = file[0].data.astype(np.float64)
    assert np.array_equal(found.read(0)[..., 0].astype(np.float64), wanted.astype(np.float32), equal_nan=True)
    assert (found.unit, len(found), found.form.dtype) == ("adu", 1, kind if kind in ("uint16", "uint8") else "float32")

    after = found.read(0).copy()
    after[10:14, 10:20] += 7
    (tmp_path / f"out{suffix}").write_bytes(found.rewritten({0: after}))
    with fits.open(path, **UNSCALED) as old, fits.open(tmp_path / f"out{suffix}", **UNSCALED) as new:
        assert new[0].header == old[0].header
        assert new[0].data.dtype == old[0].data.dtype
        changed = new[0].data != old[0].data
        nan = np.isnan(old[0].data) if old[0].data.dtype.kind == "f" else np.zeros(changed.shape, bool)
        assert np.count_nonzero(changed & ~nan) == 40
        assert (changed & ~nan)[10:14, 10:20].all()
    with fits.open(tmp_path / f"out{suffix}") as new:
        difference = new[0].data.astype(np.float64) - wanted
        np.testing.assert_allclose(difference[10:14, 10:20], 7, atol=1e-4)
        assert np.array_equal(np.isnan(new[0].data), np.isnan(wanted))
    read = gzip.decompress if suffix.endswith("gz") else bytes
    first, second = (read(file.read_bytes()) for file in (path, tmp_path / f"out{suffix}"))
    assert len(first) == len(second)
    assert np.count_nonzero(np.frombuffer(first, np.uint8) != np.frombuffer(second, np.uint8)) <= 40 * stored.itemsize


def test_blank_of_unsigned_16_bits_is_no_value(opened, tmp_path):
    """astropy reads it as a number; the standard says that it is none."""
    write_fits(tmp_path / "a.fits", np.full((8, 9), 500, np.uint16))
    with fits.open(tmp_path / "a.fits", mode="update", **UNSCALED) as file:
        file[0].data[2, 3] = -32768
        file[0].header["BLANK"] = -32768
    found = opened(tmp_path / "a.fits").read(0)
    assert np.argwhere(np.isnan(found)).tolist() == [[2, 3, 0]]
    assert np.nanmax(found) == np.nanmin(found) == 500


def test_nothing_becomes_the_number_that_says_blank(opened, tmp_path):
    write_fits(tmp_path / "a.fits", np.arange(72, dtype=np.int16).reshape(8, 9), BLANK=30)
    found = opened(tmp_path / "a.fits")
    after = found.read(0) + 5
    (tmp_path / "b.fits").write_bytes(found.rewritten({0: after}))
    again = opened(tmp_path / "b.fits").read(0)
    assert np.isnan(again).sum() == 1
    assert again.ravel()[25] == 25, "30 would be no value"
    assert again.ravel()[26] == 31


def test_sums_are_right_again_and_other_hdus_stay_to_the_byte(opened, tmp_path):
    write_fits(tmp_path / "a.fits", sky(0), extensions=True, checksum=True)
    found = opened(tmp_path / "a.fits")
    assert "the picture is HDU PRIMARY of 3 images; --array takes another" in found.notes
    data = found.rewritten({0: found.read(0) + 1})
    (tmp_path / "b.fits").write_bytes(data)
    assert data == found.rewritten({0: found.read(0) + 1}), "the same every time"
    with fits.open(tmp_path / "b.fits", checksum=True) as new:  # warns, which is an error here, of sums that are wrong
        assert [hdu.name for hdu in new] == ["PRIMARY", "ERR", "DQ", "CAT"]
        starts = new[1].fileinfo()["hdrLoc"]
        assert new["CAT"].data["flux"].tolist() == [0, 1, 2, 3]
    assert data[starts:] == (tmp_path / "a.fits").read_bytes()[starts:]


def test_the_hdu_is_chosen_by_its_name_or_said(opened, tmp_path):
    science = fits.ImageHDU(sky(0), name="SCI")
    fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(ids(0), name="DQ"), science, fits.ImageHDU(sky(1), name="SCI", ver=2)]
    ).writeto(tmp_path / "a.fits")
    assert opened(tmp_path / "a.fits").array == "SCI"
    assert np.array_equal(opened(tmp_path / "a.fits", array="sci,2").read(0)[..., 0], sky(1), equal_nan=True)
    mask = opened(tmp_path / "a.fits", array="1")
    assert mask.stored(0).dtype == np.int32
    assert mask.stored(0).max() == 70000
    with pytest.raises(GantoolError, match=r"no image in HDU ERR; it has 1 \(DQ\), 2 \(SCI\), 3 \(SCI,2\): say another --array"):
        opened(tmp_path / "a.fits", array="ERR")


def test_tile_compression_reads_and_comes_back_without_loss(opened, tmp_path):
    """The image lies in HDU 1. Compressed by default, floats lose something; refined, not once more."""
    hdus = [fits.PrimaryHDU(), fits.CompImageHDU(sky(0), name="SCI"), fits.CompImageHDU(ids(0), name="DQ")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits.fz")
    found = opened(tmp_path / "a.fits.fz")
    assert "it is compressed with loss; refined, without" in found.notes
    with fits.open(tmp_path / "a.fits.fz") as file:
        before = np.array(file["SCI"].data)
        labels_at = file["DQ"].fileinfo()["hdrLoc"]
    assert np.array_equal(found.read(0)[..., 0], before, equal_nan=True)
    after = found.read(0).copy()
    after[5] += 3.3
    data = found.rewritten({0: after})
    (tmp_path / "b.fits.fz").write_bytes(data)
    with fits.open(tmp_path / "b.fits.fz") as file:
        assert np.array_equal(file["SCI"].data, after[..., 0], equal_nan=True)
        assert file["SCI"].header.get("EXTNAME") == "SCI"
        assert np.array_equal(file["DQ"].data, ids(0))
    old = (tmp_path / "a.fits.fz").read_bytes()
    assert data.endswith(old[labels_at:])


def test_compressed_integers_keep_scale_and_zero(opened, tmp_path):
    counts = np.nan_to_num(sky(0) + 200).astype(np.uint16)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(counts)]).writeto(tmp_path / "a.fits")
    found = opened(tmp_path / "a.fits")
    assert np.array_equal(found.read(0)[..., 0], counts.astype(np.float32))
    (tmp_path / "b.fits").write_bytes(found.rewritten({0: found.read(0) + 11}))
    with fits.open(tmp_path / "b.fits") as file:
        assert file[1].data.dtype == np.uint16
        assert np.array_equal(file[1].data, counts + 11)
        assert file[1].compression_type == "RICE_1"


def test_a_cube_is_cut_and_a_table_holds_no_picture(opened, tmp_path):
    cube = np.stack([sky(n) for n in range(3)])
    write_fits(tmp_path / "cube.fits", cube)
    found = opened(tmp_path / "cube.fits")
    assert (len(found), found.slices, found.form.size) == (3, "0", "40x48")
    assert "volumes such as 3x40x48 are cut along axis 0, 3 slices; --slices takes another" in found.notes
    other = opened(tmp_path / "cube.fits", slices="2")
    assert (len(other), other.form.size) == (48, "3x40")
    assert np.array_equal(other.read(7)[..., 0], cube[:, :, 7], equal_nan=True)
    with pytest.raises(GantoolError, match="--slices 3: it is auto, or an axis from 0 to 2"):
        opened(tmp_path / "cube.fits", slices="3")
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])])]).writeto(
        tmp_path / "t.fits"
    )
    with pytest.raises(GantoolError, match=r"t\.fits holds no picture: tables alone"):
        opened(tmp_path / "t.fits")
