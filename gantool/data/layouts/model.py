"""What a layout offers to the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .description import Description
from .tree import Tree


@dataclass(frozen=True)
class Layout:
    """What one program writes."""

    name: str
    summary: str
    recognise: Callable[[Tree], Description | None]
    """What a tree is, if this program wrote it; None for another. It looks at few files: trees are large."""
