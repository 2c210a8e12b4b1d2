#!/usr/bin/env bash
# tifffile: overwriting a tag of one page changes other pages, which then read as zeros.
#
# One would expect that a tag belongs to its page, so that `page.tags["StripByteCounts"].overwrite(...)` concerns this page alone.
# tifffile 2026.3.3, when it writes a stack in one call, writes the list of byte counts of the second page once and lets every page
# after it point to the same place. `TiffTag.overwrite` stores a list that is not longer than the old one where the old one was, and
# clears what is left. So pointing the second page of a stack to a new strip at the end of the file, by the documented means, leaves
# the third page with byte counts of a strip that it has not: its pixels read as 0, without an error. (Written page by page, by a
# call each, every page has lists of its own.)
# Why it matters here: refined pages that were compressed go to the end of the file, and all other pages have to stay. Lists are
# therefore never written over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check tifffile==2026.3.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

import numpy as np
import tifffile

print("tifffile", version("tifffile"), "numpy", version("numpy"))
stack = np.arange(1, 1 + 3 * 40 * 48, dtype=np.uint16).reshape(3, 40, 48)
file = io.BytesIO()
tifffile.imwrite(file, stack, photometric="minisblack", rowsperstrip=7)
file.seek(0)
tiff = tifffile.TiffFile(file)
places = [page.tags["StripByteCounts"].valueoffset for page in tiff.pages]
print("byte counts of the pages lie at", places)
assert places[1] == places[2] != places[0]

page, new = tiff.pages[1], stack[1] + 1
at = file.seek(0, io.SEEK_END)
file.write(new.tobytes())
for name, value in (("RowsPerStrip", 40), ("StripOffsets", [at]), ("StripByteCounts", [new.nbytes])):
    page.tags[name].overwrite(value)
read = [one.asarray() for one in tifffile.TiffFile(io.BytesIO(file.getvalue())).pages]
same = [bool(np.array_equal(got, wanted)) for got, wanted in zip(read, (stack[0], new, stack[2]), strict=True)]
print("pages that read as they should:", same, "- zeros in the third:", int((read[2] == 0).sum()), "of", read[2].size)
assert same == [True, True, False]
assert (read[2] == 0).any() and (stack[2] > 0).all()
PYTHON
