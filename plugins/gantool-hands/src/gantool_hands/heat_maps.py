"""Key points to heat maps and back. A cell (i, j) of an h×w map lies at x = (j + ½)·W/w - ½ of the W×H image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def to_cells(points: Tensor, size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """(..., 2) x and y in px of images of `size` (H, W) to cells of heat maps of `grid` (h, w)."""
    factor = points.new_tensor((grid[1] / size[1], grid[0] / size[0]))
    return (points + 0.5) * factor - 0.5


def to_pixels(cells: Tensor, size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Undo `to_cells`."""
    factor = cells.new_tensor((size[1] / grid[1], size[0] / grid[0]))
    return (cells + 0.5) * factor - 0.5


def log_peaks(cells: Tensor, grid: tuple[int, int], sigma: float) -> Tensor:
    """(N, K, 2) cells to (N, K, h·w): the logarithm of a Gaussian around each, up to a constant. A point beside the map gives its
    nearest edge."""
    rows, columns = (torch.arange(side, device=cells.device, dtype=cells.dtype) for side in grid)
    x, y = cells[..., 0, None] - columns, cells[..., 1, None] - rows
    return -(y.square()[..., :, None] + x.square()[..., None, :]).flatten(2) / (2 * sigma**2)


def peak_loss(logits: Tensor, cells: Tensor, sigma: float) -> Tensor:
    """0-d: the cross-entropy of each heat map, (N, K, h, w) logits, and a Gaussian around its point, (N, K, 2) cells.

    The paper takes the squared distance of the maps, which first learns that nearly all cells are 0; here a map says where, not
    how surely, and learns from the first step.
    """
    grid = (logits.shape[2], logits.shape[3])
    wanted = log_peaks(cells, grid, sigma).softmax(dim=2)
    return -(wanted * F.log_softmax(logits.flatten(2), dim=2)).sum(2).mean()


def find_peaks(logits: Tensor, sigma: float) -> Tensor:
    """(N, K, h, w) logits to (N, K, 2) cells: the mean place near the highest cell, weighted by probability.

    Near: a window of 2·sigma, so that a second, lower peak elsewhere does not pull.
    """
    grid = (logits.shape[2], logits.shape[3])
    flat = logits.flatten(2)
    best = flat.argmax(dim=2)
    at = torch.stack((best % grid[1], best // grid[1]), dim=2).to(logits.dtype)
    rows, columns = (torch.arange(side, device=logits.device, dtype=logits.dtype) for side in grid)
    far_x = (columns - at[..., 0, None]).abs() > 2 * sigma
    far_y = (rows - at[..., 1, None]).abs() > 2 * sigma
    far = (far_y[..., :, None] | far_x[..., None, :]).flatten(2)
    weights = flat.masked_fill(far, -torch.inf).softmax(dim=2).reshape(logits.shape)
    return torch.stack(((weights.sum(2) * columns).sum(2), (weights.sum(3) * rows).sum(2)), dim=2)
