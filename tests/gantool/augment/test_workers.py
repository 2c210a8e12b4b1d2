"""The transforms inside the worker processes of a data loader, however those are started."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from .conftest import Saved

pytest.importorskip("albumentations", reason="needs the extra albumentations")
pytest.importorskip("kornia", reason="needs the extra kornia")

SCRIPT = """
    import sys
    import numpy as np
    import torch
    from gantool.augment.albumentations import Refine
    from gantool.augment.kornia import RandomRefine
    from gantool.augment import reference
    import albumentations as A

    class Images(torch.utils.data.Dataset):
        def __init__(self, run):
            self.numpy = A.Compose([Refine(run, p=1), Refine(run, p=1)])
            self.torch = RandomRefine(run, p=1.0, keepdim=True)
        def __len__(self):
            return 4
        def __getitem__(self, index):
            image = np.full((9, 8, 3), 40 * index, dtype=np.uint8)
            pixels = self.torch(torch.from_numpy(image).permute(2, 0, 1) / 255)
            return self.numpy(image=image)["image"], pixels, len(reference._networks)

    if __name__ == "__main__":
        torch.set_num_threads(2)
        data = Images(sys.argv[1])
        wanted = [data[index] for index in range(4)]
        for method in sys.argv[2:]:
            found = list(torch.utils.data.DataLoader(
                data, batch_size=None, num_workers=1, multiprocessing_context=method))
            for (a, b, _), (c, d, networks) in zip(wanted, found, strict=True):
                assert np.array_equal(a, c), method
                torch.testing.assert_close(b, d)
                assert networks == 1, networks
            print(method, "ok")
"""


def test_fork_spawn_and_forkserver_give_what_the_main_process_gives(
    runs: Saved, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.mktemp("script") / "main.py"
    script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    methods = ["fork", "spawn", "forkserver"]
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", script, runs(), *methods],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["fork", "ok", "spawn", "ok", "forkserver", "ok"]
