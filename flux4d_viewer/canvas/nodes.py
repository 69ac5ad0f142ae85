"""A scene as things that move rigidly, which is the only motion a page can show without being sent the splats again.

Everything that stands is one node, every actor one, and the rest of what moves is gathered into clusters of like
motion. Runs in the worker, once a scene; the canvas then only moves what it was given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from scipy.cluster.vq import kmeans2, vq
from torch import Tensor

from flux4d_core.geometry import yaw_to_rotation
from flux4d_core.motion import advance, speeds
from flux4d_core.scene.actors import Actor, yaw_rate
from flux4d_core.scene.edit.course import Course
from flux4d_core.scene.edit.operations import scene_actor_id
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Gaussians
from flux4d_viewer.canvas.splats import SplatCloud, pack
from flux4d_viewer.canvas.tinting import Tint, origins_of, tinted

STILL = 0.5
"""What is slower stands, for good (m/s)."""
MAX_ACTORS = 72
"""Actors with a node of their own, the largest first; the rest join the clusters. Keeps the page below 200 nodes."""
MAX_CLUSTERS = 120
MIN_CLUSTER = 40
"""Gaussians per cluster, on average at least."""
POSITION_WEIGHT = 0.2
"""How much a metre counts against a metre per second when clusters are formed."""


@dataclass(frozen=True)
class Motion:
    """A rigid path: a constant acceleration of the middle, and a constant turn about z."""

    anchor: float
    """When `center` holds and the yaw is 0 (s)."""
    center: Float64[ndarray, "3"]
    velocity: Float64[ndarray, "3"]
    """At the anchor (m/s)."""
    acceleration: Float64[ndarray, "3"]
    """(m/s^2)."""
    yaw_rate: float = 0.0
    """(rad/s)."""

    @property
    def speed(self) -> float:
        """At the anchor (m/s)."""
        return float(np.linalg.norm(self.velocity))

    def position_at(self, time: float) -> Float64[ndarray, "3"]:
        """The middle at another time (m)."""
        dt = time - self.anchor
        return self.center + self.velocity * dt + 0.5 * self.acceleration * dt * dt

    def yaw_at(self, time: float) -> float:
        """How far it has turned since the anchor (rad)."""
        return self.yaw_rate * (time - self.anchor)


@dataclass(frozen=True)
class MovingNode:
    """Gaussians that move as one."""

    gaussians: Gaussians
    """On the CPU."""
    motion: Motion
    actor: Actor | None
    """None for a cluster of what belongs to no actor."""
    id: str = ""
    """The actor's, by which edits name it."""
    course: Course = field(default_factory=Course)
    """How edits changed where it is."""
    index: Int64[Tensor, "M"] = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    """Positions of its Gaussians in the scene; empty if edits made or changed them."""

    def pose_at(self, time: float) -> Float64[ndarray, "4 4"]:
        """Its frame in the world at `time` (s), after the edits."""
        source, motion = self.course.at(time)
        pose = np.eye(4)
        pose[:3, :3] = yaw_to_rotation(torch.tensor(self.motion.yaw_at(source))).numpy()
        pose[:3, 3] = self.motion.position_at(source)
        return motion @ pose

    def splats_at(self, moment: float, tint: Tint, errors: Float[Tensor, "N"] | None = None) -> SplatCloud:
        """Its splats exactly as they are at `moment`, in its frame then; `errors`: of the whole scene."""
        time = self.course.at(moment)[0]
        now = advance(self.gaussians, time)
        if tint.color != "real":
            in_world = self.course.snapshot(self.gaussians, moment)
            known = errors[self.index] if errors is not None and len(self.index) else None
            now = replace(now, colors=tinted(in_world, origins_of([self.gaussians], known), tint))
        back = yaw_to_rotation(torch.tensor(-self.motion.yaw_at(time)))
        middle = torch.from_numpy(self.motion.position_at(time)).float()
        cloud = pack(replace(now, means=(now.means - middle) @ back.T))
        if self.motion.yaw_rate:
            turn = back.numpy()
            cloud = replace(cloud, covariances=turn @ cloud.covariances @ turn.T)
        return cloud


@dataclass(frozen=True)
class Nodes:
    """Every Gaussian of a scene in exactly one node."""

    static: Int64[Tensor, "S"]
    """Positions of those that stand."""
    moving: tuple[MovingNode, ...]


def find_nodes(scene: Scene) -> Nodes:
    """Share out a scene's Gaussians among nodes."""
    gaussians = scene.gaussians.detach().to("cpu")
    actors = scene.grouping.actors
    actor_index = scene.grouping.actor_index.cpu()
    anchor = sum(scene_span(scene)) / 2
    members = [
        ((actor_index == i).nonzero().squeeze(1), actor, scene_actor_id(i))
        for i, actor in enumerate(actors[:MAX_ACTORS])
    ]
    free = (actor_index < 0) | (actor_index >= MAX_ACTORS)
    loose = (free & (speeds(gaussians) > STILL)).nonzero().squeeze(1)
    static = (free & (speeds(gaussians) <= STILL)).nonzero().squeeze(1)
    clusters = [(group, None, "") for group in _clusters(gaussians[loose], loose, anchor)]
    moving = [
        MovingNode(gaussians[index], fit_motion(gaussians[index], anchor, actor is not None), actor, id, index=index)
        for index, actor, id in [*members, *clusters]
        if len(index) > 0
    ]
    return Nodes(static, tuple(moving))


def scene_span(scene: Scene) -> tuple[float, float]:
    """From the first recorded image to the last, or over the Gaussians' own times where there is none (s)."""
    times = [frame.camera.time for frame in scene.frames] or scene.gaussians.times.tolist() or [0.0]
    return min(times), max(times)


def fit_motion(gaussians: Gaussians, anchor: float, turns: bool) -> Motion:
    """The rigid motion nearest to that of all members: mean velocity, mean acceleration, the turn about the middle."""
    now = advance(gaussians, anchor)
    center, velocity = now.means.mean(0), now.velocities.mean(0)
    acceleration = gaussians.accelerations.mean(0)
    rate = yaw_rate(now.means, now.velocities) if turns else 0.0
    return Motion(anchor, _float64(center), _float64(velocity), _float64(acceleration), rate)


def _clusters(gaussians: Gaussians, index: Tensor, anchor: float) -> list[Tensor]:
    """Positions (of `index`) in groups of like velocity and place: k-means."""
    count = min(MAX_CLUSTERS, math.ceil(len(index) / MIN_CLUSTER))
    if count <= 1:
        return [index] if len(index) else []
    now = advance(gaussians, anchor)
    features = torch.cat([now.velocities, now.means * POSITION_WEIGHT], -1).numpy().astype(np.float64)
    sample = features[:: max(1, len(features) // 20_000)]
    first = sample[np.random.default_rng(0).choice(len(sample), count, replace=False)]
    centers, _ = kmeans2(sample, first, iter=10, minit="matrix")
    label = torch.from_numpy(vq(features, centers)[0].astype(np.int64))
    return [index[label == k] for k in range(count) if bool((label == k).any())]


def _float64(vector: Float[Tensor, "3"]) -> Float64[ndarray, "3"]:
    return vector.double().numpy()
