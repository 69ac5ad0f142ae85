"""Camera paths on the command line: a preset with its numbers, or a file."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from flux4d_core.cli.options import check_number
from flux4d_core.errors import Flux4dError
from flux4d_core.rendering.wide import Projection
from flux4d_core.scene.paths.around_actor import span
from flux4d_core.scene.paths.camera_path import MAX_PICTURES, CameraPath
from flux4d_core.scene.paths.files import read_camera_path
from flux4d_core.scene.paths.make import make_path
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
from flux4d_core.scene.stage import Stage

PathName = Literal["recorded", "lane-shift", "s-curve", "lift", "stop-and-look", "orbit", "follow"]


def _optional(kind: str, default: str) -> object:
    return tyro.conf.arg(metavar=kind, help_behavior_hint=f"(default: {default})")


@dataclass(frozen=True)
class PathChoice:
    """Which way the camera goes, and the picture."""

    path: PathName = "recorded"
    """The recorded camera's own way; shifted sideways; in an S; rising and looking down; stopping and turning; round an
    actor; behind an actor."""
    camera_path: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A camera path instead: nerfstudio's camera_path.json (as flux4d-view saves it), COLMAP's images.txt or an Inria
    cameras.json."""
    camera: Annotated[str, _optional("NAME", "the first")] = ""
    """Recorded camera whose way and lens are taken."""
    shift: float = 2.0
    """lane-shift, s-curve: how far to the left (m); negative: to the right."""
    rise: Annotated[float | None, _optional("METRES", "12 for lift, 3 round and behind an actor, else 0")] = None
    """lane-shift, lift, orbit, follow: how far up (m)."""
    down: float = 35.0
    """lift: how far the view turns down (degrees)."""
    stop: float = 0.4
    """stop-and-look: after which share of the way the camera stops, 0 to 1."""
    turn: float = 90.0
    """stop-and-look: how far the view then turns to the left (degrees); negative: to the right."""
    actor: Annotated[str, _optional("ID", "the largest")] = ""
    """orbit, follow: the actor."""
    radius: float = 9.0
    """orbit, follow: level distance from the actor (m)."""
    turns: float = 1.0
    """orbit: how often round, counterclockwise; negative: clockwise."""
    bullet_time: Annotated[float | None, _optional("SECONDS", "time goes on")] = None
    """orbit: when time stands meanwhile (s of the scene); the film is then 8 s long."""
    fps: Annotated[float | None, _optional("FPS", "30, or the file's")] = None
    """Frames a second of the video."""
    slow: float = 3.0
    """Seconds of video for one second of the drive; files of camera paths have their own pace."""
    width: Annotated[int, _optional("PIXELS", "as recorded, or the file's")] = 0
    """Made even; the height follows."""
    height: Annotated[int, _optional("PIXELS", "as recorded, or the file's")] = 0
    """Made even; the width follows."""
    fov: Annotated[float | None, _optional("DEGREES", "as recorded, or the file's")] = None
    """Vertical opening angle."""
    projection: Annotated[Projection | None, _optional("KIND", "pinhole, or the file's")] = None
    """pinhole, fisheye (180 degrees, equidistant) or panorama (360 degrees)."""

    def check(self, duration: float) -> None:
        """Refuse numbers of which no film can be made; `duration`: of the scene (s)."""
        check_number("--shift", self.shift, -100, 100)
        check_number("--rise", self.rise or 0.0, -100, 1000)
        check_number("--down", self.down, -90, 90)
        check_number("--stop", self.stop, 0, 1)
        check_number("--turn", self.turn, -3600, 3600)
        check_number("--radius", self.radius, -1000 if self.path == "follow" else 0.1, 1000)
        check_number("--turns", self.turns, -100, 100)
        if self.bullet_time is not None:
            check_number("--bullet-time", self.bullet_time, -3600, 3600)
        if self.fps is not None:
            check_number("--fps", self.fps, 1, 240)
        check_number("--slow", self.slow, 0.01, 1000)
        for name, pixels in (("--width", self.width), ("--height", self.height)):
            if pixels != 0:
                check_number(name, pixels, 16, 8192)
        if self.fov is not None:
            check_number("--fov", self.fov, 1, 170)
        if self.camera_path is None:
            check_number("--slow times --fps, in frames", duration * (self.fps or 30.0) * self.slow, 0, MAX_PICTURES)

    @property
    def preset(self) -> Preset:
        """What was chosen by name."""
        match self.path:
            case "recorded":
                return Recorded()
            case "lane-shift":
                return LaneShift(self.shift, self.rise or 0.0)
            case "s-curve":
                return SCurve(self.shift)
            case "lift":
                return Lift(12.0 if self.rise is None else self.rise, math.radians(self.down))
            case "stop-and-look":
                return StopAndLook(self.stop, math.radians(self.turn))
            case "orbit":
                rise, stands = 3.0 if self.rise is None else self.rise, self.bullet_time is not None
                return Orbit(self.actor, self.radius, rise, self.turns, stands, self.bullet_time or 0.0)
            case "follow":
                return FollowActor(self.actor, self.radius, 3.0 if self.rise is None else self.rise)

    @property
    def take(self) -> Take:
        """How a preset is filmed."""
        return Take(
            camera=self.camera,
            fps=self.fps or 30.0,
            slow=self.slow,
            width=self.width,
            height=self.height,
            fov=math.radians(self.fov or 0.0),
            projection=self.projection or "pinhole",
        )


def camera_path_of(choice: PathChoice, stage: Stage) -> CameraPath:
    """The camera path that was chosen.

    Raises:
        Flux4dError: an option is out of its range, or the scene or the file does not fit it.
    """
    choice.check(stage.scene.duration)
    if choice.camera_path is None:
        return make_path(stage, choice.preset, choice.take)
    if choice.path != "recorded":
        raise Flux4dError(f"--path {choice.path} and --camera-path {choice.camera_path}: expected one of them")
    path = read_camera_path(choice.camera_path, span(stage))
    if choice.fov is not None:
        angle = math.radians(choice.fov)
        path = replace(path, keyframes=tuple(replace(keyframe, fov=angle) for keyframe in path.keyframes))
    width, height = path.width, path.height
    if choice.width or choice.height:
        width = choice.width or round(choice.height * path.width / path.height)
        height = choice.height or round(choice.width * path.height / path.width / 2) * 2
    return replace(
        path,
        fps=choice.fps or path.fps,
        width=width,
        height=height,
        projection=choice.projection or path.projection,
    )
