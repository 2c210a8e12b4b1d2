#!/usr/bin/env bash
# pydicom: taking pixels out of lossless compression gives the image another identity.
#
# One would expect `Dataset.decompress()` of a losslessly compressed image to change how its pixels are stored, and nothing that other
# objects know it by: DICOM asks for a new SOP Instance UID where pixels change, as by lossy compression. With pydicom 3.0.2 both
# `compress()` and `decompress()` write a new, random SOP Instance UID by default (`generate_instance_uid=True`), into the file meta
# information too, while the pixels are equal to the bit. Segmentations, contours and presentation states that refer to the image then
# refer to one that is not there, and two runs of one program give different files.
# Why it matters here: refined files are written without compression, and labels have to stay true to them; the identity is kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pydicom==3.0.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

print("pydicom", version("pydicom"), "numpy", version("numpy"))
path = Path(sys.argv[1]) / "a.dcm"
pixels = np.arange(16 * 20, dtype=np.int16).reshape(16, 20)
image = pydicom.Dataset()
image.file_meta = pydicom.dataset.FileMetaDataset()
image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = CTImageStorage
image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = "1.2.3.4"
image.Rows, image.Columns, image.SamplesPerPixel, image.PhotometricInterpretation = 16, 20, 1, "MONOCHROME2"
image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
image.PixelData = pixels.tobytes()
image.compress(RLELossless, generate_instance_uid=False)
image.save_as(path, enforce_file_format=True)

first, second, kept = (pydicom.dcmread(path) for _ in range(3))
first.decompress()
second.decompress()
kept.decompress(generate_instance_uid=False)
print("before: 1.2.3.4 - after:", first.SOPInstanceUID, "and", second.SOPInstanceUID, "- kept if asked:", kept.SOPInstanceUID)
assert np.array_equal(first.pixel_array, pixels) and np.array_equal(kept.pixel_array, pixels)
assert len({"1.2.3.4", first.SOPInstanceUID, second.SOPInstanceUID}) == 3
assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
assert kept.SOPInstanceUID == "1.2.3.4"
PYTHON
