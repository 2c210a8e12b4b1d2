"""Words become one validated Plan. No torch."""

from .choices import Choices
from .resolve import Plan, resolve

__all__ = ["Choices", "Plan", "resolve"]
