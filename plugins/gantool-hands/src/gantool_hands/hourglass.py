"""The estimator: a stacked hourglass network that finds key points by their heat maps.

Newell, Yang, Deng: Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gantool.training import fit_network

from .heat_maps import find_peaks, peak_loss, to_cells, to_pixels
from .options import HourglassOptions

_PREDICT = 128
"""Images at once where nothing is learnt."""


class HourglassEstimator:
    """Learns key points as `gantool.training.fit_network` does, a set number of steps whatever the number of images.

    All randomness follows from `seed`.
    """

    def __init__(self, *, config: HourglassOptions, outputs: int, seed: int) -> None:
        if outputs % 2:
            raise ValueError(f"the hourglass finds key points, two numbers each; these labels have {outputs}")
        self._config, self._points, self._seed = config, outputs // 2, seed
        self._network: nn.Module | None = None

    def fit(self, images: Tensor, targets: Tensor) -> None:  # noqa: ARG002 - an estimator has this method
        """Raises `ValueError`: heat maps need positions in the image, as `fit_points` gets them."""
        raise ValueError("the hourglass finds key points in the image: choose labels that are such, or another estimator")

    def fit_points(self, images: Tensor, points: Tensor) -> None:
        """Learn anew from (N, C, H, W) in [-1, 1] and (N, K, 2), x and y in px. Computes where the images are."""
        config, size = self._config, (images.shape[2], images.shape[3])

        def loss(heats: list[Tensor], wanted: Tensor) -> Tensor:
            cells = to_cells(wanted, size, (heats[0].shape[2], heats[0].shape[3]))
            return torch.stack([peak_loss(heat, cells, config.sigma) for heat in heats]).sum()

        self._network = fit_network(
            lambda: StackedHourglass(
                images.shape[1],
                self._points,
                stacks=config.stacks,
                features=config.features,
                depth=config.depth,
                halvings=halvings_for(size, config.resolution),
            ),
            images,
            points,
            loss,
            seed=self._seed,
            steps=config.steps,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
        )

    def predict(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to (N, 2·K): x and y of each point in px."""
        assert self._network is not None, "fit_points comes first"
        size, found = (images.shape[2], images.shape[3]), []
        with torch.inference_mode():
            for batch in torch.split(images, _PREDICT):
                heat = self._network(batch)[-1]
                cells = find_peaks(heat, self._config.sigma)
                found.append(to_pixels(cells, size, (heat.shape[2], heat.shape[3])).flatten(1))
        return torch.cat(found)


class Residual(nn.Module):
    """Bottleneck with pre-activation: (N, features, H, W) to the same shape."""

    def __init__(self, features: int) -> None:
        super().__init__()
        inner = features // 2
        self.layers = nn.Sequential(
            *(nn.BatchNorm2d(features), nn.ReLU(), nn.Conv2d(features, inner, 1, bias=False)),
            *(nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, inner, 3, padding=1, bias=False)),
            *(nn.BatchNorm2d(inner), nn.ReLU(), nn.Conv2d(inner, features, 1)),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Add what the layers find."""
        found: Tensor = maps + self.layers(maps)
        return found


class Hourglass(nn.Module):
    """Down to coarse maps and up again, with a shortcut at each scale: (N, features, H, W) to the same shape, any H, W."""

    def __init__(self, features: int, depth: int) -> None:
        super().__init__()
        self.shortcut, self.down, self.up = (Residual(features) for _ in range(3))
        self.middle = Hourglass(features, depth - 1) if depth > 1 else Residual(features)

    def forward(self, maps: Tensor) -> Tensor:
        """Pool, think, enlarge, and add the shortcut."""
        coarse = self.up(self.middle(self.down(F.max_pool2d(maps, 2, ceil_mode=True))))
        # To the size of the shortcut, not to twice that of the coarse maps: odd sizes must fit.
        fine: Tensor = self.shortcut(maps) + F.interpolate(coarse, size=maps.shape[2:], mode="nearest")
        return fine


class Stack(nn.Module):
    """One hourglass with its heat maps, which are fed into the next one unless it is the `last`."""

    def __init__(self, features: int, points: int, depth: int, *, last: bool) -> None:
        super().__init__()
        self.hourglass = nn.Sequential(
            *(Hourglass(features, depth), Residual(features), nn.Conv2d(features, features, 1, bias=False)),
            *(nn.BatchNorm2d(features), nn.ReLU()),
        )
        self.heat = nn.Conv2d(features, points, 1)
        self.last = last
        if not last:
            self.again, self.back = nn.Conv2d(features, features, 1), nn.Conv2d(points, features, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(N, features, h, w) to the maps for the next hourglass, and (N, points, h, w) logits of heat maps."""
        found = self.hourglass(maps)
        heat = self.heat(found)
        return (maps if self.last else maps + self.again(found) + self.back(heat)), heat


class StackedHourglass(nn.Module):
    """(N, channels, H, W) in [-1, 1] to a list of (N, points, h, w) logits, one for each hourglass.

    `halvings` times smaller by two, rounded up: h = ⌈H / 2⌉ and so on.
    """

    def __init__(self, channels: int, points: int, *, stacks: int, features: int, depth: int, halvings: int) -> None:
        super().__init__()
        first = nn.Conv2d(channels, features, 7, stride=2 if halvings else 1, padding=3, bias=False)
        pools = [layer for _ in range(halvings - 1) for layer in (nn.MaxPool2d(2, ceil_mode=True), Residual(features))]
        self.stem = nn.Sequential(first, nn.BatchNorm2d(features), nn.ReLU(), Residual(features), *pools)
        self.stacks = nn.ModuleList(Stack(features, points, depth, last=number == stacks) for number in range(1, stacks + 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Heat maps of every hourglass; the last ones are the best."""
        maps, heats = self.stem(images), []
        for stack in self.stacks:
            maps, heat = stack(maps)
            heats.append(heat)
        return heats


def halvings_for(size: torch.Size | tuple[int, ...], resolution: int) -> int:
    """How often images of `size` (H, W) are halved until neither side is above `resolution`."""
    side, times = max(size), 0
    while side > resolution:
        side, times = (side + 1) // 2, times + 1
    return times
