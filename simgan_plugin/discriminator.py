"""The discriminator D: local, as in the paper, and for the whole image, as in its ablation.

The paper's D ends in two maps and a softmax that gives the probability of "refined". Ours end in one map of logits in which
higher means "more like real", as everywhere in the host. The two are equivalent: a softmax over two maps is the sigmoid of
their difference, so the paper's D is σ(−logit).

Borders are reflected. With zeros around it, the logits of a constant image differ at its border by 1.6 to 1.9 times their
standard deviation over noise images, so D can tell where a patch is, which is not what R should learn to change; and the
outermost pixels receive 0.4 to 0.5 of the gradient of others, against 0.5 to 0.6 (random weights, both architectures).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gantool.components import Channels

from .layers import BorderedConv2d
from .options import HEAD_MAPS, TRUNKS, DiscriminatorOptions, Stage, TrunkOptions, WholeImageOptions


class LocalDiscriminator(nn.Module):
    """The paper's D: (N, C, H, W) in [-1, 1] -> logits (N, 1, h, w), one per patch, any H, W ≥ 1.

    h = ⌈H / stride⌉ and w = ⌈W / stride⌉: 9×14 logits for 35×55 pixels (`eyes`), 7×7 for 224×224 (`hands`). Higher is more
    like real. Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: DiscriminatorOptions, channels: Channels) -> None:
        super().__init__()
        stages = TRUNKS[config.architecture][: config.depth]
        self.features = _features(stages, channels.images, config)
        self.head = _normed(nn.Conv2d(_maps(HEAD_MAPS, config), 1, 1), config)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> logits (N, 1, h, w), higher is more like real."""
        logits: Tensor = self.head(self.features(images))
        return logits


class WholeImageDiscriminator(nn.Module):
    """D with one verdict on all of the image: (N, C, H, W) in [-1, 1] -> logits (N, 1, 1, 1), any H, W ≥ 1.

    The feature maps of the paper's D, averaged to a fixed grid so that any size fits, then one fully connected layer.
    Higher is more like real. Raises `ValueError` for channels below 1.
    """

    def __init__(self, *, config: WholeImageOptions, channels: Channels) -> None:
        super().__init__()
        self.grid = (config.grid, config.grid)
        self.features = _features(TRUNKS[config.architecture], channels.images, config)
        self.head = _normed(nn.Linear(_maps(HEAD_MAPS, config) * config.grid**2, 1), config)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] -> logits (N, 1, 1, 1), higher is more like real."""
        cells = F.adaptive_avg_pool2d(self.features(images), self.grid)
        logits: Tensor = self.head(cells.flatten(1))
        return logits[:, :, None, None]


def _features(stages: Iterable[Stage], channels: int, config: TrunkOptions) -> nn.Sequential:
    """All layers but the last: the trunk and a 1×1 convolution, with ReLU after each convolution."""
    if channels < 1:
        raise ValueError(f"a discriminator needs at least 1 channel, got {channels}")
    layers: list[nn.Module] = []
    for stage in stages:
        if stage.maps is None:
            # Pads with −∞, which is never the maximum, so it makes no border.
            layers.append(nn.MaxPool2d(stage.kernel, stage.stride, stage.kernel // 2))
            continue
        maps = _maps(stage.maps, config)
        conv = BorderedConv2d(channels, maps, stage.kernel, stride=stage.stride)
        layers += [_normed(conv, config), nn.ReLU(inplace=True)]
        channels = maps
    layers += [_normed(nn.Conv2d(channels, _maps(HEAD_MAPS, config), 1), config), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _maps(paper: int, config: TrunkOptions) -> int:
    return max(1, round(paper * config.width_factor))


def _normed(layer: nn.Module, config: TrunkOptions) -> nn.Module:
    return spectral_norm(layer) if config.spectral_norm else layer
