"""What the host provides itself: plain losses, no buffer, folders and arrays of images, one metric. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from ..components import Component
from ..data.options import FilesOptions
from ..hookspecs import hookimpl
from .metric_options import PatchDistanceOptions

ADVERSARIAL, IMAGE_PAIR = frozenset({"adversarial"}), frozenset({"image-pair"})


@hookimpl
def gantool_losses() -> Iterable[Component]:
    """Plain losses of both families."""
    module = "gantool.builtin.losses"
    yield Component(
        name="bce",
        factory=f"{module}:BCE",
        provides=ADVERSARIAL,
        summary="Binary cross-entropy, non-saturating (Goodfellow 2014)",
    )
    yield Component(name="lsgan", factory=f"{module}:LSGAN", provides=ADVERSARIAL, summary="Least squares (Mao 2017)")
    yield Component(name="hinge", factory=f"{module}:Hinge", provides=ADVERSARIAL, summary="Hinge (Lim and Ye 2017)")
    yield Component(name="l1", factory=f"{module}:L1", provides=IMAGE_PAIR, summary="Mean absolute difference of pixels")
    yield Component(name="l2", factory=f"{module}:L2", provides=IMAGE_PAIR, summary="Mean squared difference of pixels")


@hookimpl
def gantool_replay_buffers() -> Iterable[Component]:
    """No memory at all."""
    yield Component(name="none", factory="gantool.builtin.buffers:NoBuffer", summary="Current images only")


@hookimpl
def gantool_datasets() -> Iterable[Component]:
    """Images on disk."""
    yield Component(
        name="files",
        factory="gantool.data.files:files",
        options=FilesOptions,
        summary="Folders of images, .npz or .h5 files: what --synthetic and --real name",
    )


@hookimpl
def gantool_metrics() -> Iterable[Component]:
    """How realistic refined images look, without labels."""
    yield Component(
        name="patch-distance",
        factory="gantool.builtin.metrics:PatchDistance",
        options=PatchDistanceOptions,
        provides=frozenset({"lower-is-better"}),
        summary="Sliced Wasserstein distance of local patches, refined to real; lower is more alike",
    )
