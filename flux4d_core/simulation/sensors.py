"""The sensors of one vehicle: which cameras and LiDAR it carries, how they are mounted and what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.light.picture import Response

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class CameraMount:
    """One camera on the vehicle."""

    name: str
    camera_to_ego: Matrix
    """(4, 4)."""
    K: Matrix
    """(3, 3), pixels."""
    delay: float
    """Seconds from a sweep's own time to the exposure."""
    response: Response


@dataclass(frozen=True)
class LidarMount:
    """The LiDAR on the vehicle."""

    model: str
    lidar_to_ego: Matrix
    elevations: tuple[float, ...]
    """Radians above the LiDAR's own horizon, from the lowest beam to the highest."""
    azimuths: tuple[float, ...]
    """Radians by which each beam leads the turning head."""
    order: tuple[int, ...]
    """When in a column each beam fires: 0 first."""
    columns: int
    """Firings of every beam a turn."""
    turn: float
    """+1: counter-clockwise seen from above; -1: clockwise."""
    start: float
    """Azimuth at which a turn begins (rad)."""
    max_range: float
    """Metres beyond which nothing returns."""
    dark_range: float
    """Metres at which a surface that reflects a tenth of the light returns every second time."""
    range_noise: float
    """Standard deviation (m)."""
    lost: float
    """Share of returns lost without a reason."""


@dataclass(frozen=True)
class Rig:
    """All sensors."""

    cameras: tuple[CameraMount, ...]
    lidar: LidarMount
    rate: float
    """Turns, and images of every camera, per second."""


_LAYOUTS: dict[int, tuple[tuple[tuple[str, float], ...], ...]] = {
    1: ((("front", 0),),),
    2: ((("front_left", 0), ("front_right", 0)), (("front", 0), ("rear", 180))),
    3: ((("front", 0), ("front_left", 55), ("front_right", -55)),),
    4: ((("front", 0), ("left", 90), ("right", -90), ("rear", 180)),),
    5: ((("front", 0), ("front_left", 48), ("front_right", -48), ("left", 100), ("right", -100)),),
    6: ((("front", 0), ("front_left", 55), ("front_right", -55), ("left", 110), ("right", -110), ("rear", 180)),),
}
"""Names and yaws (degrees)."""


def build_rig(seed: int, config: SimulationConfig) -> Rig:
    """The sensors that a seed gives, where the config leaves them open."""
    dice = Dice(seed, "sensors")
    count, rate = dice.integer(1, 6), round(dice.uniform(5, 20), 2)
    rate = config.rate if config.rate is not None else rate
    cameras = _cameras(Dice(seed, "cameras"), config, config.cameras if config.cameras is not None else count)
    return Rig(cameras, _lidar(Dice(seed, "lidar"), config), rate)


def _cameras(dice: Dice, config: SimulationConfig, count: int) -> tuple[CameraMount, ...]:
    height, ahead = dice.uniform(1.25, 2.05), dice.uniform(0.4, 1.9)
    view = dice.uniform(48, 100)
    view = config.field_of_view if config.field_of_view is not None else view
    pitch, delay, baseline = dice.uniform(-2.5, 3.5), dice.uniform(0.0, 0.02), dice.uniform(0.3, 0.6)
    noise = dice.uniform(0.001, 0.008) * config.noise
    mounts = []
    layout = dice.choice(_LAYOUTS[count])
    for number, (name, yaw) in enumerate(layout):
        own = Dice(dice.integer(0, 2**31), name)
        radians = math.radians(yaw + own.uniform(-2, 2) * (count != 2))
        x = ahead * math.cos(radians) if abs(yaw) < 170 else -1.0
        is_stereo = count == 2 and yaw == 0 and layout[1][1] == 0
        y = baseline * (0.5 - number) if is_stereo else 0.45 * math.sin(radians)
        tilt = math.radians(pitch + own.uniform(-0.7, 0.7))
        spread = config.noise
        exposure = 1 + spread * own.uniform(-0.06, 0.06)
        warmth = spread * own.uniform(-0.025, 0.025)
        gains = (exposure * (1 + warmth), exposure, exposure * (1 - warmth))
        mounts.append(
            CameraMount(
                name=name,
                camera_to_ego=_camera_pose((x, y, height + own.uniform(-0.05, 0.05)), radians, tilt),
                K=_intrinsics(own, config, view * own.uniform(0.97, 1.03)),
                delay=delay + own.uniform(0.0, 0.012),
                response=Response(gains, noise),
            )
        )
    return tuple(mounts)


def _intrinsics(dice: Dice, config: SimulationConfig, view: float) -> Matrix:
    focal = 0.5 * config.width / math.tan(math.radians(view) / 2)
    u = config.width * (0.5 + dice.uniform(-0.012, 0.012))
    v = config.height * (0.5 + dice.uniform(-0.03, 0.03))
    return ((focal, 0.0, u), (0.0, focal * dice.uniform(0.998, 1.002), v), (0.0, 0.0, 1.0))


def _camera_pose(position: tuple[float, float, float], yaw: float, down: float) -> Matrix:
    """x right, y down, z forward; looking along `yaw`, nose down by `down`."""
    forward = np.array([math.cos(yaw) * math.cos(down), math.sin(yaw) * math.cos(down), -math.sin(down)])
    right = np.array([math.sin(yaw), -math.cos(yaw), 0.0])
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, np.cross(forward, right), forward, position
    return tuple(tuple(float(v) for v in row) for row in pose)


def _lidar(dice: Dice, config: SimulationConfig) -> LidarMount:
    by_seed = dice.choice((16, 32, 40, 64, 128), (0.16, 0.24, 0.12, 0.34, 0.14))
    beams = config.beams if config.beams is not None else by_seed
    model, degrees = _beam_table(dice, beams)
    columns = dice.choice((900, 1024, 1200, 1500, 1800, 2083, 2250))
    while beams * columns > 180_000 and columns > 900:
        columns = int(columns * 0.8)
    lead = math.radians(dice.choice((0.0, 0.0, 1.4, 3.2)))
    azimuths = tuple(lead * (-1.5 + number % 4) / 1.5 for number in range(beams))
    order = (
        tuple(range(beams))
        if dice.chance(0.5)
        else tuple((number * 2) % beams + (number * 2) // beams for number in range(beams))
    )
    tilt = (
        math.radians(dice.uniform(-0.8, 0.8)),
        math.radians(dice.uniform(-1.0, 1.5)),
        math.radians(dice.uniform(-180, 180)),
    )
    max_range = dice.uniform(80, 200)
    return LidarMount(
        model=model,
        lidar_to_ego=_lidar_pose((dice.uniform(-0.4, 1.1), dice.uniform(-0.05, 0.05), dice.uniform(1.65, 2.25)), tilt),
        elevations=tuple(math.radians(d) for d in degrees),
        azimuths=azimuths,
        order=order,
        columns=columns,
        turn=1.0 if dice.chance(0.4) else -1.0,
        start=math.radians(dice.choice((180.0, 180.0, 0.0, 90.0)) + dice.uniform(-10, 10)) - tilt[2],
        max_range=max_range,
        dark_range=max_range * dice.uniform(0.45, 0.85),
        range_noise=dice.uniform(0.01, 0.05) * config.noise,
        lost=dice.uniform(0.0, 0.03) * min(config.noise, 5.0),
    )


def _lidar_pose(position: tuple[float, float, float], tilt: tuple[float, float, float]) -> Matrix:
    """Roll, then pitch, then yaw: a LiDAR's own x axis may point anywhere."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a), math.sin(a)) for a in tilt)
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = about_x @ about_y @ about_z, position
    return tuple(tuple(float(v) for v in row) for row in pose)


def _beam_table(dice: Dice, beams: int) -> tuple[str, tuple[float, ...]]:
    """Name and elevations (degrees, rising) of a LiDAR with that many beams, after the data sheets of real ones."""
    even = _even(-24.0, 4.0, beams)
    tables: dict[int, tuple[tuple[str, tuple[float, ...]], ...]] = {
        16: (("16 even", _even(-15, 15, 16)), ("16 even", _even(-22, 4, 16))),
        32: (("32 dense centre", _VLP32), ("32 even", _even(-30.67, 10.67, 32)), ("32 wide", _even(-22.5, 22.5, 32))),
        40: (("40 dense centre", _stepped(((-16, -6, 1.0), (-6, 2, 1 / 3), (2, 8, 1.0)), 40)),),
        64: (
            ("64 two blocks", (*_even(-24.33, -8.83, 32), *_even(-8.33, 2.0, 32))),
            (
                "64 dense centre",
                _stepped(((-25, -13, 6.0), (-13, -6, 1.0), (-6, 2, 1 / 6), (2, 3, 1.0), (3, 15, 3.0)), 64),
            ),
            ("64 even", _even(-22.5, 22.5, 64)),
        ),
        128: (
            ("128 even", _even(-22.5, 22.5, 128)),
            ("128 dense centre", _stepped(((-25, -10, 0.8), (-10, -6, 0.3), (-6, 3, 0.11), (3, 15, 0.9)), 128)),
        ),
    }
    return dice.choice(tables.get(beams, ((f"{beams} even", even),)))


_VLP32 = (
    -25.0,
    -15.639,
    -11.31,
    -8.843,
    -7.254,
    -6.148,
    -5.333,
    -4.667,
    -4.0,
    -3.667,
    -3.333,
    -3.0,
    -2.667,
    -2.333,
    -2.0,
    -1.667,
    -1.333,
    -1.0,
    -0.667,
    -0.333,
    0.0,
    0.333,
    0.667,
    1.0,
    1.333,
    1.667,
    2.333,
    3.333,
    4.667,
    7.0,
    10.333,
    15.0,
)
"""Velodyne VLP-32C, user manual 63-9325."""


def _even(low: float, high: float, beams: int) -> tuple[float, ...]:
    return tuple(low + (high - low) * number / (beams - 1) for number in range(beams))


def _stepped(ranges: tuple[tuple[float, float, float], ...], beams: int) -> tuple[float, ...]:
    """Elevations with a different step in each range, stretched to the wanted number of beams."""
    steps = [low + step * k for low, high, step in ranges for k in range(max(1, round((high - low) / step)))]
    steps.append(ranges[-1][1])
    places = np.interp(np.linspace(0, len(steps) - 1, beams), np.arange(len(steps)), steps)
    return tuple(float(place) for place in places)
