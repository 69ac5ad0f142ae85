"""What the hands are at while a scene is edited: selection, gizmo, drafts. What was done lies in `history`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.scene.edit.operations import Follow, Region, Vector, Waypoint

if TYPE_CHECKING:
    from flux4d_viewer.state import State

Gizmo = Literal["none", "move", "turn"]
Rectangle = Literal["select", "make", "add", "take"]
"""What the next rectangle is for: choosing actors, making one of what stands, adding to the selected one, or taking."""


@dataclass(frozen=True)
class Drag:
    """An actor that is being carried elsewhere and not let go of yet."""

    actor: str
    time: float
    """When its centre is at `center` (s)."""
    center: Vector
    offset: Vector = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    """Turned about its centre (rad)."""
    is_dropped: bool = False
    """Let go of; carried only until the edit is worked out."""

    @property
    def motion(self) -> Float64[ndarray, "4 4"]:
        """Where it is carried from where it was."""
        motion = np.eye(4)
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        motion[:2, :2] = [[cos, -sin], [sin, cos]]
        center = np.array(self.center)
        motion[:3, 3] = center + self.offset - motion[:3, :3] @ center
        return motion


@dataclass(frozen=True)
class Editing:
    """Shared by all browsers that look at the scene."""

    selection: tuple[str, ...] = ()
    """Ids of actors, the newest last."""
    gizmo: Gizmo = "none"
    snaps: bool = True
    """Whether what is moved keeps its contact with the road."""
    drag: Drag | None = None
    overlap: str = ""
    """The name of whom the moved actor runs into."""
    rectangle: Rectangle = "select"
    first_waypoint: Waypoint | None = None
    """Of a path of the selected actor that has no second one yet."""
    eraser: Region | None = None
    """The box whose stray Gaussians are to be deleted."""
    shows_before: bool = False
    """Whether the scene is shown as it was before all edits."""
    note: str = ""
    """What the last request came to, in one sentence, if it needs saying."""
    saved: str = ""
    """The name of the file that holds the edits."""

    @property
    def selected(self) -> str:
        """The actor that is edited: the one selected last; empty if there is none."""
        return self.selection[-1] if self.selection else ""


def path_of(state: State) -> tuple[Waypoint, ...]:
    """The waypoints of the selected actor's newest path, or the first one of a path that is being begun."""
    id = state.editing.selected
    if not id:
        return ()
    if state.editing.first_waypoint is not None:
        return (state.editing.first_waypoint,)
    paths = (o for o in reversed(state.history.edits.operations) if isinstance(o, Follow) and o.actor == id)
    newest = next(paths, None)
    return newest.waypoints if newest else ()
