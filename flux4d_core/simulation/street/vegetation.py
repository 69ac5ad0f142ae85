"""Trees, bushes and hedges, drawn about the point where they stand."""

from __future__ import annotations

import math

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import Material, Part, Shape, Texture, Vector

_GREENS: tuple[Vector, ...] = (
    (0.34, 0.36, 0.22),
    (0.26, 0.34, 0.20),
    (0.42, 0.40, 0.22),
    (0.30, 0.38, 0.26),
    (0.46, 0.42, 0.20),
)
_BARKS: tuple[Vector, ...] = ((0.22, 0.17, 0.12), (0.30, 0.26, 0.21), (0.16, 0.13, 0.10), (0.42, 0.40, 0.36))


def tree(dice: Dice) -> list[Part]:
    """A tree of some kind, 5 to 13 m high."""
    return dice.choice((broadleaf, broadleaf, broadleaf, conifer, poplar))(dice)


def broadleaf(dice: Dice) -> list[Part]:
    """A trunk that forks into a few boughs, and a crown of leafy masses around them."""
    height = dice.uniform(5.0, 11.0)
    radius = height * dice.uniform(0.24, 0.36)
    fork = height * dice.uniform(0.28, 0.4)
    bark = Material(Texture.BARK, dice.choice(_BARKS), period=0.9)
    girth = height * dice.uniform(0.013, 0.022)
    parts = [Part(Shape.CYLINDER, (0, 0, fork / 2 - 0.4), (girth, girth, fork / 2 + 0.5), (bark,))]
    parts += [_bough(dice, bark, fork, radius, girth) for _ in range(3)]
    middle = fork + (height - fork) * 0.52
    tint = _tinted(dice)
    count = dice.integer(8, 12)
    for number in range(count):
        # Points spread over a ball by the golden angle leave no side of the crown bare.
        polar = math.acos(1 - 2 * (number + 0.5) / count)
        azimuth = number * 2.39996 + dice.uniform(-0.4, 0.4)
        reach = radius * dice.uniform(0.42, 0.66)
        size = radius * dice.uniform(0.42, 0.62)
        up = (height - fork) * 0.30 * math.cos(polar)
        centre = (reach * math.sin(polar) * math.cos(azimuth), reach * math.sin(polar) * math.sin(azimuth), middle + up)
        parts.append(
            _leaves(dice, centre, (size, size * dice.uniform(0.85, 1.1), size * dice.uniform(0.62, 0.85)), tint)
        )
    return parts


def conifer(dice: Dice) -> list[Part]:
    """Tiers that narrow to the top."""
    height, spread = dice.uniform(6, 13), dice.uniform(1.3, 2.3)
    bark = Material(Texture.BARK, dice.choice(_BARKS), period=0.9)
    parts = [Part(Shape.CYLINDER, (0, 0, height * 0.45 - 0.3), (0.14, 0.14, height * 0.45 + 0.3), (bark,))]
    tint = (dice.uniform(0.14, 0.22), dice.uniform(0.20, 0.28), dice.uniform(0.15, 0.20))
    tiers = 7
    for number in range(tiers):
        share = number / (tiers - 1)
        size = spread * (1 - 0.82 * share)
        centre = (dice.uniform(-0.1, 0.1), dice.uniform(-0.1, 0.1), height * (0.16 + 0.8 * share))
        parts.append(_leaves(dice, centre, (size, size, height * 0.085 + 0.12 * size), tint, Texture.NEEDLES))
    return parts


def poplar(dice: Dice) -> list[Part]:
    """Slender and upright."""
    height, width = dice.uniform(7, 13), dice.uniform(0.9, 1.5)
    bark = Material(Texture.BARK, dice.choice(_BARKS), period=0.9)
    parts = [Part(Shape.CYLINDER, (0, 0, height * 0.2 - 0.3), (0.15, 0.15, height * 0.2 + 0.3), (bark,))]
    tint = _tinted(dice)
    for share in (0.28, 0.46, 0.64, 0.82):
        size = width * (1.1 - 0.55 * share)
        centre = (dice.uniform(-0.25, 0.25), dice.uniform(-0.25, 0.25), height * share)
        parts.append(_leaves(dice, centre, (size, size, height * 0.17), tint))
    return parts


def bush(dice: Dice) -> list[Part]:
    """One to three leafy heaps."""
    tint = _tinted(dice)
    size = dice.uniform(0.45, 1.1)
    return [
        _leaves(
            dice,
            (dice.uniform(-size, size), dice.uniform(-size, size), size * 0.4),
            (size, size * 0.9, size * 0.8),
            tint,
        )
        for _ in range(dice.integer(1, 3))
    ]


def hedge(dice: Dice, length: float) -> list[Part]:
    """A clipped wall of leaves along x: a dense core inside a thin ragged coat."""
    half = (length / 2, dice.uniform(0.28, 0.45), dice.uniform(0.45, 0.85))
    tint = _tinted(dice)
    core = Material(Texture.LEAVES, tuple(0.7 * c for c in tint), period=2.2)  # pyright: ignore[reportArgumentType]
    coat = Material(Texture.LEAVES, tint, period=2.2, perforated=True)
    inner = (half[0] - 0.05, half[1] - 0.06, half[2] - 0.06)
    anchor = (dice.uniform(0, 9), dice.uniform(0, 9), dice.uniform(0, 9))
    return [
        Part(Shape.BOX, (0, 0, half[2] - 0.3), inner, (core,), anchor=anchor, shade=0.8),
        Part(Shape.BOX, (0, 0, half[2] - 0.3), half, (coat,), anchor=anchor),
    ]


def _bough(dice: Dice, bark: Material, fork: float, radius: float, girth: float) -> Part:
    """From the fork outwards and up."""
    lean, azimuth, length = dice.uniform(0.35, 0.8), dice.uniform(0, 2 * math.pi), radius * dice.uniform(1.0, 1.5)
    middle = length / 2
    centre = (
        middle * math.sin(lean) * math.cos(azimuth),
        middle * math.sin(lean) * math.sin(azimuth),
        fork + middle * math.cos(lean) - 0.1,
    )
    return Part(Shape.CYLINDER, centre, (girth * 0.55, girth * 0.55, middle), (bark,), (azimuth, lean, 0.0))


def _tinted(dice: Dice) -> Vector:
    color, light = dice.choice(_GREENS), dice.uniform(0.9, 1.35)
    return (color[0] * light, color[1] * light, color[2] * light)


def _leaves(dice: Dice, centre: Vector, half: Vector, tint: Vector, texture: Texture = Texture.LEAVES) -> Part:
    light = dice.uniform(0.9, 1.1)
    material = Material(texture, tuple(c * light for c in tint), period=dice.uniform(2.3, 3.0), perforated=True)  # pyright: ignore[reportArgumentType]
    anchor = (dice.uniform(0, 9), dice.uniform(0, 9), dice.uniform(0, 9))
    return Part(Shape.ELLIPSOID, centre, half, (material,), (dice.uniform(0, math.pi), 0.0, 0.0), anchor=anchor)
