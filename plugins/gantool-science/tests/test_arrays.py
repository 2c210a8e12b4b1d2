"""Folders of .npy and .npz: every order and type, and what lies beside the picture."""

import io
import zipfile

import numpy as np
import pytest
from science_samples import ids, sky

from gantool.data.picture_files import opener
from gantool.errors import GantoolError


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", ">i2", "<i8", "|u1", ">u2", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_keeps_type_order_and_header(dtype, order, opened, tmp_path):
    values = sky(0) if dtype[1] == "f" else np.nan_to_num(sky(0) + 60).clip(0, 250)
    array = np.asarray(values.astype(dtype), order=order)
    np.save(tmp_path / "a.npy", array)
    found = opened(tmp_path / "a.npy")
    kept = {"|u1": "uint8", ">u2": "uint16", "|b1": "uint8"}
    assert found.form.dtype == kept.get(dtype, "float32")
    assert np.array_equal(found.read(0)[..., 0], array.astype(found.form.dtype), equal_nan=True)
    after = found.read(0).copy()
    after[4, 6:9] = 1 - after[4, 6:9] if dtype == "|b1" else after[4, 6:9] + 3
    data = found.rewritten({0: after})
    again = np.load(io.BytesIO(data))
    assert (again.dtype, again.flags.f_contiguous) == (array.dtype, array.flags.f_contiguous)
    assert np.argwhere(~((again == array) | (again != again))).tolist() == [[4, 6], [4, 7], [4, 8]]
    offset = np.load(tmp_path / "a.npy", mmap_mode="r").offset
    assert data[:offset] == (tmp_path / "a.npy").read_bytes()[:offset]


def test_what_float32_cannot_hold_is_changed_by_the_change_alone(opened, tmp_path):
    """Large integers, and doubles, keep the digits that the network never saw."""
    numbers = np.full((600, 9), 2**40 + 12345, np.int64)
    doubles = np.full((600, 9), 1.0 + 1e-12)
    for name, array in (("n.npy", numbers), ("d.npy", doubles)):
        np.save(tmp_path / name, array)
        found = opened(tmp_path / name)
        after = found.read(0).copy()
        after[[0, 599], 3] += 2**20
        again = np.load(io.BytesIO(found.rewritten({0: after})))
        assert again[[0, 599], 3].tolist() == [array[0, 0] + 2**20] * 2
        assert np.count_nonzero(again != array) == 2


def test_npz_keeps_all_other_members_to_the_byte(opened, tmp_path):
    np.savez_compressed(tmp_path / "a.npz", image=sky(0), mask=ids(0), theta=np.arange(3), note=np.array("dark sky"))
    found = opened(tmp_path / "a.npz")
    assert (found.array, len(found)) == ("image", 1)
    (tmp_path / "b.npz").write_bytes(found.rewritten({0: found.read(0) + 1}))
    with zipfile.ZipFile(tmp_path / "a.npz") as old, zipfile.ZipFile(tmp_path / "b.npz") as new:
        assert old.namelist() == new.namelist()
        same = [name for name in old.namelist() if old.read(name) == new.read(name)]
        assert same == ["mask.npy", "theta.npy", "note.npy"]
        assert {member.compress_type for member in new.infolist()} == {zipfile.ZIP_DEFLATED}
    assert np.array_equal(np.load(tmp_path / "b.npz")["image"], sky(0) + 1, equal_nan=True)
    mask = opened(tmp_path / "a.npz", array="mask")
    assert mask.stored(0).dtype == np.int32
    assert mask.stored(0).max() == 70000


def test_which_array_is_the_picture_is_asked_where_it_is_in_doubt(opened, tmp_path):
    np.savez(tmp_path / "a.npz", flux=sky(0), error=sky(1), weights=np.arange(3))
    message = r"a\.npz has several arrays that could be the picture \(flux 40x48 float32, error .*\): say --array NAME"
    with pytest.raises(GantoolError, match=message):
        opened(tmp_path / "a.npz")
    assert np.array_equal(opened(tmp_path / "a.npz", array="error").read(0)[..., 0], sky(1), equal_nan=True)
    with pytest.raises(GantoolError, match=r"has no array 'sky'; it has flux 40x48 float32"):
        opened(tmp_path / "a.npz", array="sky")
    np.savez(tmp_path / "b.npz", theta=np.arange(3))
    with pytest.raises(GantoolError, match=r"b\.npz holds no picture: it has theta 3 int64"):
        opened(tmp_path / "b.npz")


def test_volumes_colours_and_what_is_no_picture(opened, tmp_path):
    np.save(tmp_path / "volume.npy", np.zeros((5, 20, 24)))
    assert (len(opened(tmp_path / "volume.npy")), opened(tmp_path / "volume.npy").slices) == (5, "0")
    np.save(tmp_path / "colour.npy", np.zeros((20, 24, 3)))
    assert (len(opened(tmp_path / "colour.npy")), opened(tmp_path / "colour.npy").form.channels) == (1, 3)
    np.save(tmp_path / "stack.npy", np.zeros((2, 5, 20, 24)))
    assert len(opened(tmp_path / "stack.npy")) == 10
    for name, array in (("points", np.zeros((9, 2))), ("word", np.array("a")), ("complex", np.zeros((20, 24), complex))):
        np.save(tmp_path / f"{name}.npy", array)
        assert not opener("a.npy").claims(tmp_path / f"{name}.npy")
