"""Patch-wise contrast of two images: PatchNCE (Park et al., ECCV 2020, Section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projections(nn.Module):
    """A network of two layers for each feature map, which takes one position to a direction in the space of comparison (H_l).

    Args:
        channels: Channels of the maps, known only once a generator has seen an image.
        width: Dimensions of that space.
    """

    def __init__(self, channels: Sequence[int], *, width: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(count, width), nn.ReLU(inplace=True), nn.Linear(width, width)) for count in channels
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, maps: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
        """(N, C_l, h, w) and (P_l,) positions, row by row, for each map -> (N, P_l, width) of length 1 each."""
        vectors = [each.flatten(2).index_select(2, where).transpose(1, 2) for each, where in zip(maps, places, strict=True)]
        return [F.normalize(head(each).float(), dim=2) for head, each in zip(self.heads, vectors, strict=True)]


def draw_places(maps: Sequence[Tensor], count: int) -> list[Tensor]:
    """Draw `count` different positions of each map, or all of a smaller one: (P_l,) on the map's device.

    Drawn on the CPU from torch's own generator, which a checkpoint holds, and copied without waiting.
    """
    places = (torch.randperm(each.shape[2] * each.shape[3])[:count] for each in maps)
    return [where.to(each.device, non_blocking=True) for where, each in zip(places, maps, strict=True)]


def patch_nce(query: Tensor, key: Tensor, *, temperature: float) -> Tensor:
    """Eq. 2: the cross-entropy of finding each query's own position among all positions of the same image. 0-d.

    Both (N, P, D), of length 1 along D; the gradient goes to the queries alone.
    """
    logits = query @ key.detach().transpose(1, 2) / temperature
    own = torch.arange(query.shape[1], device=query.device).expand(len(query), -1)
    return F.cross_entropy(logits.flatten(0, 1), own.flatten())
