"""Handles to drag in the 3D view: the selected actor's, its waypoints', and the eraser's box."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import viser

from flux4d_viewer.canvas.units import SCALE, to_metres, to_units, yaw_to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.editing import path_of
from flux4d_viewer.state import State
from flux4d_viewer.theme import ERASER_COLOR, SELECTED_COLOR, for_viser

if TYPE_CHECKING:
    from flux4d_core.scene.edit.operations import Vector, Waypoint
    from flux4d_viewer.controls.controls import Controls

GIZMO_SIZE = 0.3
"""viser units of the eraser's handles."""
REACH = 1.2
"""The actor's handles end this far outside of it (m): what lies within is hidden by its splats."""
WAYPOINT_SIZE = 0.14
POINTS = 16
"""Pieces of the drawn path between two waypoints."""


class GizmoLayer:
    """The handles that move or turn the selected actor: one for all, at /gizmo."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._controls = controls
        self._yaw = 0.0
        """Where the handles headed before they were dragged (rad)."""
        self._handle = server.scene.add_transform_controls(
            "/gizmo", scale=GIZMO_SIZE, disable_sliders=True, visible=False
        )
        self._handle.on_update(self._dragged)

    def draw(self, state: State, playhead: Playhead) -> None:
        """Put the handles to the actor, unless they are in somebody's hand."""
        editing = state.editing
        actor = state.staged.stage.actor(editing.selected) if state.staged else None
        wanted = actor is not None and editing.gizmo != "none" and not editing.shows_before and not playhead.playing
        self._handle.visible = wanted
        if actor is None or not wanted:
            return
        turns = editing.gizmo == "turn"
        self._handle.scale = (0.5 * float(actor.actor.size.max()) + REACH) * SCALE
        self._handle.disable_rotations, self._handle.disable_axes = not turns, turns
        self._handle.active_axes = (True, True, not turns)
        if editing.drag is None:
            pose = actor.pose_at(playhead.time)
            self._yaw = math.atan2(pose[1, 0], pose[0, 0])
            self._handle.position = to_units(pose[:3, 3])
            self._handle.wxyz = yaw_to_wxyz(self._yaw)

    async def _dragged(self, event: viser.TransformControlsEvent) -> None:
        """On viser's own loop, so that the phases come in their order; only stores a target."""
        hands = self._controls.hands
        if event.phase == "start":
            hands.grab()
        elif event.phase == "end":
            hands.drop()
        else:
            w, _, _, z = event.target.wxyz
            turned = (2 * math.atan2(z, w) - self._yaw + math.pi) % (2 * math.pi) - math.pi
            if self._controls.store.state.editing.gizmo == "turn":
                drag = self._controls.store.state.editing.drag
                place = np.array(drag.center) if drag is not None else to_metres(event.target.position)
                hands.drag_to(place, turned)
            else:
                hands.drag_to(to_metres(event.target.position), 0.0)


class WaypointLayer:
    """The selected actor's path: a handle at every waypoint, with its time, and the way through them."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._server, self._controls = server, controls
        self._shown: tuple[Waypoint, ...] = ()

    def draw(self, state: State, playhead: Playhead) -> None:
        """Show the waypoints as they are now."""
        waypoints = () if state.editing.shows_before else path_of(state)
        if waypoints == self._shown:
            return
        self._shown = waypoints
        self._server.scene.remove_by_name("/waypoints")
        for number, waypoint in enumerate(waypoints):
            self._add(number, waypoint)
        if len(waypoints) > 1:
            line = _way(waypoints) * SCALE
            self._server.scene.add_line_segments(
                "/waypoints/way",
                np.stack([line[:-1], line[1:]], 1).astype(np.float32),
                colors=for_viser(SELECTED_COLOR),
                thickness=3.0,
                thickness_units="screen",
            )

    def _add(self, number: int, waypoint: Waypoint) -> None:
        handle = self._server.scene.add_transform_controls(
            f"/waypoints/{number}",
            scale=WAYPOINT_SIZE,
            disable_rotations=True,
            active_axes=(True, True, False),
            position=to_units(np.array(waypoint.position)),
        )
        self._server.scene.add_label(
            f"/waypoints/{number}/time", f"{waypoint.time:.2f} s", position=(0.0, 0.0, 0.06), font_screen_scale=0.8
        )

        @handle.on_update
        async def _(event: viser.TransformControlsEvent) -> None:
            if event.phase == "end":
                self._controls.editing.move_waypoint(number, _vector(event.target.position))


class EraserLayer:
    """The box whose stray Gaussians are to be deleted, with handles that move and turn it."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._server, self._controls = server, controls
        self._handle: viser.TransformControlsHandle | None = None
        self._size: Vector | None = None
        self._is_held = False

    def draw(self, state: State, playhead: Playhead) -> None:
        """Show the box where it is."""
        region = state.editing.eraser
        if region is None:
            if self._handle is not None:
                self._server.scene.remove_by_name("/eraser")
                self._handle = self._size = None
            return
        if self._handle is None:
            self._handle = self._server.scene.add_transform_controls("/eraser", scale=GIZMO_SIZE, disable_sliders=True)
            self._handle.on_update(self._dragged)
        if not self._is_held:
            self._handle.position = to_units(np.array(region.center))
            self._handle.wxyz = yaw_to_wxyz(region.yaw)
        if region.size != self._size:
            self._size = region.size
            x, y, z = region.size
            self._server.scene.add_box(
                "/eraser/box",
                color=ERASER_COLOR,
                dimensions=(x * SCALE, y * SCALE, z * SCALE),
                opacity=0.3,
                cast_shadow=False,
                receive_shadow=False,
            )

    async def _dragged(self, event: viser.TransformControlsEvent) -> None:
        self._is_held = event.phase != "end"
        w, _, _, z = event.target.wxyz
        self._controls.hands.set_eraser(center=_vector(event.target.position), yaw=2 * math.atan2(z, w))


def _way(waypoints: tuple[Waypoint, ...]) -> np.ndarray:
    """The path as the actor will take it (m)."""
    from flux4d_core.scene.edit.course import pose_along
    from flux4d_core.scene.edit.way import lead  # as slow to load as a scene, which is there already

    led = lead(waypoints, 0.0, np.eye(4), 0.0)
    times = np.linspace(led.times[0], led.times[-1], POINTS * (len(waypoints) - 1) + 1)
    return np.stack([pose_along(led, float(time))[:3, 3] for time in times])


def _vector(position: np.ndarray | tuple[float, float, float]) -> Vector:
    x, y, z = to_metres(np.asarray(position)).tolist()
    return x, y, z
