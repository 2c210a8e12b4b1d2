"""A data set that refines with the transforms of two libraries, as worker processes of a data loader get it.

python augmented.py RUN METHOD…    compares what workers started by each method give with what this process gives
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from gantool.augment import reference
from gantool.augment.albumentations import Refine
from gantool.augment.kornia import RandomRefine


class Images(Dataset[Any]):
    """What both make of an image, and how many networks the process has for that."""

    def __init__(self, run: Path) -> None:
        self.numpy = A.Compose([Refine(run, p=1), Refine(run, p=1)])
        self.torch = RandomRefine(run, p=1.0, keepdim=True)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[np.ndarray, torch.Tensor, int]:
        image = np.full((9, 8, 3), 40 * index, dtype=np.uint8)
        pixels = self.torch(torch.from_numpy(image).permute(2, 0, 1) / 255)
        return self.numpy(image=image)["image"], pixels, len(reference._networks)


def compare(run: Path, method: Any) -> None:
    """Fail where a worker gives something else, or has more networks than the one that all transforms share."""
    data = Images(run)
    found = list(DataLoader(data, batch_size=None, num_workers=1, multiprocessing_context=method))
    for (a, b, _), (c, d, networks) in zip([data[index] for index in range(4)], found, strict=True):
        assert np.array_equal(a, c), method
        torch.testing.assert_close(b, d)
        assert networks == 1, networks


if __name__ == "__main__":
    torch.set_num_threads(2)
    for name in sys.argv[2:]:
        compare(Path(sys.argv[1]), name)
        print(name, "ok")
