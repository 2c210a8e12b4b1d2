"""The run's network on a device: batches in, batches out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from ..compute.device import choose_device
from ..conditioning import Joined
from ..errors import GantoolError
from ..model.bundle import Bundle
from ..model.tensors import normalise, to_tensor
from ..model.tiling import SIDE, NotTileable, Tiling, find_overlap, refine_tiled
from ..noise import default_noise, pixel_noise
from .backends.choice import ON_CPU, SelectedBackend


class Network:
    """Applies a trained generator to batches of images of one size; large images in tiles.

    Args:
        bundle: The generator; it moves to the device.
        device: As `gantool refine --device`.
        backend: One of `backends.choice.NAMES`.
        tiling: Which images are computed in tiles.
        notice: Is told what a person should know.

    Raises:
        GantoolError: Device or backend cannot be used.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str,
        *,
        backend: str = "torch",
        tiling: Tiling | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._name, self._conditions = bundle.name, bundle.channels.conditions
        self._channels, self._planes = bundle.channels.joined, bundle.channels.noise
        """Of one input that holds images and conditions."""
        self._device = choose_device("cpu" if device == "auto" and backend in ON_CPU else device)
        module = Joined(bundle.module, bundle.channels) if self._conditions or self._planes else bundle.module
        self._module = module.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._backend = SelectedBackend(backend, self._module, self._channels, self._device, notice)
        self._tiling, self._notice = tiling or Tiling(), notice
        self._overlap = self._tiling.overlap
        self._tileable = True

    @property
    def backend(self) -> str:
        """The backend that computes now, such as "torch"."""
        return self._backend.name

    def expect(self, pixels: int) -> None:
        """Say how many pixels are to come, so that `--backend auto` knows whether measuring pays."""
        self._backend.expect(pixels)

    def __call__(
        self, images: Sequence[np.ndarray], conditions: Sequence[np.ndarray] = (), keys: Sequence[int] = ()
    ) -> np.ndarray:
        """Refine a batch.

        Args:
            images: (h, w, c) uint8, uint16 or float32 each, all alike.
            conditions: (h, w, K) each, as `data.conditions.Encoder` makes them; none where nothing is known.
            keys: Of the noise of each (see `gantool.noise`); none for the same every time.

        Returns:
            (N, c, h, w) float32, in [-1, 1].

        Raises:
            GantoolError: Where the network does not keep the shape, gives values that are not finite, or does not fit into the
                memory of the device.
        """
        return self._compute(images, conditions, keys, lambda outputs, _: outputs)

    def change(self, images: Sequence[np.ndarray], conditions: Sequence[np.ndarray] = (), keys: Sequence[int] = ()) -> np.ndarray:
        """As a call, but return what the network adds to the images: exactly 0 where it gives back what it got."""
        return self._compute(images, conditions, keys, torch.sub)

    def _compute(
        self,
        images: Sequence[np.ndarray],
        conditions: Sequence[np.ndarray],
        keys: Sequence[int],
        wanted: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> np.ndarray:
        with torch.inference_mode():
            try:
                inputs = normalise(to_tensor(np.stack(images)).to(self._device))
                outputs = self._apply(self._joined(inputs, conditions, keys))
            except torch.OutOfMemoryError:
                raise GantoolError(self._too_large(len(images))) from None
            if outputs.shape != inputs.shape:
                shapes = f"{tuple(inputs.shape)} into {tuple(outputs.shape)}"
                raise GantoolError(f"the network of {self._name} turns {shapes}: it must keep the shape")
            found: np.ndarray = wanted(outputs.float(), inputs).cpu().numpy()
        if not np.isfinite(found).all():
            raise GantoolError(f"the network of {self._name} gives values that are not finite: try another --checkpoint")
        return found

    def _joined(self, inputs: torch.Tensor, conditions: Sequence[np.ndarray], keys: Sequence[int]) -> torch.Tensor:
        """One input: images, then conditions, then noise."""
        parts, (count, _, height, width) = [inputs], inputs.shape
        if conditions:
            parts.append(to_tensor(np.stack(conditions)).to(self._device).to(inputs.dtype).permute(0, 3, 1, 2))
        elif self._conditions:
            parts.append(inputs.new_zeros(count, sum(self._conditions.values()), height, width))
        if self._planes and keys:
            own = torch.tensor(list(keys), dtype=torch.int64, device=self._device)
            parts.append(pixel_noise(own, self._planes, height, width).to(inputs.dtype))
        elif self._planes:
            parts.append(default_noise(self._planes, inputs))
        return inputs if len(parts) == 1 else torch.cat(parts, dim=1)

    def _too_large(self, count: int) -> str:
        if count > 1:
            return f"{count} images do not fit into the memory of {self._device}: lower --batch-size"
        return f"1 image does not fit into the memory of {self._device}: lower --tile, which is {self._tiling.side or SIDE}"

    def _apply(self, inputs: torch.Tensor) -> torch.Tensor:
        if not (self._tileable and self._tiling.wants(*inputs.shape[2:])):
            return self._backend(inputs)
        if self._overlap is None:
            try:
                self._overlap = find_overlap(self._module, self._channels)
            except NotTileable as error:
                return self._whole(inputs, error)
        side = self._tiling.side or max(SIDE, 4 * self._overlap)
        return refine_tiled(self._backend, inputs, tile=side, overlap=self._overlap)

    def _whole(self, inputs: torch.Tensor, error: NotTileable) -> torch.Tensor:
        """Compute without tiles, unless they were asked for."""
        if self._tiling.side:
            raise GantoolError(
                f"--tile {self._tiling.side}: {error}; leave it out, or pass --tile-overlap to tile all the same"
            ) from None
        self._tileable = False
        self._notice(f"large images are computed whole, which takes memory: {error}")
        return self._backend(inputs)
