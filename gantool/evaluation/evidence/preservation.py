"""Whether labels of synthetic images are still true of the refined ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import GantoolError
from ...training import fit_network
from .edges import edges, overlap

MINIMUM = 64
"""Pairs of images without which nothing is learnt."""
_LONG = 64
"""Longer sides are shrunk to this for the locator (px); figures are in px of the given images."""
_CONTROLS = (1, 2, 3)
"""Shifts of synthetic images against themselves (px), to read edge overlap by."""
_STRIDE = 2
"""Of the locator's maps (px)."""
_BATCH = 64


def label_preservation(
    synthetic: Tensor,
    refined: Tensor,
    *,
    keypoints: Tensor | np.ndarray | None = None,
    labels: Tensor | np.ndarray | None = None,
    seed: int = 0,
    steps: int = 400,
) -> dict[str, Any]:
    """Measure how far refining moves what the labels describe. Images are pairs, (N, C, H, W) in [-1, 1].

    Args:
        keypoints: (N, K, 2), x and y in px of the synthetic images, the centre of the first pixel being (0, 0).
        labels: (N,) or (N, D) numbers, or (N,) integers for classes.
        steps: Updates of the locator and of the label reader, batches of 64.

    Returns "images", "edges" (see `edge_preservation`), "keypoints" (`point_movement`) or None, and "labels" (`label_agreement`)
    or None.
    Raises `GantoolError` for fewer than 64 pairs or shapes that do not fit.
    """
    if synthetic.shape != refined.shape or synthetic.dim() != 4:
        raise GantoolError(f"synthetic and refined images are no pairs: {tuple(synthetic.shape)} and {tuple(refined.shape)}")
    if len(synthetic) < MINIMUM:
        raise GantoolError(f"label preservation needs {MINIMUM} images, got {len(synthetic)}: give more")
    points, values = (None if each is None else torch.as_tensor(each) for each in (keypoints, labels))
    if points is not None and (points.dim() != 3 or len(points) != len(synthetic) or points.shape[2] != 2):
        raise GantoolError(f"key points must be ({len(synthetic)}, K, 2), got {tuple(points.shape)}")
    if values is not None and (values.dim() not in (1, 2) or len(values) != len(synthetic)):
        raise GantoolError(f"labels must be ({len(synthetic)},) or ({len(synthetic)}, D), got {tuple(values.shape)}")
    synthetic, refined = synthetic.float(), refined.float()
    return {
        "images": len(synthetic),
        "keypoints": None if points is None else point_movement(synthetic, refined, points.float(), seed=seed, steps=steps),
        "labels": None if values is None else label_agreement(synthetic, refined, values, seed=seed, steps=steps),
        "edges": edge_preservation(synthetic, refined),
    }


def _halves(count: int, seed: int) -> tuple[Tensor, Tensor]:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[: count // 2], order[count // 2 :]


def point_movement(synthetic: Tensor, refined: Tensor, keypoints: Tensor, *, seed: int, steps: int) -> dict[str, Any]:
    """Compare where a locator sees key points in R(x) and in x (paper, Section 3.1: 1.1 ± 0.8 px of 55).

    It learns from one half of the pairs, x and R(x) alike, with the labels of x; an affine map is then fitted to x of that half,
    so that on unrefined images it is right on average. Figures are of the other half, in px: "movement" |p(R(x)) − p(x)|
    (mean, sd, and relative to the width), "shift", the mean vector of it, "error" |p(x) − label|, the locator's noise,
    "error_refined", and "beyond_noise", the root of the growth of the mean squared error: what noise does not explain.
    """
    width = synthetic.shape[3]
    factor = min(1.0, _LONG / max(synthetic.shape[2:]))
    if factor < 1:
        size = [max(1, round(side * factor)) for side in synthetic.shape[2:]]
        synthetic, refined = (F.interpolate(images, size, mode="area") for images in (synthetic, refined))
    points = (keypoints + 0.5) * factor - 0.5
    learn, test = _halves(len(synthetic), seed)
    images, targets = torch.cat([synthetic[learn], refined[learn]]), torch.cat([points[learn]] * 2)
    build = partial(_Locator, synthetic.shape[1], points.shape[1])
    locate = _fitted(build, images, targets, F.smooth_l1_loss, seed=seed, steps=steps)
    calibrate = _calibration(locate(synthetic[learn]), points[learn])
    seen, moved = (calibrate(locate(images[test])) / factor for images in (synthetic, refined))
    true = points[test] / factor
    movement, error, error_refined = ((a - b).norm(dim=2) for a, b in ((moved, seen), (seen, true), (moved, true)))
    growth = float(error_refined.square().mean() - error.square().mean())
    return {
        "unit": "px",
        "images": len(test),
        "movement": {**_mean_sd(movement), "of_width": float(movement.mean()) / width},
        "shift": [float(value) for value in (moved - seen).mean((0, 1))],
        "error": _mean_sd(error),
        "error_refined": _mean_sd(error_refined),
        "beyond_noise": max(0.0, growth) ** 0.5,
    }


def _calibration(found: Tensor, true: Tensor) -> Any:
    """Fit one affine map per key point, (N, K, 2) to (N, K, 2), by least squares."""
    ones = torch.ones(len(found), 1)
    maps = [torch.linalg.lstsq(torch.cat([found[:, k], ones], 1), true[:, k]).solution for k in range(found.shape[1])]
    return lambda points: torch.stack(
        [torch.cat([points[:, k], torch.ones(len(points), 1)], 1) @ each for k, each in enumerate(maps)], 1
    )


def _mean_sd(values: Tensor) -> dict[str, float]:
    return {"mean": float(values.mean()), "sd": float(values.std())}


def label_agreement(synthetic: Tensor, refined: Tensor, labels: Tensor, *, seed: int, steps: int) -> dict[str, Any]:
    """Compare what a small network reads from R(x) and from x. It learns from one half of the pairs, x and R(x), with x's labels.

    Classes: "agreement" is the share of pairs with one answer, "accuracy" and "accuracy_refined" those with the right one.
    Numbers: "difference" |f(R(x)) − f(x)|, "error" |f(x) − label| and "error_refined", each divided by the label's standard
    deviation.
    """
    learn, test = _halves(len(synthetic), seed)
    images = torch.cat([synthetic[learn], refined[learn]])
    classes = not labels.is_floating_point() and labels.dim() == 1
    loss: Callable[[Tensor, Tensor], Tensor]
    if classes:
        known, targets = torch.unique(labels, return_inverse=True)
        outputs, loss = len(known), F.cross_entropy
    else:
        labels = labels.float().reshape(len(labels), -1)
        targets = (labels - labels.mean(0)) / (labels.std(0) + 1e-9)
        outputs, loss = targets.shape[1], F.smooth_l1_loss
    build = partial(_reader, synthetic.shape[1], outputs)
    read = _fitted(build, images, torch.cat([targets[learn]] * 2), loss, seed=seed, steps=steps)
    seen, moved, true = read(synthetic[test]), read(refined[test]), targets[test]
    if classes:
        first, second = seen.argmax(1), moved.argmax(1)
        shares = {"agreement": first == second, "accuracy": first == true, "accuracy_refined": second == true}
        return {"kind": "classes", "images": len(test), **{name: float(each.float().mean()) for name, each in shares.items()}}
    pairs = {"difference": moved - seen, "error": seen - true, "error_refined": moved - true}
    return {"kind": "numbers", "unit": "sd", "images": len(test), **{name: _mean_sd(each.abs()) for name, each in pairs.items()}}


def edge_preservation(synthetic: Tensor, refined: Tensor) -> dict[str, Any]:
    """Overlap of the Canny edges of x and R(x) within 1 px, (mean over images): "kept", "new" and "f1" of `overlap`.

    "controls" has the same for x against x shifted by 1, 2 and 3 px, and for x against another image, "unrelated".
    """
    own = edges(synthetic)

    def figures(other: np.ndarray) -> dict[str, float]:
        return {name: float(values.mean()) for name, values in overlap(own, other).items()}

    controls = {f"shifted_{pixels}px": figures(np.roll(own, pixels, axis=2)) for pixels in _CONTROLS}
    return {**figures(edges(refined)), "controls": {**controls, "unrelated": figures(np.roll(own, 1, axis=0))}}


class _Tone(nn.Module):
    """In training another contrast and brightness for each image: tone is no reason to see a point elsewhere."""

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        if not self.training:
            return images
        contrast, brightness = (torch.rand(len(images), 1, 1, 1) - 0.5 for _ in range(2))
        return images * (1 + 0.6 * contrast) + 0.4 * brightness


def _trunk(channels: int, width: int) -> nn.Sequential:
    """(N, C, H, W) to (N, width, ⌈H/2⌉, ⌈W/2⌉), seeing 25 px."""
    # Replicated borders: zeros would tell the network where in the image it is.
    return nn.Sequential(
        _Tone(),
        *(nn.Conv2d(channels, width, 5, _STRIDE, 2, padding_mode="replicate"), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate"), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=2, dilation=2, padding_mode="replicate"), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=2, dilation=2, padding_mode="replicate"), nn.ReLU()),
    )


class _Locator(nn.Module):
    """Key points by soft-argmax over one map each (Honari et al. 2018). Follows a shift of the image by construction."""

    def __init__(self, channels: int, points: int, width: int = 16) -> None:
        super().__init__()
        self.maps = nn.Sequential(_trunk(channels, width), nn.Conv2d(width, points, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to (N, K, 2), x and y in px."""
        maps = self.maps(images)
        weights = maps.flatten(2).softmax(2).view_as(maps)
        across, down = (torch.arange(size, device=maps.device) * float(_STRIDE) for size in (maps.shape[3], maps.shape[2]))
        return torch.stack([(weights.sum(2) * across).sum(2), (weights.sum(3) * down).sum(2)], dim=2)


def _reader(channels: int, outputs: int, width: int = 16) -> nn.Sequential:
    """Any other label, (N, C, H, W) in [-1, 1] to (N, outputs): averages of features in 4×6 cells, and a linear layer."""
    return nn.Sequential(_trunk(channels, width), nn.AdaptiveAvgPool2d((4, 6)), nn.Flatten(), nn.Linear(24 * width, outputs))


def _fitted(
    build: Callable[[], nn.Module], images: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Tensor], **budget: Any
) -> Callable[[Tensor], Tensor]:
    """Train `build()`; return it as a function of images, without gradients. `budget`: seed and steps."""
    network = fit_network(build, images, targets, loss, batch_size=_BATCH, learning_rate=6e-3, **budget)

    @torch.no_grad()
    def apply(images: Tensor) -> Tensor:
        return torch.cat([network(batch) for batch in torch.split(images, 4 * _BATCH)])

    return apply
