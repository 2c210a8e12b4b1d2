"""Tiny copies of the data sets in the layouts in which they are published."""

import json

import h5py
import numpy as np
from PIL import Image
from scipy.io import savemat

CENTRE, EYE = (320.0, 240.0), 180.0
"""Middle of the eye from the picture's top left corner, and its width from corner to corner, in px."""


def write_unityeyes(folder, count=4, size=(480, 640), looks=None, seed=0):
    """N.jpg and N.json; a dark iris on grey. Returns the iris' middle from the top left corner, (N, 2)."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    middles = []
    for number in range(1, count + 1):
        look = draw.uniform(-0.4, 0.4, 2) if looks is None else looks[number - 1]
        x, y = CENTRE[0] * size[1] / 640 + 50 * look[0], CENTRE[1] * size[0] / 480 - 50 * look[1]
        middles.append((x, y))
        write_picture(folder / f"{number}.jpg", size, (x, y))
        details = unityeyes_json(size, (x, y), (*look, -np.sqrt(1 - look[0] ** 2 - look[1] ** 2)))
        (folder / f"{number}.json").write_text(json.dumps(details))
    return np.array(middles)


def write_picture(path, size, middle, radius=30):
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    picture = np.full((*size, 3), 190.0)
    picture[np.hypot(columns - middle[0], rows - middle[1]) < radius] = 30
    Image.fromarray(picture.astype(np.uint8)).save(path, quality=95)


def unityeyes_json(size, iris, look):
    """What UnityEyes writes: all numbers as text, y from the bottom."""
    middle = np.array(CENTRE) * (size[1] / 640, size[0] / 480)
    # From the inner corner (left) along the lower lid to the outer one, which is number 8, and back along the upper lid.
    turn = np.pi + np.arange(16) * np.pi / 8
    margin = middle + np.stack((EYE / 2 * np.cos(turn), -40 * np.sin(turn)), 1)
    caruncle = middle - (EYE / 2, 0) + np.linspace(-1, 1, 7)[:, None] * (0, 6)
    rim = np.array(iris) + 30 * np.stack((np.cos(np.arange(32) * np.pi / 16), np.sin(np.arange(32) * np.pi / 16)), 1)

    def points(rows):
        return [f"({x:.4f}, {size[0] - y:.4f}, {9.4:.4f})" for x, y in rows]

    return {
        "interior_margin_2d": points(margin),
        "caruncle_2d": points(caruncle),
        "iris_2d": points(rim),
        "eye_details": {
            "look_vec": f"({look[0]:.4f}, {look[1]:.4f}, {look[2]:.4f}, 0.0000)",
            "pupil_size": "-0.03071442",
            "iris_size": "0.9349975",
            "iris_texture": "eyeball_brown",
        },
        "lighting_details": {"skybox_texture": "garage_1k", "skybox_exposure": "1.13", "light_intensity": "0.8"},
        "eye_region_details": {"pca_shape_coeffs": ["0.31", "-1.2"], "primary_skin_texture": "f03_color"},
        "head_pose": "(350.0000, 190.0000, 0.0000)",
    }


def write_mpiigaze(root, subjects=("p00", "p01"), days=2, frames=3, size=(36, 60), lists=True, seed=0):
    """Data/Normalized/pNN/dayNN.mat and the evaluation lists: of each day, frame 1's left and the last frame's right eye."""
    draw = np.random.default_rng(seed)
    folder = root / "Evaluation Subset" / "sample list for eye image"
    if lists:
        folder.mkdir(parents=True, exist_ok=True)
    for subject in subjects:
        lines = []
        for day in range(1, days + 1):
            names = [f"{frame:04}.jpg" for frame in range(1, frames + 1)]
            path = root / "Data" / "Normalized" / subject / f"day{day:02}.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            sides = {side: eye(draw, frames, size) for side in ("right", "left")}
            write_day(path, sides, names)
            lines += [f"day{day:02}/{names[0]} left", f"day{day:02}/{names[-1]} right"]
        if lists:
            (folder / f"{subject}.txt").write_text("\n".join(lines) + "\n")


def eye(draw, frames, size=(36, 60)):
    gaze = np.concatenate((draw.uniform(-0.4, 0.4, (frames, 2)), -np.ones((frames, 1))), 1)
    return {
        "gaze": gaze / np.linalg.norm(gaze, axis=1, keepdims=True),
        "image": draw.integers(0, 256, (frames, *size), dtype=np.uint8),
        "pose": draw.uniform(-0.3, 0.3, (frames, 3)),
    }


def write_day(path, sides, names):
    cells = np.empty((len(names), 1), object)
    cells[:, 0] = names
    savemat(path, {"data": sides, "filenames": cells}, do_compression=True)


def write_h5_pair(folder, count=12, real=5):
    """gaze.h5, whose image called "7" is all 7, and real_gaze.h5. Returns look_vec (N, 4) by the images' numbers."""
    draw = np.random.default_rng(0)
    look = np.concatenate((draw.uniform(-0.4, 0.4, (count, 2)), -np.ones((count, 1)), np.zeros((count, 1))), 1)
    with h5py.File(folder / "gaze.h5", "w") as file:
        for number in range(count):
            file.create_dataset(f"image/{number}", data=np.full((35, 55), number, np.uint8))
        file.create_dataset("look_vec", data=look)
        file.create_dataset("path", data=[f"imgs/{number}.jpg".encode() for number in range(count)])
    with h5py.File(folder / "real_gaze.h5", "w") as file:
        for number in range(real):
            file.create_dataset(f"image/p00_{number}.png", data=draw.integers(0, 256, (35, 55), dtype=np.uint8))
    return look


def write_columbia(folder, subjects=("0001", "0002"), sides=("_L", "_R")):
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    for subject in subjects:
        for angles in ("0P_0V_0H", "-15P_10V_-10H"):
            for side in sides:
                pixels = draw.integers(0, 256, (40, 70, 3), dtype=np.uint8)
                (folder / subject).mkdir(exist_ok=True)
                Image.fromarray(pixels).save(folder / subject / f"{subject}_2m_{angles}{side}.png")
