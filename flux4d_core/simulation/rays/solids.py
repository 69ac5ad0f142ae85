"""All parts of a street on a device, and where they are at any time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from flux4d_core.simulation.rays.cover import cover_parts, stack
from flux4d_core.simulation.street.ground import Profile
from flux4d_core.simulation.street.movement import Derivatives, Movement, Movements, differentiate, times_around
from flux4d_core.simulation.street.parts import Actor, Joint, Part, Shape

_NO_JOINT = Joint(pivot=(0.0, 0.0, 0.0))


def moves(actor: Actor) -> bool:
    """Whether any part of the actor ever changes place."""
    swings = any(joint.swing != 0 for part in actor.parts for joint in part.joints)
    return swings or is_travelling(actor.movement)


def is_travelling(movement: Movement) -> bool:
    """Whether the body's own pose ever changes."""
    return (
        movement.speed != 0
        or any(phase.acceleration != 0 for phase in movement.phases)
        or movement.sway.pitch != 0
        or movement.sway.roll != 0
    )


@dataclass(frozen=True)
class Instants:
    """All parts at each of K times. Rows: what stands, then what moves at the first time, at the second, ..."""

    times: Float[Tensor, "K"]
    """Float64 (s)."""
    maps: Float[Tensor, "rows 3 4"]
    """Street to unit coordinates."""
    poses: Derivatives
    """Of what moves, K times M, in float64."""
    num_standing: int
    num_moving: int

    def rows(self, parts: Int[Tensor, "n"], groups: Int[Tensor, "n"]) -> Int[Tensor, "n"]:
        """Where parts are found at the times numbered by `groups`."""
        return torch.where(parts < self.num_standing, parts, parts + groups * self.num_moving)


@dataclass(frozen=True)
class When:
    """The times of n things."""

    instants: Instants
    groups: Int[Tensor, "n"]
    """Which of the instants is (nearest to) each thing's time."""
    times: Float[Tensor, "n"] | None = None
    """Exact times (s, float64), where they are not the instants' own."""

    def __getitem__(self, index: Tensor | slice) -> When:
        return When(self.instants, self.groups[index], None if self.times is None else self.times[index])


@dataclass(frozen=True)
class SurfaceMotion:
    """Of n points, in the street."""

    velocities: Float[Tensor, "n 3"]
    accelerations: Float[Tensor, "n 3"]


class Solids:
    """Where every part is. Parts from `num_standing` on move; the others' poses are known once and for all."""

    def __init__(
        self, scenery: tuple[Part, ...], actors: tuple[Actor, ...], profile: Profile, device: torch.device | str
    ) -> None:
        owned = [(part, number) for number, actor in enumerate(actors) for part in actor.parts]
        moving = [moves(actor) for actor in actors]
        standing = [(part, -1) for part in scenery] + [entry for entry in owned if not moving[entry[1]]]
        entries = standing + [entry for entry in owned if moving[entry[1]]]
        self.num_standing = len(standing)
        self.device = torch.device(device)
        self.cover, self.materials = cover_parts(entries, self.device)
        self._movements = Movements([actor.movement for actor in actors], profile, device)
        self._rest_rotations = stack([part.rotation_matrix() for part, _ in entries], (3, 3), self.device)
        self._rest_centres = stack([part.centre for part, _ in entries], (3,), self.device)
        joints = [[_joint_row(joint) for joint in (*part.joints, _NO_JOINT, _NO_JOINT)[:2]] for part, _ in entries]
        self._joints = stack(joints, (2, 7), self.device)
        is_moving = torch.arange(len(entries), device=device) >= self.num_standing
        self.kinds = 4 * self.cover.shapes + 2 * self.cover.perforated + is_moving
        """What is intersected in one batch: see `casting.Kind`."""
        half = self.cover.half
        self.radii = torch.where(self.cover.shapes == Shape.ELLIPSOID, half.amax(1), half.norm(dim=1))
        index = torch.arange(self.num_standing, device=device)
        rotations, centres = self.poses(index, torch.zeros(len(index), dtype=torch.float64, device=device))
        self.standing_centres = centres.float()
        self.standing_maps = self._maps_of(index, rotations, centres).float()

    def __len__(self) -> int:
        return self.cover.shapes.shape[0]

    def poses(
        self, parts: Int[Tensor, "n"], times: Float[Tensor, "n"]
    ) -> tuple[Float[Tensor, "n 3 3"], Float[Tensor, "n 3"]]:
        """Rotation and centre in the street of each part at its time, in float64."""
        rotations, centres = self._swung(parts, times)
        actors = self.cover.actors[parts]
        (owned,) = torch.nonzero(actors >= 0, as_tuple=True)
        if len(owned):
            body, position = self._movements.poses(actors[owned], times[owned])
            centres[owned] = (body @ centres[owned, :, None]).squeeze(-1) + position
            rotations[owned] = body @ rotations[owned]
        return rotations, centres

    def _swung(self, parts: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Poses in the owner's axes: the second joint turns the part, then the first turns both."""
        rotations, centres = self._rest_rotations[parts], self._rest_centres[parts]
        joints = self._joints[parts]
        pivots, (rest, swing, frequency, phase) = joints[..., :3], joints[..., 3:].unbind(-1)
        angles = rest + swing * (2 * torch.pi * frequency * times[:, None] + phase).sin()
        for number in (1, 0):
            turn = _about_left(angles[:, number])
            pivot = pivots[:, number]
            centres = (turn @ (centres - pivot)[..., None]).squeeze(-1) + pivot
            rotations = turn @ rotations
        return rotations, centres

    def at(self, times: list[float]) -> Instants:
        """All parts at several times."""
        instants = torch.tensor(times, dtype=torch.float64, device=self.device)
        moving = torch.arange(self.num_standing, len(self), device=self.device)
        parts, own_times = moving.repeat(len(times)), instants.repeat_interleave(len(moving))
        poses = self.pose_derivatives(parts, own_times)
        maps = self._maps_of(parts, poses.pose[:, :, :3], poses.pose[:, :, 3]).float()
        return Instants(instants, torch.cat([self.standing_maps, maps]), poses, self.num_standing, len(moving))

    def pose_derivatives(self, parts: Int[Tensor, "n"], times: Float[Tensor, "n"]) -> Derivatives:
        """Poses with their first and second time derivatives, in float64."""
        rotations, centres = self.poses(parts.repeat(3), times_around(times))
        return differentiate(*torch.cat([rotations, centres[..., None]], 2).chunk(3))

    def map_derivatives(self, parts: Int[Tensor, "n"], times: Float[Tensor, "n"]) -> Derivatives:
        """Street to unit coordinates, of any parts at any times, with time derivatives, in float32."""
        maps = self._maps_of(parts.repeat(3), *self.poses(parts.repeat(3), times_around(times)))
        result = differentiate(*maps.chunk(3))
        return Derivatives(result.pose.float(), result.first.float(), result.second.float())

    def maps_at(self, parts: Int[Tensor, "n"], when: When) -> Float[Tensor, "n 3 4"]:
        """Street to unit coordinates, of any parts."""
        maps = when.instants.maps.index_select(0, when.instants.rows(parts, when.groups))
        if when.times is not None:
            (moving,) = torch.nonzero(parts >= self.num_standing, as_tuple=True)
            index = parts[moving]
            maps[moving] = self._maps_of(index, *self.poses(index, when.times[moving])).float()
        return maps

    def actors_of(self, parts: Int[Tensor, "n"]) -> Int[Tensor, "n"]:
        """Actor ids of parts; -1 for scenery and what is no part."""
        actors = torch.full_like(parts, -1)
        (index,) = torch.nonzero(parts >= 0, as_tuple=True)
        actors[index] = self.cover.actors.index_select(0, parts[index])
        return actors

    def surface_motion(self, parts: Int[Tensor, "n"], when: When, points: Float[Tensor, "n 3"]) -> SurfaceMotion:
        """How points on parts (or on what never moves: negative numbers) move at their times."""
        motion = SurfaceMotion(torch.zeros_like(points), torch.zeros_like(points))
        (moving,) = torch.nonzero(parts >= self.num_standing, as_tuple=True)
        if len(moving) == 0:
            return motion
        if when.times is None:
            rows = when.instants.rows(parts[moving], when.groups[moving]) - self.num_standing
            poses = when.instants.poses
            pose, first, second = (m.index_select(0, rows) for m in (poses.pose, poses.first, poses.second))
        else:
            poses = self.pose_derivatives(parts[moving], when.times[moving])
            pose, first, second = poses.pose, poses.first, poses.second
        local = (points[moving].double() - pose[:, :, 3])[:, None] @ pose[:, :, :3]
        local = torch.cat([local.squeeze(1), torch.ones_like(local[:, 0, :1])], 1)[:, :, None]
        motion.velocities[moving] = (first @ local).squeeze(-1).float()
        motion.accelerations[moving] = (second @ local).squeeze(-1).float()
        return motion

    def _maps_of(self, parts: Tensor, rotations: Tensor, centres: Tensor) -> Tensor:
        scaled = rotations.transpose(1, 2) / self.cover.half[parts].double()[:, :, None]
        return torch.cat([scaled, -scaled @ centres[..., None]], 2)


def _joint_row(joint: Joint) -> tuple[float, ...]:
    return (*joint.pivot, joint.rest, joint.swing, joint.frequency, joint.phase)


def _about_left(angles: Tensor) -> Tensor:
    """Rotation about y: what points down (-z) moves to the rear (-x) for a positive angle."""
    c, s, zero, one = angles.cos(), angles.sin(), torch.zeros_like(angles), torch.ones_like(angles)
    return torch.stack(
        [torch.stack([c, zero, s], -1), torch.stack([zero, one, zero], -1), torch.stack([-s, zero, c], -1)], -2
    )
