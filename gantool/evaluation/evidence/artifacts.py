"""Whether refining does anything, and traces that generators leave: frames, checkerboards, collapse."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import GantoolError

MINIMUM = 8
"""Images of each kind without which nothing is looked for."""
IDENTITY = 0.01
"""Mean |R(x) − x| on the [-1, 1] scale below which nothing happens to speak of: 1.3 of 255 levels."""
FRAME_STEP, FRAME_RATIO = 0.03, 3.0
"""A frame: the mean change steps by that much between two lines at the border, and that many times more than inside."""
GRID_RATIO, GRID_AMPLITUDE = 8.0, 0.002
"""A grid: a peak that many times above its surroundings in the spectrum, of that amplitude on the [-1, 1] scale."""
DIVERSITY = 0.4
"""Collapse: spread, or distance to the nearest other image, below that share of what synthetic and of what real images have."""

_BORDER = 3
"""Lines of a border: what a chain of padded convolutions usually spoils visibly (px)."""
_PERIODS = (2, 4)
"""Strides of up-sampling layers (px)."""
_MOST = 512
"""Images that distances between all pairs are computed for."""


def artifacts(refined: Tensor, synthetic: Tensor, real: Tensor) -> dict[str, Any]:
    """Look for what a refiner should not do. Images are (N, C, H, W) in [-1, 1]; `refined` and `synthetic` are pairs.

    Returns "mean_change", mean |R(x) − x|; "frame", "checkerboard" and "collapse", each with figures and "found"; and "findings",
    a list of sentences that is empty where nothing is wrong. What the real images have themselves is no finding. Raises
    `GantoolError` for fewer than 8 images or sizes that do not fit.
    """
    if refined.shape != synthetic.shape or refined.shape[1:] != real.shape[1:]:
        shapes = ", ".join(str(tuple(images.shape)) for images in (refined, synthetic, real))
        raise GantoolError(f"refined, synthetic and real images do not fit together: {shapes}")
    if min(len(refined), len(real)) < MINIMUM:
        raise GantoolError(
            f"artefacts are looked for in {MINIMUM} images or more, got {len(refined)} refined and {len(real)} real"
        )
    refined, synthetic, real = (images.float() for images in (refined, synthetic, real))
    change = float((refined - synthetic).abs().mean())
    looks = {"frame": frame, "checkerboard": checkerboard, "collapse": collapse}
    parts = {name: look(refined, synthetic, real) for name, look in looks.items()}
    findings = [f"R changes almost nothing: {change:.4f} on average on the scale from -1 to 1"] if change < IDENTITY else []
    return {"mean_change": change, **parts, "findings": findings + [part["finding"] for part in parts.values() if part["found"]]}


def frame(refined: Tensor, synthetic: Tensor, real: Tensor) -> dict[str, Any]:
    """Compare the steps of the mean change R(x) − x from line to line, at the border and inside, on all four sides.

    Steps that the real images have more than half of at the same place, towards the same side, are what R should learn.
    """
    worst = {"step": 0.0, "inside": 0.0, "side": "", "found": False}
    if min(refined.shape[2:]) < 4 * _BORDER:
        return {**worst, "finding": ""}
    for side, steps in _side_steps(refined - synthetic).items():
        asked = _side_steps(real)[side] - _side_steps(synthetic)[side]
        inside = float(steps[_BORDER + 1 :].abs().quantile(0.9))
        for depth in range(_BORDER):
            step = float(steps[depth])
            wanted = float(asked[depth]) * (1 if step > 0 else -1) > abs(step) / 2
            found = abs(step) > FRAME_STEP and abs(step) > FRAME_RATIO * inside and not wanted
            if (found, abs(step)) > (worst["found"], worst["step"]):
                worst = {"step": abs(step), "inside": inside, "side": side, "found": found}
    text = (
        f"a frame at the {worst['side']} border: the change steps by {worst['step']:.3f} there and {worst['inside']:.3f} inside"
    )
    return {**worst, "finding": text if worst["found"] else ""}


def _side_steps(images: Tensor) -> dict[str, Tensor]:
    """Step of the mean line brightness from each line to the next inner one, as far as the middle."""
    rows, columns = images.mean((0, 1, 3)), images.mean((0, 1, 2))
    lines = {"upper": rows, "lower": rows.flip(0), "left": columns, "right": columns.flip(0)}
    return {side: line.diff()[: len(line) // 2] for side, line in lines.items()}


def checkerboard(refined: Tensor, synthetic: Tensor, real: Tensor) -> dict[str, Any]:
    """Look for peaks at the periods of strides in the spectrum of R(x) − x (Odena et al. 2016)."""
    ratio, amplitude, period = _peak(refined - synthetic)
    own = _peak(real)[0]
    found = ratio > GRID_RATIO and amplitude > GRID_AMPLITUDE and ratio > 2 * own
    text = f"a grid of {period} px: its peak in the spectrum of the change is {ratio:.0f} times its surroundings"
    return {
        "ratio": ratio,
        "real_ratio": own,
        "amplitude": amplitude,
        "period_px": period,
        "found": found,
        "finding": text * found,
    }


def _peak(images: Tensor) -> tuple[float, float, int]:
    """Largest ratio of the power at a stride's frequency to the median around it, the amplitude there, and the period (px)."""
    unit = 2 * max(_PERIODS)
    height, width = (side // unit * unit for side in images.shape[2:])
    if min(height, width) < 2 * unit:
        return 0.0, 0.0, 0
    # Without a window, a step between opposite borders would leak along both axes.
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    values = images[..., :height, :width]
    spectrum = torch.fft.fft2((values - values.mean((2, 3), keepdim=True)) * window).abs().square().mean((0, 1))
    best = (0.0, 0.0, 0)
    for period in _PERIODS:
        for down, across in ((1, 0), (0, 1), (1, 1)):
            row, column = down * height // period, across * width // period
            around = spectrum.roll((3 - row, 3 - column), (0, 1))[:7, :7].clone()
            peak = float(around[3, 3])
            around[2:5, 2:5] = torch.nan
            ratio = peak / max(float(around.nanmedian()), 1e-12)
            if ratio > best[0]:
                best = (ratio, 2 * peak**0.5 / float(window.sum()), period)
    return best


def collapse(refined: Tensor, synthetic: Tensor, real: Tensor) -> dict[str, Any]:
    """Compare how much images differ from each other: their spread, and the distance to the nearest other one.

    Images are shrunk first, so that noise is not taken for diversity, and freed of their own mean and contrast.
    """
    count = min(len(refined), len(real), _MOST)
    found = {
        name: _diversity(images[:count]) for name, images in (("refined", refined), ("synthetic", synthetic), ("real", real))
    }
    least = {key: min(found["synthetic"][key], found["real"][key]) for key in ("spread", "nearest")}
    shares = {key: found["refined"][key] / max(value, 1e-9) for key, value in least.items()}
    low = min(shares.values())
    text = f"refined images are alike: they differ from each other {low:.2f} times as much as synthetic and real ones do at least"
    collapsed = low < DIVERSITY
    return {**{f"{key}_share": value for key, value in shares.items()}, "found": collapsed, "finding": text * collapsed}


def _diversity(images: Tensor) -> dict[str, float]:
    height, width = (min(12, side) for side in images.shape[2:])
    rows = F.adaptive_avg_pool2d(images, (height, width)).flatten(1)
    # Per-image tone is nothing that a picture shows.
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / (rows.std(1, keepdim=True) + 0.05)
    distances = torch.cdist(rows, rows) / rows.shape[1] ** 0.5
    distances.fill_diagonal_(torch.inf)
    return {"spread": float(rows.std(0).square().mean().sqrt()), "nearest": float(distances.amin(1).median())}
