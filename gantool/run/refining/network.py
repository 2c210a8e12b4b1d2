"""The run's network on a device: batches in, batches out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...errors import GantoolError
from ..bundle import Bundle
from ..device import choose_device
from ..feed import normalise, to_tensor


class Network:
    """Applies a trained generator to batches of images of one size."""

    def __init__(self, bundle: Bundle, device: str) -> None:
        if bundle.in_channels != bundle.out_channels:
            raise GantoolError(
                f"{bundle.name} turns {bundle.in_channels} channels into {bundle.out_channels}; refine keeps their number"
            )
        self._name = bundle.name
        self._device = choose_device(device)
        self._module = bundle.module.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(h, w, c) uint8, uint16 or float32 each, all alike, to (N, c, h, w) float32, [-1, 1].

        Raises `GantoolError` where the network does not keep the shape, gives values that are not finite, or does not fit into
        the device's memory.
        """
        with torch.inference_mode():
            try:
                inputs = normalise(to_tensor(np.stack(images)).to(self._device))
                outputs = self._module(inputs)
            except torch.OutOfMemoryError:
                count = len(images)
                raise GantoolError(f"{count} images do not fit into the memory of {self._device}: lower --batch-size") from None
            if outputs.shape != inputs.shape:
                shapes = f"{tuple(inputs.shape)} into {tuple(outputs.shape)}"
                raise GantoolError(f"the network of {self._name} turns {shapes}: it must keep the shape")
            refined: np.ndarray = outputs.float().cpu().numpy()
        if not np.isfinite(refined).all():
            raise GantoolError(f"the network of {self._name} gives values that are not finite: try another --checkpoint")
        return refined
