"""NIfTI: the values of nibabel, upright, and files that come back the same but for refined voxels."""

import gzip

import nibabel
import numpy as np
import pytest
from science_samples import volume, write_nifti

from gantool.errors import GantoolError


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("scaled", [False, True])
def test_values_are_those_of_nibabel_and_a_change_touches_nothing_else(suffix, dtype, scaled, opened, tmp_path):
    data = volume(0) if dtype != np.uint8 else volume(0).clip(0, 250)
    path = tmp_path / f"scan{suffix}"
    write_nifti(path, data if scaled else data.astype(dtype), dtype=dtype if scaled else None)
    image = nibabel.load(path)
    wanted = image.get_fdata()
    found = opened(path)
    assert (len(found), found.slices, found.form.size) == (6, "2", "40x48")
    # Shown from left to right and the front up: x is stored along rows, and grows to the right.
    assert np.array_equal(found.read(4)[..., 0], wanted[:, ::-1, 4].T.astype(np.float32))
    after = found.read(4).copy()
    after[:5] += 9
    (tmp_path / f"out{suffix}").write_bytes(found.rewritten({4: after}))
    again = nibabel.load(tmp_path / f"out{suffix}")
    assert (again.header == image.header, again.get_data_dtype()) == (True, image.get_data_dtype())
    assert (again.dataobj.slope, again.dataobj.inter) == (image.dataobj.slope, image.dataobj.inter)
    change = again.get_fdata() - wanted
    np.testing.assert_allclose(
        change[:, 35:, 4], 9, atol=max(1e-3, abs(image.dataobj.slope) / 2 * (dtype in (np.int16, np.uint8)))
    )
    change[:, 35:, 4] = 0
    assert not change.any()
    if suffix == ".nii.gz":
        assert gzip.decompress((tmp_path / "out.nii.gz").read_bytes())[:352] == gzip.decompress(path.read_bytes())[:352]


def test_labels_are_whole_numbers_though_a_scale_bent_them(opened, tmp_path):
    """Floats under an int16 header come back as 7.004."""
    labels = np.zeros((20, 24, 3))
    labels[5:9, 5:9], labels[12:, 12:] = 7, 19000
    write_nifti(tmp_path / "seg.nii.gz", labels + 0.0, dtype=np.int16)
    bent = nibabel.load(tmp_path / "seg.nii.gz").get_fdata()
    assert bent.max() != 19000 or 7 not in bent, "no longer bent: see what nibabel does now"
    found = opened(tmp_path / "seg.nii.gz").stored(0)
    assert found.dtype == np.int64
    assert set(np.unique(found)) == {0, 7, 19000}


def test_one_patient_looks_the_same_however_the_axes_are_stored(opened, tmp_path):
    data = volume(3).astype(np.float32)
    affine = np.diag([0.8, 0.8, 3.0, 1.0])
    write_nifti(tmp_path / "ras.nii", data, affine=affine)
    image = nibabel.Nifti1Image(data, affine)
    for codes in ("LPS", "ASR", "PIR"):
        turned = image.as_reoriented(
            nibabel.orientations.ornt_transform(nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt(codes))
        )
        turned.to_filename(tmp_path / f"{codes}.nii")
    ras = opened(tmp_path / "ras.nii")
    pictures = sorted(ras.read(number).tobytes() for number in range(6))
    for codes in ("LPS", "ASR", "PIR"):
        found = opened(tmp_path / f"{codes}.nii")
        assert len(found) == 6, "the thickest voxels are sliced along, wherever they lie"
        assert sorted(found.read(number).tobytes() for number in range(6)) == pictures, codes
        (tmp_path / "out.nii").write_bytes(found.rewritten({0: found.read(0) + 5}))
        change = np.asanyarray(nibabel.load(tmp_path / "out.nii").dataobj) - np.asanyarray(
            nibabel.load(tmp_path / f"{codes}.nii").dataobj
        )
        assert np.count_nonzero(change) == 48 * 40


def test_affines_that_disagree_are_said(opened, tmp_path):
    image = nibabel.Nifti1Image(volume(0).astype(np.float32), np.diag([0.8, 0.8, 3.0, 1.0]))
    image.set_sform(np.diag([-0.8, 0.8, 3.0, 1.0]), code=1)
    image.set_qform(np.diag([0.8, 0.8, 3.0, 1.0]), code=1)
    image.to_filename(tmp_path / "a.nii")
    assert "its qform says RAS and its sform LAS: the sform is taken, other programs may not" in opened(tmp_path / "a.nii").notes


def test_colours_vectors_time_and_single_slices(opened, tmp_path):
    rgb = np.zeros((20, 24, 3), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    rgb["G"][2, 3, 1] = 200
    nibabel.Nifti1Image(rgb, np.eye(4)).to_filename(tmp_path / "rgb.nii")
    found = opened(tmp_path / "rgb.nii")
    assert (found.form.channels, found.form.dtype, len(found)) == (3, "uint8", 3)
    assert found.read(1)[20, 2].tolist() == [0, 200, 0]
    nibabel.Nifti1Image(np.zeros((20, 24, 3, 1, 3), np.float32), np.eye(4)).to_filename(tmp_path / "vector.nii")
    assert opened(tmp_path / "vector.nii").form.channels == 3
    nibabel.Nifti1Image(np.arange(20 * 24 * 3 * 2, dtype=np.float32).reshape(20, 24, 3, 2), np.eye(4)).to_filename(
        tmp_path / "time.nii"
    )
    found = opened(tmp_path / "time.nii")
    assert len(found) == 6
    assert np.array_equal(found.read(3)[::-1, :, 0].T, nibabel.load(tmp_path / "time.nii").dataobj[:, :, 1, 1])
    write_nifti(tmp_path / "flat.nii", np.zeros((20, 24, 1), np.float32))
    assert (len(opened(tmp_path / "flat.nii")), opened(tmp_path / "flat.nii").notes) == (1, ())


def test_the_axis_can_be_said_and_complex_numbers_are_refused(opened, tmp_path):
    write_nifti(tmp_path / "a.nii", volume(0).astype(np.float32))
    found = opened(tmp_path / "a.nii", slices="0")
    assert (len(found), found.form.size) == (48, "6x40")
    nibabel.Nifti1Image(np.zeros((8, 8, 8), np.complex64), np.eye(4)).to_filename(tmp_path / "c.nii")
    with pytest.raises(GantoolError, match=r"c\.nii holds complex64, which are no values of pictures"):
        opened(tmp_path / "c.nii")
