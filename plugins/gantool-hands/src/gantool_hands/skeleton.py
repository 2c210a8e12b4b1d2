"""A right hand's pose: where its capsules and its key points are.

Millimetres. In the hand's own frame the wrist is the origin, x points to the thumb's side, y from the fingers to the forearm,
and the palm faces -z; fingers bend towards -z. The camera looks along +z with y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .draws import Floats, Indices, uniforms

_STREAM = 0
_DRAWS = 40

# Little, ring, middle and index finger, rounded from tables of adult hands.
_KNUCKLES = np.array([(-35, -75, -5), (-17, -86, -1), (3, -92, 0), (24, -88, -2)], np.float32)
_BONES = np.array([(33, 20, 18), (43, 27, 21), (46, 29, 21), (42, 25, 20)], np.float32)
_RADII = np.array([(8, 7, 6.3), (9, 8, 7.2), (9.5, 8.5, 7.5), (9.5, 8.5, 7.5)], np.float32)
_THUMB_ROOT = np.array((20, -20, -6), np.float32)
_THUMB_BONES, _THUMB_RADII = (44.0, 33.0, 26.0), (14.0, 10.5, 9.0)
_WRIST_SIDES = np.array([(-22, 0, 0), (22, 0, 0)], np.float32)
_PALM_RAYS = 7
"""Capsules that fan out from the wrist to the knuckles: enough that no ridges show between them."""
_CENTRE = np.array((0, -85, 0), np.float32)
"""What the hand turns about."""


@dataclass(frozen=True)
class Hands:
    """N hands in camera coordinates, float32, mm; z is the distance from the camera."""

    starts: Floats
    """(N, P, 3) one end of each capsule."""
    ends: Floats
    """(N, P, 3) the other end."""
    radii: Floats
    """(N, P)."""
    joints: Floats
    """(N, 14, 3) the key points, in the order of `joints.NAMES`."""


class _Draws:
    """Columns of uniform numbers, one after the other."""

    def __init__(self, columns: Floats) -> None:
        self._columns, self._next = columns, 0

    def between(self, low: float, high: float) -> Floats:
        """(N,) float32 in [low, high)."""
        column: Floats = self._columns[:, self._next]
        self._next += 1
        return low + (high - low) * column


def pose(seed: int, indices: Indices) -> Hands:
    """Draw the hands with these indices, (N,): each a pure function of (seed, index). Joints keep to their limits."""
    draws = _Draws(uniforms(seed, _STREAM, indices, (_DRAWS,)))
    capsules: list[tuple[Floats, Floats, Floats]] = []
    joints: list[Floats] = []
    thickness = draws.between(0.9, 1.12)
    curl = draws.between(-0.1, 1.0)
    spread = draws.between(-0.3, 1.0)
    for finger in range(4):
        chain = _finger(draws, finger, curl, spread)
        capsules += [(a, b, r * thickness) for a, b, r in zip(chain, chain[1:], _RADII[finger], strict=False)]
        joints += [chain[3], chain[1]]
    thumb = _thumb(draws)
    capsules += [(a, b, r * thickness) for a, b, r in zip(thumb, thumb[1:], _THUMB_RADII, strict=False)]
    joints += [thumb[3], thumb[2], thumb[1]]
    count = len(indices)
    capsules += _palm(count, thumb[1], thickness) + _forearm(draws, count)
    joints += [_tile(point, count) for point in (*_WRIST_SIDES, _KNUCKLES[0] * 0.55)]

    turn, size, distance = _rotation(draws), draws.between(0.88, 1.1)[:, None, None], draws.between(600, 900)
    away = np.zeros((count, 1, 3), np.float32)
    away[:, 0, 2] = distance

    def placed(points: Floats) -> Floats:
        """(N, K, 3) from the hand's frame to the camera's."""
        turned: Floats = np.matmul((points - _CENTRE) * size, turn).astype(np.float32) + away
        return turned

    starts, ends, radii = (np.stack(column, axis=1) for column in zip(*capsules, strict=True))
    return Hands(placed(starts), placed(ends), radii * size[:, :, 0], placed(np.stack(joints, axis=1)))


def _finger(draws: _Draws, finger: int, curl: Floats, spread: Floats) -> list[Floats]:
    """Knuckle, middle joint, last joint, tip, (N, 3) each."""
    own = np.clip(curl + draws.between(-0.5, 0.5), -0.1, 1)
    fan = np.array((-0.24, -0.09, 0.02, 0.12), np.float32)[finger]
    aside = fan * spread + draws.between(-0.06, 0.06)
    knuckle = np.clip(own + draws.between(-0.25, 0.25), -0.2, 1) * 1.45
    middle = np.clip(own + draws.between(-0.2, 0.2), 0, 1) * 1.8
    bends = np.cumsum(np.stack((knuckle, middle, 0.6 * middle)), axis=0)
    # A bent finger cannot be spread: the knuckle's ligaments tighten.
    aside = aside * np.cos(np.clip(knuckle, 0, None))
    chain = [_tile(_KNUCKLES[finger], len(curl))]
    for bend, length in zip(bends, _BONES[finger], strict=True):
        along = np.cos(bend)
        direction = np.stack((along * np.sin(aside), -along * np.cos(aside), -np.sin(bend)), axis=1)
        chain.append(chain[-1] + length * direction)
    return chain


def _thumb(draws: _Draws) -> list[Floats]:
    """Root, base joint, last joint, tip, (N, 3) each."""
    aside, forward = draws.between(0.35, 1.1), draws.between(0.1, 0.9)
    first = np.stack((np.cos(forward) * np.sin(aside), -np.cos(forward) * np.cos(aside), -np.sin(forward)), axis=1)
    inward = np.array((-0.8, -0.45, -0.4), np.float32)
    inward = inward - (first * inward).sum(axis=1, keepdims=True) * first
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    bends = np.cumsum(np.stack((np.zeros_like(aside), draws.between(-0.1, 0.8), draws.between(-0.2, 0.9))), axis=0)
    chain = [_tile(_THUMB_ROOT, len(aside))]
    for bend, length in zip(bends, _THUMB_BONES, strict=True):
        direction = np.cos(bend)[:, None] * first + np.sin(bend)[:, None] * inward
        chain.append((chain[-1] + np.float32(length) * direction).astype(np.float32))
    return chain


def _palm(count: int, thumb_base: Floats, thickness: Floats) -> list[tuple[Floats, Floats, Floats]]:
    """A fan from the wrist to the knuckles, the balls of the thumb and of the little finger, and the web of the thumb."""
    at = np.linspace(0, 1, _PALM_RAYS, dtype=np.float32)
    knuckles = np.stack([np.interp(at, np.linspace(0, 1, 4), _KNUCKLES[:, axis]) for axis in range(3)], axis=1)
    wrist = _WRIST_SIDES[0] * 0.7 + at[:, None] * 0.7 * (_WRIST_SIDES[1] - _WRIST_SIDES[0])
    rays = [(_tile(a, count), _tile(b, count), 11.5 * thickness) for a, b in zip(wrist, knuckles, strict=True)]
    root = _tile(_THUMB_ROOT, count)
    heel = _tile(np.array((-19, -14, -4)), count), _tile(np.array((-32, -58, -7)), count), 13 * thickness
    web = 0.45 * root + 0.55 * thumb_base, _tile(_KNUCKLES[3] * 0.9, count), 8.5 * thickness
    ball = _tile(np.array((12, -12, -4)), count), 0.35 * root + 0.65 * thumb_base, 15.5 * thickness
    return [*rays, heel, web, ball]


def _forearm(draws: _Draws, count: int) -> list[tuple[Floats, Floats, Floats]]:
    """Three capsules side by side, bent at the wrist."""
    nod, sway = draws.between(-0.6, 0.6), draws.between(-0.3, 0.3)
    direction = np.stack((np.sin(sway), np.cos(sway) * np.cos(nod), np.sin(nod)), axis=1).astype(np.float32)
    width = draws.between(15.5, 18.5)
    sides = [_tile(np.array((x, 2, 2)), count) for x in (-11, 0, 11)]
    return [(side, side + 70 * direction, width) for side in sides]


def _rotation(draws: _Draws) -> Floats:
    """(N, 3, 3), for points as rows: nod, then turn aside, then turn in the image."""
    nod, turn, roll = draws.between(-0.7, 0.7), draws.between(-1.0, 1.0), draws.between(-0.8, 0.8)
    zero, one = np.zeros_like(nod), np.ones_like(nod)

    def matrix(*rows: tuple[Floats, Floats, Floats]) -> Floats:
        return np.stack([np.stack(row, axis=1) for row in rows], axis=1)

    about_x = matrix((one, zero, zero), (zero, np.cos(nod), np.sin(nod)), (zero, -np.sin(nod), np.cos(nod)))
    about_y = matrix((np.cos(turn), zero, np.sin(turn)), (zero, one, zero), (-np.sin(turn), zero, np.cos(turn)))
    about_z = matrix((np.cos(roll), np.sin(roll), zero), (-np.sin(roll), np.cos(roll), zero), (zero, zero, one))
    turned: Floats = np.matmul(np.matmul(about_x, about_y), about_z)
    return turned


def _tile(point: Floats, count: int) -> Floats:
    return np.broadcast_to(np.asarray(point, np.float32), (count, 3))
