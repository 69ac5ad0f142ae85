"""What stands along a street, drawn about the point where it stands; its front looks to the rear (-x)."""

from __future__ import annotations

import math

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import Mapping, Material, Part, Shape, Side, Texture, Vector

STEEL = Material(Texture.PLAIN, (0.33, 0.34, 0.36), gloss=0.15)
DARK = Material(Texture.PLAIN, (0.06, 0.065, 0.07), gloss=0.1)
_COATS: tuple[Vector, ...] = ((0.05, 0.12, 0.08), (0.07, 0.07, 0.08), (0.30, 0.31, 0.33), (0.20, 0.22, 0.24))


def lamp_post(dice: Dice, toward_left: bool, lamps: float) -> list[Part]:
    """A mast with an arm over the road."""
    height, arm = dice.uniform(5.5, 9.0), dice.uniform(0.8, 2.2)
    coat = Material(Texture.PLAIN, dice.choice(_COATS), gloss=0.15)
    side = 1 if toward_left else -1
    glass = Material(Texture.PLAIN, (0.85, 0.80, 0.68), gloss=0.3, glow=1.6 * lamps)
    return [
        Part(Shape.CYLINDER, (0, 0, height / 2), (0.075, 0.075, height / 2), (coat,)),
        Part(Shape.CYLINDER, (0, 0, 0.45), (0.13, 0.13, 0.5), (coat,)),
        Part(Shape.CYLINDER, (0, side * arm / 2, height - 0.03), (0.045, 0.045, arm / 2), (coat,), (0, 0, math.pi / 2)),
        Part(Shape.BOX, (0, side * arm, height - 0.02), (0.16, 0.34, 0.06), (coat, coat, coat, coat, glass, coat)),
    ]


def traffic_light(green: bool) -> list[Part]:
    """A mast with a head of three lamps, seen from the rear (-x)."""
    bright = ((0.85, 0.08, 0.06), (0.9, 0.55, 0.06), (0.10, 0.75, 0.35))
    dark = ((0.21, 0.02, 0.015), (0.22, 0.14, 0.015), (0.025, 0.19, 0.09))
    parts = [
        Part(Shape.CYLINDER, (0, 0, 1.7), (0.06, 0.06, 1.75), (STEEL,)),
        Part(Shape.BOX, (-0.05, 0, 2.95), (0.13, 0.16, 0.46), (DARK,)),
    ]
    for number in range(3):
        on = number == (2 if green else 0)
        color = bright[number] if on else dark[number]
        lamp = Material(Texture.PLAIN, color, gloss=0.3, glow=1.3 if on else 0.0)
        parts.append(Part(Shape.ELLIPSOID, (-0.18, 0, 3.24 - 0.29 * number), (0.05, 0.105, 0.105), (lamp,)))
    return parts


def sign(dice: Dice) -> list[Part]:
    """One or two traffic signs on a pole."""
    height = dice.uniform(2.1, 2.8)
    parts = [Part(Shape.CYLINDER, (0.03, 0, height / 2), (0.03, 0.03, height / 2 + 0.4), (STEEL,))]
    for number in range(dice.choice((1, 1, 2))):
        face = Material(
            Texture.SIGNS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)), retro=0.5, perforated=True
        )
        size = dice.uniform(0.3, 0.4)
        z = height - number * 0.8
        parts.append(Part(Shape.BOX, (-0.02, 0, z), (0.012, size, size), (face,)))
    return parts


def bin_or_box(dice: Dice) -> list[Part]:
    """A litter bin, a letter box or a switch cabinet."""
    kind = dice.choice(("bin", "letters", "cabinet"))
    if kind == "bin":
        coat = Material(Texture.PLAIN, dice.choice(_COATS), gloss=0.1)
        return [
            Part(Shape.CYLINDER, (0, 0, 0.45), (0.24, 0.24, 0.5), (coat,)),
            Part(Shape.CYLINDER, (0, 0, 0.97), (0.27, 0.27, 0.04), (DARK,)),
        ]
    if kind == "letters":
        coat = Material(
            Texture.PLAIN, dice.choice(((0.62, 0.05, 0.04), (0.75, 0.55, 0.05), (0.06, 0.14, 0.42))), gloss=0.25
        )
        return [
            Part(Shape.BOX, (0, 0, 0.75), (0.25, 0.28, 0.62), (coat,)),
            Part(Shape.BOX, (-0.25, 0, 1.2), (0.02, 0.2, 0.03), (DARK,)),
        ]
    coat = Material(Texture.PLAIN, dice.choice(((0.40, 0.42, 0.38), (0.16, 0.22, 0.18), (0.48, 0.46, 0.42))), gloss=0.1)
    poster = Material(Texture.POSTERS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)))
    width = dice.uniform(0.4, 0.9)
    return [
        Part(Shape.BOX, (0, 0, 0.6), (0.25, width, 0.72), (coat,)),
        Part(Shape.BOX, (-0.25, dice.uniform(-0.2, 0.2), 0.85), (0.012, 0.2, 0.28), (poster,)),
    ]


def bench(dice: Dice) -> list[Part]:
    """Seat and back of planks on two feet."""
    wood = Material(
        Texture.PLANKS, dice.choice(((0.42, 0.26, 0.14), (0.30, 0.20, 0.12), (0.20, 0.26, 0.20))), period=0.6
    )
    parts = [
        Part(Shape.BOX, (0, 0, 0.45), (0.22, 0.8, 0.03), (wood,)),
        Part(Shape.BOX, (0.22, 0, 0.72), (0.025, 0.8, 0.18), (wood,), (0.0, -0.2, 0.0)),
    ]
    return parts + [Part(Shape.BOX, (0.02, s * 0.6, 0.2), (0.2, 0.04, 0.28), (DARK,)) for s in (-1, 1)]


def bollards(dice: Dice, count: int, spacing: float) -> list[Part]:
    """A row of posts along x."""
    coat = Material(Texture.PLAIN, dice.choice((*_COATS, (0.55, 0.54, 0.52))), gloss=0.15)
    stripe = Material(Texture.PLAIN, (0.82, 0.82, 0.80), retro=0.4)
    parts = []
    for number in range(count):
        x = number * spacing
        parts.append(Part(Shape.CYLINDER, (x, 0, 0.4), (0.07, 0.07, 0.52), (coat,)))
        parts.append(Part(Shape.CYLINDER, (x, 0, 0.78), (0.073, 0.073, 0.05), (stripe,)))
    return parts


def shelter(dice: Dice) -> list[Part]:
    """A bus shelter, open to the front: glass back, roof, advertisement."""
    glass = Material(Texture.LATTICE, (0.25, 0.27, 0.28), period=1.4, perforated=True)
    poster = Material(Texture.POSTERS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)), glow=0.08)
    parts = [
        Part(Shape.BOX, (0.15, 0, 2.45), (0.7, 2.0, 0.06), (DARK,)),
        Part(Shape.BOX, (0.7, 0, 1.2), (0.02, 1.9, 1.1), (glass,)),
    ]
    parts += [Part(Shape.CYLINDER, (0.7, s * 1.9, 1.2), (0.05, 0.05, 1.3), (DARK,)) for s in (-1, 1)]
    parts.append(Part(Shape.BOX, (0.1, 1.9, 1.25), (0.55, 0.06, 0.85), (poster,)))
    return [*parts, Part(Shape.BOX, (0.45, 0, 0.45), (0.16, 1.0, 0.03), (STEEL,))]


def billboard(dice: Dice) -> list[Part]:
    """A large advertisement on two legs."""
    poster = Material(Texture.POSTERS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)), glow=0.04)
    half = (0.1, dice.uniform(1.5, 2.6), dice.uniform(1.0, 1.5))
    height = dice.uniform(2.0, 3.2)
    legs = [
        Part(Shape.CYLINDER, (0.12, s * half[1] * 0.7, height / 2), (0.08, 0.08, height / 2 + 0.4), (STEEL,))
        for s in (-1, 1)
    ]
    cover = tuple(poster if side in (Side.REAR, Side.FRONT) else DARK for side in Side)
    return [*legs, Part(Shape.BOX, (0, 0, height + half[2]), half, cover)]


def wire_pole(dice: Dice, span: float) -> list[Part]:
    """A wooden pole with a crossbar, and wires that sag to the next one, `span` metres ahead along x."""
    wood = Material(Texture.BARK, (0.24, 0.18, 0.13), period=1.2)
    height = dice.uniform(7.0, 8.5)
    parts = [
        Part(Shape.CYLINDER, (0, 0, height / 2), (0.13, 0.13, height / 2 + 0.3), (wood,)),
        Part(Shape.BOX, (0, 0, height - 0.5), (0.06, 1.0, 0.06), (wood,)),
    ]
    pieces = 4
    for side in (-0.9, 0.9):
        for piece in range(pieces):
            ends = [number / pieces for number in (piece, piece + 1)]
            z = [height - 0.4 - 2.4 * share * (1 - share) for share in ends]
            length = math.hypot(span / pieces, z[1] - z[0])
            centre = (span * sum(ends) / 2, side, sum(z) / 2)
            lean = math.pi / 2 - math.atan2(z[1] - z[0], span / pieces)
            parts.append(Part(Shape.CYLINDER, centre, (0.03, 0.03, length / 2), (DARK,), (0.0, lean, 0.0)))
    return parts


def fence(dice: Dice, length: float) -> list[Part]:
    """Railings, planks, a wall or posts with rails, along x."""
    kind = dice.choice(("railings", "planks", "wall", "rails"))
    height = dice.uniform(0.8, 1.3)
    if kind == "railings":
        bars = Material(Texture.LATTICE, dice.choice(_COATS), period=height, perforated=True)
        return [Part(Shape.BOX, (0, 0, height / 2), (length / 2, 0.02, height / 2), (bars,), anchor=(0, 0, height / 2))]
    if kind == "planks":
        wood = Material(
            Texture.PLANKS, dice.choice(((0.44, 0.30, 0.18), (0.66, 0.66, 0.63), (0.26, 0.22, 0.18))), period=1.6
        )
        return [Part(Shape.BOX, (0, 0, height * 0.6 - 0.3), (length / 2, 0.04, height * 0.6 + 0.3), (wood,))]
    if kind == "wall":
        brick = Material(Texture.BRICK, dice.choice(((0.42, 0.20, 0.14), (0.52, 0.42, 0.32))), period=2.0)
        top = Material(Texture.CONCRETE, (0.5, 0.49, 0.47), period=2.0)
        low = height * 0.6
        return [
            Part(Shape.BOX, (0, 0, low / 2 - 0.3), (length / 2, 0.12, low / 2 + 0.3), (brick,)),
            Part(Shape.BOX, (0, 0, low + 0.03), (length / 2 + 0.04, 0.17, 0.05), (top,)),
        ]
    wood = Material(Texture.BARK, (0.40, 0.34, 0.26), period=0.8)
    parts = [Part(Shape.BOX, (0, 0, z), (length / 2, 0.025, 0.05), (wood,)) for z in (0.45, 0.9)]
    count = max(2, round(length / 2.4) + 1)
    places = [(-0.5 + number / (count - 1)) * length for number in range(count)]
    return parts + [Part(Shape.BOX, (x, 0, 0.4), (0.06, 0.06, 0.7), (wood,)) for x in places]
