"""The replay buffer that remembers nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..components import NoOptions


class NoBuffer:
    """Gives the discriminator current images only."""

    def __init__(self, *, config: NoOptions, generator: torch.Generator) -> None:
        # The contract of every buffer; this one has nothing to set and nothing to draw.
        del config, generator

    def exchange(self, fresh: Tensor) -> Tensor:
        """Return `fresh`, (N, C, H, W), detached. No copy is made."""
        return fresh.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return `{}`: no later result depends on an earlier one."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned. Raises `ValueError` for the state of another buffer."""
        if state:
            raise ValueError(f"this buffer has no state, got {', '.join(state)}: was the run started with another buffer?")
