"""Does refining the built-in eyes help? Train a gaze estimator on synthetic and on refined eyes, test both on camera eyes.

    python benchmarks/downstream_eyes.py --seeds 3

For every seed: train the default preset (weights and order of data from the seed), refine the synthetic eyes with it, train
the same small CNN with the same budget on each set of images, test on camera eyes that no training saw. Prints one line a
seed and a JSON object with all figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import gantool
from simgan_plugin.eyes import render

TRAIN = np.arange(4000)
"""Indices of the synthetic eyes that the estimator learns from; the refiner trains on 0 to 7999."""
TEST = 2**41 + np.arange(2000)
"""Indices of the camera eyes that it is tested on; the refiner trains on camera eyes from 2**40 on."""


def eyes(indices: np.ndarray, domain: str) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 35, 55) in [-1, 1] and gaze (N, 2), pitch and yaw in radians."""
    images, labels = render(indices, domain=domain)  # type: ignore[arg-type]
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return pixels, torch.from_numpy(labels["gaze_pitch_yaw_rad"])


def estimator(images: Tensor, gaze: Tensor, *, seed: int, epochs: int = 8) -> nn.Module:
    """Train a small CNN, images (N, 1, H, W) in [-1, 1] to gaze (N, 2)."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, 2)),
    )
    model(images[:2])
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * (len(images) // 64))
    for _ in range(epochs):
        for batch in torch.randperm(len(images))[: len(images) // 64 * 64].split(64):
            loss = (model(images[batch]) - gaze[batch]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def batched(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    return torch.cat([function(batch) for batch in images.split(250)])


def angular_error(predicted: Tensor, gaze: Tensor) -> float:
    """Mean angle in degrees between two sets of gaze directions, (N, 2) pitch and yaw in radians each."""

    def vectors(angles: Tensor) -> Tensor:
        pitch, yaw = angles.unbind(1)
        return torch.stack((-pitch.cos() * yaw.sin(), -pitch.sin(), -pitch.cos() * yaw.cos()), 1)

    cosine = (vectors(predicted) * vectors(gaze)).sum(1).clamp(-1, 1)
    return float(torch.rad2deg(torch.acos(cosine)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="runs, with seeds 0, 1, …")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3, help="estimators per set of images")
    parser.add_argument("--option", action="append", default=[], metavar="SLOT.OPTION=JSON", help="an option of the run")
    parser.add_argument("--steps", type=int, help="discriminator updates, if not the preset's")
    arguments = parser.parse_args()
    options = {name: json.loads(value) for name, value in (text.split("=", 1) for text in arguments.option)}
    settings = {} if arguments.steps is None else {"steps": arguments.steps}

    (synthetic, gaze), (camera, truth) = eyes(TRAIN, "synthetic"), eyes(TEST, "camera")

    def errors(images: Tensor) -> list[float]:
        models = [estimator(images, gaze, seed=seed) for seed in range(arguments.repeats)]
        return [round(angular_error(batched(model, camera), truth), 2) for model in models]

    guess = angular_error(gaze.mean(0).expand(len(truth), 2), truth)
    raw = errors(synthetic)
    print(f"always the mean gaze {guess:.2f}°; trained on synthetic {raw}°", flush=True)
    runs = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            run = gantool.train("simgan", output=Path(folder) / "run", seed=seed, options=options, **settings)
            minutes = (time.monotonic() - began) / 60
            refined = errors(batched(gantool.load(run), synthetic))
        ratio = statistics.mean(refined) / statistics.mean(raw)
        runs.append({"seed": seed, "refined_deg": refined, "ratio": round(ratio, 3), "minutes": round(minutes, 1)})
        print(f"seed {seed}: trained on refined {refined}°, {ratio:.2f} x synthetic, {minutes:.1f} min of training", flush=True)
    median = statistics.median(run["ratio"] for run in runs)
    print(json.dumps({"mean_gaze_deg": round(guess, 2), "synthetic_deg": raw, "runs": runs, "median_ratio": median}))


if __name__ == "__main__":
    main()
