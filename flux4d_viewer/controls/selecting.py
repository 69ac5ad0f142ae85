"""Which actors are selected, and where they are seen from."""

from __future__ import annotations

import math
import time as clock_time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from flux4d_viewer.canvas.units import Pose, look, pose_of, to_metres
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.state import State

if TYPE_CHECKING:
    from flux4d_core.scene.picking import Rectangle
    from flux4d_core.scene.stage import StagedActor

FLIGHT = 0.6
"""Seconds that the view takes to an actor."""
STEPS = 18


class SelectionControls:
    """Selecting in the 3D view and in the list."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @property
    def actors(self) -> tuple[StagedActor, ...]:
        """All that can be selected now."""
        staged = self._bench.store.state.staged
        return staged.stage.actors if staged else ()

    @property
    def selected(self) -> StagedActor | None:
        """The actor that is edited."""
        staged = self._bench.store.state.staged
        return staged.stage.actor(self._bench.store.state.editing.selected) if staged else None

    def select(self, *ids: str) -> None:
        """These and no others."""
        self._set(ids)

    def deselect(self) -> None:
        """Nothing, and no tool in the hand."""

        def change(state: State) -> State:
            editing = replace(
                state.editing, selection=(), gizmo="none", drag=None, overlap="", first_waypoint=None, eraser=None
            )
            return replace(state, editing=replace(editing, rectangle="select", note=""))

        self._bench.store.change(change)

    def add(self, *ids: str) -> None:
        """Select these, too."""
        kept = tuple(id for id in self._selection if id not in ids)
        self._set(kept + ids)

    def take(self, *ids: str) -> None:
        """Select these no longer."""
        self._set(tuple(id for id in self._selection if id not in ids))

    def click(self, origin: tuple[float, float, float], direction: tuple[float, float, float], adds: bool) -> None:
        """A click into the 3D view, along a ray in viser's units: on an actor, or beside all."""
        from flux4d_core.scene.picking import pick

        staged = self._bench.store.state.staged
        if staged is None:
            return
        hit = pick(staged.stage, to_metres(origin).tolist(), direction, self._bench.clock.playhead.time)
        if hit is None:
            if not adds:
                self._set(())
        elif not adds:
            self._set((hit,))
        elif hit in self._selection:
            self.take(hit)
        else:
            self.add(hit)

    def rectangle(self, rectangle: Rectangle, pose: Pose, takes: bool) -> None:
        """A rectangle over the 3D view: what is in it is selected, too, or no longer."""
        from flux4d_core.scene.picking import pick_in
        from flux4d_viewer.canvas.painter import camera_of

        staged = self._bench.store.state.staged
        if staged is None:
            return
        ids = pick_in(staged.stage, camera_of(pose, self._bench.clock.playhead.time), rectangle)
        if takes:
            self.take(*ids)
        else:
            self.add(*ids)

    def focus(self, client: Client) -> None:
        """Fly to the selected actor; runs until it is there."""
        actor = self.selected
        if actor is None or client is None:
            return
        goal = actor.pose_at(self._bench.clock.playhead.time)[:3, 3]
        start = pose_of(client.camera)
        distance = max(6.0, 2.5 * float(actor.actor.size.max()))
        forward = start.camera_to_world[:3, 2]
        level = math.hypot(forward[0], forward[1])
        ahead = np.array([forward[0], forward[1], 0.0]) / level if level > 1e-3 else np.array([1.0, 0.0, 0.0])
        end = goal - distance * (0.9 * ahead - np.array([0.0, 0.0, 0.42]))
        looked_at = start.camera_to_world[:3, 3] + distance * forward
        for step in range(1, STEPS + 1):
            share = step / STEPS
            share = share * share * (3 - 2 * share)
            eye = (1 - share) * start.camera_to_world[:3, 3] + share * end
            at = (1 - share) * looked_at + share * goal
            look(client, _towards(eye, at), start.fov, float(np.linalg.norm(at - eye)))
            clock_time.sleep(FLIGHT / STEPS)

    @property
    def _selection(self) -> tuple[str, ...]:
        return self._bench.store.state.editing.selection

    def _set(self, ids: tuple[str, ...]) -> None:
        def change(state: State) -> State:
            if state.editing.selection == ids:
                return state
            gizmo = state.editing.gizmo if ids else "none"
            editing = replace(state.editing, selection=ids, gizmo=gizmo, drag=None, overlap="", first_waypoint=None)
            return replace(state, editing=editing)

        self._bench.store.change(change)


def _towards(eye: np.ndarray, at: np.ndarray) -> np.ndarray:
    """camera_to_world at a place, looking at another; only place and direction count."""
    pose = np.eye(4)
    pose[:3, 2] = (at - eye) / max(float(np.linalg.norm(at - eye)), 1e-6)
    pose[:3, 3] = eye
    return pose
