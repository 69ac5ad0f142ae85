"""One building at a time, drawn about the middle of its ground plan: its front looks to the right (-y)."""

from __future__ import annotations

from dataclasses import dataclass

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.street.house_parts import (
    BELOW,
    PLASTERS,
    TRIM,
    Shell,
    awnings,
    balconies,
    bands,
    body,
    build_shell,
    downpipe,
    flat_top,
    gable,
    garage,
    porch,
    wall_poster,
)
from flux4d_core.simulation.street.parts import (
    Facade,
    Mapping,
    Material,
    Part,
    Shape,
    Texture,
)


@dataclass(frozen=True)
class House:
    """Ground plan, height and parts of one building."""

    width: float
    depth: float
    height: float
    parts: tuple[Part, ...]


def town_house(dice: Dice, number: int, storeys: tuple[int, int]) -> House:
    """A house of several storeys, wall to wall with its neighbours, often with shops."""
    width, depth = dice.uniform(8.5, 19), dice.uniform(9, 13)
    floors = dice.integer(*storeys)
    shell = build_shell(dice, number, (width, depth), floors, shops=dice.chance(0.55))
    parts = [body(shell), *bands(dice, shell)]
    if dice.chance(0.42):
        parts += gable(dice, shell, along=True)
    else:
        parts += flat_top(dice, shell)
    if shell.facade.shops and dice.chance(0.6):
        parts += awnings(dice, shell)
    if dice.chance(0.45):
        parts += balconies(dice, shell, floors)
    if dice.chance(0.6):
        parts.append(downpipe(dice, shell))
    if dice.chance(0.25):
        parts.append(wall_poster(dice, shell))
    return House(width, depth, shell.height, tuple(parts))


def detached_house(dice: Dice, number: int) -> House:
    """One family, one or two storeys, a pitched roof, a porch or a garage."""
    width, depth = dice.uniform(8, 13), dice.uniform(7.5, 10.5)
    shell = build_shell(dice, number, (width, depth), dice.choice((1, 2, 2)), shops=False)
    parts = [body(shell), *gable(dice, shell, along=dice.chance(0.65))]
    if dice.chance(0.5):
        parts += porch(dice, shell)
    if dice.chance(0.55):
        parts += garage(dice, shell)
    return House(width, depth, shell.height, tuple(parts))


def apartment_block(dice: Dice, number: int) -> House:
    """A long slab with balconies."""
    width, depth = dice.uniform(18, 34), dice.uniform(10, 13)
    floors = dice.integer(3, 8)
    shell = build_shell(dice, number, (width, depth), floors, shops=dice.chance(0.2))
    parts = [body(shell), *flat_top(dice, shell), *balconies(dice, shell, floors)]
    return House(width, depth, shell.height, tuple(parts))


def hall(dice: Dice, number: int) -> House:
    """A supermarket, workshop or office: wide, low, flat, with a sign."""
    width, depth = dice.uniform(20, 42), dice.uniform(14, 24)
    style = dice.choice((2, 3))
    height = dice.uniform(5, 9)
    wall = dice.choice(
        (
            Material(
                Texture.CORRUGATED,
                dice.choice(((0.55, 0.57, 0.60), (0.34, 0.42, 0.52), (0.60, 0.54, 0.44))),
                period=3.0,
            ),
            Material(Texture.CONCRETE, (0.52, 0.51, 0.49), period=5.0),
            Material(Texture.PLASTER, dice.choice(PLASTERS), period=6.0),
        )
    )
    facade = Facade(
        height,
        dice.uniform(2.6, 5.0),
        height,
        BELOW,
        dice.uniform(0.6, 0.92),
        dice.uniform(0.3, 0.6),
        style,
        False,
        0.5,
        number,
    )
    anchor = (dice.uniform(0, 9), dice.uniform(0, 9), dice.uniform(0, 9))
    shell = Shell(width, depth, height, facade, wall, Material(Texture.PLAIN, dice.choice(TRIM)), anchor)
    parts = [body(shell), *flat_top(dice, shell)]
    sign = Material(Texture.POSTERS, mapping=Mapping.UPRIGHT, cell=(4, 4, dice.integer(0, 15)), glow=0.05)
    size = dice.uniform(1.0, 1.7)
    parts.append(
        Part(
            Shape.BOX,
            (dice.uniform(-0.3, 0.3) * width, -depth / 2 - 0.12, height - size * 0.35),
            (size * 1.6, 0.1, size),
            (sign,),
        )
    )
    return House(width, depth, height, tuple(parts))
