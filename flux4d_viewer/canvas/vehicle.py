"""The own vehicle as a plain body, where it is at the playhead."""

from __future__ import annotations

import numpy as np
import viser
from jaxtyping import Float32, Int32
from numpy import ndarray

from flux4d_viewer.canvas.ego import ego_pose
from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.state import State
from flux4d_viewer.theme import PATH_COLOR, for_viser

_OUTLINE = (
    (-2.2, 0.35),
    (2.2, 0.35),
    (2.2, 0.85),
    (1.1, 0.95),
    (0.4, 1.45),
    (-1.3, 1.45),
    (-2.0, 0.95),
    (-2.2, 0.9),
)
"""Seen from its right side: ahead and up from the own vehicle's origin (m)."""
_LOWER, _UPPER = 0.9, 0.7
"""Half widths of body and roof (m)."""


class VehicleLayer:
    """The node /vehicle."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._handle: viser.MeshHandle | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the body into agreement with state and playhead; it is sent when it is first wanted."""
        shown = state.view.vehicle and state.recording is not None
        if shown and self._handle is None:
            self._handle = self._add()
        if self._handle is None:
            return
        self._handle.visible = shown
        if shown and state.recording is not None:
            pose = ego_pose(state.recording, playhead.time)
            self._handle.position, self._handle.wxyz = to_units(pose[:3, 3]), to_wxyz(pose[:3, :3])

    def _add(self) -> viser.MeshHandle:
        vertices, faces = body()
        r, g, b = (int(value) for value in for_viser(PATH_COLOR))
        return self._server.scene.add_mesh_simple(
            "/vehicle",
            vertices * SCALE,
            faces,
            color=(r, g, b),
            opacity=0.85,
            flat_shading=True,
            side="double",
            cast_shadow=False,
            receive_shadow=False,
        )


def body() -> tuple[Float32[ndarray, "V 3"], Int32[ndarray, "F 3"]]:
    """A car of few faces: its outline on both sides, joined; narrower at the roof."""
    outline = np.array(_OUTLINE)
    width = np.where(outline[:, 1] > 1.2, _UPPER, _LOWER)
    right, left = (np.stack([outline[:, 0], sign * width, outline[:, 1]], -1) for sign in (-1, 1))
    count = len(outline)
    fan = [(0, i, i + 1) for i in range(1, count - 1)]
    sides = fan + [(count, count + b, count + a) for _, a, b in fan]
    around = [face for i in range(count) for face in _strip(i, (i + 1) % count, count)]
    return np.concatenate([right, left]).astype(np.float32), np.array(sides + around, dtype=np.int32)


def _strip(one: int, other: int, count: int) -> list[tuple[int, int, int]]:
    return [(one, count + one, other), (other, count + one, count + other)]
