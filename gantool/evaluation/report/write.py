"""Gathers everything about a run and writes the page."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...ambient import guest
from ...errors import GantoolError, require
from ...plan.settings import ReportSettings, read_settings, takes
from ...runs.files import write_file
from ...runs.folder import RUN, read_choices

REPORT = "report.html"
MAX_BYTES = 5_000_000
_MARK = '<meta name="generator" content="gantool report'
_HEAD_BYTES = 2000
_HEADS = ("plugin", "preset", "dataset", "steps", "seed", "batch_size", "device", "precision", "created")
"""What stands above the page, of run.json."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written."""

    path: Path
    size: int
    """Bytes."""
    notes: tuple[str, ...]
    """What could not be shown, and why."""


@guest()
@takes(ReportSettings)
def write_report(run: str | Path, *, output: str | Path | None = None, **settings: Any) -> Written:
    """Write one HTML file about a run, less than 5 MB, that needs nothing beside it.

    `output`: by default RUN/report.html; an earlier report there is replaced, and nothing else. `settings`: fields of
    `gantool.plan.settings.ReportSettings`.

    Without weights, or where the run's data are gone, the page has no pictures and says why. Raises `GantoolError`.
    """
    asked = read_settings(ReportSettings, settings, of="report")
    require("gantool report", "report", "jinja2")
    import jinja2

    folder, images = Path(run), asked.images
    read_choices(folder)
    target = Path(output) if output is not None else folder / REPORT
    _check_target(target)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html")
    data, pictured = _page(folder, run=str(run)), _Pictured(folder, asked)
    page = template.render(**data, **pictured.show(images))
    while len(page.encode()) >= MAX_BYTES and images > 1:
        images = max(1, images // 2)
        page = template.render(**data, **pictured.show(images))
    try:
        write_file(target, lambda file: file.write_text(page, encoding="utf-8"))
    except OSError as error:
        raise GantoolError(f"--output {target} cannot be written: {error.strerror}") from None
    return Written(path=target, size=len(page.encode()), notes=tuple(pictured.notes))


def _check_target(target: Path) -> None:
    if target.is_dir():
        raise GantoolError(f"--output {target} is a folder: name the file to write, such as {target / REPORT}")
    if target.exists():
        with target.open(encoding="utf-8", errors="replace") as file:
            if _MARK not in file.read(_HEAD_BYTES):
                raise GantoolError(f"--output {target} exists and is no report of gantool: choose another file")


def _page(folder: Path, *, run: str) -> dict[str, Any]:
    """What the template needs, but for pictures."""
    from ...runs.metrics import read_metrics
    from .curves import last_figures, make_charts
    from .findings import read_findings

    rows = read_metrics(folder)
    style, script = (
        files(__package__).joinpath("templates", name).read_text(encoding="utf-8") for name in ("style.css", "script.js")
    )
    return {
        "name": folder.absolute().name,
        "command": f"gantool evaluate {shlex.quote(run)} --real-labelled PATH",
        "overview": _overview(folder / RUN),
        "verdict": read_findings(folder),
        "charts": make_charts(rows),
        "last": last_figures(rows),
        "people": _people(folder),
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        "version": __version__,
        "now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _overview(file: Path) -> dict[str, Any]:
    """What was run, from run.json: "facts", "settings" and "versions", pairs of name and value; "parts", (slot,
    component, options) of recipe, data set, metric and every slot; and the text itself, which `gantool train --config` replays.
    """
    plan = file.read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(plan)
    try:
        options = values.get("options", {})
        parts = {"recipe": values["plugin"], "dataset": values["dataset"], "metric": values["metric"], **values["parts"]}
        described = [(slot, name, _texts(options.get(slot, {}))) for slot, name in parts.items()]
        versions = _texts(values.get("versions", {}))
    except (KeyError, TypeError, AttributeError) as error:
        raise GantoolError(f"{file} is damaged ({error!r})") from None
    taken = {*_HEADS, "format", "metric", "parts", "options", "versions"}
    return {
        "facts": [(name.replace("_", " "), _text(values[name])) for name in _HEADS if values.get(name) not in (None, "")],
        "parts": described,
        "settings": _texts({name: value for name, value in values.items() if name not in taken}),
        "versions": versions,
        "plan": plan,
    }


def _texts(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, _text(value)) for name, value in values.items()]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _people(folder: Path) -> list[dict[str, Any]]:
    """Results of the visual Turing test, where there was one."""
    from ..turing.results import comparisons
    from ..turing.study import FILE, Study

    if not (folder / FILE).exists():
        return []
    with closing(Study(folder / FILE, reading=True)) as study:
        return [comparison.to_dict() for comparison in comparisons(study)]


def _hash(text: str) -> str:
    """Lets a browser run this text and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class _Pictured:
    """The parts of the page that need images, remade with fewer of them where the page gets too large."""

    def __init__(self, folder: Path, asked: ReportSettings) -> None:
        from ..run_images import RunImages

        self._folder, self._asked, self.notes = folder, asked, list[str]()
        self._images: RunImages | None = None
        given = {name: getattr(asked, name) for name in ("checkpoint", "synthetic", "real", "device")}
        try:
            self._images = RunImages(folder, **given)
        except GantoolError as error:
            if asked != ReportSettings(images=asked.images, seed=asked.seed):  # by someone who can put it right
                raise
            self.notes.append(f"No pictures: {error}")

    def show(self, count: int) -> dict[str, Any]:
        """What the template needs of pictures."""
        from .gallery import make_gallery, read_history

        if self._images is None:
            return {"gallery": None, "history": [], "step": None, "weights": "", "notes": self.notes}
        bundle, checkpoint, seed = self._images.bundle, self._asked.checkpoint, self._asked.seed
        # What a bundle records is the step of the newest weights.
        step = bundle.recorded.step if checkpoint in (None, "last") else None
        form = (bundle.channels.images, *self._images.trained)
        return {
            "gallery": make_gallery(self._images, count, seed=seed),
            "history": read_history(self._folder, form, count=max(1, count // 3), seed=seed),
            "step": step,
            "weights": f"checkpoint {checkpoint}" if step is None else f"the weights after {step:,} steps",
            "notes": self.notes,
        }
