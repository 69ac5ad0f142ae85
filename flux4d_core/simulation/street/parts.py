"""What everything is made of: boxes, ellipsoids, cylinders and convex hulls, and what covers their faces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from jaxtyping import Float64

from flux4d_core.simulation.street.movement import Movement

Vector = tuple[float, float, float]
WHEEL_AT = 0.305
"""How far a car's axles are from its middle, as a share of its length: the tiles of car sides draw the arches there."""


class Shape(IntEnum):
    """Every shape fills [-1, 1] on its own axes once divided by its half sizes."""

    BOX = 0
    ELLIPSOID = 1
    CYLINDER = 2
    """About z, with flat ends."""
    HULL = 3
    """What lies behind all of a list of planes."""


class Side(IntEnum):
    """Faces by the axis they look along. An ellipsoid is all RIGHT; a cylinder's mantle too."""

    REAR = 0
    FRONT = 1
    RIGHT = 2
    LEFT = 3
    BOTTOM = 4
    TOP = 5


class Texture(IntEnum):
    """What surfaces can show; `looks/` draws one tile for each."""

    PLAIN = 0
    ASPHALT = 1
    WORN_ASPHALT = 2
    SLABS = 3
    COBBLES = 4
    GRASS = 5
    GRAVEL = 6
    BRICK = 7
    PLASTER = 8
    CONCRETE = 9
    STONE = 10
    PLANKS = 11
    ROOF_TILES = 12
    CORRUGATED = 13
    LEAVES = 14
    NEEDLES = 15
    BARK = 16
    WINDOWS = 17
    SHOPS = 18
    DOORS = 19
    POSTERS = 20
    SIGNS = 21
    CAR_SIDE = 22
    CAR_ENDS = 23
    CABIN = 24
    WHEEL = 25
    LATTICE = 26
    TRUCK_SIDE = 27
    CLOTH = 28
    NOISE = 29


class Mapping(IntEnum):
    """How a texture lies on a face."""

    TILED = 0
    """Repeats every `Material.period` metres."""
    UPRIGHT = 1
    """Once over the face, readable from outside."""
    ALONG = 2
    """Once over the face, its right towards the part's own front (or left)."""


@dataclass(frozen=True)
class Facade:
    """Windows in storeys and bays over a wall."""

    storey: float
    """Height of a storey (m)."""
    bay: float
    """Width of a bay (m)."""
    ground_storey: float
    """Height of the lowest storey (m)."""
    ground: float
    """Height of the ground above the wall's lower edge (m)."""
    window_width: float
    """Share of the bay."""
    window_height: float
    """Share of the storey."""
    style: int
    """Row of `Texture.WINDOWS`, 0 to 3."""
    shops: bool
    """The lowest storey is shop fronts."""
    lit: float
    """Share of windows with a lamp behind them."""
    number: int
    """Tells this facade's random windows from another's."""


@dataclass(frozen=True)
class Material:
    """What covers a face."""

    texture: Texture
    tint: Vector = (1.0, 1.0, 1.0)
    """Multiplies the albedo where the texture may be tinted (linear light)."""
    mapping: Mapping = Mapping.TILED
    period: float = 1.0
    """Metres a repetition, if tiled."""
    cell: tuple[int, int, int] = (1, 1, 0)
    """(columns, rows, which): the part of the texture that is used, if not tiled."""
    gloss: float = 0.0
    """How much of a mirror it is, 0 to 1, where the texture says it is glossy at all."""
    glow: float = 0.0
    """Light of its own, as a multiple of a sunlit white wall's."""
    retro: float = 0.0
    """Light sent straight back to a LiDAR beyond what albedo says, 0 to 1."""
    perforated: bool = False
    """Has holes where the texture's opacity says so."""
    facade: Facade | None = None


@dataclass(frozen=True)
class Plane:
    """All points p with normal . p <= offset lie behind it (own axes, metres)."""

    normal: Vector
    """Unit length."""
    offset: float
    side: Side
    """Which of the part's materials covers it, and along which axis the texture is projected."""


@dataclass(frozen=True)
class Joint:
    """A hinge about the owner's left axis that swings for ever.

    Its angle is rest + swing * sin(2 pi frequency t + phase).
    """

    pivot: Vector
    """In the owner's axes, with all hinges at angle 0 (m)."""
    rest: float = 0.0
    swing: float = 0.0
    """Radians; positive lifts what hangs below the pivot to the rear."""
    frequency: float = 1.0
    phase: float = 0.0


@dataclass(frozen=True)
class Part:
    """One solid."""

    shape: Shape
    centre: Vector
    """In the owner's axes, or in the street for scenery (m)."""
    half: Vector
    """Half sizes (m)."""
    materials: tuple[Material, ...]
    """One for all sides, or six in the order of `Side`."""
    rotation: Vector = (0.0, 0.0, 0.0)
    """Yaw, then pitch (nose down), then roll (left side up), each about the axes the one before has turned (rad)."""
    planes: tuple[Plane, ...] = ()
    """Of a hull."""
    joints: tuple[Joint, ...] = ()
    """At most two: what the part hangs on first (the hip), then the second (the knee)."""
    anchor: Vector = (0.0, 0.0, 0.0)
    """Added to own coordinates before tiled textures are laid, so that equal parts do not look alike (m)."""
    shade: float = 1.0
    """Share of the sky's light that reaches it."""

    def material(self, side: Side) -> Material:
        return self.materials[side if len(self.materials) > 1 else 0]

    def rotation_matrix(self) -> Float64[np.ndarray, "3 3"]:
        """Takes own axes to the owner's."""
        yaw, pitch, roll = self.rotation
        (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
        about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
        about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
        about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
        return about_z @ about_y @ about_x


@dataclass(frozen=True)
class Actor:
    """Something that moves, or could: a vehicle or a person."""

    kind: str
    """"car", "truck", "cyclist", "pedestrian", ..."""
    size: Vector
    """Length, width, height (m)."""
    parts: tuple[Part, ...]
    """In the actor's axes: x forward, y left, z up from the ground below its middle."""
    movement: Movement


def sides(walls: Material, top: Material, bottom: Material | None = None) -> tuple[Material, ...]:
    """Materials of a part whose four walls look alike."""
    return (walls, walls, walls, walls, bottom or top, top)


def placed(parts: list[Part], x: float, y: float, z: float, yaw: float) -> list[Part]:
    """Parts drawn about an origin, standing in the street. Their own rotation must not have joints."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return [
        replace(
            part,
            centre=(
                float(x + cos * part.centre[0] - sin * part.centre[1]),
                float(y + sin * part.centre[0] + cos * part.centre[1]),
                z + part.centre[2],
            ),
            rotation=(part.rotation[0] + yaw, *part.rotation[1:]),
        )
        for part in parts
    ]
