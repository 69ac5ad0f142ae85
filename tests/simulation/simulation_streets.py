"""Streets small enough to know the answers by heart."""

from __future__ import annotations

import math
from collections.abc import Callable

from flux4d_core.simulation.light.picture import Response
from flux4d_core.simulation.sensors import CameraMount, LidarMount, Rig
from flux4d_core.simulation.simulate import Simulation
from flux4d_core.simulation.street.ground import Ground, Profile, Road
from flux4d_core.simulation.street.look import choose_look
from flux4d_core.simulation.street.movement import Movement
from flux4d_core.simulation.street.parts import Actor, Material, Part, Shape, Texture
from flux4d_core.simulation.street.paving import Paving, Surface
from flux4d_core.simulation.street.routes import Arc, Route
from flux4d_core.simulation.street.street import Street

CAMERA_HEIGHT = 1.5
BRICK = Material(Texture.BRICK, (0.5, 0.3, 0.2), period=2.0)

MakeSimulation = Callable[..., Simulation]


def straight(x: float, y: float, heading: float = 0.0) -> Route:
    """A straight route from a point."""
    return Route(x, y, heading, (Arc(1000.0),))


def block_car(route: Route, speed: float, **movement: object) -> Actor:
    """A car that is one box: 4 m long, 2 m wide, 1.5 m high."""
    body = Part(Shape.BOX, (0.0, 0.0, 0.75), (2.0, 1.0, 0.75), (BRICK,))
    return Actor("car", (4.0, 2.0, 1.5), (body,), Movement(route, 0.0, speed, **movement))  # pyright: ignore[reportArgumentType]


def flat_street(parts: list[Part], actors: list[Actor], ego: Movement) -> Street:
    """A level road 20 m wide without kerbs."""
    gray = Surface(Texture.ASPHALT, (0.2, 0.2, 0.2), 4.0)
    paving = Paving(gray, gray, gray, gray, gray, gray, 0.15, 2.0, (), (), 0.5)
    road = Road(straight(-500.0, 0.0), 10.0)
    ground = Ground(Profile.through(((0.0, 0.0),)), (road,), kerb=0.0)
    return Street(7, ground, paving, choose_look(7), tuple(parts), tuple(actors), ego)


def plain_rig(beams: int = 32, rate: float = 10.0) -> Rig:
    """One perfect camera looking straight ahead and one perfect LiDAR straight above it."""
    forward = ((0.0, 0.0, 1.0, 0.0), (-1.0, 0.0, 0.0, 0.0), (0.0, -1.0, 0.0, CAMERA_HEIGHT), (0.0, 0.0, 0.0, 1.0))
    camera = CameraMount("front", forward, ((100.0, 0.0, 80.0), (0.0, 100.0, 45.0), (0.0, 0.0, 1.0)), 0.0, Response())
    upright = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.8), (0.0, 0.0, 0.0, 1.0))
    elevations = tuple(math.radians(-20 + 25 * number / (beams - 1)) for number in range(beams))
    lidar = LidarMount(
        model="plain",
        lidar_to_ego=upright,
        elevations=elevations,
        azimuths=(0.0,) * beams,
        order=tuple(range(beams)),
        columns=720,
        turn=1.0,
        start=math.pi,
        max_range=100.0,
        dark_range=200.0,
        range_noise=0.0,
        lost=0.0,
    )
    return Rig((camera,), lidar, rate)
