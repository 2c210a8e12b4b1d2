"""`gantool export` and `gantool publish`."""

from __future__ import annotations

from typing import Any

import click

from ..plan.settings import ExportSettings, PublishSettings
from .flags import run_argument, settings


@click.command(short_help="Write a trained network as ONNX, torch.export or safetensors.")
@run_argument
@click.option("--output", required=True, metavar="FILE", type=click.Path(), help="Such as refiner.onnx, .pt2 or .safetensors.")
@settings(ExportSettings)
def export(run: str, output: str, **said: Any) -> None:
    """Write a trained network as one file for other programs.

    \b
    gantool export runs/simgan-001 --output refiner.onnx
    gantool export runs/simgan-001 --output refiner.pt2 --format torch-export

    Images go in and come out as (batch, channels, height, width) float32 in [-1, 1]; batch, height and width are free. The file
    is compared with torch before it is written. It says what it is: component, channels, preprocessing, digest.
    """
    from ..model.export import export as write

    report = write(run, output, **said)
    for check in report.checks:
        click.echo(f"{'x'.join(map(str, check.shape)):>14}  differs from torch by {check.difference:.1e}")
    details = [f"opset {report.opset}"] if report.opset else []
    details += [f"images from {report.minimum}x{report.minimum} px"] if report.minimum > 1 else []
    click.echo(f"Written: {report.output} ({', '.join([report.format, *details])})")


@click.command(short_help="Write a folder for a model hub: weights, model card, picture.")
@run_argument
@click.option("--output", required=True, metavar="FOLDER", type=click.Path(), help="The folder to write.")
@click.option("--license", required=True, metavar="NAME", help="Such as apache-2.0 or cc-by-4.0; or other, unknown.")
@settings(PublishSettings)
def publish(run: str, output: str, **said: Any) -> None:
    """Write a folder for a model hub: weights, model card, picture.

    \b
    gantool publish runs/simgan-001 --output eyes-refiner --license apache-2.0

    The layout is that of the Hugging Face hub, and `gantool refine FOLDER` and `gantool.load` read it. Nothing is uploaded: the
    command for that is printed. Read the card first; it says what the network was trained on and whether it helps.
    """
    from ..model.publish import publish as write

    report = write(run, output, **said)
    for notice in report.notices:
        click.echo(f"Note: {notice}", err=True)
    click.echo(f"Written: {report.output} ({', '.join(report.files)})")
    click.echo(f"To upload it: {report.upload}")
