"""Which Gaussians move together: actors, with boxes and speeds. The one owner of grouping.

Label-free: Gaussians faster than a threshold, carried to one common time, are linked where both position and velocity
agree with a neighbour's; linked sets of some size are actors (single linkage, as DBSCAN with every point a core).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from torch import Tensor

from flux4d_core.geometry import yaw_to_rotation
from flux4d_core.motion import advance, speeds
from flux4d_core.types import Gaussians

MAX_YAW_RATE = 1.0
MIN_YAW_RATE = 0.03
"""Faster than what a car does, and slower than what can be told from noise (rad/s)."""


@dataclass(frozen=True)
class ActorConfig:
    """When Gaussians count as one moving thing."""

    min_speed: float = 1.0
    """Slower Gaussians stand (m/s)."""
    distance: float = 0.9
    """Gaussians of one actor have a neighbour within this distance (m) ..."""
    velocity_difference: float = 3.0
    """... whose velocity differs by less than this (m/s), both together in one ellipsoid."""
    min_gaussians: int = 30
    """Smaller groups are noise, not actors."""


@dataclass(frozen=True)
class Actor:
    """A rigid group of moving Gaussians and the box around it."""

    name: str
    time: float
    """When `box_to_world` holds (s)."""
    box_to_world: Float[Tensor, "4 4"]
    """x along the length (direction of travel), y to its left, z up; origin at the box's centre."""
    size: Float[Tensor, "3"]
    """Length, width, height (m)."""
    velocity: Float[Tensor, "3"]
    """At `time`, in the world (m/s)."""
    acceleration: Float[Tensor, "3"]
    """In the world (m/s^2)."""
    count: int
    """How many Gaussians belong to it."""
    yaw_rate: float = 0.0
    """How fast it turns about its centre, counterclockwise (rad/s)."""

    @property
    def speed(self) -> float:
        """At `time` (m/s)."""
        return float(self.velocity.norm())

    def center_at(self, time: float) -> Float[Tensor, "3"]:
        """Where the box's centre is at another time (m)."""
        dt = time - self.time
        return self.box_to_world[:3, 3] + self.velocity * dt + 0.5 * self.acceleration * dt * dt

    def pose_at(self, time: float) -> Float[Tensor, "4 4"]:
        """box_to_world at another time."""
        pose = self.box_to_world.clone()
        pose[:3, :3] = yaw_to_rotation(torch.tensor(self.yaw_rate * (time - self.time))) @ pose[:3, :3]
        pose[:3, 3] = self.center_at(time)
        return pose


@dataclass(frozen=True)
class Grouping:
    """Every Gaussian's actor."""

    actors: tuple[Actor, ...]
    """The largest first."""
    actor_index: Int[Tensor, "N"]
    """Position in `actors`; -1: stands, or belongs to no actor."""


def find_actors(gaussians: Gaussians, config: ActorConfig, given: Int[Tensor, "N"] | None = None) -> Grouping:
    """Group moving Gaussians by position and motion.

    Args:
        given: Which known actor each belongs to, from 0; -1: not known. Those keep together whatever their position and
            motion, and take along what is linked to them; the rest is grouped as if nothing were given.
    """
    gaussians = gaussians.detach().to("cpu")
    label = torch.full((len(gaussians),), -1) if given is None else given.cpu().clone()
    first_linked = int(label.max()) + 1 if len(label) > 0 else 0
    time = float(gaussians.times.median()) if len(gaussians) > 0 else 0.0
    moving = ((speeds(gaussians) > config.min_speed) | (label >= 0)).nonzero().squeeze(1)
    if len(moving) > 0:
        features = _features(gaussians[moving], time, config)
        group = torch.from_numpy(link(features)).long()
        label[moving] = _joined(label[moving], group, features)
    sizes = torch.bincount(label + 1)[1:]
    fewest = torch.where(torch.arange(len(sizes)) < first_linked, 1, config.min_gaussians)
    order = [
        number for number in sizes.argsort(descending=True, stable=True).tolist() if sizes[number] >= fewest[number]
    ]
    actor_index, actors = torch.full_like(label, -1), []
    for position, number in enumerate(order):
        members = (label == number).nonzero().squeeze(1)
        actor_index[members] = position
        actors.append(_actor(f"actor {position + 1}", gaussians[members], time))
    return Grouping(tuple(actors), actor_index)


def _features(gaussians: Gaussians, time: float, config: ActorConfig) -> np.ndarray:
    """Place at `time` and velocity, in units of what is linked."""
    now = advance(gaussians, time)
    return torch.cat([now.means / config.distance, now.velocities / config.velocity_difference], -1).numpy()


def link(features: Float[np.ndarray, "M K"]) -> np.ndarray:
    """The group (0, 1, ...) of every point: those closer than 1 are linked. Near-identical ones are merged first."""
    cells, member = np.unique(np.floor(features * 3).astype(np.int64), axis=0, return_inverse=True)
    member = member.reshape(-1)
    counts = np.bincount(member, minlength=len(cells))
    middles = np.stack([np.bincount(member, column) / counts for column in features.T], -1)
    pairs = KDTree(middles).query_pairs(1.0, output_type="ndarray")
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(cells), len(cells)))
    return connected_components(graph, directed=False)[1][member]


def _joined(given: Int[Tensor, "M"], group: Int[Tensor, "M"], features: Float[np.ndarray, "M 6"]) -> Int[Tensor, "M"]:
    """Known actors, then linked groups as further ones; in a group with known ones the rest go with the nearest."""
    known = given >= 0
    label = torch.where(known, given, group + 1 + given.max())
    led = ~known & torch.isin(group, group[known])
    if led.any():
        # the group as a seventh feature: no other group's member is ever nearest
        apart = np.column_stack([features, group.numpy() * 1e6])
        _, nearest = KDTree(apart[known.numpy()]).query(apart[led.numpy()])
        label[led] = given[known][torch.from_numpy(nearest)]
    return label


def _actor(name: str, members: Gaussians, time: float) -> Actor:
    """The box of one group at `time`, turned into its direction of travel."""
    now = advance(members, time)
    velocity = now.velocities.median(0).values
    acceleration = members.accelerations.median(0).values
    heading = torch.atan2(velocity[1], velocity[0])
    forward = torch.stack([heading.cos(), heading.sin(), torch.zeros(())])
    left = torch.stack([-heading.sin(), heading.cos(), torch.zeros(())])
    axes = torch.stack([forward, left, torch.tensor([0.0, 0.0, 1.0])], -1)
    along = now.means @ axes
    bounds = torch.quantile(along[:: max(1, len(along) // 100_000)], torch.tensor([0.02, 0.98]), dim=0)
    box_to_world = torch.eye(4)
    box_to_world[:3, :3] = axes
    box_to_world[:3, 3] = axes @ bounds.mean(0)
    size = (bounds[1] - bounds[0]).clamp(min=0.1)
    rate = yaw_rate(now.means, now.velocities)
    return Actor(name, time, box_to_world, size, velocity, acceleration, len(members), rate)


def yaw_rate(means: Float[Tensor, "N 3"], velocities: Float[Tensor, "N 3"]) -> float:
    """How fast a rigid group turns about its middle (rad/s); 0 where that cannot be told from noise.

    The least-squares solution of v_i - v = w x r_i in the ground plane, r_i from the middle.
    """
    arm, relative = means - means.mean(0), velocities - velocities.mean(0)
    turning = (arm[:, 0] * relative[:, 1] - arm[:, 1] * relative[:, 0]).sum()
    rate = float(turning / arm[:, :2].square().sum().clamp(min=1e-6))
    return math.copysign(min(abs(rate), MAX_YAW_RATE), rate) if abs(rate) >= MIN_YAW_RATE else 0.0
