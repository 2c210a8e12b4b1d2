"""What `check_albumentations_fork.sh` runs: the parts of the contract in which the fork differs from albumentations 2.0.8."""

from __future__ import annotations

import json
import pickle
import tempfile
from pathlib import Path

import numpy as np

import gantool
from gantool.augment.albumentations import Refine
from gantool.errors import GantoolError

import albumentations as A  # isort: skip - the import above keeps it from asking PyPI


def main() -> None:
    """Raise `AssertionError` at the first difference."""
    assert hasattr(A.ImageOnlyTransform, "sample_parameters"), "this is not the fork"
    with tempfile.TemporaryDirectory() as folder:
        module = gantool.build("generator", "simgan:refiner", channels=3, width=4, blocks=1)
        run = gantool.save(module, Path(folder) / "run")
        image = np.random.default_rng(0).integers(0, 256, (17, 23, 3), dtype=np.uint8)
        boxes = np.array([[1, 2, 9, 8]], dtype=np.float32)
        points = np.array([[3, 4]], dtype=np.float32)
        params = {"bbox_params": A.BboxParams(coord_format="pascal_voc"), "keypoint_params": A.KeypointParams(coord_format="xy")}
        pipeline = A.Compose([Refine(run, (0.5, 1), p=1), A.NoOp()], seed=0, **params)
        result = pipeline(image=image, bboxes=boxes, keypoints=points)
        assert result["image"].dtype == np.uint8
        assert not np.array_equal(result["image"], image)
        assert np.array_equal(result["bboxes"], boxes)
        assert np.array_equal(result["keypoints"], points)

        fixed = A.Compose([Refine(run, (0.7, 0.7), p=1)])
        wanted = fixed(image=image)["image"]
        for again in (
            A.from_dict(A.to_dict(fixed)),
            A.from_dict(json.loads(json.dumps(A.to_dict(fixed)))),
            pickle.loads(pickle.dumps(fixed)),
        ):
            assert np.array_equal(again(image=image)["image"], wanted)
        stack = np.stack([image, image[::-1]])
        assert np.array_equal(fixed(images=stack)["images"][0], wanted)
        assert np.array_equal(fixed(volume=stack)["volume"][0], wanted)
        assert np.array_equal(fixed(volumes=stack[None])["volumes"][0, 0], wanted)

        replayed = A.ReplayCompose([Refine(run, (0, 1), p=0.5)])
        for _ in range(6):
            drawn = replayed(image=image)
            assert np.array_equal(A.ReplayCompose.replay(drawn["replay"], image=image)["image"], drawn["image"])
        for wrong in ({"strenght": (0, 1)}, {"strength": (0, 2)}, {"batch_size": 0}):
            try:
                Refine(run, **wrong)
            except GantoolError:
                continue
            raise AssertionError(f"{wrong} was accepted")
    print("the fork: ok")


if __name__ == "__main__":
    main()
