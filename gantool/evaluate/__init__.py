"""Whether refining helps: evidence, the report page and the visual Turing test.

`gantool.evaluate(run)` is the Python form of `gantool evaluate`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """This package has the name of the function of `gantool.api` that it serves, and importing it would hide that function."""

    def __call__(self, run: str | Path, **choices: Any) -> dict[str, Any]:
        from ..api import evaluate

        return evaluate(run, **choices)


sys.modules[__name__].__class__ = _Callable
