"""Options of SimGAN's networks, losses, history and training, and of the built-in eyes. Neither numpy nor torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Gt, Le, Lt


@dataclass(frozen=True)
class RefinerOptions:
    """The refiner R. The defaults are the paper's for 35×55 eyes; the preset `hands` sets `kernel=7, blocks=10`."""

    width: Annotated[int, Ge(1), Le(1024)] = 64
    """Feature maps of every layer (paper: 64). Time and memory grow with its square; 16 is enough for a laptop."""
    blocks: Annotated[int, Ge(0), Le(64)] = 4
    """ResNet blocks of two convolutions each (paper: 4 for eyes, 10 for hands)."""
    kernel: Annotated[int, Ge(1), Le(31)] = 3
    """Side in pixels of every kernel but the last, which is 1×1; odd (paper: 3 for eyes)."""
    padding: Literal["reflect", "replicate", "zeros"] = "reflect"
    """What surrounds the image. `zeros` leaves a visible frame in refined images, up to half a receptive field wide; it is
    there to reproduce that. `reflect` becomes `replicate` for an image no larger than half a kernel."""
    residual: bool = False
    """False: R(x) = tanh(f(x)), as in the paper, which must first learn to copy x. True: R starts as exactly the identity
    and learns a change, R(x) = x + g − |g|·x with g = tanh(f(x)) and the last layer zero at first: g moves a pixel by that
    part of its way to white (g > 0) or black (g < 0). The result cannot leave [-1, 1], nothing is clipped, and the gradient
    by f is 1 at the start. It has nothing to learn in `recipe.refiner_warmup`: set that to 0."""

    noise: bool = False
    """Give each block noise for each pixel, added to the maps of its first convolution with a strength per map that is learnt,
    0.1 at first. Without it, a flat patch becomes a flat patch. Not in the paper; `refine --draws` then gives variants."""

    def __post_init__(self) -> None:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, or the image would change its size; got {self.kernel}")

    @property
    def receptive_field(self) -> int:
        """Side in pixels of the square of the input that one refined pixel depends on."""
        return 1 + (self.kernel - 1) * (1 + 2 * self.blocks)


class Stage(NamedTuple):
    """One layer of a discriminator that looks beyond a single position."""

    kernel: int
    stride: int
    maps: int | None
    """Feature maps of a convolution; None is a max pooling, which keeps their number."""


TRUNKS: dict[str, tuple[Stage, ...]] = {
    "eyes": (Stage(3, 2, 96), Stage(3, 2, 64), Stage(3, 1, None), Stage(3, 1, 32)),
    "hands": (Stage(7, 4, 96), Stage(5, 2, 64), Stage(3, 2, None), Stage(3, 2, 32)),
}
"""Discriminators up to their 1×1 convolutions. `eyes` is the paper's (Section 3.1). `hands` is meant to be its network for
224×224 hands; those layers could not be checked against the paper."""

HEAD_MAPS = 32
"""Feature maps of the 1×1 convolution before the logits."""


def patch_geometry(stages: Iterable[Stage]) -> tuple[int, int]:
    """Side of the patch that one output position of these stages sees, and the step to the next patch, both in pixels."""
    side, step = 1, 1
    for stage in stages:
        side += (stage.kernel - 1) * step
        step *= stage.stride
    return side, step


@dataclass(frozen=True)
class TrunkOptions:
    """What both discriminators are made of. The defaults are the paper's for 35×55 eyes."""

    architecture: Literal["eyes", "hands"] = "eyes"
    """Whose convolutions: those for 35×55 eyes or those for 224×224 hands. Both take any size; `hands` sees larger patches."""
    width_factor: Annotated[float, Gt(0), Le(8)] = 1.0
    """Multiplies the paper's numbers of feature maps (96, 64, 32, 32), rounded, at least 1. Time grows with its square."""
    spectral_norm: bool = False
    """Divide each weight by its largest singular value (Miyato et al., 2018), which bounds the gradients that R receives.
    Not in the paper."""


@dataclass(frozen=True)
class DiscriminatorOptions(TrunkOptions):
    """The local discriminator D, which judges each patch by itself."""

    depth: Annotated[int, Ge(1), Le(4)] = 4
    """How many of the four trunk stages are kept (paper: 4). Fewer see smaller patches, so that D judges texture and not
    shape: patches of 3, 7, 15 or 23 px for `eyes`, of 7, 23, 39 or 71 px for `hands`."""

    @property
    def receptive_field(self) -> int:
        """Side in pixels of the patch behind one logit."""
        return patch_geometry(TRUNKS[self.architecture][: self.depth])[0]

    @property
    def stride(self) -> int:
        """Pixels between the patches of neighbouring logits."""
        return patch_geometry(TRUNKS[self.architecture][: self.depth])[1]


@dataclass(frozen=True)
class WholeImageOptions(TrunkOptions):
    """D with one verdict on the whole image, for the paper's ablation of the local loss."""

    grid: Annotated[int, Ge(1), Le(64)] = 4
    """Cells per side to which the feature maps are averaged before the fully connected layer, so that any image size fits.
    At 1 it no longer sees where something is."""


@dataclass(frozen=True)
class SelfRegularizationOptions:
    """The L1 distance of ψ(R(x)) and ψ(x) that keeps labels true. Its weight λ is `recipe.lambda_reg`."""

    psi: Literal["identity", "channel-mean", "gradient", "features"] = "identity"
    """What is compared: pixels, the mean over the colour channels (lets R change hue), differences of neighbouring pixels
    (lets R change brightness), or feature maps of a frozen network."""
    network: str = ""
    """For `psi = "features"`: `efficientnet-lite0` (ImageNet weights from the extra `features`), or
    `package.module:callable`, called without arguments, which returns a torch module for (N, C, H, W) in [-1, 1]. Features
    have a scale of their own: those of `efficientnet-lite0` differ 50 to 80 times as much as the pixels under noise, so
    `recipe.lambda_reg` must be smaller in proportion, or R stays the identity."""
    layers: tuple[str, ...] = ()
    """For `psi = "features"`: names of submodules of `network` whose outputs are compared. Empty: the network's own output;
    for `efficientnet-lite0` its blocks of stride 2, 4 and 8 px: `blocks.0`, `blocks.2`, `blocks.4`."""

    def __post_init__(self) -> None:
        if self.psi == "features" and not self.network:
            raise ValueError('psi = "features" needs network: "efficientnet-lite0" or "package.module:callable"')
        if self.psi != "features" and (self.network or self.layers):
            raise ValueError(f'network and layers belong to psi = "features", and psi is "{self.psi}"')


@dataclass(frozen=True)
class HistoryOptions:
    """The history of refined images (Section 2.3 of the paper)."""

    size: Annotated[int, Ge(1), Le(10**7)] = 1024
    """B: images held, on the run's device, C·H·W·4 bytes each in float32. The paper gives no value. An image stays for
    2·B / batch size updates of D on average."""


@dataclass(frozen=True)
class GazeCNNOptions:
    """How the paper's gaze CNN is trained. The paper does not say; these are for a few thousand images."""

    steps: Annotated[int, Ge(10)] = 1000
    """Optimiser updates, the same in every arm (count)."""
    batch_size: Annotated[int, Ge(1)] = 64
    """Images in one update (count)."""
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """Highest learning rate of the one-cycle schedule."""


@dataclass(frozen=True, kw_only=True)
class SimGANOptions:
    """How R and D are trained. The defaults are the paper's where it gives them, and measured where it does not."""

    refiner_warmup: Annotated[int, Ge(0)] = 1000
    """Updates of R alone, on the self-regularization alone, before anything else (paper: 1,000)."""
    discriminator_warmup: Annotated[int, Ge(0)] = 200
    """Updates of D alone after that (paper: 200)."""
    refiner_updates: Annotated[int, Ge(1)] = 2
    """K_g: updates of R in one round (paper: 2)."""
    discriminator_updates: Annotated[int, Ge(1)] = 1
    """K_d: updates of D in one round (paper: 1)."""
    reuse_refined: bool = False
    """Show D what R made in its own updates of the same round, the newest first, and not what R makes now of further images. Not
    the paper's algorithm: R has moved on by an update, and a round draws fewer images. With K_g = 2 and K_d = 1 it spares one of
    seven passes through R, a backward pass counted twice. What it brings is in docs/performance.md."""
    joint_batch: bool = False
    """Let real and refined images go through D as one batch in D's updates. The same sums for a D whose images do not meet; one
    with batch statistics sees both domains at once, and spectral norms are estimated once an update, not twice. For GPUs
    that small batches leave idle; on a CPU it is no faster."""
    lambda_reg: Annotated[float, Ge(0)] = 4.0
    """λ of Eq. 4: weight of the self-regularization, which is a mean over elements of [-1, 1] images, not a sum. Larger keeps
    R(x) closer to x. The paper gives no value; watch `change`."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """The paper uses plain SGD."""
    refiner_lr: Annotated[float, Gt(0)] = 1e-3
    """Learning rate of R (paper: 0.001)."""
    discriminator_lr: Annotated[float, Gt(0)] = 1e-3
    """Learning rate of D (paper: 0.001)."""
    decay: Annotated[float, Ge(0), Le(1)] = 0.0
    """Last part of the run, 0 to 1, over which both learning rates fall linearly to 0. It settles the swings that R and D
    otherwise go through to the end. A finished run that is trained further starts anew from the rates of its new length."""
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.5
    """β₁ of Adam."""
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Momentum of SGD."""
    average: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Decay per update of the exponential moving average of R's weights that becomes the result; 0 takes R itself."""


MIN_SIDE = 8
"""Smallest height and width in pixels at which an iris still covers more than one pixel."""

Side = Annotated[int, Ge(MIN_SIDE), Le(4096)]


@dataclass(frozen=True)
class EyesOptions:
    """What `simgan_plugin.eyes:eyes` makes."""

    synthetic_count: Annotated[int, Ge(1), Le(10**9)] = 8000
    """Number of clean renders in the source domain. They are drawn when read, so a large number costs no memory."""
    real_count: Annotated[int, Ge(1), Le(10**9)] = 4000
    """Number of camera-like pictures in the target domain, which stand in for real ones."""
    size: tuple[Side, Side] = (35, 55)
    """Height and width in pixels, each from 8 to 4096. The default is the paper's size for eyes."""
    color: bool = False
    """RGB pictures (three channels) instead of grey ones (one channel)."""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Seed of every picture and label. It is not the seed of the training run: the data stay the same when that changes."""
