"""`gantool export`."""

from __future__ import annotations

import click


@click.command(short_help="Write a trained network as ONNX, torch.export or safetensors.")
@click.argument("run", type=click.Path())
@click.option("--output", required=True, metavar="FILE", type=click.Path(), help="Such as refiner.onnx, .pt2 or .safetensors.")
@click.option("--format", metavar="NAME", help="onnx, torch-export or safetensors. [default: by the ending of --output]")
@click.option("--opset", type=int, metavar="N", help="Version of ONNX's operators. [default: the one torch prefers]")
@click.option("--checkpoint", metavar="NAME", help="last (as without it), best, or a step number.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
def export(run: str, output: str, *, format: str | None, opset: int | None, checkpoint: str | None, overwrite: bool) -> int:
    """Write a trained network as one file for other programs.

    \b
    gantool export runs/simgan-001 --output refiner.onnx
    gantool export runs/simgan-001 --output refiner.pt2 --format torch-export

    Images go in and come out as (batch, channels, height, width) float32 in [-1, 1]; batch, height and width are free. The file
    is compared with torch before it is written. It says what it is: component, channels, preprocessing, digest.
    """
    from ..model.export import export as write

    report = write(run, output, format=format, opset=opset, checkpoint=checkpoint, overwrite=overwrite)
    for check in report.checks:
        click.echo(f"{'x'.join(map(str, check.shape)):>14}  differs from torch by {check.difference:.1e}")
    details = [f"opset {report.opset}"] if report.opset else []
    details += [f"images from {report.minimum}x{report.minimum} px"] if report.minimum > 1 else []
    click.echo(f"Written: {report.output} ({', '.join([report.format, *details])})")
    return 0
