"""Calculate how fast a GPU could be at best, and write the table into docs/performance.md.

python scripts/roofline.py            writes the table
python scripts/roofline.py --check    only says, by its exit code, whether it is up to date

No GPU is needed, and nothing is measured: networks are passed shapes only. A convolution takes the longer of two times: its
arithmetic at the peak rate, and its input, output and weights through memory once at the peak bandwidth. Everything else
(padding, activations, normalisation, losses, optimizers, launches) is taken as free, so no program reaches these figures.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from page_parts import replace_part
from torch import Tensor, nn

import gantool
from gantool.plan import Choices, resolve
from gantool.plugins import load_plugins

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
GPU = "NVIDIA A100 SXM 80 GB"
FLOP_PER_SECOND = 312e12
"""bfloat16, dense, from the data sheet."""
BYTES_PER_SECOND = 2.039e12
BYTES_PER_VALUE = 2
CASES = (("laptop", (35, 55), 512), ("paper", (35, 55), 512), ("hands", (224, 224), 32))
"""Preset, image size, batch."""


@dataclass(frozen=True)
class Work:
    """One pass of one layer, or several added up."""

    flop: float = 0.0
    seconds: float = 0.0
    bound_by_memory: float = 0.0
    """Those of the seconds in which memory is what limits."""

    def __add__(self, other: Work) -> Work:
        return Work(self.flop + other.flop, self.seconds + other.seconds, self.bound_by_memory + other.bound_by_memory)

    def times(self, count: int) -> Work:
        """This, so many times."""
        return Work(count * self.flop, count * self.seconds, count * self.bound_by_memory)


def layer_work(layer: nn.Conv2d, inputs: Tensor, outputs: Tensor) -> Work:
    """Return one forward pass of a convolution; each of the two backward passes takes the same."""
    flop = 2.0 * outputs.numel() * (layer.in_channels // layer.groups) * math.prod(layer.kernel_size)
    moved = BYTES_PER_VALUE * (inputs.numel() + outputs.numel() + layer.weight.numel())
    arithmetic, memory = flop / FLOP_PER_SECOND, moved / BYTES_PER_SECOND
    return Work(flop, max(arithmetic, memory), memory if memory > arithmetic else 0.0)


def forward(network: nn.Module, images: Tensor) -> Work:
    """Return one forward pass of the convolutions of a network."""
    found: list[Work] = []

    def note(layer: nn.Conv2d, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        found.append(layer_work(layer, inputs[0], outputs))

    hooks = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    network(images)
    for hook in hooks:
        hook.remove()
    return sum(found, Work())


def step(refiner: Work, discriminator: Work) -> Work:
    """Return a round of Algorithm 1 with K_g = 2 and K_d = 1; a pass backward to inputs or to weights is one forward pass."""
    update_of_r = refiner.times(3) + discriminator.times(2)  # D's weights get no gradient here
    update_of_d = refiner + discriminator.times(3).times(2)  # on real and on refined images
    return update_of_r.times(2) + update_of_d


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| preset | image | batch | what | GFLOP per image | images/s at most | of the time limited by memory |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    registry = load_plugins()
    for preset, (height, width), batch in CASES:
        plan = resolve(registry, Choices(plugin="simgan", preset=preset))
        networks: list[Work] = []
        images = torch.empty(batch, 1, height, width, device="meta")
        for slot in ("generator", "discriminator"):
            part = plan.parts[slot]
            with torch.device("meta"):
                network = gantool.build(slot, part.component, channels=1, **part.options).eval()
            networks.append(forward(network, images))
        refiner, discriminator = networks
        for what, work in (("refine", refiner), ("training step", step(refiner, discriminator))):
            share = work.bound_by_memory / work.seconds
            cells = (
                preset,
                f"{height}×{width}",
                batch,
                what,
                f"{work.flop / batch / 1e9:.3g}",
                f"{batch / work.seconds:,.0f}",
                f"{share:.0%}",
            )
            yield "| " + " | ".join(map(str, cells)) + " |"


def main(words: list[str]) -> int:
    """Write the table, or compare it."""
    page = PAGE.read_text("utf-8")
    peaks = f"{FLOP_PER_SECOND / 1e12:g} TFLOP/s bfloat16 (dense) and {BYTES_PER_SECOND / 1e12:g} TB/s"
    table = f"**Calculated, not measured**, for an {GPU}: {peaks}, by its data sheet.\n\n" + "\n".join(rows())
    wanted = replace_part(page, "roofline", table)
    if "--check" in words:
        if wanted != page:
            print(f"{PAGE} is out of date: run python scripts/roofline.py", file=sys.stderr)
        return int(wanted != page)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
