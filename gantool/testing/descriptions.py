"""Checks of records and of the plugin that yields them. No torch."""

from __future__ import annotations

from pathlib import Path

from ..components import Event
from ..errors import raised
from ..options import describe, to_dict, validate
from ..plugins.probe import probe
from ..plugins.registry import load_plugins
from .subject import Fault, Subject


def check_factory_can_be_imported(subject: Subject) -> None:
    """The string of `factory` names something that can be called."""
    subject.factory()


def check_defaults_validate(subject: Subject) -> None:
    """Defaults keep the bounds of their options, and survive being written to run.json and read again."""
    options = subject.provided.record.options
    with subject.calling(f"validating the defaults of {options.__name__}"):
        read = validate(options, to_dict(options()), where="")
    subject.require(read == options(), f"the defaults of {options.__name__} are others after they were written to run.json")


def check_options_are_explained(subject: Subject) -> None:
    """Every option has a docstring, which `gantool show` prints."""
    options = subject.provided.record.options
    with subject.calling(f"describing {options.__name__}"):
        silent = [info.name for info in describe(options) if not info.doc]
    subject.require(not silent, f"the option {', '.join(silent)} of {options.__name__} has no docstring below it")


CHECKS = (check_factory_can_be_imported, check_defaults_validate, check_options_are_explained)


def check_imports_no_torch(plugin: str) -> None:
    """Listing the plugin imports no torch."""
    if place := probe(plugin, "torch").imports:
        raise Fault(
            f"{load_plugins([plugin]).plugins[plugin]}: its description imports torch, at {place}; factories are strings so that "
            "listing and --help stay fast: import it in the module that a factory names"
        )


def check_observes_every_event(plugin: str, folder: Path) -> None:
    """`gantool_log` takes events of every kind."""

    def failed(name: str, error: BaseException) -> None:
        raise Fault(f"plugin {name!r}, gantool_log: raised {raised(error)} for an event of kind {event.kind!r}") from error

    registry = load_plugins([plugin])
    for event in events(folder):
        registry.notify(event, failed)


def events(folder: Path) -> tuple[Event, ...]:
    """One event of each kind of a run in `folder`, which holds what they name."""
    sheet, checkpoint = folder / "samples" / "step-00000001.png", folder / "checkpoints" / "step-00000001"
    sheet.parent.mkdir()
    sheet.touch()
    checkpoint.mkdir(parents=True)
    return (
        Event(kind="start", run=folder, step=0),
        Event(kind="step", run=folder, step=1, phase="training", values={"loss": 1.0, "images_per_second": 100.0}),
        Event(kind="sample", run=folder, step=1, path=sheet),
        Event(kind="checkpoint", run=folder, step=1, path=checkpoint, values={"patch_distance": 0.5}),
        Event(kind="end", run=folder, step=1),
    )
