"""What was predicted after each arm, class by class and in pictures of real images, and the labels that drifted most."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from ...values import number
from ..examples import PICTURES
from .pictures import Picture, shown_size

_PER_CLASS = ("AP50 ", "AP ", "IoU ")
"""How figures of a class begin; its name follows."""
_BAR = 60


def read_examples(run: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of `data`, the content of RUN/evaluation.json; pictures that are gone are left out.

    Returns "examples", a list of pairs of arm ("labels" first) and picture for each real image; "drift", the worst synthetic
    images with "before", "after" and a "text"; and "classes", None or the "names" of classes and, for each arm, its "rows": pairs
    of figure and bar.
    """
    found = data.get("pictures") or {}
    examples = [
        [(arm, picture) for arm, file in example.items() if (picture := _picture(run / PICTURES / file))]
        for example in found.get("examples") or ()
    ]
    drift = [
        {
            "before": before,
            "after": after,
            "text": f"edges of its labels are {case['distance']:.2f} px away, {100 * case['kept']:.0f} % stay within 1 px",
        }
        for case in found.get("worst") or ()
        if (before := _picture(run / PICTURES / case["before"])) and (after := _picture(run / PICTURES / case["after"]))
    ]
    return {"examples": [each for each in examples if each], "drift": drift, "classes": _classes(data["downstream"])}


def _classes(downstream: Mapping[str, Any]) -> dict[str, Any] | None:
    extras = {arm: row.get("extra") or {} for arm, row in downstream.items()}
    names = list(dict.fromkeys(name for extra in extras.values() for name in extra if name.startswith(_PER_CLASS)))
    if not names:
        return None
    rows = [(arm, [(number(extra.get(name)), _bar(extra.get(name) or 0.0)) for name in names]) for arm, extra in extras.items()]
    return {"names": names, "rows": rows}


def _bar(share: float) -> Markup:
    return Markup(
        '<svg class="plot" width="{w}" height="12" aria-hidden="true"><line class="start" x1="0" x2="{w}" y1="11" y2="11"/>'
        '<rect x="0" y="2" width="{b:.1f}" height="8" fill="currentColor"/></svg>'
    ).format(w=_BAR, b=_BAR * min(1.0, max(0.0, share)))


def _picture(file: Path) -> Picture | None:
    try:
        content = file.read_bytes()
        with Image.open(file) as image:
            width, height = image.size
    except OSError:
        return None
    size = shown_size(height, width)
    return Picture(f"data:image/webp;base64,{base64.b64encode(content).decode()}", size[1], size[0])
