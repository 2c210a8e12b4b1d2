#!/usr/bin/env bash
# The OpenEXR package stores NumPy views scrambled, and changes the dictionaries that it is given.
#
# One would expect that a channel is stored as the array compares: `image[..., 0]` of an (H, W, 3) image, a flipped picture, an array
# in Fortran order. With OpenEXR 3.5.3 and numpy 2.2.6 the buffer is read as if it were contiguous. No error, no warning: the file is
# valid, of the right size, and holds other pixels. An (H, W, 3) array as "RGB" is stored rightly where it is contiguous itself, and
# scrambled where it is flipped. The dictionary of the header gets a dataWindow and a displayWindow by the way, so that the same one
# given to a second file of another size is a ValueError; in the dictionary of channels, arrays become channel objects.
# Why it matters here: a refined EXR is written channel by channel, from slices of one image, among passes that must not change.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check OpenEXR==3.5.3 numpy==2.2.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import OpenEXR

print("OpenEXR", version("OpenEXR"), "numpy", version("numpy"))
image = np.random.default_rng(0).random((3, 4, 3)).astype(np.float32)
grey = np.ascontiguousarray(image[..., 0])


def header():
    return {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def kept(channels, wanted):
    OpenEXR.File(header(), dict(channels)).write("a.exr")
    stored = OpenEXR.File("a.exr", separate_channels=True).channels()
    return all(np.array_equal(stored[name].pixels, pixels) for name, pixels in wanted.items())


each = {name: image[..., place] for place, name in enumerate("RGB")}
flipped = {name: pixels[:, ::-1] for name, pixels in each.items()}
found = {
    "slices of an image": kept(each, each),
    "copies of the slices": kept({name: pixels.copy() for name, pixels in each.items()}, each),
    "the image as RGB": kept({"RGB": image}, each),
    "the image flipped, as RGB": kept({"RGB": image[:, ::-1]}, flipped),
    "rows upside down": kept({"Z": grey[::-1]}, {"Z": grey[::-1]}),
    "Fortran order": kept({"Z": np.asfortranarray(grey)}, {"Z": grey}),
}
for what, same in found.items():
    print(f"{what}: {'as it was' if same else 'other pixels'}")
assert [same for same in found.values()] == [False, True, True, False, False, False]

one, channels = header(), {"Z": grey}
OpenEXR.File(one, channels).write("a.exr")
print("the header afterwards:", ", ".join(sorted(one)), "- the channel:", type(channels["Z"]).__name__)
assert not isinstance(channels["Z"], np.ndarray)
try:
    OpenEXR.File(one, {"Z": np.zeros((5, 6), np.float32)}).write("b.exr")
    raise AssertionError("a header could be used again")
except ValueError as error:
    print("ValueError:", error)
PYTHON
