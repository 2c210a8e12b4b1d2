"""Noise that hangs on nothing but where it is: public, for stochastic generators. Imports torch.

A generator with state would make a pixel depend on what was drawn before it. Here a value is a hash of a key and of the pixel's
place, in whole numbers until the last step, so tiles, batches, workers, processes and devices agree to the bit.
(Counter-based random numbers: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

_GOLDEN, _A, _B = -0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
"""splitmix64's constants (Steele et al., OOPSLA 2014), as signed numbers: torch shifts and multiplies no unsigned ones."""
_EVERY_OTHER = 0x00FF00FF00FF00FF
_ONES = 0x0001000100010001
_MEAN, _DEVIATION = 8 * 255 / 2, (8 * (256**2 - 1) / 12) ** 0.5


def noise_key(seed: int, draw: int, name: str) -> int:
    """Return the key of one draw of a picture: 64 bits, signed.

    Args:
        seed: Of all pictures.
        draw: Number of the variant.
        name: What tells the picture from others, the same wherever it is computed; frames of one clip share it.
    """
    digest = hashlib.blake2b(f"{seed} {draw} {name}".encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def pixel_noise(keys: Tensor | Sequence[int], planes: int, height: int, width: int) -> Tensor:
    """Noise of mean 0 and deviation 1 for each pixel, nearly Gaussian: (N, planes, height, width) float32.

    A value is a pure function of key, plane, row and column. It is the sum of eight uniform bytes, within 0.01 of the normal
    distribution function everywhere, and no larger than 4.88.

    Args:
        keys: (N,) int64, one per picture.
        planes: Independent values of each pixel.
        height: Of the picture (px).
        width: Of the picture (px).

    Example:
        >>> noise = pixel_noise([noise_key(seed=0, draw=1, name="rgb_0001.png")], 4, 720, 1280)
    """
    keys = keys if isinstance(keys, Tensor) else torch.tensor(list(keys), dtype=torch.int64)
    places = [torch.arange(count, device=keys.device) for count in (planes, height, width)]
    state = _mix(keys * _GOLDEN + 1).view(-1, 1, 1, 1)
    for axis, place in enumerate(places):
        state = _mix(state + (place + 1).view(*(-1 if each == axis else 1 for each in range(3))) * _GOLDEN)
    pairs = (state & _EVERY_OTHER) + (_shift(state, 8) & _EVERY_OTHER)
    total = _shift(pairs * _ONES, 48).to(torch.float32)
    noise: Tensor = (total - _MEAN) / _DEVIATION
    return noise


def noise_channels(generator: object) -> int:
    """Return how many planes of noise a generator takes: 0 for one that takes none."""
    return int(getattr(generator, "noise_channels", 0))


def default_noise(planes: int, like: Tensor) -> Tensor:
    """What a generator takes in the place of noise that it is not given: that of one key for all images, (N, planes, H, W)."""
    keys = torch.zeros(1, dtype=torch.int64, device=like.device)
    count, _, height, width = like.shape
    return pixel_noise(keys, planes, height, width).to(like.dtype).expand(count, -1, -1, -1)


def _mix(state: Tensor) -> Tensor:
    state = (state ^ _shift(state, 30)) * _A
    state = (state ^ _shift(state, 27)) * _B
    return state ^ _shift(state, 31)


def _shift(state: Tensor, bits: int) -> Tensor:
    """Shift to the right, zeros coming in from the left."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)
