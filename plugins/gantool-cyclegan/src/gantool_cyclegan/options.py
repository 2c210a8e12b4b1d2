"""Options of the networks, the image pool and the recipe. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt


@dataclass(frozen=True, kw_only=True)
class ResNetOptions:
    """The generator. The defaults are the paper's for 256×256 images."""

    width: Annotated[int, Ge(1), Le(1024)] = 64
    """Feature maps at full size, doubled at each halving (paper: 64)."""
    downsamplings: Annotated[int, Ge(0), Le(5)] = 2
    """How often height and width are halved before the blocks (paper: 2)."""
    blocks: Annotated[int, Ge(1), Le(64)] = 9
    """ResNet blocks of two convolutions each (paper: 9; 6 for images of 128×128 and less)."""
    norm: Literal["instance", "none"] = "instance"
    """What follows each convolution (paper: instance). `instance` takes away each image's own brightness and contrast, which
    then have to be carried by texture; `none` keeps them, and wants a smaller learning rate."""
    upsampling: Literal["transposed", "nearest"] = "transposed"
    """How the size comes back: transposed convolutions (paper), which can leave a checkerboard, or nearest-neighbour
    enlargement followed by a convolution (Odena et al., 2016), which does not."""


@dataclass(frozen=True, kw_only=True)
class PatchOptions:
    """The PatchGAN discriminator. The defaults are the paper's, with patches of 70×70 px."""

    width: Annotated[int, Ge(1), Le(1024)] = 64
    """Feature maps of the first layer, doubled by each further one up to eight times as many (paper: 64)."""
    depth: Annotated[int, Ge(0), Le(6)] = 3
    """Convolutions of stride 2 (paper: 3). Patches are 7, 16, 34, 70, 142, 286 or 574 px for a depth of 0 to 6: choose
    them smaller than the image."""
    norm: Literal["instance", "none"] = "instance"
    """What follows each convolution but the first and the last (paper: instance). `none` lets D see brightness and contrast
    of an image."""

    @property
    def receptive_field(self) -> int:
        """Side in pixels of the patch behind one logit."""
        return int(9 * 2**self.depth - 2)

    @property
    def stride(self) -> int:
        """Pixels between the patches of neighbouring logits."""
        return int(2**self.depth)


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """The pool of generated images (Shrivastava et al., as the paper uses it)."""

    size: Annotated[int, Ge(1), Le(10**6)] = 50
    """Images held, on the run's device, C·H·W·4 bytes each in float32 (paper: 50)."""
    probability: Annotated[float, Ge(0), Le(1)] = 0.5
    """Chance that an image is stored and an earlier one given in its place, once the pool is full (paper: 0.5)."""


@dataclass(frozen=True, kw_only=True)
class CycleGANOptions:
    """How both generators and both discriminators are trained. The defaults are the paper's."""

    lambda_cycle: Annotated[float, Ge(0)] = 10.0
    """λ of Eq. 3: weight of the cycle losses (paper: 10)."""
    lambda_identity: Annotated[float, Ge(0)] = 0.5
    """Weight of the identity losses (Section 5.2), as a part of `lambda_cycle` (paper: 0.5 where colours shall stay). 0 leaves
    them out, and saves two of six passes through a generator."""
    lambda_adversarial: Annotated[float, Ge(0)] = 2.0
    """Weight of the adversarial losses. 2 with `gantool:lsgan`, which is half the paper's for the generators, is the paper's
    objective."""
    generator_lr: Annotated[float, Gt(0)] = 2e-4
    """Learning rate of the generators (paper: 0.0002)."""
    discriminator_lr: Annotated[float, Gt(0)] = 2e-4
    """Learning rate of the discriminators (paper: 0.0002)."""
    decay: Annotated[float, Ge(0), Le(1)] = 0.5
    """Last part of the run, 0 to 1, over which both rates fall linearly to 0 (paper: 0.5, 100 of 200 epochs)."""
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.5
    """β₁ of Adam (the authors' program: 0.5)."""
