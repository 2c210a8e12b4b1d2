"""`python -m gantool_gaze convert SOURCE OUT.npz`: gaze data to a file that every command of gantool reads."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gantool import GantoolError

from .sources import open_source, write_npz


@click.group()
def main() -> None:
    """Gaze data for gantool."""


@main.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--size", nargs=2, type=click.IntRange(8, 4096), default=(36, 60), show_default=True, help="Height and width (px).")
@click.option("--subjects", default="", help="Persons that are taken, such as p00,p01 (MPIIGaze, Columbia); all without it.")
@click.option("--evaluation", is_flag=True, help="Only the images of MPIIGaze's evaluation lists.")
def convert(source: Path, out: Path, *, size: tuple[int, int], subjects: str, evaluation: bool) -> None:
    """Write the images and labels of SOURCE into OUT.

    SOURCE is of any of the layouts: UnityEyes (N.jpg and N.json), MPIIGaze (or its Data/Normalized), eye crops with Columbia's
    names, gaze.h5. Images are 8-bit grey. A file that exists is written again.
    """
    try:
        count, labels = write_npz(open_source(source, size=size, subjects=subjects, evaluation=evaluation), out)
    except GantoolError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo(f"{count} images in {out}, with {', '.join(labels) or 'no labels'}")


if __name__ == "__main__":
    main(prog_name="python -m gantool_gaze")
