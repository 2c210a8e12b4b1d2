"""What the domains look like beside each other: a word before training, where one was treated in another way than the other."""

from __future__ import annotations

import torch

from ..data.inspection.measure import equalisation_residual, luminance
from ..data.inspection.review import compare_equalisation
from ..data.inspection.survey import equalised_share
from ..model.tensors import eight_bits

_IMAGES = 64
"""Of each domain are looked at."""


def looks_apart(source: torch.Tensor, target: torch.Tensor) -> list[str]:
    """Say what to know of images (N, C, H, W) in [-1, 1], as they are trained on; nothing where all is well.

    A generator learns any difference. If only one domain is histogram-equalised, that is nearly all it learns, and shapes give
    way before tones do.
    """
    found = compare_equalisation(_equalised(source), _equalised(target))
    return [f"{finding.text}, and that is what will be learned first: {finding.advice}" for finding in found]


def _equalised(images: torch.Tensor) -> float:
    return equalised_share(equalisation_residual(luminance(image)) for image in eight_bits(images[:_IMAGES]))
