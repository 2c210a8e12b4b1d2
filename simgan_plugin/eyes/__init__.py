"""A built-in simulator of eyes: procedural pictures with exact labels, in two domains with the same geometry.

`synthetic` is a clean render, `camera` looks like a low-resolution eye crop from a webcam. They are a stand-in that shows
unsupervised refinement offline: the gap between them is made, not found, and no figure measured on them says anything about
real pictures.
"""

from __future__ import annotations

from .domain import LABELS, EyeDomain, eyes, render

__all__ = ["LABELS", "EyeDomain", "eyes", "render"]
