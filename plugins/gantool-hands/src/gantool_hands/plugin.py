"""What the plugin provides: descriptions only, no torch."""

from __future__ import annotations

from collections.abc import Iterable

from gantool import Component, hookimpl

from .options import HourglassOptions, NYUOptions, SimulatedOptions


@hookimpl
def gantool_datasets() -> Iterable[Component]:
    """Hands in depth images, published and simulated."""
    yield Component(
        name="nyu",
        factory="gantool_hands.nyu:nyu",
        options=NYUOptions,
        summary="NYU hand pose data set (Tompson 2014): rendered and real depth images with 14 key points",
    )
    yield Component(
        name="simulated",
        factory="gantool_hands.simulated:simulated",
        options=SimulatedOptions,
        summary="Simulated depth hands, clean and through a simulated camera: a stand-in, not real data",
    )


@hookimpl
def gantool_estimators() -> Iterable[Component]:
    """What finds the key points of hands."""
    yield Component(
        name="hourglass",
        factory="gantool_hands.hourglass:HourglassEstimator",
        options=HourglassOptions,
        summary="Stacked hourglass network with heat maps, for key points (Newell 2016)",
    )
