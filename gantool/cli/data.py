"""`gantool data`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..data.domains import Arrangement
from ..errors import GantoolError
from ..plan.settings import ConvertSettings, InspectSettings, read_settings
from ..values import counted
from .flags import json_flag, settings

if TYPE_CHECKING:
    from ..data.images import Images
    from ..data.inspection.content import Content
    from ..data.inspection.frames import FramesSummary
    from ..data.inspection.review import Finding
    from ..data.inspection.survey import Survey


@click.group(short_help="Look at a set of images before training, or convert it.")
def data() -> None:
    """Look at a set of images before training, or convert it."""


@data.command(short_help="Say what a set is like, and what differs from another.")
@click.argument("path")
@click.argument("real", required=False)
@click.option("--against", metavar="PATH", help="The real images; the same as a second PATH.")
@settings(InspectSettings)
@click.option("--sheet", metavar="FILE", type=click.Path(path_type=Path), help="Write a contact sheet (PNG).")
@json_flag
def inspect(path: str, *, real: str | None, against: str | None, sheet: Path | None, as_json: bool, **said: Any) -> None:
    """Say what a set of images is like: counts, sizes, values, labels, and what should be put right before training. Of
    synthetic images and REAL ones, also what differs, and what one of them holds alone.

    \b
    gantool data inspect renders/
    gantool data inspect renders.npz photos/ --sheet sheet.png

    A set of more than --limit images is judged by a random sample, the same one every time.
    """
    if sheet is not None and sheet.is_dir():
        raise GantoolError(f"--sheet {sheet} is a folder: name a file in it, such as {sheet / 'sheet.png'}")
    asked = read_settings(InspectSettings, said, of="inspect")
    if real is not None and against is not None:
        raise GantoolError(f"two sets are compared, and --against {against} would be a third: leave it out")
    against = against or real
    from ..data.inspection.review import compare, review
    from ..data.inspection.survey import survey
    from ..data.opening import open_images

    # Pillow warns of damaged metadata of files that are read all the same, or are listed as damaged.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    if against is None and (bare := _without_pictures(path, asked)) is not None:
        _show_frames(path, bare, as_json=as_json)
        return
    # What is said of a folder is said of PATH: the other one is laid out in its own way.
    opened = [open_images(path, asked), *([open_images(against)] if against else [])]
    surveys = [survey(images, limit=asked.limit) for images in opened]
    findings = [review(found) for found in surveys]
    differences, content = [], None
    if len(surveys) == 2:
        content, about = _content(opened, surveys, limit=asked.limit)
        differences = [*compare(*surveys), *about]
    if sheet is not None:
        _write_sheet(sheet, opened, surveys, content)
    if as_json:
        plain = [
            {**found.to_dict(), "findings": [vars(finding) for finding in about]}
            for found, about in zip(surveys, findings, strict=True)
        ]
        shared = {"content": content.to_dict() if content else None} if against else {}
        click.echo(json.dumps({"sets": plain, "differences": [vars(finding) for finding in differences], **shared}, indent=2))
        return
    from .data_text import print_inspection

    print_inspection(surveys, findings, differences, sheet)


@data.command(short_help="Print what a folder was recognised as, to be edited.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@settings(Arrangement)
def layout(folder: Path, **said: Any) -> None:
    """Print what a folder was recognised as: which file is a picture, which a pass, which a label, as TOML.

    \b
    gantool data layout renders/ > renders.toml
    gantool train --plugin simgan --synthetic renders/ --layout renders.toml --real photos/

    What --image and --copy say goes into the file, too.
    """
    asked = read_settings(Arrangement, said, of="layout")
    from ..data.layouts.choosing import describe_as_said
    from ..data.layouts.tree import Tree
    from ..data.layouts.written import write

    found = describe_as_said(Tree(folder), asked)
    click.echo(write(found), nl=False)
    for doubt in found.doubts:
        click.echo(f"Note: {doubt}", err=True)
    if found.missing:
        click.echo(f"Note: {folder} has no pictures: {found.missing}", err=True)


@data.command(short_help="Move renders to where real pictures show the same, labels with them.")
@click.argument("synthetic")
@click.argument("real")
@click.argument("output", required=False, type=click.Path(path_type=Path))
@settings(Arrangement)
@click.option("--sheet", metavar="FILE", type=click.Path(path_type=Path), help="Write mean edges and pictures (PNG).")
def align(synthetic: str, real: str, output: Path | None, *, sheet: Path | None, **said: Any) -> None:
    """Find one scale and shift of all SYNTHETIC images by which their mean edges lie as those of the REAL ones do, and write them
    so as OUTPUT, passes and labels moved alike.

    \b
    gantool data align renders/ photos/ --sheet sheet.png
    gantool data align renders/ photos/ aligned/

    For crops that show one kind of thing at one place, such as eyes. Where those of the renders are cut a little lower or
    wider, all that learns from them is wrong by a constant, and refining cannot mend it. No label is looked at.
    """
    asked = read_settings(Arrangement, said, of="align")
    from ..components import Pair
    from ..data.aligning import estimate
    from ..data.domains import Preprocess, Reading
    from ..data.inspection.aligned import write_aligned_sheet
    from ..data.locations import Location
    from ..data.opening import open_images
    from ..data.prepare import Prepared, prepare
    from ..refining.aligned import check_aligned, write_aligned

    place = Location(synthetic, Reading(layout=asked.layout, image=asked.image, copy=asked.copy))
    if output is not None:
        check_aligned(place, output)
    photos = open_images(real)
    form = next(iter(photos.forms()))
    pair, size = Pair(open_images(place), photos), (form.height, form.width)
    source, target, _ = prepare(pair, Preprocess(size=size, channels=1, equalize=True))
    assert isinstance(source, Prepared)
    assert isinstance(target, Prepared)
    found = estimate(source, target)
    alike = f"likeness of mean edges {found.before:.2f} -> {found.after:.2f}"
    click.echo(f"{found.alignment.described(size)} (of {form.size}); {alike}")
    if sheet is not None:
        _written(sheet, lambda: write_aligned_sheet(sheet, found, source, target))
    if output is None:
        click.echo("Nothing was written: name an OUTPUT for that.", err=True)
        return
    done = write_aligned(place, output, found.alignment)
    others = counted(done.others, "file or array", "files or arrays")
    click.echo(f"{counted(done.pictures, 'picture')}, {others} beside: {output}")
    for text in (*done.notices, *(f"not written: {failed.name}: {failed.cause}" for failed in done.failed)):
        click.echo(f"Note: {text}", err=True)


@data.command(short_help="Write a set in another format.")
@click.argument("source")
@click.argument("target", type=click.Path(path_type=Path))
@settings(ConvertSettings)
def convert(source: str, target: Path, **said: Any) -> None:
    """Write the images and labels of SOURCE as TARGET, which must not exist.

    \b
    gantool data convert renders/ shards/ --format shards
    gantool data convert renders.npz renders.parquet

    Image files are copied as they are. Label files stay with their image where TARGET has files or columns for them; in an
    .npz or .h5 file, the numbers of JSON files become arrays.
    """
    asked = read_settings(ConvertSettings, said, of="convert")
    from ..data.convert import convert as convert_set

    done = convert_set(source, target, format=asked.format, per_part=asked.per_shard, reading=asked)
    others = f", {counted(done.copied, 'other file')} copied" if done.copied else ""
    click.echo(f"{counted(done.images, 'image')}{others}: {done.output}")
    if done.left_out:
        click.echo(f"Note: {counted(done.left_out, 'file')} of no single image left out", err=True)
    if done.lost:
        names = ", ".join(done.lost)
        click.echo(f"Note: no array holds {names}, which not all images have alike; shards, Parquet and folders do", err=True)


def _without_pictures(path: str, asked: InspectSettings) -> FramesSummary | None:
    """Return what is in a folder of passes alone; None for a set of pictures."""
    from ..data.inspection.frames import survey_frames
    from ..data.layouts.choosing import arrange
    from ..data.locations import Location

    place = Location(path, asked)
    frames = arrange(place).frames if place.is_folder else None
    return survey_frames(place.path, frames) if frames and not frames.frames else None


def _show_frames(path: str, found: FramesSummary, *, as_json: bool) -> None:
    from ..data.inspection.review import of_passes
    from .data_text import print_frames

    findings = list(of_passes(found))
    if as_json:
        plain = {"path": path, "images": 0, "frames": asdict(found), "findings": [vars(finding) for finding in findings]}
        click.echo(json.dumps({"sets": [plain], "differences": []}, indent=2))
    else:
        print_frames(path, found, findings)


def _content(opened: list[Images], surveys: list[Survey], *, limit: int) -> tuple[Content | None, list[Finding]]:
    """What both sets hold, as far as they can be compared."""
    from ..data.inspection.content import compare_content
    from ..data.inspection.review import Finding, compare_equalisation

    apart = any(compare_equalisation(surveys[0].equalised, surveys[1].equalised))
    try:
        found = compare_content(opened[0], opened[1], limit=limit, equalize=apart)
    except GantoolError as error:
        return None, [Finding("content", f"what the sets hold was not compared: {error}", "put that right, then look again")]
    return found, list(found.findings())


def _write_sheet(sheet: Path, opened: list[Images], surveys: list[Survey], content: Content | None) -> None:
    from ..data.inspection.sheet import write_sheet

    titles = ["synthetic", "real"] if len(opened) == 2 else [Path(opened[0].name).name]
    _written(sheet, lambda: write_sheet(sheet, list(zip(titles, opened, surveys, strict=True)), content))


def _written(sheet: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise GantoolError(f"cannot write --sheet {sheet}: {error.strerror or error}") from None
