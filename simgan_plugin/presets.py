"""Named sets of values, as `--preset NAME` takes them. No torch."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # Measured on two CPU cores: docs/experiments.md. A residual refiner starts as the identity and needs no warm-up.
    "laptop": {
        "generator.width": 16,
        "generator.residual": True,
        "discriminator.width_factor": 0.5,
        "discriminator.spectral_norm": True,
        "recipe.refiner_warmup": 0,
        "recipe.discriminator_warmup": 50,
        "recipe.lambda_reg": 0.5,
        "recipe.decay": 0.8,
        "recipe.average": 0.98,
        "batch_size": 32,
        "steps": 2000,
        "checkpoint_every": 250,
        "sample_every": 250,
    },
    # Shrivastava et al. 2017, Section 3.1: 35×55 grey eyes.
    "paper": {
        "batch_size": 512,
        "patch": "off",
        "steps": 10_000,
        "recipe.optimizer": "sgd",
        "buffer.size": 51_200,
        "checkpoint_every": 500,
        "sample_every": 500,
    },
    # For 224×224 depth images of hands. Ten blocks are the paper's; its other layers could not be checked (see `TRUNKS`).
    "hands": {
        "generator.kernel": 7,
        "generator.blocks": 10,
        "discriminator.architecture": "hands",
        "batch_size": 32,
        "patch": "off",
        "steps": 10_000,
        "buffer.size": 3_200,
        "checkpoint_every": 500,
        "sample_every": 500,
    },
    # For renders whose tones are far from those of real images, as the paper's: docs/experiments.md, "Real eyes". R has no way
    # around its output layer, so it maps tones anew where `laptop` adds a change to them.
    "direct": {
        "generator.width": 16,
        "discriminator.width_factor": 0.5,
        "recipe.refiner_warmup": 300,
        "recipe.discriminator_warmup": 50,
        "recipe.lambda_reg": 4.0,
        "recipe.decay": 0.5,
        "recipe.average": 0.9,
        "batch_size": 32,
        "steps": 300,
        "checkpoint_every": 50,
        "sample_every": 50,
    },
}
"""A dotted name is an option of a part, a bare one a setting of the run."""
