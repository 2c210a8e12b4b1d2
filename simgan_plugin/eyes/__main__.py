"""`python -m simgan_plugin.eyes FOLDER`: write built-in eyes as files, to try the program on folders."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
from PIL import Image

from ..options import EyesOptions
from . import eyes
from .domain import EyeDomain


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=200, show_default=True, help="Pictures of each domain.")
@click.option("--size", nargs=2, type=click.IntRange(8, 4096), default=(35, 55), show_default=True, help="Height and width (px).")
@click.option("--color", is_flag=True, help="RGB instead of grey.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides every picture.")
def main(folder: Path, *, count: int, size: tuple[int, int], color: bool, seed: int) -> None:
    """Write FOLDER/synthetic (renders with JSON labels beside them), FOLDER/camera (what stands in for real ones) and
    FOLDER/camera-test (others of these, with labels, to test on).

    Labels are in radians and pixels, as in `simgan_plugin.eyes.render`. Files that exist are written again.
    """
    domains = eyes(config=EyesOptions(synthetic_count=count, real_count=count, size=size, color=color, seed=seed))
    for name, domain in (("synthetic", domains.source), ("camera", domains.target), ("camera-test", domains.test)):
        assert isinstance(domain, EyeDomain)
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        written = min(count, len(domain))
        for number, image in enumerate(domain.read(range(written))):
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(target / f"{number:06}.png")
            if name != "camera":  # real images have no labels, and training must not need any
                labels = {key: np.round(rows[number].astype(float), 5).tolist() for key, rows in domain.labels.items()}
                (target / f"{number:06}.json").write_text(json.dumps(labels) + "\n")
        click.echo(f"{written} images in {target}")


if __name__ == "__main__":
    main()
