"""What the host provides itself: plain losses, no buffer, folders and arrays of images, metrics, estimators. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from ..components import Component, Format
from ..data import IMAGE_SUFFIXES
from ..data.domains import FilesOptions
from ..data.video.codec import CONTAINERS, VideoOptions
from ..hookspecs import hookimpl
from .loggers import TensorBoardOptions
from .part_options import (
    AdaptiveLinearOptions,
    DetectionOptions,
    ForestOptions,
    KeypointsOptions,
    LabelDriftOptions,
    NearestOptions,
    PatchDistanceOptions,
    PixelsOptions,
    RealismDriftOptions,
    SegmentationOptions,
    SmallCNNOptions,
    SVROptions,
    TwoSampleOptions,
)

ADVERSARIAL, IMAGE_PAIR = frozenset({"adversarial"}), frozenset({"image-pair"})
STREAMS, WRITES, REFINES = frozenset({"streams"}), frozenset({"writes"}), frozenset({"refines"})
LOWER_IS_BETTER = frozenset({"lower-is-better"})


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


_SINGLE = tuple(suffix for suffix in IMAGE_SUFFIXES if not suffix.startswith(".tif"))
"""Of one image by itself. A TIFF can be a stack of many, which plugins read."""


@hookimpl
def gantool_formats() -> Iterable[Format]:
    """How sets of images are stored. A folder is taken for the first of these that finds something of its own in it."""
    module = "gantool.data.formats"
    yield Format(
        name="hub",
        factory=f"{module}.hub:Hub",
        provides=WRITES | REFINES,
        word="a saved data set",
        summary="Hugging Face data sets as Dataset.save_to_disk writes them",
    )
    yield Format(
        name="folder",
        factory=f"{module}.folder:Folder",
        provides=WRITES | REFINES,
        word="a folder",
        summary="Image files (PNG, JPEG, WebP, BMP, TIFF) of a folder and its subfolders, annotations beside them",
    )
    yield Format(
        name="npz",
        factory=f"{module}.npz:Npz",
        suffixes=(".npz",),
        provides=WRITES | REFINES,
        summary="NumPy arrays of images and labels",
    )
    yield Format(
        name="h5",
        factory=f"{module}.hdf5:Hdf5",
        suffixes=(".h5", ".hdf5"),
        provides=WRITES | REFINES,
        summary="HDF5 arrays of images and labels, or a group with one data set per image",
    )
    yield Format(
        name="shards",
        factory=f"{module}.shards:Shards",
        suffixes=(".tar",),
        provides=STREAMS | WRITES | REFINES,
        summary="Tar files in the layout of WebDataset",
    )
    yield Format(
        name="parquet",
        factory=f"{module}.parquet:Parquet",
        suffixes=(".parquet",),
        provides=STREAMS | WRITES | REFINES,
        summary="Parquet tables with a column of encoded images",
    )
    yield Format(
        name="video",
        factory=f"{module}.video:Video",
        suffixes=tuple(CONTAINERS),
        options=VideoOptions,
        provides=STREAMS | REFINES,
        word="a video",
        summary="Video files, frame by frame",
    )
    one = f"{module}.single:Single"
    yield Format(name="image", factory=one, suffixes=_SINGLE, provides=REFINES, word="one image", summary="One image, to refine")


_LAYOUTS = {
    "bop": "Scenes of the BOP challenge, and of BlenderProc's write_bop",
    "solo": "SOLO, of Unity's Perception package",
    "replicator": "Omniverse Replicator and Isaac Sim (BasicWriter)",
    "kubric": "Kubric, and MOVi as files",
    "hypersim": "Hypersim (HDF5 by camera and frame)",
    "blenderproc": "BlenderProc (HDF5 per frame)",
    "synthia": "SYNTHIA",
    "unityeyes": "UnityEyes",
    "vkitti2": "Virtual KITTI 2",
    "airsim": "AirSim recordings",
    "rhd": "RHD, rendered hands",
    "dope": "DOPE and NDDS, Falling Things",
    "mitsuba": "Mitsuba's AOVs (EXR)",
    "blender": "Blender (multilayer EXR, File Output node)",
    "carla": "CARLA's cameras, one folder each",
}
"""Of programs: each in a module of its own."""

_BY_NAMES = {
    "listed": "Pictures that COCO, YOLO, VOC, CVAT or tables list",
    "folders": "Folders by what they hold, such as images/ and masks/",
    "companions": "Names by what they hold, such as rgb_0001.png and 0001_mask.png",
    "plain": "Every image file is a picture",
}
"""Of nobody's program, or of any."""


@hookimpl
def gantool_layouts() -> Iterable[Component]:
    """What a folder means, the most particular first."""
    for name, summary in _LAYOUTS.items():
        yield Component(name=name, factory=f"gantool.data.layouts.{name}:LAYOUT", summary=summary)
    for name, summary in _BY_NAMES.items():
        yield Component(name=name, factory=f"gantool.data.layouts.choosing:{name.upper()}", summary=summary)


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
    module = "gantool.builtin.metrics"
    yield Component(
        name="patch-distance",
        factory=f"{module}:PatchDistance",
        options=PatchDistanceOptions,
        provides=LOWER_IS_BETTER,
        summary="Sliced Wasserstein distance of local patches, refined to real; lower is more alike",
    )
    yield Component(
        name="two-sample",
        factory=f"{module}:TwoSample",
        options=TwoSampleOptions,
        provides=LOWER_IS_BETTER,
        summary="Accuracy of a fresh classifier on held-out patches, refined or real; 0.5: cannot be told apart",
    )
    yield Component(
        name="label-drift",
        factory=f"{module}:LabelDrift",
        options=LabelDriftOptions,
        provides=LOWER_IS_BETTER | {"sees-source"},
        summary="Share of the edges of synthetic images that refining took away or moved; lower keeps labels truer",
    )
    yield Component(
        name="realism-drift",
        factory=f"{module}:RealismDrift",
        options=RealismDriftOptions,
        provides=LOWER_IS_BETTER | {"sees-source"},
        summary="two-sample with a penalty on label-drift beyond what is allowed; lower is better",
    )


@hookimpl
def gantool_loggers() -> Iterable[Component]:
    """Where figures go beside metrics.jsonl."""
    yield Component(
        name="tensorboard",
        factory="gantool.builtin.loggers:TensorBoard",
        options=TensorBoardOptions,
        summary="Every figure as a scalar in RUN/tensorboard; on by default where the extra `tensorboard` is installed",
    )


@hookimpl
def gantool_tasks() -> Iterable[Component]:
    """What labels can mean to `gantool evaluate`."""
    module = "gantool.builtin.tasks"
    yield Component(name="angles", factory=f"{module}:Angles", summary="Pitch and yaw; error: the angle between directions (°)")
    yield Component(name="vectors", factory=f"{module}:Vectors", summary="Directions of any length; error: the angle (°)")
    yield Component(name="regression", factory=f"{module}:Regression", summary="Numbers; error: the mean absolute difference")
    yield Component(
        name="keypoints",
        factory=f"{module}:Keypoints",
        options=KeypointsOptions,
        summary="Positions in the image; error: the mean distance (px of the run's images)",
    )
    yield Component(name="classification", factory=f"{module}:Classification", summary="One class per image; error: 0 or 100 %")
    yield Component(
        name="detection",
        factory="gantool.builtin.detection:Detection",
        options=DetectionOptions,
        needs=frozenset({"objects"}),
        summary="Objects with boxes; score: COCO's average precision, the mean over classes",
    )
    yield Component(
        name="masks",
        factory="gantool.builtin.detection:Masks",
        options=DetectionOptions,
        needs=frozenset({"masks"}),
        summary="Objects with the mask of each; score: COCO's average precision by pixels",
    )
    yield Component(
        name="segmentation",
        factory="gantool.builtin.segmentation:Segmentation",
        options=SegmentationOptions,
        needs=frozenset({"maps"}),
        summary="A class of every pixel; score: the mean over classes of intersection over union",
    )
    yield Component(
        name="depth",
        factory="gantool.builtin.segmentation:Depth",
        needs=frozenset({"maps"}),
        summary="A depth of every pixel that is no background; error: the mean relative one",
    )


@hookimpl
def gantool_estimators() -> Iterable[Component]:
    """What `gantool evaluate` trains on each set of images."""
    module = "gantool.builtin.estimators"
    yield Component(
        name="small-cnn",
        factory=f"{module}:SmallCNN",
        options=SmallCNNOptions,
        summary="Small LeNet-like CNN, seconds on one CPU core",
    )
    yield Component(
        name="heatmap-detector",
        factory="gantool.builtin.detector:HeatmapDetector",
        options=PixelsOptions,
        provides=frozenset({"objects"}),
        summary="One-stage detector with class heat maps, from scratch; half a minute on two CPU cores",
    )
    yield Component(
        name="mask-detector",
        factory="gantool.builtin.mask_detector:MaskDetector",
        options=PixelsOptions,
        provides=frozenset({"masks"}),
        summary="The heat-map detector whose pixels also say which object they are of, from scratch",
    )
    yield Component(
        name="small-unet",
        factory="gantool.builtin.segmenter:SmallUNet",
        options=PixelsOptions,
        provides=frozenset({"maps"}),
        summary="Small U-Net for classes or numbers of pixels, from scratch; half a minute on two CPU cores",
    )
    yield Component(name="knn", factory=f"{module}:KNN", options=NearestOptions, summary="k nearest neighbours")
    yield Component(name="svr", factory=f"{module}:SVR", options=SVROptions, summary="Support vector regression or classifier")
    yield Component(name="forest", factory=f"{module}:Forest", options=ForestOptions, summary="Random forest")
    yield Component(
        name="alr",
        factory=f"{module}:ALR",
        options=AdaptiveLinearOptions,
        summary="Adaptive linear regression: sparse mixtures of training images (after Lu et al. 2014)",
    )
