"""SimGAN keeps every contract that other plugins have to keep."""

from __future__ import annotations

import gantool.testing

test_conformance = gantool.testing.conformance(
    "simgan",
    options={
        "refiner": {"width": 4, "blocks": 1},
        "local": {"width_factor": 0.25},
        "whole-image": {"width_factor": 0.25},
        "history": {"size": 16},
        "gaze-cnn": {"steps": 10, "batch_size": 2},
    },
    size=(20, 23),
)
