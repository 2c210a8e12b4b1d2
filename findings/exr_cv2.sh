#!/usr/bin/env bash
# OpenCV reads an EXR of depth as zeros, and one of normals as a single channel.
#
# One would expect that cv2.imread, with OPENCV_IO_ENABLE_OPENEXR=1, reads a plain EXR of one channel, or gives None. With
# opencv-python-headless 4.12.0.88 it depends on the channel's name, since X, Y and Z are taken for luminance and chroma:
# - a depth pass whose channel is Z, the standard's own name for depth, comes as float32 of the right size, all of it 0;
# - normals in X, Y, Z come as one grey channel, which is their Y;
# - V (Blender's File Output node), A, or a name with a layer (Depth.V) give None, while Y and R are read;
# - beside R, G and B a depth channel is left out without a word, and a red channel alone has three, blue and green 0.
# Why it matters here: zeros pass every check of shape and type, so that a depth pass would be said to be empty, or be taken for a
# black picture, trained on and refined. EXR is therefore read by the OpenEXR package, channel by channel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check OpenEXR==3.5.3 numpy==2.2.6 opencv-python-headless==4.12.0.88
cd "$folder"
OPENCV_IO_ENABLE_OPENEXR=1 "$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import cv2
import numpy as np
import OpenEXR

print("opencv-python-headless", version("opencv-python-headless"), "OpenEXR", version("OpenEXR"), "numpy", version("numpy"))


def seen(*names):
    """What cv2 gives of an EXR whose channels hold 1, 2, 3 and so on."""
    channels = {name: np.full((3, 4), place, np.float32) for place, name in enumerate(names, 1)}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write("a.exr")
    image = cv2.imread("a.exr", cv2.IMREAD_UNCHANGED)
    found = None if image is None else np.unique(image.reshape(12, -1), axis=0).tolist()
    print(" ".join(names), "->", found)
    return found


assert seen("Y") == [[1.0]]
assert seen("R", "G", "B") == [[3.0, 2.0, 1.0]]
assert seen("Z") == [[0.0]]
assert seen("X", "Y", "Z") == [[2.0]]
assert seen("R") == [[0.0, 0.0, 1.0]]
assert seen("R", "G", "B", "Z") == [[3.0, 2.0, 1.0]]
assert [seen(name) for name in ("V", "A", "Depth.V")] == [None, None, None]
PYTHON
