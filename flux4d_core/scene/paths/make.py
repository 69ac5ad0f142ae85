"""A preset and a scene -> a camera path."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flux4d_core.scene.paths.around_actor import follow, orbit
from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_core.scene.paths.from_recording import lane_shift, lift, recorded, s_curve, stop_and_look
from flux4d_core.scene.paths.presets import (
    FollowActor,
    LaneShift,
    Lift,
    Orbit,
    Preset,
    Recorded,
    SCurve,
    StopAndLook,
    Take,
)

if TYPE_CHECKING:
    from flux4d_core.scene.stage import Stage


def make_path(stage: Stage, preset: Preset, take: Take) -> CameraPath:
    """The camera path of a preset through an edited scene.

    Raises:
        Flux4dError: the scene lacks the camera or the actor that it needs.
    """
    match preset:
        case Recorded():
            return recorded(stage, preset, take)
        case LaneShift():
            return lane_shift(stage, preset, take)
        case SCurve():
            return s_curve(stage, preset, take)
        case Lift():
            return lift(stage, preset, take)
        case StopAndLook():
            return stop_and_look(stage, preset, take)
        case Orbit():
            return orbit(stage, preset, take)
        case FollowActor():
            return follow(stage, preset, take)


def or_recorded(path: CameraPath, stage: Stage, camera: str = "") -> CameraPath:
    """The path itself; where it has no keyframes, the recorded camera's own way filmed as the path says.

    Raises:
        Flux4dError: the scene has no such camera.
    """
    if path.keyframes:
        return path
    way = recorded(stage, Recorded(), Take(camera))
    return replace(path, keyframes=way.keyframes, center=way.center)
