"""Who is in a scene while edits are applied to it, and which Gaussians belong to whom."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Int
from torch import Tensor

from flux4d_core.motion import advance
from flux4d_core.scene.edit.course import Step
from flux4d_core.scene.edit.operations import Recolor, Region, scene_actor_id
from flux4d_core.scene.edit.paint import painted
from flux4d_core.scene.edit.region import inside
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.stage import Part, Stage, StagedActor
from flux4d_core.types import Gaussians

NOBODY, ELSEWHERE = -1, -2
"""Owners besides the roles: it is part of the surroundings; it is erased, or in a copy."""


@dataclass(frozen=True, eq=False)
class Role:
    """One actor while edits are applied."""

    staged: StagedActor
    number: int = NOBODY
    """Of its Gaussians in `Cast.owner`; `NOBODY`: it has a copy of its own."""
    copy: Gaussians | None = None
    paint: Recolor | None = None

    @property
    def is_as_reconstructed(self) -> bool:
        """Whether its Gaussians are drawn as those that no edit touched."""
        return self.copy is None and self.paint is None and not self.staged.hidden and not self.staged.course.steps


@dataclass
class Cast:
    """All actors by id, and the owner of every Gaussian of the scene. Lives only within one call of `stage`."""

    scene: Scene
    owner: Int[Tensor, "N"]
    """A role's number, `NOBODY` or `ELSEWHERE`."""
    roles: dict[str, Role]
    numbers: int
    """How many have been given out."""
    _copies: dict[int, Gaussians] = field(default_factory=dict)

    @classmethod
    def of(cls, scene: Scene) -> Cast:
        """As reconstructed."""
        owner = scene.grouping.actor_index.to(scene.gaussians.means.device, copy=True)
        staged = [
            StagedActor(scene_actor_id(i), actor.name, actor, count=actor.count)
            for i, actor in enumerate(scene.grouping.actors)
        ]
        return cls(scene, owner, {actor.id: Role(actor, i) for i, actor in enumerate(staged)}, len(staged))

    def gaussians(self, role: Role) -> Gaussians:
        """All that belong to an actor, at their own times, before its course and its paint. Shared, not copied."""
        if role.copy is not None:
            return role.copy
        if role.number not in self._copies:
            self._copies[role.number] = take(self.scene.gaussians, self.members(role))
        return self._copies[role.number]

    def members(self, role: Role) -> Int[Tensor, "M"]:
        """Positions among the scene's Gaussians."""
        return (self.owner == role.number).nonzero().squeeze(1)

    def put(self, role: Role) -> None:
        """Take a role in, in the place of the one with its id."""
        self.roles[role.staged.id] = role

    def add_step(self, role: Role, step: Step) -> None:
        """Change how an actor goes."""
        self.put(replace(role, staged=replace(role.staged, course=role.staged.course.then(step))))

    def give(self, index: Int[Tensor, "M"], number: int) -> None:
        """Make Gaussians of the scene belong to an owner."""
        changed = [*self.owner[index].unique().tolist(), number]
        self.owner[index] = number
        for old in changed:
            self._copies.pop(old, None)
        for role in [r for r in self.roles.values() if r.copy is None and r.number in changed]:
            self.recount(role)

    def recount(self, role: Role) -> None:
        """Say how many Gaussians an actor has by now."""
        self.put(replace(role, staged=replace(role.staged, count=len(self.members(role)))))

    def recopy(self, role: Role, copy: Gaussians) -> None:
        """Make an actor of other Gaussians, which are its own."""
        self.put(replace(role, copy=copy, staged=replace(role.staged, count=len(copy))))

    def introduce(self, staged: StagedActor) -> int:
        """Take in an actor to which Gaussians of the scene can be given; under this number."""
        self.numbers += 1
        self.put(Role(staged, self.numbers - 1))
        return self.numbers - 1

    def of_nobody(self, region: Region) -> Int[Tensor, "M"]:
        """Positions of the scene's Gaussians in a region that belong to no actor."""
        free = self.owner == NOBODY
        free &= inside(region, advance(self.scene.gaussians, region.time).means)
        return free.nonzero().squeeze(1)

    def stage(self) -> Stage:
        """What there is to draw."""
        changed = [role for role in self.roles.values() if not role.is_as_reconstructed]
        drawn = [role for role in changed if not role.staged.hidden and role.staged.count > 0]
        parts = tuple(Part(self._painted(role), role.staged.id, role.staged.course) for role in drawn)
        actors = tuple(role.staged for role in self.roles.values())
        return Stage(self.scene, self._untouched(), parts, actors)

    def _painted(self, role: Role) -> Gaussians:
        gaussians = self.gaussians(role)
        if role.paint is None:
            return gaussians
        return replace(gaussians, colors=painted(gaussians.colors, role.paint.color, role.paint.strength))

    def _untouched(self) -> Gaussians:
        """What no edit touched: nobody's, and that of actors as reconstructed."""
        stays = torch.zeros(self.numbers + 2, dtype=torch.bool)
        stays[NOBODY + 2] = True
        for role in self.roles.values():
            if role.is_as_reconstructed:
                stays[role.number + 2] = True
        kept = stays.to(self.owner.device)[self.owner + 2]
        return self.scene.gaussians if bool(kept.all()) else take(self.scene.gaussians, kept.nonzero().squeeze(1))


def take(gaussians: Gaussians, index: Int[Tensor, "M"]) -> Gaussians:
    """Some of the Gaussians. Three times as fast as indexing where there are a million."""
    return Gaussians(**{name: column.index_select(0, index) for name, column in vars(gaussians).items()})
