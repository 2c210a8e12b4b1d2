"""The `synthetic` domain: a clean render, as of a simple simulator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import palette
from .geometry import Floats, Geometry
from .hashing import Uniforms, keys, noise
from .layers import Layers, bump, per_eye
from .texture import texture

# Streams of `hashing.keys`; the camera domain has 2 to 5.
_LOOK, _SKIN, _GRAIN = 1, 6, 7


def shade(eyes: Geometry, layers: Layers, seed: int, indices: NDArray[np.int64], *, color: bool) -> Floats:
    """Nearly flat skin, a bright smooth sclera, a light iris with a dark rim and a black pupil: (N, C, H, W) in [0, 1].

    The skin's faint blotches and the grain that a path tracer leaves are what a refiner can make texture of: a network
    without noise of its own turns a perfectly flat patch into a flat patch, whatever it learns.
    """
    between = Uniforms(keys(seed, _LOOK, indices)).between
    light = per_eye(between(0.8, 1.1).astype(np.float32))
    light = light * (1 + per_eye(between(-0.2, 0.2).astype(np.float32)) * layers.u)
    size = layers.u.shape[-2:]
    blotches = 1 + np.float32(0.03) * texture(keys(seed, _SKIN, indices), size, 5 * eyes.scale / 55)

    skin = palette.skin(between(0.2, 0.9), color=color) * (1 - 0.3 * layers.beside * bump(layers.below_upper, 0.06)) * blotches
    iris = palette.iris(between(0.25, 1.0), color=color) * (1.15 - 0.5 * bump(1 - layers.radius, 0.2))
    sclera = palette.sclera(color=color) * (1 - 0.12 * layers.eyeball)

    ball = sclera + layers.iris * (iris - sclera)
    ball = ball + layers.pupil * (np.float32(0.04) - ball)
    scene: Floats = light * (skin + layers.opening * (ball - skin))
    return scene + np.float32(0.012) * noise(keys(seed, _GRAIN, indices), size)[:, None]
