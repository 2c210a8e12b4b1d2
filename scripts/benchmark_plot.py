"""A bar for every target, as SVG: how far it was reached."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_ROW, _LABELS, _BARS, _MARGIN = 24, 470, 330, 12
_MOST = 2.0
"""Where the axis ends; what reaches further fills it."""
_MET, _MISSED, _INK, _LINE = "#2a7f9e", "#c8643c", "#222222", "#888888"


def draw(bars: Sequence[tuple[str, float]]) -> str:
    """Return an SVG with a bar per (label, attained): 1 is the target, to its right it is surpassed."""
    width, height = _LABELS + _BARS + 80, (len(bars) + 2) * _ROW + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(_bar(row, label, attained) for row, (label, attained) in enumerate(bars)),
        *(_tick(value, len(bars)) for value in (0.0, 0.5, 1.0, 1.5, 2.0)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(attained: float) -> float:
    return _LABELS + _BARS * min(attained, _MOST) / _MOST


def _bar(row: int, label: str, attained: float) -> str:
    top = _MARGIN + row * _ROW
    colour, length = (_MET if attained >= 1 else _MISSED), _x(attained) - _LABELS
    said = f"{attained:.2f}" if attained < 100 else "> 100"
    return (
        f'<text x="{_LABELS - 8}" y="{top + 15}" text-anchor="end" fill="{_INK}">{escape(label)}</text>'
        f'<rect x="{_LABELS}" y="{top + 3}" width="{length:.1f}" height="{_ROW - 7}" fill="{colour}"/>'
        f'<text x="{_x(attained) + 6:.1f}" y="{top + 15}" fill="{_INK}">{said}</text>'
    )


def _tick(value: float, rows: int) -> str:
    x, bottom = _x(value), _MARGIN + rows * _ROW
    text = "target" if value == 1 else f"{value:g} ×"
    dashes = "" if value == 1 else ' stroke-dasharray="2 4"'
    return (
        f'<line x1="{x:.1f}" y1="{_MARGIN}" x2="{x:.1f}" y2="{bottom}" stroke="{_LINE}"{dashes}/>'
        f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" fill="{_INK}">{text}</text>'
    )
