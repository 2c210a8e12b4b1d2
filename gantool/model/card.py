"""The model card of a published generator: Markdown with the YAML front matter of the Hugging Face hub."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath
from typing import Any

from ..options import to_dict
from .bundle import Recorded

_TAGS = ("gantool", "image-to-image", "synthetic-data", "domain-adaptation", "gan")
_VAGUE = ("unknown", "other")
_SETTINGS = ("preset", "steps", "batch_size", "seed")
_NOT_EVALUATED = "Not evaluated: nothing is known about whether training on refined images helps."
_OTHER_WEIGHTS = "The run was evaluated with other weights than these, or by an earlier gantool: for these, nothing is known."


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card is made from."""

    name: str
    license: str
    recorded: Recorded
    digest: str
    """Of the folder that is published."""
    run: Mapping[str, Any] | None
    """`run.json`."""
    chosen: Mapping[str, Any]
    """Options, `recipe.lambda_reg` and so on, that the run was given other values of than its preset has."""
    evaluation: Mapping[str, Any] | None
    """`evaluation.json`."""
    evaluated: bool
    """Whether that is about these weights."""
    picture: str | None
    """File name of a sample sheet beside the card."""

    @property
    def gaps(self) -> tuple[str, ...]:
        """What a reader of the card will miss, one line each."""
        unsaid = {
            f"the card says: {_verdict(self)}": not self.evaluated,
            "there is no run.json, so the card cannot say what the network was trained on": self.run is None,
            f"the card gives the licence as {self.license!r}: say more in it before you publish": self.license in _VAGUE,
        }
        return tuple(gap for gap, is_there in unsaid.items() if is_there)


def write_card(card: Card) -> str:
    """Return the text of `README.md`."""
    from huggingface_hub import ModelCardData

    recorded = card.recorded
    tags = list(dict.fromkeys((*_TAGS, recorded.component.partition(":")[0])))
    front = ModelCardData(license=card.license, library_name="gantool", pipeline_tag="image-to-image", tags=tags)
    picture = f"\n![Synthetic, refined, difference and real images, side by side]({card.picture})\n" if card.picture else ""
    facts = "\n".join(f"| {name} | {value} |" for name, value in _facts(card))
    return f"""---
{front.to_yaml()}
---

# {card.name}

A network that makes synthetic images look like real ones while their labels stay true, trained with gantool.
{picture}
## Does it help?

{_verdict(card)}

## Use it

```python
import gantool

refiner = gantool.load("path/to/this/folder")
refined = refiner(images)
```

`images` are float tensors (N, {recorded.channels.images}, H, W) in [-1, 1]{_trained_at(card)}.
For files: `gantool refine path/to/this/folder --input DIR --output DIR`.

## What it was trained on

{_data(card.run, card.chosen)}

## What it is

| | |
|---|---|
{facts}
"""


def _trained_at(card: Card) -> str:
    patch = (card.run or {}).get("patch")
    if isinstance(patch, list):
        return "; it was trained on patches of {}×{} px (height × width), and takes images of any size".format(*patch)
    size = card.recorded.trained_size
    return "; it was trained at {}×{} px (height × width)".format(*size) if size else ""


def _verdict(card: Card) -> str:
    if card.evaluation is None:
        return f"{_NOT_EVALUATED} `gantool evaluate` measures it."
    if not card.evaluated:
        return f"{_OTHER_WEIGHTS} `gantool evaluate` measures it."
    said = [card.evaluation.get("sentence") or card.evaluation.get("verdict"), *card.evaluation.get("caveats", ())]
    return f"{_plain(' '.join(map(str, said)))} (`gantool evaluate`, on these weights.)"


def _data(run: Mapping[str, Any] | None, chosen: Mapping[str, Any]) -> str:
    if run is None:
        return "Not recorded."
    options = run.get("options", {}).get("dataset", {})
    places = [(name, run.get(name) or options.get(name)) for name in ("synthetic", "real")]
    listed = "".join(f"- {name} images: {_code(_base_name(str(value)))}\n" for name, value in places if value)
    said = [f"--{key.replace('_', '-')} {run[key]}" for key in _SETTINGS if run.get(key) is not None]
    said += [f"-o {name}={json.dumps(value)}" for name, value in chosen.items()]
    return f"Data set: {_code(run.get('dataset', 'unknown'))}.\n{listed}\nSettings: {_code(' '.join(said))}."


def _plain(text: str) -> str:
    """Text of a run's files as text: neither HTML nor Markdown, and one line."""
    return re.sub(r"([\\`*_\[\]{}#|~!])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _code(text: object) -> str:
    """The same as code, which nothing in it can end, in a table too."""
    return f"`{' '.join(str(text).split()).replace('`', chr(39)).replace('|', '/')}`"


def _base_name(path: str) -> str:
    """The last part of a path: what stands before it (a home folder, say) is nobody's business."""
    return (PureWindowsPath(path) if "\\" in path else PurePath(path)).name or "data"


def _facts(card: Card) -> Iterator[tuple[str, str]]:
    recorded = card.recorded
    yield "component", _code(recorded.component)
    yield "options", _code(json.dumps(recorded.options))
    yield "channels", str(recorded.channels.images)
    yield "preprocessing", _code(json.dumps(to_dict(recorded.preprocess)))
    if recorded.step is not None:
        yield "steps trained, warm-up included", str(recorded.step)
    yield "SHA-256 of weights and configuration", f"`{card.digest}`"
    if versions := (card.run or {}).get("versions"):
        yield "versions", _plain(", ".join(f"{name} {version}" for name, version in versions.items()))
