#!/usr/bin/env bash
# nibabel: the header of an opened image has lost the scale of its voxels, and an image made with that header has it not.
#
# One would expect `nib.load(path).header` to say what the header of the file says, scl_slope and scl_inter among it, and
# `Nifti1Image(array, affine, image.header)` with the stored whole numbers to be the same image again. With nibabel 5.4.2 both fields
# are NaN in the header of an opened image, and `header.get_slope_inter()` is (None, None); the scale is in `image.dataobj.slope`
# and `.inter` alone, and reading the header's bytes with `Nifti1Header.from_fileobj` shows it. Stored numbers that are saved with the
# header therefore come back as other values, 1000 and more times as large for floats that were squeezed into int16, and nothing is said.
# Why it matters here: values are stored numbers times slope plus intercept, so a reader that asks the header gets volumes in the
# wrong unit. What is refined is written into the bytes of the file, where the scale stays.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check nibabel==5.4.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import nibabel as nib
import numpy as np

print("nibabel", version("nibabel"), "numpy", version("numpy"))
folder = Path(sys.argv[1])
values = np.linspace(-1, 3, 8 * 9 * 4).reshape(8, 9, 4)
image = nib.Nifti1Image(values, np.eye(4))
image.set_data_dtype(np.int16)
image.to_filename(folder / "a.nii")

opened = nib.load(folder / "a.nii")
with open(folder / "a.nii", "rb") as file:
    stored = nib.Nifti1Header.from_fileobj(file)
print("in the file:", stored.get_slope_inter(), "in the opened header:", opened.header.get_slope_inter(), "in dataobj:", opened.dataobj.slope)
assert stored.get_slope_inter()[0] > 0
assert opened.header.get_slope_inter() == (None, None)
assert np.isnan(opened.header["scl_slope"])
assert opened.dataobj.slope == stored.get_slope_inter()[0]

again = nib.Nifti1Image(opened.dataobj.get_unscaled(), opened.affine, opened.header)
again.to_filename(folder / "b.nii")
back = nib.load(folder / "b.nii").get_fdata()
print("values before:", values.min(), "to", values.max(), "- after:", back.min(), "to", back.max())
assert np.abs(back).max() > 1000 * np.abs(values).max()
PYTHON
