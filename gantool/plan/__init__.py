"""Words become one validated Plan. No torch."""

from .choices import Choices
from .resolve import KIND_FLAGS, Part, Plan, resolve

__all__ = ["KIND_FLAGS", "Choices", "Part", "Plan", "resolve"]
