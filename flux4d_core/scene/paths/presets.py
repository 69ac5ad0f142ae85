"""The camera paths that need no keyframes set by hand, as data. `paths.make` makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flux4d_core.rendering.wide import Projection


@dataclass(frozen=True)
class Take:
    """How a preset is filmed."""

    camera: str = ""
    """The recorded camera whose way and lens are taken; the scene's first if empty."""
    fps: float = 30.0
    """Pictures a second."""
    slow: float = 1.0
    """Seconds of film for one second of the drive."""
    width: int = 0
    """Pixels; the recorded camera's if 0."""
    height: int = 0
    """Pixels; as the recorded camera's picture is shaped if 0."""
    fov: float = 0.0
    """Vertical opening angle (rad); the recorded camera's if 0."""
    projection: Projection = "pinhole"


@dataclass(frozen=True)
class Recorded:
    """The recorded camera's own way."""


@dataclass(frozen=True)
class LaneShift:
    """Beside the recorded way, reached gently over the first third: a lane change without turning the wheel."""

    shift: float = 2.0
    """How far to the left (m); negative: to the right."""
    rise: float = 0.0
    """How far up (m)."""


@dataclass(frozen=True)
class SCurve:
    """Out of the lane to one side, then to the other, and back into it."""

    swing: float = 2.0
    """How far, first to the left (m); negative: first to the right."""


@dataclass(frozen=True)
class Lift:
    """Along the recorded way, rising, and looking down more and more."""

    rise: float = 12.0
    """How far up in the end (m)."""
    down: float = math.radians(35)
    """How far the view has turned down in the end (rad)."""


@dataclass(frozen=True)
class StopAndLook:
    """The camera stops while time goes on, and the view turns."""

    after: float = 0.4
    """Which share of the recorded way it goes before it brakes, 0 to 1."""
    turn: float = math.radians(90)
    """How far the view turns to the left after that (rad); negative: to the right."""


@dataclass(frozen=True)
class Orbit:
    """Round an actor, looking at it; if time runs, along with it."""

    actor: str = ""
    """Its id; the largest actor if empty."""
    radius: float = 9.0
    """Level distance from the middle of its box (m)."""
    rise: float = 3.0
    """Height above the middle of its box (m)."""
    turns: float = 1.0
    """How often round, counterclockwise from behind it; negative: clockwise."""
    stands: bool = False
    """Whether time stands meanwhile: bullet time."""
    time: float = 0.0
    """When it stands (s of the scene)."""
    seconds: float = 8.0
    """How long the film is if time stands."""


@dataclass(frozen=True)
class FollowActor:
    """Behind and above an actor, looking ahead over it."""

    actor: str = ""
    """Its id; the largest actor if empty."""
    distance: float = 9.0
    """How far behind the middle of its box (m); negative: in front of it, looking back."""
    rise: float = 3.5
    """Height above the middle of its box (m)."""


Preset = Recorded | LaneShift | SCurve | Lift | StopAndLook | Orbit | FollowActor
