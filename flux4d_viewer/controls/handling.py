"""What the hands do in the 3D view before it is an edit: dragging, placing the eraser, drawing rectangles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.scene.edit.operations import Erase, Region, Source, Vector
from flux4d_viewer.canvas.units import Pose, pose_of
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.controls.editing import EditControls
from flux4d_viewer.controls.selecting import SelectionControls
from flux4d_viewer.editing import Drag, Gizmo
from flux4d_viewer.editing import Rectangle as Purpose
from flux4d_viewer.overlaps import Box, overlap
from flux4d_viewer.state import State

if TYPE_CHECKING:
    from flux4d_core.scene.picking import Rectangle
    from flux4d_core.scene.stage import StagedActor

TOUCHES = 0.7
"""What is no farther than this above or below the road stands on it (m)."""
ERASER_SIZE: Vector = (2.0, 2.0, 2.0)
AHEAD = 15.0
"""Where things are put if the view does not look at the ground (m)."""


class HandControls:
    """Gizmo, eraser, rectangles."""

    def __init__(self, bench: Bench, selecting: SelectionControls, editing: EditControls) -> None:
        self._bench, self._selecting, self._editing = bench, selecting, editing
        self._others: list[tuple[str, Box]] = []
        """Names and boxes of all other actors while one is dragged."""

    def set_gizmo(self, gizmo: Gizmo) -> None:
        """Show the handles that move or turn the selected actor; hide them if they are shown."""
        shown = self._bench.store.state.editing.gizmo
        self._set(gizmo="none" if gizmo == shown or not self._bench.store.state.editing.selected else gizmo)

    def set_snap(self, snaps: bool) -> None:
        """Whether what is moved keeps its contact with the road."""
        self._set(snaps=snaps)

    def grab(self) -> None:
        """Begin to drag the selected actor."""
        actor = self._selecting.selected
        if actor is None:
            return
        self._bench.clock.change(lambda playhead: replace(playhead, playing=False))
        time = self._bench.clock.playhead.time
        x, y, z = (float(value) for value in actor.pose_at(time)[:3, 3])
        self._others = self._boxes_of_others(actor, time)
        self._set(drag=Drag(actor.id, time, (x, y, z)))

    def drag_to(self, position: Float64[ndarray, "3"], yaw: float) -> None:
        """Carry what is dragged to a place, turned by `yaw` (rad) from where it headed."""
        actor, drag = self._selecting.selected, self._bench.store.state.editing.drag
        if actor is None or drag is None or drag.is_dropped:
            return
        x, y, z = (float(there - here) for there, here in zip(position, drag.center, strict=True))
        if self._bench.store.state.editing.snaps:
            z = self._height_change(actor, drag, x, y)
        drag = replace(drag, offset=(x, y, z), yaw=yaw)
        self._set(drag=drag, overlap=self._runs_into(actor, drag))

    def drop(self) -> None:
        """Let go of what is dragged: now it is an edit."""
        drag = self._bench.store.state.editing.drag
        if drag is None or drag.is_dropped:
            return
        if not any(drag.offset) and not drag.yaw:
            self._set(drag=None)
            return
        runs_into = self._bench.store.state.editing.overlap
        self._editing.move_by(drag.offset, drag.yaw)
        self._set(drag=replace(drag, is_dropped=True), overlap=runs_into)

    def move_by(self, offset: Vector, yaw: float) -> None:
        """As dragging by so much, snapped to the road where that is wanted and no height is said."""
        actor, time = self._selecting.selected, self._bench.clock.playhead.time
        if actor is None:
            return
        x, y, z = (float(value) for value in actor.pose_at(time)[:3, 3])
        drag = Drag(actor.id, time, (x, y, z), offset, yaw)
        if self._bench.store.state.editing.snaps and offset[2] == 0:
            drag = replace(drag, offset=(offset[0], offset[1], self._height_change(actor, drag, offset[0], offset[1])))
        self._others = self._boxes_of_others(actor, time)
        self._editing.move_by(drag.offset, yaw)
        self._set(overlap=self._runs_into(actor, drag))

    def place_eraser(self, client: Client) -> None:
        """Put a box where the browser looks, whose stray Gaussians can be deleted; or put it away."""
        if self._bench.store.state.editing.eraser is not None:
            self._set(eraser=None)
            return
        place = self.looked_at(client)
        center = (float(place[0]), float(place[1]), float(place[2]) + 0.5 * ERASER_SIZE[2])
        self._set(eraser=Region(center, ERASER_SIZE, 0.0, self._bench.clock.playhead.time))

    def set_eraser(self, **changes: object) -> None:
        """Change the box's centre, size or yaw."""
        eraser = self._bench.store.state.editing.eraser
        if eraser is not None:
            self._set(eraser=replace(eraser, **changes))  # pyright: ignore[reportArgumentType]

    def erase(self, spares_actors: bool) -> None:
        """Delete what is in the box."""
        eraser = self._bench.store.state.editing.eraser
        if eraser is not None:
            region = replace(eraser, time=self._bench.clock.playhead.time)
            self._editing.do(Erase(region, spares_actors))
            self._set(eraser=None)

    def insert(self, source: Source, client: Client) -> None:
        """Put an actor from a file where the browser looks, heading away from it."""
        x, y, z = self.looked_at(client).tolist()
        forward = pose_of(client.camera).camera_to_world[:3, 2] if client is not None else np.array([1.0, 0.0, 0.0])
        self._editing.insert(source, (x, y, z), float(np.arctan2(forward[1], forward[0])))

    def set_rectangle(self, purpose: Purpose) -> None:
        """What the next rectangle is for; selecting, if that is what it was for already."""
        same = self._bench.store.state.editing.rectangle == purpose
        self._set(rectangle="select" if same else purpose)

    def rectangle(self, rectangle: Rectangle, pose: Pose, takes: bool) -> None:
        """A rectangle over the 3D view: it does what it is for, once."""
        purpose = self._bench.store.state.editing.rectangle
        if purpose == "select":
            self._selecting.rectangle(rectangle, pose, takes)
            return
        self._set(rectangle="select")
        region = self._region(rectangle, pose)
        if region is None:
            self._set(note="Nothing that stands and belongs to nobody was found in the rectangle.")
        elif purpose == "make":
            self._editing.group(region)
        else:
            self._editing.assign(region, adds=purpose == "add")

    def looked_at(self, client: Client) -> Float64[ndarray, "3"]:
        """The ground in the middle of a browser's view (m), or a place ahead of it."""
        state = self._bench.store.state
        ground = state.staged.ground if state.staged else None
        if client is None:
            return np.zeros(3)
        pose = pose_of(client.camera).camera_to_world
        eye, forward = pose[:3, 3], pose[:3, 2]
        level = ground.height_at(float(eye[0]), float(eye[1])) if ground else 0.0
        distance = (level - eye[2]) / forward[2] if forward[2] < -0.02 else 2 * AHEAD
        place = eye + forward * min(max(float(distance), 1.0), 4 * AHEAD)
        return np.array([place[0], place[1], self._ground_at(place[0], place[1], level)])

    def _region(self, rectangle: Rectangle, pose: Pose) -> Region | None:
        from flux4d_core.scene.picking import region_in
        from flux4d_viewer.canvas.painter import camera_of

        staged = self._bench.store.state.staged
        if staged is None or staged.ground is None:
            return None
        camera = camera_of(pose, self._bench.clock.playhead.time)
        return region_in(staged.stage, staged.ground, camera, rectangle)

    def _height_change(self, actor: StagedActor, drag: Drag, x: float, y: float) -> float:
        """How much higher the road is there: what touches it does so again, what hung above it now stands."""
        here = self._ground_at(drag.center[0], drag.center[1], 0.0)
        there = self._ground_at(drag.center[0] + x, drag.center[1] + y, 0.0)
        bottom = drag.center[2] - 0.5 * float(actor.actor.size[2])
        return there - here if abs(bottom - here) < TOUCHES else there - bottom

    def _ground_at(self, x: float, y: float, unknown: float) -> float:
        staged = self._bench.store.state.staged
        return staged.ground.height_at(float(x), float(y)) if staged and staged.ground else unknown

    def _boxes_of_others(self, actor: StagedActor, time: float) -> list[tuple[str, Box]]:
        others = (other for other in self._selecting.actors if other.id != actor.id and not other.hidden)
        return [(other.name, _box(other, time)) for other in others]

    def _runs_into(self, actor: StagedActor, drag: Drag) -> str:
        """The name of the first other actor whose box meets that of the dragged one."""
        pose, size = _box(actor, drag.time)
        moved = (drag.motion @ pose, size)
        return next((name for name, box in self._others if overlap(moved, box)), "")

    def _set(self, **changes: object) -> None:
        def change(state: State) -> State:
            return replace(state, editing=replace(state.editing, **changes))  # pyright: ignore[reportArgumentType]

        self._bench.store.change(change)


def _box(actor: StagedActor, time: float) -> Box:
    return actor.pose_at(time), actor.actor.size.double().numpy()
