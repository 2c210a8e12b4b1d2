"""What one check looks at, and the words in which it fails. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import GantoolError, raised
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
    labels: Mapping[str, Sequence[Any]]
    """Values by name that images get in turn."""
    folder: Path
    """An empty folder for this check alone."""

    def fault(self, text: str) -> Fault:
        """Return the failure with that text."""
        return Fault(f"{self.provided}: {text}")

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

    def ask(self, gives: type, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something of the plugin. Raises `Fault`, which names it `what`, where it raises or returns no `gives`."""
        with self.calling(what):
            result = function(*arguments)
        self.require(isinstance(result, gives), f"{what} returned a {type(result).__name__}, not a {gives.__name__}")
        return result

    def values_for(self, kind: str, full_name: str) -> dict[str, Any]:
        """Return the options that the author gave for a component, building the data that they name."""
        given = self.options.get(f"{kind}/{full_name}", self.options.get(full_name, {}))
        if not callable(given):
            return dict(given)
        folder = self.folder / "data"
        folder.mkdir(exist_ok=True)
        return dict(given(folder))

    def factory(self) -> Callable[..., Any]:
        """Import the component's factory."""
        try:
            return self.provided.factory()
        except GantoolError as error:
            raise Fault(str(error)) from error

    def build(self, **arguments: Any) -> Any:
        """Build the component; `ValueError`, by which a factory refuses its arguments, is passed on."""
        factory, provided = self.factory(), self.provided
        with self.calling("validating its options"):
            part = provided.with_options(self.values_for(provided.kind, provided.full_name), where="")
        try:
            return factory(config=part.config, **arguments)
        except ValueError:
            raise
        except (Exception, SystemExit) as error:
            lacks_data = provided.kind == "dataset" and isinstance(error, GantoolError)
            hint = " (data that it needs can be given: options={name: function of a folder})" if lacks_data else ""
            raise self.fault(f"its factory raised {_said(error)}{hint}") from error

    def made(self, **arguments: Any) -> Any:
        """Build the component where nothing may be refused."""
        with self.calling("its factory"):
            return self.build(**arguments)


Check = Callable[[Subject], None]


def only_if(word: str) -> Callable[[Check], Check]:
    """Mark a check as one of components that provide or need `word`; others do not have it."""

    def mark(check: Check) -> Check:
        check.word = word  # type: ignore[attr-defined]
        return check

    return mark


def holds_for(check: Check, provided: Provided) -> bool:
    """Tell whether a check is one of this component."""
    return getattr(check, "word", None) in (None, *provided.record.provides, *provided.record.needs)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, GantoolError) else raised(error)
