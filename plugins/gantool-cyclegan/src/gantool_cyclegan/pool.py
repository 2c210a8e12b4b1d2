"""The pool of generated images that the discriminators are trained on (the paper's Section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .options import PoolOptions


class ImagePool:
    """A replay buffer that takes images one by one, as the authors' program does.

    While there is room, an image is stored and given back. Once the pool is full, an image takes the place of one drawn
    uniformly with a chance of `probability`, and that one is given back; otherwise the image itself is.

    Args:
        config: Size and probability.
        generator: CPU generator that no one else draws from.
    """

    def __init__(self, *, config: PoolOptions, generator: torch.Generator) -> None:
        self.config = config
        self._generator = generator
        self._images: list[Tensor] = []

    @torch.no_grad()
    def exchange(self, fresh: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W), detached, same device and dtype; row i is image i or one that was stored before.

        Raises `ValueError` for images of another shape or dtype than those held.
        """
        if fresh.ndim != 4:
            raise ValueError(f"an image pool takes images (N, C, H, W), got {tuple(fresh.shape)}")
        if self._images and (self._images[0].shape, self._images[0].dtype) != (fresh.shape[1:], fresh.dtype):
            held = self._images[0]
            got = f"{tuple(fresh.shape[1:])} {fresh.dtype}"
            raise ValueError(f"the image pool holds {tuple(held.shape)} {held.dtype} images, got {got}")
        result = fresh.detach().clone()
        for row, image in enumerate(fresh.detach()):
            place = self._place()
            if place == len(self._images):
                self._images.append(image.clone())
            elif place is not None:
                # A state that was loaded onto the CPU follows the run to its device image by image.
                result[row] = self._images[place].to(fresh.device)
                self._images[place] = image.clone()
        return result

    def state_dict(self) -> dict[str, Any]:
        """The images held, a list of (C, H, W), and the state of later draws."""
        return {"images": [image.clone() for image in self._images], "generator": self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned; later exchanges are then the same to the bit.

        Raises `ValueError` for more images than this pool has room for.
        """
        images = list(state["images"])
        if len(images) > self.config.size:
            raise ValueError(f"the saved pool holds {len(images)} images, this one has room for {self.config.size}")
        self._images = [image.clone() for image in images]
        self._generator.set_state(state["generator"].cpu())

    def _place(self) -> int | None:
        """Where the next image is stored: a free place, a taken one, or nowhere."""
        if len(self._images) < self.config.size:
            return len(self._images)
        if float(torch.rand((), generator=self._generator)) >= self.config.probability:
            return None
        return int(torch.randint(self.config.size, (), generator=self._generator))
