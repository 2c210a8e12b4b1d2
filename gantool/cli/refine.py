"""`gantool refine`."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import GantoolError

if TYPE_CHECKING:
    from ..refining.refine import RefineReport

_PLAIN_SECONDS = 5.0
"""Without a terminal, progress comes as a line at most this often."""
_SHOWN = 20
"""Failures that are listed; the others are counted."""


def _tile_side(_ctx: click.Context, _param: click.Parameter, value: str) -> int | None:
    """`auto` is None, `off` is 0."""
    if value in ("auto", "off"):
        return None if value == "auto" else 0
    if not value.isdecimal() or int(value) == 0:
        raise GantoolError(f"--tile {value!r} is not auto, off or a number of pixels")
    return int(value)


@click.command(short_help="Refine images with a trained run; labels come along.")
@click.argument("run", type=click.Path())
@click.option(
    "--input", "input_", required=True, metavar="PATH", type=click.Path(), help="A folder, .npz, .h5, .parquet, .tar, video."
)
@click.option("--output", required=True, metavar="PATH", type=click.Path(), help="The folder or file to write.")
@click.option("--size", default="keep", show_default=True, metavar="keep|run|HxW", help="Size of the written images (px).")
@click.option("--copy", multiple=True, metavar="PATTERN", help="Images that are labels, such as 'masks/*': copied. Repeatable.")
@click.option("--checkpoint", metavar="NAME", help="last (as without it), best, or a step number.")
@click.option("--batch-size", default=64, show_default=True, metavar="N", help="Images at most in a batch.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--threads", type=int, metavar="N", help="Threads that read and write. [default: one per core, at most 8]")
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="torch, compile, onnxruntime, openvino; auto: the fastest on the first batch, where much is to do.",
)
@click.option(
    "--tile",
    default="auto",
    show_default=True,
    callback=_tile_side,
    metavar="auto|off|N",
    help="Side (px) of tiles for large images.",
)
@click.option("--tile-overlap", type=int, metavar="N", help="Pixels that tiles share. [default: the receptive field]")
@click.option(
    "--video-codec", default="auto", show_default=True, metavar="NAME", help="h264, hevc, vp9, av1, ffv1; auto: as the input."
)
@click.option("--video-crf", type=int, metavar="N", help="Quality of written videos on their encoder's scale; lower is better.")
@click.option("--engine", default="local", show_default=True, metavar="local|ray", help="Who computes: this machine, or Ray.")
@click.option("--workers", default=1, show_default=True, metavar="N", help="Processes of this machine; 1: this one.")
@click.option("--num-actors", type=int, metavar="N", help="Actors of Ray. [default: one per GPU, or per CPU]")
@click.option("--ray-address", metavar="ADDRESS", help="Of a running Ray cluster. [default: $RAY_ADDRESS, or start one here]")
@click.option("--validate", is_flag=True, help="Check annotations against the images first; exit code 2 where they do not fit.")
@click.option("--overwrite", is_flag=True, help="Refine again what the output already holds.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def refine(
    run: str,
    input_: str,
    output: str,
    *,
    size: str,
    copy: tuple[str, ...],
    checkpoint: str | None,
    batch_size: int,
    device: str,
    threads: int | None,
    backend: str,
    tile: int | None,
    tile_overlap: int | None,
    engine: str,
    workers: int,
    num_actors: int | None,
    ray_address: str | None,
    video_codec: str,
    video_crf: int | None,
    validate: bool,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Refine images with a trained run; labels come along.

    \b
    gantool refine runs/simgan-001 --input DIR --output DIR
    gantool refine runs/simgan-001 --input train.npz --output refined.npz
    gantool refine runs/simgan-001 --input DIR --output DIR --copy 'masks/*'
    gantool refine runs/simgan-001 --input SHARDS --output DIR --workers 8
    gantool refine runs/simgan-001 --input SHARDS --output DIR --engine ray

    File names, folders, formats, bit depths and channels stay. Files that are no images, and arrays beside the images, are
    copied untouched, but for absolute paths into the input, and COCO and VOC coordinates under --size. What is there already
    is skipped, so the same command goes on after an interruption. Exit code 1: some files could not be refined; they are
    listed at the end.
    """
    from ..refining.labels import InvalidAnnotations
    from ..refining.refine import refine as refine_images

    # Pillow warns of damaged metadata of files that are read all the same, or are listed as damaged.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    progress = _Progress(quiet=quiet)
    try:
        report = refine_images(
            run,
            input=input_,
            output=output,
            batch_size=batch_size,
            device=device,
            size=size,
            overwrite=overwrite,
            checkpoint=checkpoint,
            copy=copy,
            threads=threads,
            backend=backend,
            tile=tile,
            tile_overlap=tile_overlap,
            engine=engine,
            workers=workers,
            num_actors=num_actors,
            ray_address=ray_address,
            video_codec=video_codec,
            video_crf=video_crf,
            validate=validate,
            watcher=progress,
        )
    except InvalidAnnotations as error:
        for problem in error.problems[:_SHOWN]:
            click.echo(f"Invalid: {problem}", err=True)
        raise
    except KeyboardInterrupt:
        click.echo("Stopped; give the same command again to finish.", err=True)
        return 130
    finally:
        progress.close()
    _print_failed(report)
    if not quiet:
        click.echo(summary(report))
    return report.exit_code


def summary(report: RefineReport) -> str:
    """Say in one line what was done."""
    done = [f"{report.refined:,} image{_s(report.refined)} refined"]
    done += [f"{report.skipped:,} there already"] if report.skipped else []
    done += [f"{report.skipped_parts:,} file{_s(report.skipped_parts)} there already"] if report.skipped_parts else []
    done += [f"{report.copied:,} label file{_s(report.copied)} or array{_s(report.copied)} copied"] if report.copied else []
    done += [f"{len(report.failed):,} failed"] if report.failed else []
    return f"{', '.join(done)}: {report.output}"


def _print_failed(report: RefineReport) -> None:
    for failed in report.failed[:_SHOWN]:
        click.echo(f"Failed: {failed.name}: {failed.cause}", err=True)
    if len(report.failed) > _SHOWN:
        click.echo(f"Failed: {len(report.failed) - _SHOWN:,} more", err=True)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


class _Progress:
    """A bar on a terminal, now and then a line elsewhere. See `gantool.refining.report.Watcher`."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._total = self._done = self._before = 0
        self._began = self._printed = time.monotonic()

    def notice(self, text: str) -> None:
        if not self._quiet:
            click.echo(f"Note: {text}", err=True)

    def start(self, total: int, done: int, *, estimated: bool = False) -> None:
        self._total, self._done, self._before, self._about = total, done, done, "about " if estimated else ""
        self._began = self._printed = time.monotonic()
        if sys.stderr.isatty() and not self._quiet:
            columns = (TextColumn("refining"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("", total=total, completed=done)
            self._bar.start()

    def advance(self, count: int = 1) -> None:
        self._done += count
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)
        elif not self._quiet and time.monotonic() - self._printed >= _PLAIN_SECONDS:
            self._printed = time.monotonic()
            speed = (self._done - self._before) / (self._printed - self._began)
            left = max(0, self._total - self._done) / speed
            total = f"{self._about}{self._total:,}"
            click.echo(f"refined {self._done:,} of {total} ({speed:.1f} images/s, {left:.0f} s left)", err=True)

    def close(self) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
