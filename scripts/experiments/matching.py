"""Do matched patches hold alike things? Counts it with boxes that matching does not see.

    python scripts/experiments/matching.py SYNTHETIC SYNTHETIC.json REAL REAL.json

Both sets are folders of pictures with COCO boxes. Of every patch: the share of each of 4x4 cells that ellipses in the boxes
cover. Printed for real patches drawn at random and matched in several ways: the mean share (that of the synthetic ones is to be
met), and how it goes with the share in the same cell of the synthetic patch, as a correlation and a mean difference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np

from gantool.components import Pair
from gantool.data.domains import Preprocess
from gantool.data.matching import Patches, balanced, compare, corners, describe, describe_planes, examine, nearest
from gantool.data.opening import open_images
from gantool.data.prepare import Prepared, prepare
from gantool.training.content import describe_by_network


def covered(domain: Prepared, patches: Patches, annotations: Path) -> np.ndarray:
    """(patches, 16) shares of cells that objects cover."""
    found = json.loads(annotations.read_text(encoding="utf-8"))
    numbers = {Path(image["file_name"]).name: image["id"] for image in found["images"]}
    boxes: dict[int, list[list[float]]] = {}
    for annotation in found["annotations"]:
        boxes.setdefault(annotation["image_id"], []).append(annotation["bbox"])
    rows = []
    for image, grid in zip(patches.images.tolist(), patches.grids.tolist(), strict=True):
        size = domain[image].shape[:2]
        mask = np.zeros(size, np.float32)
        for x, y, w, h in boxes.get(numbers[Path(domain.names[image]).name], []):
            middle, axes = (round(x + w / 2), round(y + h / 2)), (max(1, round(w / 2)), max(1, round(h / 2)))
            cv2.ellipse(mask, middle, axes, 0, 0, 360, 1, -1)
        patch = domain.patch or (size[0], size[1])
        rows.append(describe_planes(mask[..., None], *corners((size[0], size[1]), patch, (grid[0], grid[1])), patch))
    return np.concatenate(rows).reshape(-1, 16)


def main() -> None:
    """Print a line for each way."""
    synthetic, ours, real, theirs = sys.argv[1:]
    sets = prepare(Pair(open_images(synthetic), open_images(real)), Preprocess(), "auto")[:2]
    source, target = (each for each in sets if isinstance(each, Prepared))
    draw = np.random.default_rng(0)
    for name, look, rounds in (("grid", describe, 0), ("grid", describe, 2), ("network", describe_by_network, 0)):
        looked = [examine(domain, domain.patch, look, most=2**13) for domain in (source, target)]
        shares = [covered(source, looked[0], Path(ours)), covered(target, looked[1], Path(theirs))]
        compared = compare(looked[0], looked[1], rounds=rounds)
        neighbours, _ = nearest(compared.source, compared.target)
        upto = balanced(neighbours, len(compared.target)).cumsum(axis=1)
        chosen = (upto[:, :-1] <= draw.random((len(upto), 1))).sum(axis=1)
        matched = neighbours[np.arange(len(neighbours)), chosen]
        random = draw.integers(len(shares[1]), size=len(matched))
        used = np.bincount(matched, minlength=len(shares[1])).max() / (len(matched) / len(shares[1]))
        for how, rows in ((f"{name}, {rounds} rounds", matched), ("random", random)):
            cells = shares[1][rows]
            alike = np.corrcoef(cells.ravel(), shares[0].ravel())[0, 1]
            away = np.abs(cells - shares[0]).mean()
            print(
                f"{how}: synthetic {shares[0].mean():.3f} real {cells.mean():.3f} correlation {alike:.3f} difference {away:.3f}"
            )
        print(f"  the patch drawn most comes {used:.0f} times as often as the mean", flush=True)


if __name__ == "__main__":
    main()
