"""Named sets of values, as `--preset NAME` takes them. No torch."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # Built-in eyes, 35×55 px: 3.4 minutes on one CPU core; after 150 steps refining does not help yet. Patches of 16 px:
    # with 34 px (depth 2), D moves irises and lids.
    "laptop": {
        **{
            f"{slot}.{name}": value
            for slot in ("to_target", "to_source")
            for name, value in {"width": 16, "downsamplings": 1, "blocks": 3, "upsampling": "nearest"}.items()
        },
        **{
            f"{slot}.{name}": value
            for slot in ("target_discriminator", "source_discriminator")
            for name, value in {"width": 16, "depth": 1}.items()
        },
        "recipe.generator_lr": 1e-3,
        "recipe.discriminator_lr": 1e-3,
        "batch_size": 8,
        "steps": 600,
        "checkpoint_every": 100,
        "sample_every": 100,
    },
    # Zhu et al. 2017, Sections 4 and 7: one image at a time, 200 epochs of about 1,000 images.
    "paper": {"batch_size": 1, "steps": 200_000, "checkpoint_every": 5_000, "sample_every": 1_000},
}
"""A dotted name is an option of a part, a bare one a setting of the run."""
