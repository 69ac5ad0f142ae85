"""What buildings are put together from: walls with windows, roofs, balconies, awnings, porches."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.parts import (
    Facade,
    Mapping,
    Material,
    Part,
    Plane,
    Shape,
    Side,
    Texture,
    Vector,
    sides,
)

BELOW = 2.5
"""Metres a building reaches into the ground, so that it stands on slopes."""

BRICKS: tuple[Vector, ...] = (
    (0.46, 0.21, 0.14),
    (0.36, 0.17, 0.13),
    (0.52, 0.36, 0.24),
    (0.30, 0.20, 0.18),
    (0.58, 0.46, 0.34),
)
PLASTERS: tuple[Vector, ...] = (
    (0.74, 0.70, 0.60),
    (0.78, 0.74, 0.70),
    (0.72, 0.56, 0.36),
    (0.62, 0.42, 0.34),
    (0.50, 0.58, 0.62),
    (0.66, 0.68, 0.58),
    (0.80, 0.78, 0.76),
    (0.70, 0.62, 0.46),
    (0.56, 0.60, 0.50),
    (0.74, 0.64, 0.58),
)
PLANKS: tuple[Vector, ...] = (
    (0.76, 0.76, 0.74),
    (0.40, 0.48, 0.52),
    (0.62, 0.56, 0.42),
    (0.42, 0.24, 0.20),
    (0.30, 0.36, 0.32),
)
ROOFS: tuple[Vector, ...] = (
    (0.42, 0.17, 0.11),
    (0.34, 0.15, 0.11),
    (0.18, 0.17, 0.18),
    (0.26, 0.20, 0.17),
    (0.22, 0.23, 0.25),
)
TRIM: tuple[Vector, ...] = ((0.72, 0.70, 0.66), (0.60, 0.58, 0.54), (0.80, 0.79, 0.77))
FLAT_ROOF = Material(Texture.GRAVEL, (0.42, 0.42, 0.42), period=3.0)
METAL = Material(Texture.PLAIN, (0.30, 0.31, 0.33), gloss=0.12)


@dataclass(frozen=True)
class Shell:
    """What the details of a building are fixed to."""

    width: float
    depth: float
    height: float
    facade: Facade
    wall: Material
    trim: Material
    anchor: Vector


def build_shell(dice: Dice, number: int, plan: tuple[float, float], floors: int, shops: bool) -> Shell:
    storey = dice.uniform(2.8, 3.5)
    ground_storey = dice.uniform(3.6, 4.4) if shops else storey
    kind = dice.choice(
        ("brick", "plaster", "stone", "planks", "concrete"),
        (0.34, 0.38, 0.1, 0.1 if floors < 3 else 0, 0.12 if floors > 2 else 0),
    )
    tints = {"brick": BRICKS, "plaster": PLASTERS, "planks": PLANKS}.get(kind, TRIM)
    texture = {"brick": Texture.BRICK, "plaster": Texture.PLASTER, "planks": Texture.PLANKS, "stone": Texture.STONE}
    period = {"brick": 2.0, "plaster": 6.0, "planks": 2.4, "stone": 3.2}.get(kind, 5.0)
    facade = Facade(
        storey=storey,
        bay=dice.uniform(3.2, 4.6) if shops else dice.uniform(2.0, 3.3),
        ground_storey=ground_storey,
        ground=BELOW,
        window_width=dice.uniform(0.34, 0.6) * (0.75 if shops else 1.0),
        window_height=dice.uniform(0.46, 0.66),
        style=dice.integer(0, 3),
        shops=shops,
        lit=dice.uniform(0.15, 0.5),
        number=number,
    )
    wall = Material(texture.get(kind, Texture.CONCRETE), jittered(dice, dice.choice(tints)), period=period)
    anchor = (dice.uniform(0, 9), dice.uniform(0, 9), dice.uniform(0, 9))
    height = ground_storey + (floors - 1) * storey + 0.35
    trim = Material(Texture.PLASTER, dice.choice(TRIM), period=3.0)
    return Shell(*plan, height, facade, wall, trim, anchor)


def jittered(dice: Dice, color: Vector) -> Vector:
    light, warm = dice.uniform(0.85, 1.12), dice.uniform(0.96, 1.05)
    return (color[0] * light * warm, color[1] * light, color[2] * light / warm)


def body(shell: Shell) -> Part:
    windows = Material(shell.wall.texture, shell.wall.tint, period=shell.wall.period, facade=shell.facade)
    half_height = (shell.height + BELOW) / 2
    return Part(
        Shape.BOX,
        (0.0, 0.0, half_height - BELOW),
        (shell.width / 2, shell.depth / 2, half_height),
        sides(windows, FLAT_ROOF),
        anchor=shell.anchor,
    )


def bands(dice: Dice, shell: Shell) -> list[Part]:
    """A plinth, and a course of stone above the ground storey."""
    parts = []
    if dice.chance(0.6) and not shell.facade.shops:
        height = dice.uniform(0.4, 0.9)
        stone = Material(Texture.STONE, shell.trim.tint, period=2.4)
        parts.append(
            Part(
                Shape.BOX,
                (0, 0, height / 2 - BELOW / 2),
                (shell.width / 2 + 0.06, shell.depth / 2 + 0.06, height / 2 + BELOW / 2),
                (stone,),
            )
        )
    if dice.chance(0.5):
        parts.append(
            Part(
                Shape.BOX,
                (0, 0, shell.facade.ground_storey),
                (shell.width / 2 + 0.09, shell.depth / 2 + 0.09, 0.13),
                (shell.trim,),
            )
        )
    return parts


def flat_top(dice: Dice, shell: Shell) -> list[Part]:
    """A parapet or cornice, and boxes on the roof."""
    out = dice.uniform(0.06, 0.4)
    half = dice.uniform(0.2, 0.5)
    parts = [
        Part(
            Shape.BOX,
            (0, 0, shell.height + half - 0.1),
            (shell.width / 2 + out, shell.depth / 2 + out, half),
            sides(shell.trim, FLAT_ROOF),
        )
    ]
    for _ in range(dice.integer(0, 2)):
        size = (dice.uniform(0.6, 2.2), dice.uniform(0.6, 1.8), dice.uniform(0.5, 1.4))
        place = (
            dice.uniform(-0.35, 0.35) * shell.width,
            dice.uniform(-0.25, 0.25) * shell.depth,
            shell.height + size[2],
        )
        parts.append(Part(Shape.BOX, place, size, (dice.choice((METAL, shell.trim)),)))
    return parts


def gable(dice: Dice, shell: Shell, along: bool) -> list[Part]:
    """A pitched roof, its ridge along the street or across it, and a chimney."""
    eave = dice.uniform(0.25, 0.55)
    span, ridge = (shell.depth, shell.width) if along else (shell.width, shell.depth)
    pitch = math.radians(dice.uniform(28, 46))
    half_span = span / 2 + eave
    rise = half_span * math.tan(pitch)
    tiles = Material(Texture.ROOF_TILES, jittered(dice, dice.choice(ROOFS)), period=2.6)
    gable = shell.wall
    half = rise / 2
    planes = (
        Plane((0.0, math.sin(pitch), math.cos(pitch)), half * math.cos(pitch), Side.TOP),
        Plane((0.0, -math.sin(pitch), math.cos(pitch)), half * math.cos(pitch), Side.TOP),
        Plane((0.0, 0.0, -1.0), half, Side.BOTTOM),
        Plane((1.0, 0.0, 0.0), ridge / 2 + 0.15, Side.FRONT),
        Plane((-1.0, 0.0, 0.0), ridge / 2 + 0.15, Side.REAR),
    )
    centre = (0.0, 0.0, shell.height + half - 0.25)
    cover = (gable, gable, tiles, tiles, shell.trim, tiles)
    rotation = (0.0 if along else math.pi / 2, 0.0, 0.0)
    parts = [
        Part(Shape.HULL, centre, (ridge / 2 + 0.15, half_span, half), cover, rotation, planes, anchor=shell.anchor)
    ]
    if dice.chance(0.75):
        x, y = dice.uniform(-0.3, 0.3) * shell.width, dice.uniform(-0.15, 0.15) * shell.depth
        stack = Material(Texture.BRICK, dice.choice(BRICKS), period=1.6)
        parts.append(Part(Shape.BOX, (x, y, shell.height + rise * 0.75), (0.35, 0.35, rise * 0.45 + 0.4), (stack,)))
    return parts


def awnings(dice: Dice, shell: Shell) -> list[Part]:
    """Sloping cloth over some shop windows."""
    bays = max(1, round(shell.width / shell.facade.bay))
    bay = shell.width / bays
    color = Material(
        Texture.CLOTH,
        dice.choice(
            ((0.55, 0.08, 0.07), (0.06, 0.22, 0.14), (0.08, 0.14, 0.32), (0.66, 0.58, 0.42), (0.70, 0.40, 0.08))
        ),
        period=1.2,
    )
    parts = []
    for column in range(bays):
        if dice.chance(0.6):
            x = (column + 0.5) * bay - shell.width / 2
            centre = (x, -shell.depth / 2 - 0.6, shell.facade.ground_storey * 0.74)
            parts.append(Part(Shape.BOX, centre, (bay * 0.45, 0.68, 0.03), (color,), (0.0, 0.0, 0.38)))
    return parts


def balconies(dice: Dice, shell: Shell, floors: int) -> list[Part]:
    """Slabs with railings in front of some columns of windows."""
    bays = max(1, round(shell.width / shell.facade.bay))
    bay = shell.width / bays
    out = dice.uniform(0.9, 1.4)
    step = dice.choice((2, 3))
    first = dice.integer(0, step - 1)
    railing = Material(
        Texture.LATTICE,
        dice.choice(((0.10, 0.10, 0.11), (0.55, 0.55, 0.54), (0.2, 0.24, 0.22))),
        period=1.0,
        perforated=True,
    )
    solid = dice.chance(0.4)
    front = shell.trim if solid else railing
    parts = []
    for column in range(first, bays, step):
        x = (column + 0.5) * bay - shell.width / 2
        for floor in range(1, floors):
            z = shell.facade.ground_storey + (floor - 1) * shell.facade.storey
            y = -shell.depth / 2 - out / 2
            parts.append(Part(Shape.BOX, (x, y, z + 0.06), (bay * 0.46, out / 2, 0.09), (shell.trim,)))
            parts.append(
                Part(
                    Shape.BOX,
                    (x, y - out / 2 + 0.04, z + 0.62),
                    (bay * 0.46, 0.025, 0.5),
                    (front,),
                    anchor=(0, 0, 0.44),
                )
            )
    return parts


def downpipe(dice: Dice, shell: Shell) -> Part:
    x = dice.choice((-1, 1)) * (shell.width / 2 - 0.25)
    centre = (x, -shell.depth / 2 - 0.08, shell.height / 2)
    return Part(Shape.CYLINDER, centre, (0.06, 0.06, shell.height / 2), (METAL,))


def wall_poster(dice: Dice, shell: Shell) -> Part:
    """A large advertisement on the gable end."""
    side = dice.choice((-1, 1))
    size = min(dice.uniform(1.4, 2.6), shell.depth * 0.3, shell.height * 0.3)
    poster = Material(Texture.POSTERS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)))
    centre = (side * (shell.width / 2 + 0.05), dice.uniform(-0.15, 0.15) * shell.depth, shell.height * 0.55)
    return Part(Shape.BOX, centre, (0.05, size, size), (poster,))


def porch(dice: Dice, shell: Shell) -> list[Part]:
    x = dice.uniform(-0.25, 0.25) * shell.width
    y = -shell.depth / 2 - 0.8
    posts = [Part(Shape.BOX, (x + s * 1.15, y - 0.6, 1.25), (0.07, 0.07, 1.3), (shell.trim,)) for s in (-1, 1)]
    roof = Material(Texture.ROOF_TILES, dice.choice(ROOFS), period=2.6)
    return [
        *posts,
        Part(Shape.BOX, (x, y, 2.65), (1.45, 0.95, 0.08), (roof,), (0.0, 0.0, 0.16)),
        Part(Shape.BOX, (x, y, -0.9), (1.2, 0.75, 1.05), (shell.trim,)),
    ]


def garage(dice: Dice, shell: Shell) -> list[Part]:
    """Beside the house, its gate to the street."""
    side = dice.choice((-1, 1))
    half = (1.7, 2.8, 1.35 + BELOW / 2)
    gate = Material(Texture.DOORS, mapping=Mapping.UPRIGHT, cell=(4, 2, 4 + dice.integer(0, 3)))
    centre = (side * (shell.width / 2 + half[0]), -shell.depth / 2 + half[1] + 0.6, half[2] - BELOW)
    parts = [Part(Shape.BOX, centre, half, sides(shell.wall, FLAT_ROOF), anchor=shell.anchor)]
    front = (centre[0], centre[1] - half[1] - 0.02, 1.1)
    return [*parts, Part(Shape.BOX, front, (1.25, 0.04, 1.1), (gate,))]
