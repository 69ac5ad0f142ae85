"""A scene after its edits: what is drawn, filmed and exported. `scene.edit.apply` makes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.motion import advance
from flux4d_core.scene.actors import Actor
from flux4d_core.scene.edit.course import Course
from flux4d_core.scene.scene import Scene
from flux4d_core.types import Gaussians, Sky, Snapshot

_SLIGHTLY = 1e-3
"""Seconds to either side over which a path is differentiated."""


@dataclass(frozen=True)
class StagedActor:
    """One thing of the scene that can be edited, as it is now."""

    id: str
    """Never changes; see `edit.operations`."""
    name: str
    actor: Actor
    """Its box and motion before the edits."""
    course: Course = field(default_factory=Course)
    hidden: bool = False
    count: int = 0
    """Gaussians that belong to it."""

    def pose_at(self, time: float) -> Float64[ndarray, "4 4"]:
        """box_to_world at `time` (s)."""
        source, motion = self.course.at(time)
        return motion @ self.actor.pose_at(source).double().numpy()

    def velocity_at(self, time: float) -> Float64[ndarray, "3"]:
        """Of the box's centre (m/s)."""
        after, before = self.pose_at(time + _SLIGHTLY), self.pose_at(time - _SLIGHTLY)
        return (after[:3, 3] - before[:3, 3]) / (2 * _SLIGHTLY)

    def speed_at(self, time: float) -> float:
        """Of the box's centre (m/s)."""
        return float(np.linalg.norm(self.velocity_at(time)))


@dataclass(frozen=True)
class Part:
    """Gaussians of one edited actor, and how they go."""

    gaussians: Gaussians
    actor: str
    """The id."""
    course: Course


@dataclass(frozen=True)
class Stage:
    """A scene after its edits."""

    scene: Scene
    """Before them: name, sky, recorded cameras, provenance."""
    untouched: Gaussians
    """Everything that no edit moved or painted, bit for bit and in the scene's order."""
    parts: tuple[Part, ...]
    """What was edited or inserted; hidden actors are in neither."""
    actors: tuple[StagedActor, ...]
    """All that are not removed, the scene's first."""

    @property
    def sky(self) -> Sky:
        return self.scene.sky

    @property
    def gaussians(self) -> list[Gaussians]:
        """All that are drawn, at their own times and before any course: untouched first, then part by part."""
        return [self.untouched, *(part.gaussians for part in self.parts)]

    def at(self, time: float) -> Snapshot:
        """What is there at `time` (s), in the order of `gaussians`."""
        snapshots = [advance(self.untouched, time), *(p.course.snapshot(p.gaussians, time) for p in self.parts)]
        if len(snapshots) == 1:
            return snapshots[0]
        return Snapshot(*(torch.cat([getattr(s, name) for s in snapshots]) for name in vars(snapshots[0])))

    def actor(self, id: str) -> StagedActor | None:
        """The actor of this id, if it is there."""
        return next((actor for actor in self.actors if actor.id == id), None)

    def to(self, device: torch.device | str) -> Stage:
        """With all that is drawn on another device."""
        return replace(
            self,
            scene=self.scene.to(device),
            untouched=self.untouched.to(device),
            parts=tuple(replace(part, gaussians=part.gaussians.to(device)) for part in self.parts),
        )
