"""Small networks that read key points or labels from images: measuring instruments, not what a user deploys."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STRIDE = 2
_BATCH = 64


def _trunk(channels: int, width: int) -> nn.Sequential:
    """(N, C, H, W) to (N, width, ⌈H/2⌉, ⌈W/2⌉), seeing 25 px."""
    # Replicated borders: zeros would tell the network where in the image it is.
    return nn.Sequential(
        *(nn.Conv2d(channels, width, 5, _STRIDE, 2, padding_mode="replicate"), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate"), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=2, dilation=2, padding_mode="replicate"), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, padding=2, dilation=2, padding_mode="replicate"), nn.ReLU()),
    )


class Locator(nn.Module):
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


class Reader(nn.Module):
    """Any other label: averages of features in 4×6 cells, and a linear layer."""

    def __init__(self, channels: int, outputs: int, width: int = 16) -> None:
        super().__init__()
        self.trunk, self.head = _trunk(channels, width), nn.Linear(24 * width, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to (N, outputs)."""
        found: Tensor = self.head(F.adaptive_avg_pool2d(self.trunk(images), (4, 6)).flatten(1))
        return found


def train(
    build: Callable[[], nn.Module],
    images: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    seed: int,
    steps: int,
) -> Callable[[Tensor], Tensor]:
    """Train `build()` on images (N, C, H, W) and targets (N, ...); return it as a function of images, without gradients."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
        for _ in range(steps):
            some = torch.randint(len(images), (_BATCH,))
            value = loss(network(_toned(images[some])), targets[some])
            optimizer.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    network.eval()

    @torch.no_grad()
    def apply(images: Tensor) -> Tensor:
        batches = torch.split(images, 4 * _BATCH)
        return torch.cat([network(batch) for batch in batches])

    return apply


def _toned(images: Tensor) -> Tensor:
    """Other contrast and brightness for each image: tone is no reason to see a point elsewhere."""
    contrast, brightness = (torch.rand(len(images), 1, 1, 1) - 0.5 for _ in range(2))
    return images * (1 + 0.6 * contrast) + 0.4 * brightness
