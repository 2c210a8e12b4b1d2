"""What the plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Component, hookimpl

from .options import ColumbiaOptions, H5Options, MPIIGazeOptions, PupilOptions


@hookimpl
def gantool_datasets() -> Iterable[Component]:
    """Gaze data as people have them on disk."""
    module = "gantool_gaze.datasets"
    yield Component(
        name="unityeyes-mpiigaze",
        factory=f"{module}:unityeyes_mpiigaze",
        options=MPIIGazeOptions,
        summary="UnityEyes (N.jpg, N.json) and normalized MPIIGaze (.mat): the paper's pair, with held-out persons",
    )
    yield Component(
        name="unityeyes-columbia",
        factory=f"{module}:unityeyes_columbia",
        options=ColumbiaOptions,
        summary="UnityEyes and eye crops with the names of Columbia Gaze",
    )
    yield Component(
        name="h5-pair",
        factory=f"{module}:h5_pair",
        options=H5Options,
        summary="gaze.h5 and real_gaze.h5 of public SimGAN implementations",
    )


@hookimpl
def gantool_estimators() -> Iterable[Component]:
    """Gaze from where the pupil is."""
    yield Component(
        name="pupil",
        factory="gantool_gaze.pupil:pupil_estimator",
        options=PupilOptions,
        summary="Labels as an affine function of the pupil's place, found by means of gradients (Timm and Barth 2011)",
    )


@hookimpl
def gantool_metrics() -> Iterable[Component]:
    """The paper's check of label preservation, without labels."""
    yield Component(
        name="pupil-movement",
        factory="gantool_gaze.pupil:PupilMovement",
        options=PupilOptions,
        provides=frozenset({"lower-is-better", "sees-source"}),
        summary="Distance (px) of the pupil in refined images from where it is in the synthetic ones",
    )
