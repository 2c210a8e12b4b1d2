"""Figures of arms from values of single images, for a figure that is their mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from gantool.evaluation.uncertainty import Figures, draw_sets


def figures(values: Any) -> Figures:
    """(seeds, images) or (runs, seeds, images) to `Figures`."""
    values = np.atleast_3d(np.asarray(values, float).T).T
    sets = draw_sets(values.shape[2])
    return Figures(whole=values.mean(2), sets=values @ sets.T / values.shape[2], images=values.shape[2])
