"""Writes small files as simulators write them: the layout, the names and the types of numbers; the pixels are noise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import OpenEXR
from PIL import Image

H, W = 24, 32


def photo(seed: int = 0, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (H, W, channels), dtype=np.uint8)


def ids(values: tuple[int, ...] = (0, 1, 4), dtype: type = np.uint8) -> np.ndarray:
    """(H, W): upright bars."""
    return np.repeat(np.array(values, dtype), -(-W // len(values)))[None, :W].repeat(H, axis=0)


def colours(values: tuple[tuple[int, ...], ...]) -> np.ndarray:
    return np.array(values, np.uint8)[ids(tuple(range(len(values))))]


def normals() -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(H, W, 3))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return np.rint((vectors + 1) / 2 * 255).astype(np.uint8)


def depth16(background: int = 0) -> np.ndarray:
    depth = np.random.default_rng(2).integers(1000, 9000, (H, W), dtype=np.uint16)
    depth[:4] = background
    return depth


def save(root: Path, name: str, content: Any) -> None:
    """Write an array as the file's suffix says; bytes and text as they are, other things as JSON."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes | str):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    elif path.suffix == ".npy":
        np.save(path, content)
    elif path.suffix == ".pfm":
        path.write_bytes(b"Pf\n%d %d\n-1.0\n" % content.shape[::-1] + content.astype("<f4").tobytes())
    elif not isinstance(content, np.ndarray):
        path.write_text(json.dumps(content), encoding="utf-8")
    elif content.dtype == np.uint16 and content.ndim == 3:
        path.write_bytes(cv2.imencode(".png", content[..., ::-1])[1].tobytes())
    else:
        Image.fromarray(content).save(path)


def exr(path: Path, *parts: tuple[str, Mapping[str, np.ndarray]], **header: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    made = [
        OpenEXR.Part({**given, **(header if not n else {})}, dict(channels), name) for n, (name, channels) in enumerate(parts)
    ]
    OpenEXR.File(made).write(str(path))


def plane(value: float = 0.5, dtype: type = np.float32) -> np.ndarray:
    return np.full((H, W), value, dtype)


def hdf5(path: Path, **arrays: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def mixed(root: Path) -> None:
    """What one writer puts into one folder."""
    for n in range(3):
        save(root, f"rgb_{n:04}.png", photo(n))
        save(root, f"depth_{n:04}.png", depth16())
        save(root, f"normal_{n:04}.png", normals())
        save(root, f"semantic_{n:04}.png", ids((0, 1, 3)))
        save(root, f"instance_{n:04}.png", ids((0, 80, 240)))


def bop(root: Path, *, suffix: str = "jpg", listed: str = "jpg") -> None:
    scene = root / "train_pbr" / "000003"
    for n in range(3):
        save(scene, f"rgb/{n:06}.{suffix}", photo(n))
        save(scene, f"depth/{n:06}.png", depth16(65535))
        for m in range(2):
            save(scene, f"mask/{n:06}_{m:06}.png", ids((0, 255)))
            save(scene, f"mask_visib/{n:06}_{m:06}.png", ids((0, 255, 0)))
    save(scene, "scene_gt.json", {str(n): [{"obj_id": 5}, {"obj_id": 9}] for n in range(3)})
    save(scene, "scene_camera.json", {str(n): {"depth_scale": 0.1 * (n + 1)} for n in range(3)})
    boxes = [
        {"bbox_obj": [-3, 2, 40, 9], "bbox_visib": [0, 2, 31, 9]},
        {"bbox_obj": [1, 1, 2, 2], "bbox_visib": [-1, -1, -1, -1]},
    ]
    save(scene, "scene_gt_info.json", {str(n): boxes for n in range(3)})
    images = [{"id": n, "file_name": f"rgb/{n:06}.{listed}", "width": W, "height": H} for n in range(3)]
    save(scene, "scene_gt_coco.json", {"images": images, "annotations": [], "categories": []})


REPLICATOR_BOX = np.dtype(
    [("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4"), ("occlusionRatio", "<f4")]
)


def replicator(root: Path, number: str = "{:04}", folders: bool = False) -> None:
    def name(word: str, n: int, end: str) -> str:
        return f"{f'RP_0/{word}/' * folders}{word}_{number.format(n)}.{end}"

    for n in range(2):
        save(root, name("rgb", n, "png"), photo(n, 4))
        save(root, name("normals", n, "png"), np.dstack([normals(), plane(255, np.uint8)]))
        save(root, name("semantic_segmentation", n, "png"), colours(((0, 0, 0, 0), (0, 0, 0, 255), (35, 198, 233, 255))))
        labels = {
            "(0, 0, 0, 0)": {"class": "BACKGROUND"},
            "(0, 0, 0, 255)": {"class": "UNLABELLED"},
            "(35, 198, 233, 255)": {"class": "cube"},
        }
        save(root, name("semantic_segmentation_labels", n, "json"), labels)
        save(root, name("distance_to_image_plane", n, "npy"), np.where(ids((0, 1)) > 0, np.inf, 5.0).astype(np.float32))
        save(root, name("distance_to_image_plane", n, "png"), photo(n, 3))
        save(root, name("bounding_box_2d_tight", n, "npy"), np.array([(0, 3, 1, 9, 11, 0.5)], REPLICATOR_BOX))
    save(root, "metadata.txt", '{"name": "BasicWriter"}')


def solo(root: Path) -> None:
    for n in (0, 1, 10):
        folder = root / f"sequence.{n}"
        save(folder, "step0.camera.png", photo(n, 4))
        save(folder, "step0.camera.semantic segmentation.png", colours(((0, 0, 0, 255), (255, 0, 0, 255))))
        save(folder, "step0.camera.instance segmentation.png", colours(((0, 0, 0, 255), (9, 8, 7, 255))))
        box = {
            "@type": "type.unity.com/unity.solo.BoundingBox2DAnnotation",
            "values": [{"origin": [4.0, 2.0], "dimension": [5.0, 6.0]}],
        }
        ids_in = {
            "@type": "type.unity.com/unity.solo.SemanticSegmentationAnnotation",
            "filename": "step0.camera.semantic segmentation.png",
            "instances": [{"labelName": "Crate", "pixelValue": [255, 0, 0, 255]}],
        }
        seen = [{"location": [4.0, 8.0], "state": 2}, {"location": [0.0, 0.0], "state": 0}]
        body = {"@type": "type.unity.com/unity.solo.KeypointAnnotation", "values": [{"keypoints": seen}]}
        capture = {
            "id": "camera",
            "filename": "step0.camera.png",
            "dimension": [float(W), float(H)],
            "annotations": [body, box, ids_in],
        }
        save(folder, "step0.frame_data.json", {"frame": n, "captures": [capture]})


def carla(root: Path) -> None:
    packed = np.random.default_rng(3).integers(0, 256, (H, W, 3), dtype=np.uint8)
    packed[0, 0] = (1, 2, 3)
    classes = np.zeros((H, W, 3), np.uint8)
    classes[..., 0] = ids((1, 12, 14))
    for n in range(3):
        save(root, f"rgb/{n:08}.png", photo(n, 4))
        save(root, f"depth/{n:08}.png", packed)
        save(root, f"semantic/{n:08}.png", classes)


def kubric(root: Path) -> None:
    for n in range(3):
        save(root, f"rgba_{n:05}.png", photo(n, 4))
        save(root, f"depth_{n:05}.tiff", np.where(ids((0, 1)) > 0, 1e10, 7.0).astype(np.float32))
        palette = Image.fromarray(ids((0, 1, 2))).convert("P")
        palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        palette.save(root / f"segmentation_{n:05}.png")
        flow = np.zeros((H, W, 3), np.uint16)
        flow[..., 0], flow[..., 1] = 65535, 0  # rows come first
        save(root, f"forward_flow_{n:05}.png", flow)
        save(root, f"normal_{n:05}.png", normals().astype(np.uint16) * 257)
    save(root, "data_ranges.json", {"forward_flow": {"min": -2.0, "max": 6.0}})
    boxes = {"bboxes": [[0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.5, 0.5]], "bbox_frames": [0, 2]}
    save(root, "metadata.json", {"instances": [boxes]})


def vkitti2(root: Path) -> None:
    base = root / "Scene01" / "clone"
    for camera in (0, 1):
        for n in range(2):
            save(base, f"frames/rgb/Camera_{camera}/rgb_{n:05}.jpg", photo(n))
            save(base, f"frames/depth/Camera_{camera}/depth_{n:05}.png", depth16(65535))
            save(base, f"frames/classSegmentation/Camera_{camera}/classgt_{n:05}.png", colours(((90, 200, 255), (0, 199, 0))))
            save(base, f"frames/instanceSegmentation/Camera_{camera}/instancegt_{n:05}.png", ids((0, 1, 2)))
    rows = "frame cameraID trackID left right top bottom\n0 0 7 10 20 3 8\n0 1 7 11 21 3 8\n1 0 7 12 22 4 9\n"
    save(base, "bbox.txt", rows)


def airsim(root: Path) -> None:
    rows = ["VehicleName\tTimeStamp\tPOS_X\tImageFile"]
    for n in range(2):
        stamp = 1_000_000 + 1000 * n
        names = [f"img_Car_0_{kind}_{stamp + kind}.{'pfm' if kind == 1 else 'png'}" for kind in (0, 1, 5)]
        save(root, f"images/{names[0]}", photo(n))
        save(root, f"images/{names[1]}", np.arange(H * W, dtype=np.float32).reshape(H, W))
        save(root, f"images/{names[2]}", colours(((1, 2, 3), (4, 5, 6))))
        rows.append(f"Car\t{stamp}\t{n}.5\t{';'.join(names)}")
    save(root, "airsim_rec.txt", "\n".join(rows))


def rhd(root: Path) -> None:
    depth = np.zeros((H, W, 3), np.uint8)
    depth[..., 0], depth[..., 1] = np.random.default_rng(0).integers(0, 256, (2, H, W))
    depth[0, 0] = (51, 51, 0)
    for n in range(3):
        save(root, f"training/color/{n:05}.png", photo(n))
        save(root, f"training/depth/{n:05}.png", depth)
        save(root, f"training/mask/{n:05}.png", ids((0, 1, 33)))
    save(root, "training/anno_training.pickle", b"not read")


def falling_things(root: Path) -> None:
    corners = {"top_left": [3.0, 2.0], "bottom_right": [9.0, 12.0]}  # y comes first
    can = {"class": "can", "bounding_box": corners, "projected_cuboid": [[2.0, 3.0]] * 8}
    for n in range(2):
        for eye in ("left", "right"):
            save(root, f"kitchen_0/{n:06}.{eye}.jpg", photo(n))
            save(root, f"kitchen_0/{n:06}.{eye}.depth.png", depth16(65535))
            save(root, f"kitchen_0/{n:06}.{eye}.seg.png", ids((0, 13, 20)))
            save(root, f"kitchen_0/{n:06}.{eye}.json", {"camera_data": {}, "objects": [can]})
    save(root, "kitchen_0/_camera_settings.json", {})


def dope(root: Path) -> None:
    lowest = float(np.finfo(np.float32).min)
    for n in range(2):
        save(root, f"{n:05}.png", photo(n))
        depth, seg = np.where(ids((0, 1)) > 0, lowest, 2.0), np.where(ids((0, 1)) > 0, -lowest, 3.0)
        exr(root / f"{n:05}.depth.exr", ("", {c: depth.astype(np.float32) for c in "RGBA"}))
        exr(root / f"{n:05}.seg.exr", ("", {c: seg.astype(np.float32) for c in "RGBA"}))
        found = {"class": "can", "bounding_box_minx_maxx_miny_maxy": [2, 12, 3, 9], "projected_cuboid": [[2, 3]] * 9}
        save(root, f"{n:05}.json", {"camera_data": {"width": W, "height": H}, "objects": [found]})


def blenderproc(root: Path, *, stereo: bool = False) -> None:
    eyes = (2,) if stereo else ()
    for n in (0, 2, 10):
        hdf5(
            root / f"{n}.hdf5",
            colors=np.broadcast_to(photo(n), (*eyes, H, W, 3)),
            depth=np.broadcast_to(plane(1e10), (*eyes, H, W)),
            normals=np.broadcast_to(normals() / np.float32(255), (*eyes, H, W, 3)),
            instance_segmaps=np.broadcast_to(ids((0, 1, 2)), (*eyes, H, W)),
            category_id_segmaps=np.broadcast_to(ids((0, 1, 1)), (*eyes, H, W)),
            instance_attribute_maps=np.bytes_(json.dumps([{"idx": 1}])),
        )


def hypersim(root: Path) -> None:
    base = root / "ai_001_001" / "images"
    for n in range(2):
        hdf5(base / f"scene_cam_00_final_hdf5/frame.{n:04}.color.hdf5", dataset=photo(n).astype(np.float16) / 64)
        hdf5(base / f"scene_cam_00_geometry_hdf5/frame.{n:04}.depth_meters.hdf5", dataset=plane(3.0))
        hdf5(base / f"scene_cam_00_geometry_hdf5/frame.{n:04}.semantic.hdf5", dataset=ids((-1, 3), np.int16))
        hdf5(base / f"scene_cam_00_geometry_hdf5/frame.{n:04}.normal_cam.hdf5", dataset=normals() / np.float32(127.5) - 1)
        save(base, f"scene_cam_00_final_preview/frame.{n:04}.tonemap.jpg", photo(n))
        save(base, f"scene_cam_00_geometry_preview/frame.{n:04}.depth_meters.png", photo(n))


def mitsuba(root: Path) -> None:
    names = ("R", "G", "B", "A", "img.R", "img.G", "img.B", "img.A", "dd.y.T", "nn.X", "nn.Y", "nn.Z", "sid.I", "uv.U", "uv.V")
    exr(root / "aov.exr", ("", {name: plane(0.0 if name == "dd.y.T" else 0.3) for name in names}))


def _layers(version: int, view: str = "") -> dict[str, dict[str, np.ndarray]]:
    """Passes of one view layer by name, each with its channels."""
    index = "IndexOB" if version == 4 else "Object Index"
    made: dict[str, dict[str, np.ndarray]] = {
        "Combined": {c: photo(ord(c))[..., 0].astype(np.float16) / 100 for c in "RGBA"},
        "Depth": {"Z": np.where(ids((0, 1)) > 0, 1e10, 8.0).astype(np.float32)},
        "Normal": {c: plane(0.2) for c in "XYZ"},
        "Vector": {c: plane(n + 1.0) for n, c in enumerate("XYZW")},
        "UV": {c: plane(0.1) for c in "UVA"},
        index: {"X": ids((0, 1, 300), np.float32)},
        "CryptoObject00": {c: plane(0.7) for c in "rgba"},
    }
    return {f"ViewLayer.{name}{f'.{view}' * (version == 4 and bool(view))}": channels for name, channels in made.items()}


def blender(path: Path, version: int, *, stereo: bool = False) -> None:
    """4.x writes one part, 5.x a part per pass; the eyes of a stereo pair are in the channels' names, or in the parts'."""
    views = ("left", "right") if stereo else ("",)
    header = {"BlenderMultiChannel": "Blender V2.55.1 and newer", "cryptomatte/542cafa/manifest": '{"Cube ä":"117ca633"}'}
    if version == 4:
        channels = {f"{name}.{c}": p for view in views for name, found in _layers(4, view).items() for c, p in found.items()}
        exr(path, ("", channels), **header)
        return
    parts = [
        (f"{name}-{view}" if view else name, {f"{name}.{c}": p for c, p in found.items()})
        for view in views
        for name, found in _layers(5).items()
    ]
    exr(path, *parts, **header)


def file_output(root: Path) -> None:
    """A File Output node of 5.0: EXR per pass, without a number for a still, scalars as grey RGBA; the picture as PNG."""
    for number in ("", "0001"):
        exr(root / f"Depth{number}.exr", ("", {c: plane(1e10) for c in "RGBA"}), Software="Blender 5.0")
        exr(root / f"Normal{number}.exr", ("", {c: plane(0.5) for c in "XYZA"}))
        exr(root / f"Object Index{number}.exr", ("", {c: ids((0, 1), np.float32) for c in "RGBA"}))
        save(root, f"Image{number}.png", photo(7, 4))
