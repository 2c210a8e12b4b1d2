"""Estimators by name: components of plugins, or any callable of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..components import Estimator, NoOptions
from ..errors import GantoolError
from ..options import to_dict, validate
from ..plugins.checks import is_reference
from ..plugins.registry import Registry, resolve_factory


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An estimator with its options, not yet built."""

    name: str
    """Full name of the component, or the reference that was given."""
    factory: Any
    config: Any

    def make(self, outputs: int, seed: int) -> Estimator:
        """Build one that has learnt nothing. Raises `GantoolError`."""
        try:
            built = self.factory(config=self.config, outputs=outputs, seed=seed)
        except (TypeError, ValueError) as error:
            raise GantoolError(f"estimator {self.name}: {error}") from None
        if not isinstance(built, Estimator):
            raise GantoolError(f"estimator {self.name} made a {type(built).__name__}, which lacks .fit or .predict")
        return built

    def options(self) -> dict[str, Any]:
        """The options as JSON data."""
        return to_dict(self.config)


def choose(registry: Registry, name: str, options: Mapping[str, Any]) -> Chosen:
    """Find an estimator: a component, or `package.module:callable`, which is called as the factory of a component is.

    Raises `GantoolError` for one that does not exist, with the nearest name, and for options that it does not have.
    """
    plugin = name.partition(":")[0]
    known = plugin in registry.plugins or plugin in registry.left_out
    if is_reference(name) and not known:
        config = validate(NoOptions, options, where="estimator.")
        return Chosen(name=name, factory=resolve_factory(name), config=config)
    provided = registry.find("estimator", name)
    config = validate(provided.component.options, options, where="estimator.")
    return Chosen(name=provided.full_name, factory=resolve_factory(provided), config=config)
