"""`gantool report`."""

from __future__ import annotations

import click


@click.command(short_help="Write one HTML page about a run.")
@click.argument("run", type=click.Path())
@click.option("--output", metavar="FILE", type=click.Path(), help="The page to write. [default: RUN/report.html]")
@click.option("--checkpoint", metavar="NAME", help="last (as without it), best, or a step number.")
@click.option("--synthetic", metavar="PATH", type=click.Path(), help="Images to refine other than the run's own.")
@click.option("--real", metavar="PATH", type=click.Path(), help="Real images other than the run's own.")
@click.option("--images", default=24, show_default=True, metavar="N", help="Images in the grid, fewer where they are large.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N", help="Decides which images are shown.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def report(
    run: str,
    *,
    output: str | None,
    checkpoint: str | None,
    synthetic: str | None,
    real: str | None,
    images: int,
    seed: int,
    device: str,
    quiet: bool,
) -> None:
    """Write one HTML page about a run: verdict, curves, pictures, worst cases.

    \b
    gantool report runs/simgan-001

    The page is one file that opens from disk and loads nothing. It shows what `gantool evaluate` and `gantool turing-test` found,
    where they were run.
    """
    from ..evaluation.report.write import write_report

    written = write_report(
        run, output=output, checkpoint=checkpoint, synthetic=synthetic, real=real, images=images, seed=seed, device=device
    )
    if not quiet:
        for note in written.notes:
            click.echo(f"Note: {note}", err=True)
        click.echo(f"Report: {written.path} ({written.size / 1e6:.1f} MB)")
