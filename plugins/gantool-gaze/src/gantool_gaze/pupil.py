"""Where the pupil is, without training: means of gradients (Timm and Barth, VISAPP 2011).

The centre of a dark disk is where most gradients of its rim point away from: c maximises the sum of max(0, dᵢ·gᵢ)², with gᵢ the
unit gradient at pixel i and dᵢ the unit vector from c to i, weighted by how dark c is (squared, here). In place of the clipped
square stands t² + t³, which is zero and twice the square at t = -1 and 1: powers of dᵢ·gᵢ are sums of products of a function of
i and one of i - c, so all c are done with seven convolutions. Only pixels within the largest iris count.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .options import PupilOptions

_INNER = 0.04
"""Pixels nearer to the centre than this (in widths of the image) do not count: the pupil's highlight."""
_EDGE = 0.3
"""Gradients count from this many standard deviations above the mean of their image."""
_WIDTH = 60
"""The width (px) that `PupilOptions.blur` speaks of."""
_BATCH = 256
_FFT = 16


@torch.no_grad()
def pupil_centres(images: Tensor, options: PupilOptions | None = None) -> Tensor:
    """(N, C, H, W) in [-1, 1] to (N, 2), x and y in px; the centre of the first pixel is (0, 0). The image is about an eye wide.

    Raises `ValueError` for images smaller than 8×8.
    """
    options = options or PupilOptions()
    if images.dim() != 4 or min(images.shape[2:]) < 8:
        raise ValueError(f"eyes must be (N, C, H, W) of at least 8x8 pixels, got {tuple(images.shape)}")
    starts = range(0, len(images), _BATCH)
    return torch.cat([_centres(images[start : start + _BATCH].float().mean(1), options) for start in starts])


def _centres(grey: Tensor, options: PupilOptions) -> Tensor:
    smooth = _blurred(grey, options.blur * grey.shape[2] / _WIDTH)
    darkness = ((1 - smooth) / 2).clamp_min(0)
    return _peaks(_votes(smooth, options.radius).clamp_min(0) * darkness.square())


def _votes(grey: Tensor, radius: float) -> Tensor:
    """(N, H, W) to (N, H, W): the sum of clipped squares for each centre."""
    height, width = grey.shape[1:]
    gx, gy = torch.zeros_like(grey), torch.zeros_like(grey)
    gx[:, :, 1:-1] = (grey[:, :, 2:] - grey[:, :, :-2]) / 2
    gy[:, 1:-1] = (grey[:, 2:] - grey[:, :-2]) / 2
    length = torch.hypot(gx, gy)
    least = length.mean((1, 2), keepdim=True) + _EDGE * length.std((1, 2), keepdim=True)
    keep = (length > least) / length.clamp_min(1e-9)
    gx, gy = gx * keep, gy * keep
    reach = max(2, int(radius * width + 1))
    steps = torch.arange(-reach, reach + 1, device=grey.device, dtype=grey.dtype)
    distance = torch.hypot(steps[:, None], steps[None]).clamp_min(1e-9)
    inside = (distance >= max(1.0, _INNER * width)) & (distance <= max(2.0, radius * width))
    dx, dy = steps[None] / distance * inside, steps[:, None] / distance * inside
    # (d·g)² and (d·g)³, multiplied out.
    maps = torch.stack((gx**2, gx * gy, gy**2, gx**3, gx**2 * gy, gx * gy**2, gy**3), 1)
    kernels = torch.stack((dx**2, 2 * dx * dy, dy**2, dx**3, 3 * dx**2 * dy, 3 * dx * dy**2, dy**3))
    # What wraps around must not reach the image; sizes with small factors transform faster.
    full = [-(-(side + 2 * reach) // _FFT) * _FFT for side in (height, width)]
    spectrum = torch.fft.rfft2(F.pad(maps, (reach,) * 4), s=full) * torch.fft.rfft2(kernels, s=full).conj()
    votes: Tensor = torch.fft.irfft2(spectrum.sum(1), s=full)[:, :height, :width]
    return votes


def _peaks(scores: Tensor) -> Tensor:
    """(N, H, W) to (N, 2): x and y of the maximum, refined by a parabola through its neighbours."""
    count, height, width = scores.shape
    best = scores.flatten(1).argmax(1)
    y, x = best // width, best % width
    rows = torch.arange(count, device=scores.device)

    def offset(before: Tensor, after: Tensor) -> Tensor:
        bend = before - 2 * scores[rows, y, x] + after
        return torch.where(bend < 0, (before - after) / (2 * bend), torch.zeros_like(bend)).clamp(-0.5, 0.5)

    dx = offset(scores[rows, y, (x - 1).clamp_min(0)], scores[rows, y, (x + 1).clamp_max(width - 1)])
    dy = offset(scores[rows, (y - 1).clamp_min(0), x], scores[rows, (y + 1).clamp_max(height - 1), x])
    return torch.stack((x + dx, y + dy), 1)


def _blurred(grey: Tensor, sigma: float) -> Tensor:
    reach = max(1, int(3 * sigma + 0.5))
    steps = torch.arange(-reach, reach + 1, device=grey.device, dtype=grey.dtype)
    kernel = torch.exp(-steps.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = F.pad(grey[:, None], (reach,) * 4, mode="replicate")
    blurred: Tensor = F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]
    return blurred
