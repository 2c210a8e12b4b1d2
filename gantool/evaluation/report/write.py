"""Gathers everything about a run and writes the page."""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import GantoolError, MissingExtra
from ...plan.settings import ReportSettings, read_settings, takes
from ...runs.files import write_file
from ...runs.folder import read_choices

REPORT = "report.html"
MAX_BYTES = 5_000_000
_MARK = '<meta name="generator" content="gantool report'
_HEAD_BYTES = 2000


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written."""

    path: Path
    size: int
    """Bytes."""
    notes: tuple[str, ...]
    """What could not be shown, and why."""


@takes(ReportSettings)
def write_report(run: str | Path, *, output: str | Path | None = None, **settings: Any) -> Written:
    """Write one HTML file about a run, less than 5 MB, that needs nothing beside it.

    `output`: by default RUN/report.html; an earlier report there is replaced, and nothing else. `settings`: fields of
    `gantool.plan.settings.ReportSettings`.

    Without weights, or where the run's data are gone, the page has no pictures and says why. Raises `GantoolError`.
    """
    asked = read_settings(ReportSettings, settings, of="report")
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("gantool report", "jinja2", "report") from None
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
    data = _gather(folder, run=str(run))
    pictured = _Pictured(folder, asked)
    while True:
        page = template.render(**data, **pictured.show(images, asked.seed))
        if len(page.encode()) < MAX_BYTES or images == 1:
            break
        images = max(1, images // 2)
    try:
        size = len(page.encode())
        write_file(target, lambda file: file.write_text(page, encoding="utf-8"))
    except OSError as error:
        raise GantoolError(f"--output {target} cannot be written: {error.strerror}") from None
    return Written(path=target, size=size, notes=tuple(pictured.notes))


def _check_target(target: Path) -> None:
    if target.is_dir():
        raise GantoolError(f"--output {target} is a folder: name the file to write, such as {target / REPORT}")
    if target.exists():
        with target.open(encoding="utf-8", errors="replace") as file:
            if _MARK not in file.read(_HEAD_BYTES):
                raise GantoolError(f"--output {target} exists and is no report of gantool: choose another file")


def _gather(folder: Path, *, run: str) -> dict[str, Any]:
    """Everything but pictures."""
    from ...runs.metrics import read_metrics
    from .curves import last_figures, make_charts
    from .overview import read_overview
    from .verdict import read_verdict

    rows = read_metrics(folder)
    style, script = (
        files(__package__).joinpath("templates", name).read_text(encoding="utf-8") for name in ("style.css", "script.js")
    )
    return {
        "name": folder.absolute().name,
        "command": f"gantool evaluate {shlex.quote(run)} --real-labelled PATH",
        "overview": read_overview(folder),
        "verdict": read_verdict(folder),
        "charts": make_charts(rows),
        "last": last_figures(rows),
        "people": _people(folder),
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        "version": __version__,
        "now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _people(folder: Path) -> list[dict[str, Any]]:
    """Results of the visual Turing test, where there was one."""
    from ..turing.results import comparisons
    from ..turing.study import FILE, Study

    path = folder / FILE
    if not path.exists():
        return []
    study = Study(path)
    try:
        return [comparison.to_dict() for comparison in comparisons(study)]
    finally:
        study.close()


def _hash(text: str) -> str:
    """Lets a browser run this text and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class _Pictured:
    """The parts of the page that need images, remade with fewer of them where the page gets too large."""

    def __init__(self, folder: Path, asked: ReportSettings) -> None:
        from ..run_images import RunImages

        self._folder, self._checkpoint, self.notes = folder, asked.checkpoint, list[str]()
        self._images: RunImages | None = None
        try:
            self._images = RunImages(
                folder, checkpoint=asked.checkpoint, synthetic=asked.synthetic, real=asked.real, device=asked.device
            )
        except GantoolError as error:
            if asked != ReportSettings(images=asked.images, seed=asked.seed):  # by someone who can put it right
                raise
            self.notes.append(f"No pictures: {error}")
            return
        # What a bundle records is the step of the newest weights.
        self._step = self._images.bundle.recorded.step if asked.checkpoint in (None, "last") else None

    def show(self, count: int, seed: int) -> dict[str, Any]:
        """What the template needs of pictures."""
        from .gallery import make_gallery
        from .history import read_history

        if self._images is None:
            return {"gallery": None, "history": [], "step": None, "weights": "", "notes": self.notes}
        form = (self._images.bundle.in_channels, *self._images.size)
        return {
            "gallery": make_gallery(self._images, count, seed=seed),
            "history": read_history(self._folder, form, count=max(1, count // 3), seed=seed),
            "step": self._step,
            "weights": f"checkpoint {self._checkpoint}" if self._step is None else f"the weights after {self._step:,} steps",
            "notes": self.notes,
        }
