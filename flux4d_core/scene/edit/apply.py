"""Edits applied to a scene: a pure function, so that the same edits give the same stage everywhere.

Gaussians belong to actors, and an actor's course and paint hold for all that belong to it, whenever they were added;
what is taken away from an actor is again as reconstructed. What no operation touches stays bit for bit and in order.
An operation on an actor that is not there does nothing, nor does one that would make an actor of an id that is taken.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int
from numpy import ndarray
from torch import Tensor

from flux4d_core.geometry import yaw_to_rotation
from flux4d_core.motion import advance
from flux4d_core.scene.actors import Actor, ActorConfig
from flux4d_core.scene.edit.cast import ELSEWHERE, NOBODY, Cast, Role, take
from flux4d_core.scene.edit.course import Carried, Course, Halted, Scaled, Shifted
from flux4d_core.scene.edit.operations import (
    Assign,
    Delay,
    Duplicate,
    Edits,
    Erase,
    Follow,
    Group,
    Hide,
    Insert,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
    Rename,
    Reverse,
    SetSpeed,
    Stop,
    Vector,
)
from flux4d_core.scene.edit.region import inside, is_ground
from flux4d_core.scene.edit.sources import load_source
from flux4d_core.scene.edit.way import lead
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.stage import Stage, StagedActor
from flux4d_core.types import Gaussians, concatenate


def stage(scene: Scene, edits: Edits | None = None, folder: Path | None = None) -> Stage:
    """A scene after its edits.

    Args:
        folder: Where the edits lie, and beside them the files of inserted actors.

    Raises:
        Flux4dError: the file of an inserted actor is missing or not what it should be.
    """
    cast = Cast.of(scene)
    for operation in edits.operations if edits is not None else ():
        _apply(cast, operation, folder)
    return cast.stage()


def _apply(cast: Cast, operation: Operation, folder: Path | None) -> None:
    match operation:
        case Group():
            _group(cast, operation)
        case Erase():
            _erase(cast, operation)
        case Insert():
            _insert(cast, operation, folder)
        case _ if role := cast.roles.get(operation.actor):
            _apply_to(cast, role, operation)


def _apply_to(cast: Cast, role: Role, operation: Operation) -> None:
    """What is done to one actor."""
    staged = role.staged
    match operation:
        case Remove():
            del cast.roles[staged.id]
        case Hide(_, hidden):
            cast.put(replace(role, staged=replace(staged, hidden=hidden)))
        case Rename(_, name):
            cast.put(replace(role, staged=replace(staged, name=name)))
        case Recolor():
            cast.put(replace(role, paint=operation if operation.strength > 0 else None))
        case Duplicate():
            _duplicate(cast, role, operation)
        case Assign(_, region, True):
            _add(cast, role, region)
        case Assign(_, region, False):
            _take_away(cast, role, region, NOBODY)
        case Move(_, time, offset, yaw):
            cast.add_step(role, Carried(_turned_about(staged.pose_at(time)[:3, 3], yaw, offset)))
        case SetSpeed(_, factor, time):
            cast.add_step(role, Scaled(factor, time))
        case Delay(_, seconds):
            cast.add_step(role, Shifted(seconds))
        case Stop(_, time, braking):
            cast.add_step(role, Halted(time, braking))
        case Reverse(_, time):
            cast.add_step(role, Scaled(-1.0, time))
        case Follow(_, waypoints) if waypoints:
            pose = staged.pose_at(min(waypoint.time for waypoint in waypoints))
            center = staged.actor.box_to_world.double().numpy()
            step = lead(waypoints, staged.actor.time, center, math.atan2(pose[1, 0], pose[0, 0]))
            cast.add_step(role, step)


def _turned_about(center: Float64[ndarray, "3"], yaw: float, offset: Vector) -> Float64[ndarray, "4 4"]:
    """Turned by `yaw` about a place, then shifted."""
    motion = np.eye(4)
    motion[:3, :3] = yaw_to_rotation(torch.tensor(yaw, dtype=torch.float64)).numpy()
    motion[:3, 3] = center - motion[:3, :3] @ center + offset
    return motion


def _duplicate(cast: Cast, role: Role, operation: Duplicate) -> None:
    if operation.new in cast.roles:
        return
    course = role.staged.course.then(Carried(_turned_about(np.zeros(3), 0.0, operation.offset)))
    name = f"copy of {role.staged.name}"
    staged = replace(role.staged, id=operation.new, name=name, course=course, hidden=False)
    cast.put(Role(staged, copy=cast.gaussians(role), paint=role.paint))


def _insert(cast: Cast, operation: Insert, folder: Path | None) -> None:
    """Its own way from elsewhere, shifted so that at the operation's time it is where it should be."""
    if operation.new in cast.roles:
        return
    asset = load_source(operation.source, folder)
    placed = _turned_about(np.zeros(3), operation.yaw, operation.position)
    course = Course((Shifted(operation.time), Carried(placed)))
    name = operation.name or asset.actor.name
    staged = StagedActor(operation.new, name, asset.actor, course, count=len(asset.gaussians))
    cast.put(Role(staged, copy=asset.gaussians.to(cast.owner.device)))


# --- who owns what -------------------------------------------------------------------------------------------------


def _group(cast: Cast, operation: Group) -> None:
    """An actor of what belongs to nobody, stands, and is not the ground."""
    if operation.new in cast.roles:
        return
    index = _loose(cast, operation.region)
    index = index[cast.scene.gaussians.velocities[index].norm(dim=-1) <= ActorConfig().min_speed]
    if len(index) == 0:
        return
    actor = _boxed(take(cast.scene.gaussians, index), operation.region, operation.name or operation.new)
    cast.give(index, cast.introduce(StagedActor(operation.new, actor.name, actor)))


def _loose(cast: Cast, region: Region) -> Int[Tensor, "M"]:
    """Positions of what is in a region, belongs to nobody, and is not the ground."""
    index = cast.of_nobody(region)
    return index[~is_ground(region, advance(take(cast.scene.gaussians, index), region.time))]


def _boxed(gaussians: Gaussians, region: Region, name: str) -> Actor:
    """A standing actor in the smallest box, turned as the region is, around nearly all of its Gaussians' centres."""
    box_to_world = torch.eye(4)
    box_to_world[:3, :3] = yaw_to_rotation(torch.tensor(region.yaw))
    along = advance(gaussians, region.time).means.cpu() @ box_to_world[:3, :3]
    bounds = torch.quantile(along[:: max(1, len(along) // 100_000)], torch.tensor([0.01, 0.99]), dim=0)
    box_to_world[:3, 3] = box_to_world[:3, :3] @ bounds.mean(0)
    size = (bounds[1] - bounds[0]).clamp(min=0.1)
    return Actor(name, region.time, box_to_world, size, torch.zeros(3), torch.zeros(3), len(gaussians))


def _add(cast: Cast, role: Role, region: Region) -> None:
    """Give an actor what is in a region and belongs to nobody; the ground stays the ground."""
    index = _loose(cast, region)
    if role.copy is None:
        cast.give(index, role.number)
    else:
        cast.recopy(role, concatenate([role.copy, take(cast.scene.gaussians, index)]))
        cast.give(index, ELSEWHERE)


def _take_away(cast: Cast, role: Role, region: Region, heir: int) -> None:
    """Take from an actor what its course puts into a region. Of a copy that is gone, of the scene it is the heir's."""
    gaussians = cast.gaussians(role)
    within = inside(region, role.staged.course.snapshot(gaussians, region.time).means)
    if role.copy is None:
        cast.give(cast.members(role)[within], heir)
    else:
        cast.recopy(role, take(gaussians, (~within).nonzero().squeeze(1)))


def _erase(cast: Cast, operation: Erase) -> None:
    cast.give(cast.of_nobody(operation.region), ELSEWHERE)
    if not operation.spares_actors:
        for role in list(cast.roles.values()):
            _take_away(cast, role, operation.region, ELSEWHERE)
