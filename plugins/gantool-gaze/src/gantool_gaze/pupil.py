"""Where the pupil is, without training, and what follows from it: means of gradients (Timm and Barth, VISAPP 2011).

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


class PupilEstimator:
    """An affine map from the pupil's place to the labels, by least squares. There is nothing to tune and nothing random.

    For key points (`pupil_xy`) the map only calibrates the locator; for angles it is the oldest estimator of gaze there is.
    """

    def __init__(self, config: PupilOptions) -> None:
        self._config = config
        self._map = torch.empty(0)

    def fit(self, images: Tensor, targets: Tensor) -> None:
        """Raises `ValueError` for classes and fewer than 3 images."""
        if not targets.is_floating_point():
            raise ValueError("the pupil's place tells numbers, not classes")
        if len(images) < 3:
            raise ValueError(f"an affine map needs 3 images, got {len(images)}")
        places = self._places(images)
        # Pupils on one line leave the map open; this takes the smallest.
        self._map = torch.linalg.pinv(places) @ targets.to(places)

    def predict(self, images: Tensor) -> Tensor:
        return (self._places(images) @ self._map).float()

    def _places(self, images: Tensor) -> Tensor:
        size = torch.tensor([images.shape[3], images.shape[2]], device=images.device, dtype=torch.float64)
        places = pupil_centres(images, self._config).double() / size
        return torch.cat((places, torch.ones_like(places[:, :1])), 1)


def pupil_estimator(*, config: PupilOptions, outputs: int, seed: int) -> PupilEstimator:  # noqa: ARG001 - see the class
    """Make it. See `gantool.hookspecs.gantool_estimators`."""
    return PupilEstimator(config)


class PupilMovement:
    """Mean distance, in px, of the pupil in R(x) from the pupil in x (paper, Section 3.1: 1.1 ± 0.8 px of 55, marked by hand).

    The locator makes few but large mistakes, which the median leaves out. The mean of what it sees is no smaller than its noise.
    """

    def __init__(self, *, config: PupilOptions) -> None:
        self._config = config
        self._moved: list[Tensor] = []

    def update(self, refined: Tensor, target: Tensor, *, source: Tensor) -> None:  # noqa: ARG002
        """Add pairs of (N, C, H, W) images in [-1, 1]. Raises `ValueError` where they are no pairs; `target` is not looked at."""
        if refined.shape != source.shape:
            raise ValueError(f"refined images {tuple(refined.shape)} and source images {tuple(source.shape)} are no pairs")
        places = (pupil_centres(images, self._config) for images in (refined, source))
        first, second = places
        self._moved.append(torch.linalg.vector_norm(first - second, dim=1).double().cpu())

    def compute(self) -> dict[str, float]:
        """Return {"pupil_moved_px", "pupil_moved_sd_px", "pupil_moved_median_px"}. Raises `ValueError` before the first image."""
        if not self._moved:
            raise ValueError("no images were given")
        moved = torch.cat(self._moved)
        return {
            "pupil_moved_px": float(moved.mean()),
            "pupil_moved_sd_px": float(moved.std(unbiased=False)),
            "pupil_moved_median_px": float(moved.median()),
        }


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
