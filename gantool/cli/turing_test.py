"""`gantool turing-test`."""

from __future__ import annotations

import io
import json
import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import GantoolError, require
from ..plan.settings import StudySettings, read_settings
from .flags import run_argument, settings

if TYPE_CHECKING:
    from ..evaluation.turing.study import Study


@click.command("turing-test", short_help="Ask people whether they can tell refined from real images.")
@run_argument
@settings(StudySettings)
@click.option("--study", metavar="FILE", type=click.Path(), help="Where answers are kept. [default: RUN/turing-test.sqlite]")
@click.option("--results", is_flag=True, help="Print the results so far and stop.")
@click.option("--json", "as_json", is_flag=True, help="With --results: print one JSON object.")
@click.option("--export", metavar="CSV", type=click.Path(), help="Write every answer to a file (-: the terminal) and stop.")
def turing_test(run: str, *, study: str | None, results: bool, as_json: bool, export: str | None, **said: Any) -> int:
    """Ask people whether they can tell refined from real images: the user study of the SimGAN paper.

    \b
    gantool turing-test runs/simgan-001                     serve the study on this machine
    gantool turing-test runs/simgan-001 --results           Table 1 and the exact binomial test
    gantool turing-test runs/simgan-001 --export out.csv    every answer

    Open the printed address; any number of people can take part, one after the other or in several browsers. Answers are on the
    disk at once. Ctrl-C stops the server, and the same command goes on with the study: its images stay those it began with.
    """
    if as_json and not results:
        raise GantoolError("--json goes with --results")
    from ..evaluation.turing.study import FILE

    path = Path(study) if study is not None else Path(run) / FILE
    if results or export:
        return _read(path, run, results=results, as_json=as_json, export=export)
    from ..evaluation.turing.opening import open_study
    from ..evaluation.turing.serve import serve

    asked = read_settings(StudySettings, said, of="turing-test")
    # Before images are made, which may take a while.
    require("gantool turing-test", "turing-test", "flask", "waitress", "scipy")
    with closing(open_study(Path(run), path, asked)) as opened:
        code = serve(opened, asked, started=lambda url: _welcome(opened, url, asked.against))
        click.echo(f"\n{len(opened.rows())} answers are in {path}. Results: {_command(run)} --results", err=True)
    return code


def _command(run: str) -> str:
    return f"gantool turing-test {shlex.quote(run)}"


def _welcome(study: Study, address: str, against: str) -> None:
    notes, counts = study.notes(), study.counts()
    click.echo(f"Open {address}")
    click.echo(f"Real images: {counts['real']} of {notes['real']}. Beside them: {counts[against]} {against} ones.", err=True)
    click.echo(f"Answers go to {study.path} at once; {len(study.rows())} are there. Ctrl-C stops.", err=True)


def _read(path: Path, run: str, *, results: bool, as_json: bool, export: str | None) -> int:
    from ..evaluation.turing.results import as_text, caution, comparisons
    from ..evaluation.turing.study import Study

    if not path.exists():
        raise GantoolError(f"there is no study {path} yet: begin with {_command(run)}")
    with closing(Study(path, reading=True)) as study:
        if export:
            _export(study, export)
        if results:
            found = comparisons(study)
            note = caution(study, found)
            said = [*([as_text(each) for each in found] or ["No answers yet."]), *([note] if note else [])]
            plain = {"study": str(path), "results": [each.to_dict() for each in found], "note": note}
            click.echo(json.dumps(plain, indent=2) if as_json else "\n\n".join(said))
    return 0


def _export(study: Study, target: str) -> None:
    from ..evaluation.turing.results import write_csv
    from ..runs.files import write_file

    text = io.StringIO(newline="")
    count = write_csv(study, text)
    if target == "-":
        click.echo(text.getvalue(), nl=False)
        return
    try:
        write_file(Path(target), lambda file: file.write_text(text.getvalue(), encoding="utf-8", newline=""))
    except OSError as error:
        raise GantoolError(f"--export {target} cannot be written: {error.strerror}") from None
    click.echo(f"{count} answers written: {target}", err=True)
