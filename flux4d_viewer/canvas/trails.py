"""The ways of the actors as lines near the ground: of the whole window, or of the last seconds before the playhead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import viser
from jaxtyping import Float32
from numpy import ndarray

from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.clock import Playhead
from flux4d_viewer.state import State
from flux4d_viewer.theme import for_viser, speed_colors

if TYPE_CHECKING:
    from flux4d_core.scene.stage import StagedActor
    from flux4d_viewer.canvas.layout import Layout

STEP = 0.1
"""Seconds between the corners of a trail."""
MAX_STEPS = 200
"""Corners of one trail, at most."""
HEIGHT = 0.08
"""Above the underside of the actor's box (m)."""


class TrailLayer:
    """The node /trails."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._handle: viser.LineSegmentsHandle | None = None
        self._drawn: tuple[object, ...] | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the trails into agreement with state and playhead."""
        view, layout = state.view, state.layout
        if view.trail == "none" or view.show == "static" or layout is None or state.drawable is None:
            if self._handle is not None:
                self._handle.visible = False
            return
        whole = view.trail == "whole"
        span = (playhead.start, playhead.end) if whole else (playhead.time - view.trail_seconds, playhead.time)
        drawn = (layout, span, view.threshold)
        if drawn != self._drawn:
            self._drawn = drawn
            self._send(layout, span, view.threshold, state.drawable.speed_top)
        if self._handle is not None:
            self._handle.visible = True

    def _send(self, layout: Layout, span: tuple[float, float], threshold: float, top: float) -> None:
        actors = [
            laid.staged
            for laid in layout.moving.values()
            if laid.staged is not None and laid.shown and laid.node.motion.speed > threshold
        ]
        times = trail_times(*span)
        segments = [trail_of(actor, times) for actor in actors] or [np.zeros((0, 2, 3), dtype=np.float32)]
        points = np.concatenate(segments)
        if len(points) == 0:
            if self._handle is not None:
                self._handle.remove()
                self._handle = None
            return
        pace = np.linalg.norm(points[:, 1] - points[:, 0], axis=-1) / np.tile(np.diff(times), len(actors))
        colors = for_viser(np.repeat(speed_colors(pace, top)[:, None], 2, axis=1))
        if self._handle is not None and self._handle.points.shape == points.shape:
            self._handle.points, self._handle.colors = points * SCALE, colors
            return
        self._handle = self._server.scene.add_line_segments(
            "/trails", points * SCALE, colors=colors, thickness=4.0, thickness_units="screen"
        )


def trail_times(start: float, end: float) -> Float32[ndarray, "T"]:
    """The times of a trail's corners, from first to last (s)."""
    count = int(np.clip(np.ceil((end - start) / STEP), 1, MAX_STEPS))
    return np.linspace(start, end, count + 1)


def trail_of(actor: StagedActor, times: ndarray) -> Float32[ndarray, "S 2 3"]:
    """An actor's way as pieces from corner to corner (m)."""
    below = 0.5 * float(actor.actor.size[2]) - HEIGHT
    places = np.array([pose[:3, 3] - below * pose[:3, 2] for pose in map(actor.pose_at, times.tolist())])
    return np.stack([places[:-1], places[1:]], 1).astype(np.float32)
