"""Turns of the LiDAR: when and where every beam is fired, what comes back, and the truth about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flux4d_core.simulation.dice import Dice
from flux4d_core.simulation.light.renderer import FlatHits, Renderer
from flux4d_core.simulation.rays.bundles import Bundles
from flux4d_core.simulation.rays.casting import GROUND
from flux4d_core.simulation.rays.solids import Instants, When
from flux4d_core.simulation.sensors import LidarMount
from flux4d_core.simulation.street.movement import Movements, differentiate, times_around
from flux4d_core.types import SweepTruth

_SIDE = 16
"""Columns and beams of a bundle."""
_OWN_VEHICLE = 1.3
"""Metres within which returns are the vehicle's own, and are left out."""


@dataclass(frozen=True)
class Returns:
    """What came back, in the street and in the order of firing."""

    points: Float[Tensor, "n 3"]
    times: Float[Tensor, "n"]
    intensities: Float[Tensor, "n"]
    truth: SweepTruth


@dataclass(frozen=True)
class _Firings:
    """C columns of B beams, flattened column by column, beams in order of elevation."""

    times: Float[Tensor, "CB"]
    """Float64 (s)."""
    azimuths: Float[Tensor, "CB"]
    elevations: Float[Tensor, "CB"]


@dataclass(frozen=True)
class Turn:
    """One sweep to be made."""

    middle: float
    """Its own time (s)."""
    dice: Dice
    """Decides noise and lost returns."""


def scan(renderer: Renderer, lidar: LidarMount, ego: Movements, period: float, turns: list[Turn]) -> list[Returns]:
    """Turns of the LiDAR; everything that moves is met where it is when each beam is fired."""
    device = renderer.device
    instants = renderer.solids.at([turn.middle for turn in turns])
    slots = _slots(lidar.columns, len(lidar.elevations), device)
    firings = [_fire(lidar, turn.middle, period, device) for turn in turns]
    bundles = _aim(lidar, firings, ego, slots, instants)
    hits = renderer.cast(bundles)
    own = _in_order(slots, lidar.columns * len(lidar.elevations))
    own = torch.cat([own + number * slots.numel() for number in range(len(turns))])
    hits = hits[own]
    reflectance, gloss = renderer.reflectance(hits)
    results = []
    for number, turn in enumerate(turns):
        part = slice(number * len(firings[0].times), (number + 1) * len(firings[0].times))
        echo = _Echo(hits[part], reflectance[part], gloss[part])
        results.append(_returns(renderer, lidar, echo, firings[number], turn.dice))
    return results


@dataclass(frozen=True)
class _Echo:
    """What the firings of one turn met, in the order of firings."""

    hits: FlatHits
    reflectance: Float[Tensor, "CB"]
    gloss: Float[Tensor, "CB"]


def _fire(lidar: LidarMount, middle: float, period: float, device: torch.device) -> _Firings:
    """The head turns evenly; the beams of a column fire one after another while it does."""
    num_beams = len(lidar.elevations)
    columns = torch.arange(lidar.columns, dtype=torch.float64, device=device)[:, None]
    order = torch.tensor(lidar.order, dtype=torch.float64, device=device)
    turned = (columns + (order + 0.5) / num_beams) / lidar.columns
    times = middle + (turned - 0.5) * period
    azimuths = lidar.start + lidar.turn * 2 * math.pi * turned + torch.tensor(lidar.azimuths, device=device)
    elevations = torch.tensor(lidar.elevations, dtype=torch.float64, device=device).expand_as(times)
    return _Firings(times.reshape(-1), azimuths.reshape(-1), elevations.reshape(-1))


def _slots(columns: int, beams: int, device: torch.device) -> Tensor:
    """(bundles, rays): which firing each ray of each bundle is; over the edges the last is repeated."""
    column = torch.arange(0, columns, _SIDE, device=device)[:, None, None, None]
    beam = torch.arange(0, beams, _SIDE, device=device)[None, :, None, None]
    within = torch.arange(_SIDE, device=device)
    column = (column + within[:, None]).clamp(max=columns - 1)
    beam = (beam + within[None, :]).clamp(max=beams - 1)
    return (column * beams + beam).reshape(-1, _SIDE * _SIDE)


def _aim(
    lidar: LidarMount, firings: list[_Firings], ego: Movements, slots: Int[Tensor, "B R"], instants: Instants
) -> Bundles:
    """Rays of all turns, from where the vehicle is when each beam fires."""
    times = torch.cat([turn.times[slots] for turn in firings])
    azimuths = torch.cat([turn.azimuths[slots] for turn in firings])
    elevations = torch.cat([turn.elevations[slots] for turn in firings])
    groups = torch.arange(len(firings), device=slots.device).repeat_interleave(len(slots))
    moments = (times.amin(1) + times.amax(1)) / 2
    elapsed = (times - moments[:, None])[:, :, None]
    nobody = torch.zeros(3 * len(moments), dtype=torch.long, device=slots.device)
    rotations, positions = ego.poses(nobody, times_around(moments))
    path = differentiate(*torch.cat([rotations, positions[:, :, None]], 2).chunk(3))
    mount = torch.tensor(lidar.lidar_to_ego, dtype=torch.float64, device=slots.device)
    level = elevations.cos()
    own = torch.stack([level * azimuths.cos(), level * azimuths.sin(), elevations.sin()], 2) @ mount[:3, :3].T
    head = mount[:3, 3].expand_as(own)
    origins, directions = torch.zeros_like(own), torch.zeros_like(own)
    # Over a bundle's few milliseconds the vehicle's motion is its Taylor polynomial.
    for pose, power in ((path.pose, 1.0), (path.first, elapsed), (path.second, 0.5 * elapsed * elapsed)):
        rotation = pose[:, :, :3].transpose(1, 2)
        origins = origins + (head @ rotation + pose[:, None, :, 3]) * power
        directions = directions + (own @ rotation) * power
    directions = torch.nn.functional.normalize(directions, dim=2)
    return Bundles(
        origins=origins.transpose(1, 2).float().contiguous(),
        directions=directions.transpose(1, 2).float().contiguous(),
        when=When(instants, groups, moments),
        elapsed=elapsed[:, :, 0].float(),
        spacing=torch.full_like(moments, 2 * math.pi / lidar.columns).float(),
    )


def _in_order(slots: Int[Tensor, "B R"], num_firings: int) -> Int[Tensor, "firings"]:
    """For each firing, the place among the bundles' rays where it was cast."""
    place = torch.zeros(num_firings, dtype=torch.long, device=slots.device)
    flat = slots.reshape(-1)
    return place.scatter_(0, flat, torch.arange(len(flat), device=slots.device))


def _comes_back(lidar: LidarMount, echo: _Echo, uniform: Float[Tensor, "CB"]) -> Bool[Tensor, "CB"]:
    """The echo of a diffuse surface falls with the square of the range; glass and wet roads send it elsewhere."""
    ranges = echo.hits.ranges
    reach = lidar.dark_range * (echo.reflectance / 0.1).clamp(min=1e-4).sqrt()
    seen = torch.sigmoid((reach / ranges - 1) * 7)
    elsewhere = 0.85 * ((echo.gloss - 0.45) / 0.55).clamp(0, 1)
    chance = seen * (1 - elsewhere) * (1 - lidar.lost) if lidar.range_noise > 0 else (ranges < reach * 2).float()
    return (ranges > _OWN_VEHICLE) & (ranges < lidar.max_range) & (uniform < chance)


def _returns(renderer: Renderer, lidar: LidarMount, echo: _Echo, firings: _Firings, dice: Dice) -> Returns:
    """The echoes that come back, measured, in the order of time."""
    count, device = len(firings.times), renderer.device
    uniform = torch.from_numpy(dice.uniforms(count)).to(device)
    normal = torch.from_numpy(dice.normals(2 * count)).reshape(2, count).to(device).float()
    (index,) = torch.nonzero(_comes_back(lidar, echo, uniform), as_tuple=True)
    index = index[torch.argsort(firings.times[index], stable=True)]
    hits, normal = echo.hits[index], normal[:, index]
    exact = hits.origins + hits.ranges[:, None] * hits.directions
    measured = exact + (lidar.range_noise * normal[0])[:, None] * hits.directions
    motion = renderer.solids.surface_motion(hits.parts, hits.when, exact)
    strength = (echo.reflectance[index] * 1.3) ** 0.8 + (0.03 * normal[1] if lidar.range_noise > 0 else 0.0)
    truth = SweepTruth(
        velocities=motion.velocities,
        accelerations=motion.accelerations,
        actor_ids=renderer.solids.actors_of(hits.parts),
        on_ground=hits.parts == GROUND,
    )
    return Returns(measured, firings.times[index].float(), strength.clamp(0, 1), truth)
