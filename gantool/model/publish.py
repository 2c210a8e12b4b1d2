"""A trained generator as a folder for a model hub: `config.json`, `refiner.safetensors`, a model card and a picture."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..ambient import guest
from ..errors import GantoolError
from ..plan.resolve import resolve
from ..plan.settings import PublishSettings, read_settings, takes
from ..plugins.registry import load_plugins
from ..runs.files import write_file
from ..runs.folder import EVALUATION, RUN, read_choices, sheets, writing
from .bundle import CONFIG, WEIGHTS, open_bundle, run_folder, write_bundle
from .card import Card, write_card

CARD, PICTURE = "README.md", "sample.png"
_OURS = (CONFIG, WEIGHTS, CARD, PICTURE)
_NEWEST = (None, "last")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


@dataclass(frozen=True, kw_only=True)
class PublishReport:
    """What was written."""

    output: Path
    files: tuple[str, ...]
    name: str
    notices: tuple[str, ...] = ()
    """What a reader of the card will miss."""

    @property
    def upload(self) -> str:
        """The command that uploads the folder; gantool itself never does."""
        return f"hf upload USER/{self.name} {self.output} ."


@guest()
@takes(PublishSettings)
def publish(run: str | Path, output: str | Path, *, license: str, **settings: Any) -> PublishReport:
    """Write a folder in the layout of the Hugging Face hub, which `gantool.load` reads; nothing is uploaded.

    The card says what the network is, what it was trained on (names of folders and files only, never whole paths), and the
    verdict of `evaluate` on exactly these weights, or that there is none.

    Args:
        run: A run folder, or one that `gantool.save` wrote.
        output: The folder to write.
        license: An identifier of the hub, such as `"apache-2.0"`, or `"other"` or `"unknown"`.
        **settings: Fields of `gantool.plan.settings.PublishSettings`: `name`, `checkpoint`, `overwrite`.

    Raises:
        GantoolError: `output` holds something and is not to be overwritten, or the run cannot be read.
    """
    asked = read_settings(PublishSettings, settings, of="publish")
    license = license.lower()
    if not _LICENSE.fullmatch(license):
        raise GantoolError(f"--license {license!r} is no identifier such as apache-2.0, cc-by-4.0, other or unknown")
    folder, source = Path(output), run_folder(run)
    title = asked.name or folder.resolve().name
    if not _NAME.fullmatch(title):
        raise GantoolError(f"--name {title!r}: a hub takes letters, digits, '.', '-' and '_' only")
    _check_free(folder, source, overwrite=asked.overwrite)
    bundle = open_bundle(run, asked.checkpoint)
    recorded = bundle.recorded
    evaluation, plan = _read(source / EVALUATION), _read(source / RUN)
    picture = _picture(source, None if asked.checkpoint in _NEWEST else recorded.step)
    card = Card(
        name=title,
        license=license,
        recorded=recorded,
        digest=bundle.digest,
        run=plan,
        chosen=_chosen(source) if plan else {},
        evaluation=evaluation,
        evaluated=_is_about(evaluation, bundle.digest),
        picture=PICTURE if picture else None,
    )
    try:
        text = write_card(card)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise GantoolError(f"{source / RUN} or {EVALUATION} beside it is damaged ({error!r})") from None
    with writing(folder):
        write_bundle(folder, bundle.module.state_dict(), recorded)
        if picture:
            write_file(folder / PICTURE, lambda file: shutil.copyfile(picture, file))
        else:
            (folder / PICTURE).unlink(missing_ok=True)
        write_file(folder / CARD, lambda file: file.write_text(text, encoding="utf-8"))
    files = tuple(file for file in _OURS if (folder / file).exists())
    return PublishReport(output=folder, files=files, name=title, notices=card.gaps)


def _chosen(run: Path) -> dict[str, Any]:
    """Options that are not the preset's; none where a plugin is missing that could say these. Places are nobody's business."""
    try:
        registry, said = load_plugins(), read_choices(run)
        places = {name: value for name, value in said.options.items() if _is_place(value)}
        plain = replace(said, options=places, settings={}, metric=None)
        own, usual = (resolve(registry, each).flat() for each in (said, plain))
    except GantoolError:
        return {}
    return {
        name: value
        for name, value in own.items()
        if "." in name and not name.startswith("logger.") and value != usual.get(name) and not _is_place(value)
    }


def _is_place(value: Any) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)


def _check_free(folder: Path, source: Path, *, overwrite: bool) -> None:
    if folder.resolve() == source.resolve():
        raise GantoolError(f"--output {folder} is the run itself: choose another folder")
    if folder.exists() and not folder.is_dir():
        raise GantoolError(f"--output {folder} is a file: choose a folder")
    if (folder / RUN).exists():
        raise GantoolError(f"--output {folder} is a run: choose another folder")
    if not overwrite and folder.exists() and any(folder.iterdir()):
        raise GantoolError(f"--output {folder} is not empty: choose another folder, or pass --overwrite")


def _picture(run: Path, step: int | None) -> Path | None:
    """The sample sheet of the weights of a step, or the newest; None where there is none."""
    found = sheets(run)
    return found.get(max(found, default=-1) if step is None else step)


def _is_about(evaluation: dict[str, Any] | None, digest: str) -> bool:
    data = (evaluation or {}).get("data")
    return isinstance(data, dict) and data.get("weights") == digest


def _read(file: Path) -> dict[str, Any] | None:
    """Read a JSON file of the run; None where there is none. Raises `GantoolError` for a damaged one."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise GantoolError(f"{file} is damaged ({error})") from None
    if not isinstance(found, dict):
        raise GantoolError(f"{file} is damaged: it holds no table")
    return found
