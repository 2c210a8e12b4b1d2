"""The `camera` domain: the same eyes as a cheap camera would see them, as in a webcam's eye crop.

Only appearance is added: nothing here moves an edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import palette
from .geometry import Floats, Geometry
from .hashing import Uniforms, keys, noise
from .layers import Layers, bump, per_eye
from .texture import blur, texture

# Streams of `hashing.keys`; 0 is the geometry's, 1 the synthetic domain's.
_LOOK, _COARSE, _FINE, _SENSOR = 2, 3, 4, 5
_WIDTH = 55
"""Width in pixels of the picture for which blur and grain are given below; both grow with the picture."""


@dataclass(frozen=True)
class Look:
    """How N pictures were lit and taken: (N, 1, 1, 1) float32 unless a field says otherwise."""

    skin: Floats
    """(N, C, 1, 1) colour."""
    iris: Floats
    """(N, C, 1, 1) colour."""
    sclera: Floats
    """Brightness of the white of the eye, which is far from white under a brow."""
    slope_x: Floats
    slope_y: Floats
    """Change of the light from the eye's middle to a corner, and as far down."""
    nose_shadow: Floats
    coarse: Floats
    fine: Floats
    """Contrast of the skin's blotches and of its pores."""
    crease: Floats
    crease_height: Floats
    """The fold above the upper lid: how dark, and how far up in half widths."""
    bag: Floats
    lash: Floats
    lash_shadow: Floats
    glint: Floats
    glint_x: Floats
    glint_y: Floats
    """Reflection of a window on the cornea: brightness, and place in iris radii from the pupil's centre."""
    blur: Floats
    """Standard deviation in pixels at a width of 55."""
    grain: Floats
    """Standard deviation of the sensor's noise at full brightness."""
    exposure: Floats
    contrast: Floats
    black: Floats
    white: Floats
    """The tone curve: the brightness mapped to the middle, the slope there, and the ends."""


def shade(eyes: Geometry, layers: Layers, seed: int, indices: NDArray[np.int64], *, color: bool) -> Floats:
    """Light, shade and photograph the eyes: (N, C, H, W) in [0, 1]."""
    look = _draw(seed, indices, color=color)
    size = layers.u.shape[-2:]
    grain = eyes.scale / _WIDTH
    pores = look.coarse * texture(keys(seed, _COARSE, indices), size, 6 * grain)
    pores += look.fine * texture(keys(seed, _FINE, indices), size, 1.3 * grain)

    skin = look.skin * (1 + pores) * _folds(layers, look)
    scene: Floats = skin + layers.opening * (_eyeball(layers, look, color=color) - skin)
    scene = blur(scene * _light(layers, look), look.blur.ravel() * np.float32(grain))
    sensor = noise(keys(seed, _SENSOR, indices), scene.shape[1:])
    return _tone(scene + look.grain * np.sqrt(np.maximum(scene, 0)) * sensor, look)


def _draw(seed: int, indices: NDArray[np.int64], *, color: bool) -> Look:
    draws = Uniforms(keys(seed, _LOOK, indices))

    def between(low: float, high: float, power: float = 1) -> Floats:
        return per_eye(draws.between(low, high, power).astype(np.float32))

    return Look(
        skin=palette.skin(draws.between(0.1, 0.9), color=color),
        iris=palette.iris(draws.between(0, 0.9, power=3), color=color) * between(0.35, 0.8),
        sclera=between(0.65, 0.95),
        slope_x=between(-0.35, 0.35),
        slope_y=between(-0.15, 0.35),
        nose_shadow=between(0.0, 0.4),
        coarse=between(0.02, 0.1),
        fine=between(0.01, 0.16, power=3),
        crease=between(0.15, 0.7),
        crease_height=between(0.14, 0.34),
        bag=between(0.0, 0.3),
        lash=between(0.5, 0.9),
        lash_shadow=between(0.25, 0.6),
        glint=between(-0.5, 1.2),
        glint_x=between(-0.5, 0.5),
        glint_y=between(-0.45, 0.1),
        blur=between(0.5, 1.1),
        grain=between(0.004, 0.05, power=4),
        exposure=between(0.8, 1.0),
        contrast=between(1.2, 2.1),
        black=between(0.0, 0.1),
        white=between(0.85, 1.0),
    )


def _folds(layers: Layers, look: Look) -> Floats:
    """How bright the skin is beside a flat patch: lashes, the crease above the upper lid, the fold under the lower one."""
    near = layers.beside
    lashes = look.lash * near * (0.8 + 0.2 * layers.u) * bump(layers.below_upper, 0.1)
    crease = look.crease * near * bump(layers.below_upper + look.crease_height * (1.15 - layers.u * layers.u), 0.07)
    bag = look.bag * near * bump(layers.above_lower + 0.25, 0.12)
    rim = 0.25 * near * bump(layers.above_lower + 0.05, 0.06)
    return (1 - lashes) * (1 - crease) * (1 - bag) * (1 + rim)


def _eyeball(layers: Layers, look: Look, *, color: bool) -> Floats:
    """Sclera, iris, pupil and glint in the shadow of lids and lashes."""
    ball: Floats = look.sclera * palette.sclera(color=color) * (1 - 0.4 * layers.eyeball)
    iris = look.iris * (1 - 0.4 * bump(1 - layers.radius, 0.25))
    ball = ball + layers.iris * (iris - ball)
    ball = ball + layers.pupil * (np.float32(0.03) - ball)
    ball = ball * (1 - look.lash_shadow * bump(layers.below_upper, 0.3)) * (1 - 0.35 * bump(layers.above_lower, 0.08))
    spot: Floats = np.sqrt((layers.iris_x - look.glint_x) ** 2 + (layers.iris_y - look.glint_y) ** 2)
    return ball + np.maximum(look.glint, 0) * bump(spot, 0.25)


def _light(layers: Layers, look: Look) -> Floats:
    """Light that falls on each pixel: a slope over the picture, less in the corner beside the nose."""
    slope: Floats = np.maximum(1 + look.slope_x * layers.u + look.slope_y * layers.v, 0.15)
    u, v = layers.u + 1.2, layers.v + 0.2
    return slope * (1 - look.nose_shadow / (1 + (u * u + v * v) / 0.3))


def _tone(scene: Floats, look: Look) -> Floats:
    """Expose for the skin, then the S-shaped curve of a camera that stretches contrast."""
    level = look.exposure * look.skin.mean(axis=1, keepdims=True)
    curve: Floats = 0.5 + 0.5 * np.tanh(look.contrast * (scene / level - 1))
    return look.black + (look.white - look.black) * curve
