"""DICOM: values in their unit, and files that come back the same but for refined pixels."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from science_samples import volume, write_dicom

from gantool.errors import GantoolError

SLICE = volume(0)[:, :, 2].T


def stored(dtype=np.int16, offset=1024):
    return np.rint(SLICE + offset).clip(0, 4095).astype(dtype)


def rewritten(found, tmp_path, change=8, number=0):
    after = found.read(number).copy()
    after[:6] += change
    (tmp_path / "out.dcm").write_bytes(found.rewritten({number: after}))
    return pydicom.dcmread(tmp_path / "out.dcm")


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_hounsfield_units_padding_and_a_file_that_differs_in_pixels_alone(syntax, opened, tmp_path):
    pixels = stored()
    pixels[0, :5] = -2000
    write_dicom(
        tmp_path / "a.dcm",
        pixels,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        PixelPaddingValue=-2000,
        WindowCenter=40,
        WindowWidth=400,
    )
    if syntax:
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = pixels.astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            tmp_path / "a.dcm",
            dataset,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            force_encoding=True,
        )
    found = opened(tmp_path / "a.dcm")
    assert (found.unit, len(found), found.form.dtype) == ("HU", 1, "float32")
    values = found.read(0)[..., 0]
    assert np.array_equal(np.isnan(values), pixels == -2000)
    assert np.array_equal(values[1:], pixels[1:] - 1024.0)
    new = rewritten(found, tmp_path)
    assert np.array_equal(new.pixel_array[1:6], pixels[1:6] + 8)
    assert np.array_equal(new.pixel_array[0, :5], pixels[0, :5])
    assert np.array_equal(new.pixel_array[6:], pixels[6:])
    first, second = ((tmp_path / name).read_bytes() for name in ("a.dcm", "out.dcm"))
    assert len(first) == len(second)
    assert np.count_nonzero(np.frombuffer(first, np.uint8) != np.frombuffer(second, np.uint8)) <= 2 * 6 * 48


def test_monochrome1_is_seen_inverted_and_stored_as_it_was(opened, tmp_path):
    pixels = stored(np.uint16)
    write_dicom(tmp_path / "a.dcm", pixels, bits=12, photometric="MONOCHROME1")
    found = opened(tmp_path / "a.dcm")
    assert np.array_equal(found.read(0)[..., 0], 4095.0 - pixels)
    assert any("MONOCHROME1" in note for note in found.notes)
    new = rewritten(found, tmp_path)
    assert np.array_equal(new.pixel_array[1:6], pixels[1:6] - np.minimum(8, pixels[1:6]))
    assert new.PhotometricInterpretation == "MONOCHROME1"


def test_bits_above_those_stored_stay(opened, tmp_path):
    """Overlays lie there in old files: pydicom masks them, and so does what is written."""
    pixels = stored(np.uint16)
    with_overlay = pixels | 0x1000
    write_dicom(tmp_path / "a.dcm", with_overlay, bits=12)
    found = opened(tmp_path / "a.dcm")
    assert np.array_equal(found.read(0)[..., 0], pixels)
    assert found.form.dtype == "uint16"
    raw = np.frombuffer(rewritten(found, tmp_path).PixelData, "<u2").reshape(pixels.shape)
    assert (raw & 0x1000).all()
    assert np.array_equal(raw[:6] & 0xFFF, (pixels[:6] + 8).clip(0, 4095))
    signed = (pixels.astype(np.int16) - 1500).clip(-2048, 2047)
    write_dicom(tmp_path / "b.dcm", signed, bits=12)
    found = opened(tmp_path / "b.dcm")
    new = rewritten(found, tmp_path, change=1600)
    assert np.array_equal(np.frombuffer(new.PixelData, "<i2").reshape(pixels.shape)[:6], (signed[:6] + 1600).clip(-2048, 2047))


def test_frames_have_scales_of_their_own(opened, tmp_path):
    frames = np.stack([stored(np.uint16), stored(np.uint16) // 2])
    groups = []
    for slope, intercept in ((1, -1024), (2, -1000)):
        transformation = pydicom.Dataset()
        transformation.RescaleSlope, transformation.RescaleIntercept, transformation.RescaleType = slope, intercept, "HU"
        group = pydicom.Dataset()
        group.PixelValueTransformationSequence = [transformation]
        groups.append(group)
    write_dicom(tmp_path / "a.dcm", frames, frames=2, PerFrameFunctionalGroupsSequence=groups)
    found = opened(tmp_path / "a.dcm")
    assert (len(found), found.unit) == (2, "HU")
    assert np.array_equal(found.read(0)[..., 0], frames[0] - 1024.0)
    assert np.array_equal(found.read(1)[..., 0], frames[1] * 2.0 - 1000)
    new = rewritten(found, tmp_path, number=1)
    assert np.array_equal(new.pixel_array[1][:6], frames[1][:6] + 4)
    assert np.array_equal(new.pixel_array[0], frames[0])


def test_compressed_pixels_are_written_uncompressed_and_keep_their_identity(opened, tmp_path):
    write_dicom(tmp_path / "a.dcm", stored(), RescaleIntercept=-1024, RescaleSlope=1)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(tmp_path / "a.dcm")
    found = opened(tmp_path / "a.dcm")
    assert any("compressed" in note for note in found.notes)
    new = rewritten(found, tmp_path)
    assert np.array_equal(new.pixel_array[:6], stored()[:6] + 8)
    assert new.SOPInstanceUID == dataset.SOPInstanceUID
    assert not new.file_meta.TransferSyntaxUID.is_compressed


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_in_both_orders(planar, opened, tmp_path):
    colours = np.random.default_rng(0).integers(0, 200, (12, 14, 3), dtype=np.uint8)
    write_dicom(tmp_path / "a.dcm", colours, photometric="RGB")
    if planar:
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        dataset.PlanarConfiguration, dataset.PixelData = 1, colours.transpose(2, 0, 1).tobytes()
        dataset.save_as(tmp_path / "a.dcm")
    found = opened(tmp_path / "a.dcm")
    assert np.array_equal(found.read(0), colours)
    after = found.read(0) + np.array([0, 5, 0], np.uint8)
    (tmp_path / "out.dcm").write_bytes(found.rewritten({0: after}))
    assert np.array_equal(pydicom.dcmread(tmp_path / "out.dcm").pixel_array, after)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"Modality": "SEG"}, "holds no picture: it holds a segmentation"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "holds no picture: its pixels are indices into a palette"),
        ({"PhotometricInterpretation": "YBR_FULL"}, "is stored as YBR_FULL: convert it to RGB first"),
    ],
)
def test_what_is_no_picture_is_said(tags, message, opened, tmp_path):
    write_dicom(tmp_path / "a.dcm", stored(), **tags)
    with pytest.raises(GantoolError, match=message):
        opened(tmp_path / "a.dcm")
