"""What one check looks at, and the words in which it fails. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import GantoolError, raised
from ..options import validate
from ..plugins.registry import Provided, Registry

OptionValues = Mapping[str, Any] | Callable[[Path], Mapping[str, Any]]
"""Options of one component: values by name, or a function that puts data into an empty folder and returns such values."""


class Fault(AssertionError):
    """A plugin breaks a contract. The message names the plugin, the component and the fault."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A component under test."""

    registry: Registry
    """The plugin and those that its recipes take parts from."""
    provided: Provided
    options: Mapping[str, OptionValues]
    """By full name, of this component and of others."""
    channels: tuple[int, ...]
    """Channels of the images to check with."""
    size: tuple[int, int]
    """(H, W) of the images to check with, in pixels."""
    batch_size: int
    """Images of each domain in a step of a recipe."""
    folder: Path
    """An empty folder for this check alone."""

    def __str__(self) -> str:
        return f"plugin {self.provided.plugin!r}, {self.provided.kind} {self.provided.component.name!r}"

    def fault(self, text: str) -> Fault:
        """Return the failure with that text."""
        return Fault(f"{self}: {text}")

    def require(self, holds: bool, text: str) -> None:
        """Raise `Fault` unless a rule holds."""
        if not holds:
            raise self.fault(text)

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Turn whatever the plugin raises meanwhile into a `Fault` that says `what` was called."""
        try:
            yield
        except Fault:
            raise
        except (Exception, SystemExit) as error:
            raise self.fault(f"{what} raised {_said(error)}") from error

    @property
    def lacks(self) -> Callable[[str], bool]:
        """Tell whether the component does not provide a capability."""
        return lambda capability: capability not in self.provided.component.provides

    def values_for(self, kind: str, full_name: str) -> dict[str, Any]:
        """Return the options that the author gave for a component, building the data that they name."""
        given = self.options.get(f"{kind}/{full_name}", self.options.get(full_name, {}))
        if not callable(given):
            return dict(given)
        folder = self.folder / "data"
        folder.mkdir(exist_ok=True)
        return dict(given(folder))

    def config(self) -> Any:
        """Return the validated options of the component."""
        provided = self.provided
        with self.calling("validating its options"):
            return validate(provided.component.options, self.values_for(provided.kind, provided.full_name), where="")

    def factory(self) -> Callable[..., Any]:
        """Import the component's factory."""
        try:
            return self.provided.factory()
        except GantoolError as error:
            raise Fault(str(error)) from error

    def build(self, **arguments: Any) -> Any:
        """Build the component; `ValueError`, by which a factory refuses its arguments, is passed on."""
        factory, config = self.factory(), self.config()
        try:
            return factory(config=config, **arguments)
        except ValueError:
            raise
        except (Exception, SystemExit) as error:
            hint = " (data that it needs can be given: options={name: function of a folder})" if _lacks_data(self, error) else ""
            raise self.fault(f"its factory raised {_said(error)}{hint}") from error

    def made(self, **arguments: Any) -> Any:
        """Build the component where nothing may be refused."""
        with self.calling("its factory"):
            return self.build(**arguments)


def _lacks_data(subject: Subject, error: BaseException) -> bool:
    return subject.provided.kind == "dataset" and isinstance(error, GantoolError)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {raised(error)}" if isinstance(error, GantoolError) else raised(error)
