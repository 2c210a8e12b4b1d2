"""`gantool publish`."""

from __future__ import annotations

import click


@click.command(short_help="Write a folder for a model hub: weights, model card, picture.")
@click.argument("run", type=click.Path())
@click.option("--output", required=True, metavar="FOLDER", type=click.Path(), help="The folder to write.")
@click.option("--license", required=True, metavar="NAME", help="Such as apache-2.0 or cc-by-4.0; or other, unknown.")
@click.option("--name", metavar="NAME", help="Name of the model. [default: that of the folder]")
@click.option("--checkpoint", metavar="NAME", help="last (as without it), best, or a step number.")
@click.option("--overwrite", is_flag=True, help="Write into a folder that is not empty.")
def publish(run: str, output: str, *, license: str, name: str | None, checkpoint: str | None, overwrite: bool) -> int:
    """Write a folder for a model hub: weights, model card, picture.

    \b
    gantool publish runs/simgan-001 --output eyes-refiner --license apache-2.0

    The layout is that of the Hugging Face hub, and `gantool refine FOLDER` and `gantool.load` read it. Nothing is uploaded: the
    command for that is printed. Read the card first; it says what the network was trained on and whether it helps.
    """
    from ..model.publish import publish as write

    report = write(run, output, license=license, name=name, checkpoint=checkpoint, overwrite=overwrite)
    for notice in report.notices:
        click.echo(f"Note: {notice}", err=True)
    click.echo(f"Written: {report.output} ({', '.join(report.files)})")
    click.echo(f"To upload it: {report.upload}")
    return 0
