"""Words become one validated Plan. No torch."""

from .resolve import KIND_FLAGS, Part, Plan, resolve

__all__ = ["KIND_FLAGS", "Part", "Plan", "resolve"]
