"""Pedestrians and cyclists with limbs that move, drawn about the ground below their middle: x forward."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import Joint, Mapping, Material, Part, Shape, Texture, Vector

_SKINS: tuple[Vector, ...] = (
    (0.62, 0.42, 0.33),
    (0.50, 0.32, 0.23),
    (0.34, 0.20, 0.13),
    (0.20, 0.11, 0.07),
    (0.66, 0.48, 0.40),
)
_HAIRS: tuple[Vector, ...] = (
    (0.05, 0.04, 0.035),
    (0.16, 0.10, 0.06),
    (0.40, 0.30, 0.16),
    (0.30, 0.29, 0.28),
    (0.24, 0.09, 0.04),
)
_CLOTHES: tuple[Vector, ...] = (
    (0.04, 0.045, 0.06),
    (0.10, 0.12, 0.20),
    (0.45, 0.06, 0.06),
    (0.62, 0.60, 0.55),
    (0.20, 0.26, 0.18),
    (0.55, 0.42, 0.22),
    (0.10, 0.26, 0.46),
    (0.70, 0.66, 0.10),
    (0.32, 0.32, 0.34),
    (0.50, 0.22, 0.34),
    (0.72, 0.34, 0.08),
    (0.10, 0.34, 0.32),
)
_TROUSERS: tuple[Vector, ...] = (
    (0.05, 0.06, 0.10),
    (0.04, 0.04, 0.045),
    (0.10, 0.14, 0.24),
    (0.30, 0.26, 0.20),
    (0.20, 0.20, 0.21),
    (0.14, 0.10, 0.07),
)
_METALS: tuple[Vector, ...] = (
    (0.05, 0.05, 0.055),
    (0.40, 0.05, 0.05),
    (0.10, 0.20, 0.40),
    (0.50, 0.50, 0.52),
    (0.10, 0.32, 0.18),
)


@dataclass(frozen=True)
class Person:
    """Size and parts."""

    kind: str
    size: Vector
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _Outfit:
    skin: Material
    hair: Material
    top: Material
    trousers: Material
    shoes: Material


def pedestrian(dice: Dice, speed: float) -> Person:
    """Somebody who walks (or stands, at speed 0), legs and arms swinging in step."""
    scale = dice.choice((dice.uniform(0.92, 1.08), dice.uniform(0.62, 0.8)), (0.88, 0.12))
    outfit = _outfit(dice)
    # People take longer and quicker steps to go faster: both grow as the square root of speed.
    frequency = 0.78 * math.sqrt(max(speed, 0.0) / scale)
    swing = 0.40 * math.sqrt(min(speed, 2.6) / 1.4)
    phase = dice.uniform(0, 2 * math.pi)
    coat = dice.chance(0.35)
    parts = _trunk(outfit, scale, 0.0, coat)
    for side, shift in ((1, 0.0), (-1, math.pi)):
        parts += _walking_leg(outfit, scale, side, (swing, frequency, phase + shift))
        parts += _walking_arm(outfit, scale, side, (0.75 * swing, frequency, phase + shift + math.pi))
    parts += _luggage(dice, scale)
    return Person("pedestrian", (0.6 * scale, 0.56 * scale, 1.76 * scale), tuple(parts))


def cyclist(dice: Dice, speed: float) -> Person:
    """A bicycle and its rider, pedalling."""
    outfit = _outfit(dice)
    frame = Material(Texture.PLAIN, dice.choice(_METALS), gloss=0.4)
    frequency, phase = max(speed, 1.0) / 5.2, dice.uniform(0, 2 * math.pi)
    parts = _bicycle(frame)
    lift, lean = 0.14, dice.uniform(0.25, 0.6)
    trunk = _trunk(outfit, 1.0, lean, coat=False)
    parts += [_raised(part, lift, -0.12) for part in trunk]
    for side, shift in ((1, 0.0), (-1, math.pi)):
        parts += _pedalling_leg(outfit, side, (frequency, phase + shift), lift)
        parts.append(_reaching_arm(outfit, side, lean, lift))
    if dice.chance(0.6):
        helmet = Material(Texture.PLAIN, dice.choice(_CLOTHES), gloss=0.3)
        head = math.sin(lean) * 0.72 - 0.12
        parts.append(
            Part(
                Shape.ELLIPSOID,
                (head, 0, 1.72 + lift - 0.5 * (1 - math.cos(lean)) * 1.4),
                (0.15, 0.12, 0.10),
                (helmet,),
            )
        )
    return Person("cyclist", (1.78, 0.6, 1.78), tuple(parts))


def _outfit(dice: Dice) -> _Outfit:
    def cloth(color: Vector) -> Material:
        return Material(Texture.CLOTH, color, period=dice.uniform(0.5, 0.9))

    return _Outfit(
        skin=Material(Texture.PLAIN, dice.choice(_SKINS)),
        hair=Material(Texture.BARK, dice.choice(_HAIRS), period=0.3),
        top=cloth(dice.choice(_CLOTHES)),
        trousers=cloth(dice.choice(_TROUSERS)),
        shoes=Material(Texture.PLAIN, dice.choice(_TROUSERS), gloss=0.1),
    )


def _trunk(outfit: _Outfit, scale: float, lean: float, coat: bool) -> list[Part]:
    """Hips, chest, neck, head and hair, leaning forward from the hips."""
    cos, sin = math.cos(lean), math.sin(lean)

    def at(up: float, ahead: float = 0.0) -> Vector:
        above = up - 0.92
        return (scale * (sin * above + cos * ahead), 0.0, scale * (0.92 + cos * above - sin * ahead))

    def half(x: float, y: float, z: float) -> Vector:
        return (scale * x, scale * y, scale * z)

    tilt = (0.0, lean, 0.0)
    parts = [
        Part(Shape.ELLIPSOID, at(0.95), half(0.135, 0.18, 0.15), (outfit.trousers,), tilt),
        Part(Shape.ELLIPSOID, at(1.20), half(0.13, 0.20, 0.30), (outfit.top,), tilt),
        Part(Shape.ELLIPSOID, at(1.36), half(0.11, 0.225, 0.12), (outfit.top,), tilt),
        Part(Shape.CYLINDER, at(1.50), half(0.055, 0.055, 0.06), (outfit.skin,), tilt),
        Part(Shape.ELLIPSOID, at(1.635, 0.02), half(0.098, 0.078, 0.118), (outfit.skin,), tilt),
        Part(Shape.ELLIPSOID, at(1.665, -0.012), half(0.103, 0.087, 0.105), (outfit.hair,), tilt),
    ]
    if coat:
        parts.append(Part(Shape.CYLINDER, at(0.92), half(0.155, 0.195, 0.24), (outfit.top,), tilt))
    return parts


def _walking_leg(outfit: _Outfit, scale: float, side: int, gait: tuple[float, float, float]) -> list[Part]:
    """Thigh on the hip; shin and shoe on the knee, which bends while the leg comes forward."""
    swing, frequency, phase = gait
    y = side * 0.095 * scale
    hip = Joint((0.0, y, 0.93 * scale), 0.0, swing, frequency, phase)
    bend = 0.55 * swing / 0.40
    knee = Joint((0.0, y, 0.50 * scale), 0.55 * bend, 0.5 * bend, frequency, phase - 0.5 * math.pi)
    return [
        Part(
            Shape.ELLIPSOID,
            (0.0, y, 0.70 * scale),
            (0.082 * scale, 0.085 * scale, 0.265 * scale),
            (outfit.trousers,),
            joints=(hip,),
        ),
        Part(
            Shape.ELLIPSOID,
            (-0.005, y, 0.31 * scale),
            (0.058 * scale, 0.06 * scale, 0.255 * scale),
            (outfit.trousers,),
            joints=(hip, knee),
        ),
        Part(
            Shape.ELLIPSOID,
            (0.055 * scale, y, 0.045 * scale),
            (0.135 * scale, 0.05 * scale, 0.045 * scale),
            (outfit.shoes,),
            joints=(hip, knee),
        ),
    ]


def _walking_arm(outfit: _Outfit, scale: float, side: int, gait: tuple[float, float, float]) -> list[Part]:
    """Upper arm on the shoulder; forearm and hand on the elbow, a little bent."""
    swing, frequency, phase = gait
    y = side * 0.245 * scale
    shoulder = Joint((0.0, y, 1.40 * scale), 0.0, swing, frequency, phase)
    elbow = Joint((0.0, y, 1.12 * scale), -0.35, 0.3 * swing, frequency, phase)
    return [
        Part(
            Shape.ELLIPSOID,
            (0.0, y, 1.26 * scale),
            (0.055 * scale, 0.055 * scale, 0.175 * scale),
            (outfit.top,),
            joints=(shoulder,),
        ),
        Part(
            Shape.ELLIPSOID,
            (0.0, y, 0.99 * scale),
            (0.044 * scale, 0.044 * scale, 0.155 * scale),
            (outfit.top,),
            joints=(shoulder, elbow),
        ),
        Part(
            Shape.ELLIPSOID,
            (0.0, y, 0.82 * scale),
            (0.04 * scale, 0.032 * scale, 0.06 * scale),
            (outfit.skin,),
            joints=(shoulder, elbow),
        ),
    ]


def _luggage(dice: Dice, scale: float) -> list[Part]:
    """Nothing, a rucksack or a shopping bag."""
    kind = dice.choice(("none", "rucksack", "bag"), (0.5, 0.3, 0.2))
    cloth = Material(Texture.CLOTH, dice.choice(_CLOTHES), period=0.5)
    if kind == "rucksack":
        return [
            Part(
                Shape.ELLIPSOID, (-0.17 * scale, 0, 1.24 * scale), (0.10 * scale, 0.15 * scale, 0.22 * scale), (cloth,)
            )
        ]
    if kind == "bag":
        return [
            Part(Shape.BOX, (0.0, 0.31 * scale, 0.62 * scale), (0.14 * scale, 0.05 * scale, 0.16 * scale), (cloth,))
        ]
    return []


def _bicycle(frame: Material) -> list[Part]:
    radius = 0.34
    rubber = Material(Texture.PLAIN, (0.035, 0.035, 0.037), perforated=True)
    wires = Material(Texture.WHEEL, mapping=Mapping.UPRIGHT, cell=(2, 2, 3), perforated=True)
    wheels = [
        Part(
            Shape.CYLINDER,
            (x, 0, radius),
            (radius, radius, 0.018),
            (rubber, rubber, rubber, rubber, wires, wires),
            (0, 0, math.pi / 2),
        )
        for x in (-0.53, 0.53)
    ]
    tubes = [
        _tube((-0.53, 0.34), (-0.05, 0.30), frame),
        _tube((-0.05, 0.30), (-0.20, 0.90), frame),
        _tube((-0.18, 0.82), (0.38, 0.86), frame),
        _tube((-0.05, 0.30), (0.38, 0.80), frame),
        _tube((0.53, 0.34), (0.36, 1.00), frame),
    ]
    bar = Part(Shape.CYLINDER, (0.36, 0, 1.02), (0.015, 0.015, 0.27), (frame,), (0, 0, math.pi / 2))
    saddle = Part(Shape.ELLIPSOID, (-0.20, 0, 0.94), (0.14, 0.08, 0.04), (Material(Texture.PLAIN, (0.04, 0.04, 0.04)),))
    return [*wheels, *tubes, bar, saddle]


def _tube(start: tuple[float, float], end: tuple[float, float], material: Material) -> Part:
    """From (x, z) to (x, z)."""
    dx, dz = end[0] - start[0], end[1] - start[1]
    centre = ((start[0] + end[0]) / 2, 0.0, (start[1] + end[1]) / 2)
    return Part(
        Shape.CYLINDER, centre, (0.022, 0.022, math.hypot(dx, dz) / 2), (material,), (0.0, math.atan2(dx, dz), 0.0)
    )


def _pedalling_leg(outfit: _Outfit, side: int, turn: tuple[float, float], lift: float) -> list[Part]:
    """The thigh rocks about the hip, the shin about the knee a quarter turn later."""
    frequency, phase = turn
    y = side * 0.10
    hip_at, knee_at = (-0.16, y, 0.93 + lift - 0.02), (-0.16, y, 0.50 + lift - 0.02)
    hip = Joint(hip_at, -0.95, 0.42, frequency, phase)
    knee = Joint(knee_at, 1.05, 0.36, frequency, phase + math.pi + 0.6)
    return [
        Part(Shape.ELLIPSOID, (-0.16, y, 0.70 + lift), (0.085, 0.085, 0.26), (outfit.trousers,), joints=(hip,)),
        Part(Shape.ELLIPSOID, (-0.16, y, 0.29 + lift), (0.06, 0.06, 0.25), (outfit.trousers,), joints=(hip, knee)),
        Part(Shape.ELLIPSOID, (-0.11, y, 0.06 + lift), (0.13, 0.05, 0.045), (outfit.shoes,), joints=(hip, knee)),
    ]


def _reaching_arm(outfit: _Outfit, side: int, lean: float, lift: float) -> Part:
    """From the shoulder to the handlebar."""
    shoulder = (math.sin(lean) * 0.46 - 0.12, side * 0.22, 0.92 + math.cos(lean) * 0.46 + lift)
    hand = (0.36, side * 0.22, 1.05)
    dx, dz = hand[0] - shoulder[0], hand[2] - shoulder[2]
    centre = ((hand[0] + shoulder[0]) / 2, side * 0.22, (hand[2] + shoulder[2]) / 2)
    return Part(
        Shape.ELLIPSOID,
        centre,
        (0.05, 0.05, math.hypot(dx, dz) / 2 + 0.03),
        (outfit.top,),
        (0.0, math.atan2(dx, dz), 0.0),
    )


def _raised(part: Part, lift: float, ahead: float) -> Part:
    x, y, z = part.centre
    return Part(part.shape, (x + ahead, y, z + lift - 0.02), part.half, part.materials, part.rotation)
