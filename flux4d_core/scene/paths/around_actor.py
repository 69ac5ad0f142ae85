"""Camera paths that keep to an actor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_core.scene.paths.from_recording import FEWEST, MOST, SPACING, filmed
from flux4d_core.scene.paths.presets import FollowActor, Orbit, Take

if TYPE_CHECKING:
    from flux4d_core.scene.stage import Stage, StagedActor

PER_TURN = 24
"""Keyframes of one turn: between them the spline leaves the circle by less than a thousandth of its radius."""
AHEAD = 4.0
"""A following camera looks at what lies this far in front of the actor's middle (m)."""


def orbit(stage: Stage, preset: Orbit, take: Take) -> CameraPath:
    """Circles round the middle of the actor's box, from behind it."""
    actor = _actor(stage, preset.actor)
    start, end = span(stage)
    count = max(PER_TURN // 2, round(PER_TURN * abs(preset.turns)), 0 if preset.stands else FEWEST) + 1
    shares = np.linspace(0, 1, count)
    times = np.full(count, preset.time) if preset.stands else start + shares * (end - start)
    forward = actor.pose_at(float(times[0]))[:3, 0]
    angles = np.arctan2(-forward[1], -forward[0]) + 2 * np.pi * preset.turns * shares
    arms = np.stack([preset.radius * np.cos(angles), preset.radius * np.sin(angles), np.full(count, preset.rise)], -1)
    centers = np.stack([actor.pose_at(float(time))[:3, 3] for time in times])
    poses = np.stack([looking(center + arm, center) for center, arm in zip(centers, arms, strict=True)])
    # the take's slow motion is of the drive, which stands here
    moments = shares * preset.seconds / take.slow if preset.stands else times
    return filmed(take, None, moments, poses, times)


def follow(stage: Stage, preset: FollowActor, take: Take) -> CameraPath:
    """At one distance behind and above the actor, turning as it turns."""
    actor = _actor(stage, preset.actor)
    start, end = span(stage)
    times = np.linspace(start, end, int(np.clip(round((end - start) / SPACING), FEWEST, MOST)) + 1)
    poses = []
    for time in times:
        box = actor.pose_at(float(time))
        center, forward = box[:3, 3], box[:3, 0] * [1, 1, 0]
        forward = forward / max(1e-9, float(np.linalg.norm(forward)))
        eye = center - preset.distance * forward + [0, 0, preset.rise]
        poses.append(looking(eye, center + np.sign(preset.distance) * AHEAD * forward))
    return filmed(take, None, times, np.stack(poses), times)


def span(stage: Stage) -> tuple[float, float]:
    """From the first recorded image, or pose of the vehicle where there is none, to the last (s)."""
    times = [frame.camera.time for frame in stage.scene.frames] or stage.scene.ego_times.tolist() or [0.0]
    return min(times), max(times)


def looking(eye: Float64[ndarray, "3"], target: Float64[ndarray, "3"]) -> Float64[ndarray, "4 4"]:
    """camera_to_world of a level camera that looks from one place at another."""
    forward = (target - eye) / max(1e-9, float(np.linalg.norm(target - eye)))
    right = np.cross(forward, [0.0, 0.0, 1.0])
    if np.linalg.norm(right) < 1e-6:  # straight up or down: the world's x axis is up in the picture
        right = np.array([0.0, -1.0, 0.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], -1)
    pose[:3, 3] = eye
    return pose


def _actor(stage: Stage, id: str) -> StagedActor:
    if not stage.actors:
        raise Flux4dError(f"{stage.scene.name}: expected an actor to film and found none; take another path.")
    if not id:
        return max(stage.actors, key=lambda actor: actor.count)
    found = stage.actor(id) or next((actor for actor in stage.actors if actor.name == id), None)
    if found is None:
        known = ", ".join(actor.id for actor in stage.actors[:12])
        raise Flux4dError(f"{stage.scene.name}: expected an actor '{id}', found {known}")
    return found
