"""The camera path in the scene: its keyframes as frusta, the way between them as a line, handles on the chosen one."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import viser
import viser.transforms
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.state import State
from flux4d_viewer.theme import ACCENT, CHOSEN_COLOR

FRUSTUM_SIZE = 0.05
"""viser units; about 0.8 m from a keyframe to its picture."""
GIZMO_SIZE = 0.2
"""viser units; the handles' arrows are 2 m long."""
MAX_FRUSTA = 12
"""Of a path with more keyframes only so many are drawn, smaller, so that the way is seen."""
LINE_COLOR = (150, 214, 240)
INSIDE = 1.5
"""Nearer than this to a keyframe (m) a browser would look through its picture: it is hidden until that moves on."""
SEGMENTS = 200
"""Straight pieces of the line at most."""
WIDEST = math.radians(100)
"""Frusta of wide cameras are drawn with this opening angle."""


class KeyframeHand(Protocol):
    """What a hand in the scene does to keyframes."""

    def choose(self, index: int) -> None:
        """Take a keyframe in hand; -1: none."""
        ...

    def drag(self, index: int, camera_to_world: Float64[ndarray, "4 4"], begins: bool) -> None:
        """Put a keyframe elsewhere; `begins`: the hand has just taken hold."""
        ...


class KeyframesLayer:
    """The nodes below /keyframes."""

    def __init__(self, server: viser.ViserServer, hand: KeyframeHand) -> None:
        self._server, self._hand = server, hand
        self._path: CameraPath | None = None
        self._chosen = -1
        self._is_shown = False
        self._frusta: dict[int, viser.CameraFrustumHandle] = {}
        self._looks: dict[int, tuple[Keyframe, bool, float, bool]] = {}
        """What each frustum was last made to show."""
        self._line: viser.LineSegmentsHandle | None = None
        self._gizmo: viser.TransformControlsHandle | None = None
        server.on_client_connect(self._watch)

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the nodes into agreement with the state."""
        # in a flight the camera is inside of them
        shown = state.pathing.is_shown and not state.pathing.is_flying
        if state.path is self._path and (state.pathing.chosen, shown) == (self._chosen, self._is_shown):
            return
        moved, self._path, self._is_shown = state.path is not self._path, state.path, shown
        self._chosen = state.pathing.chosen
        path = state.path
        wanted = _drawn(path, self._chosen) if shown else ()
        for index in [index for index in self._frusta if index not in wanted]:
            self._frusta.pop(index).remove()
        for index in wanted:
            self._show_frustum(path, index)
        if moved or (self._line is None) == shown:
            self._show_line(path, shown)
        self._show_gizmo(path, shown)
        self._uncover()

    def _show_frustum(self, path: CameraPath, index: int) -> None:
        keyframe = path.keyframes[index]
        look = keyframe, index == self._chosen, path.width / path.height, len(path.keyframes) > MAX_FRUSTA
        if index in self._frusta and self._looks.get(index) == look:
            return
        self._looks[index] = look
        pose, color = keyframe.camera_to_world, CHOSEN_COLOR if index == self._chosen else ACCENT
        handle = self._frusta.get(index)
        if handle is None:
            handle = self._frusta[index] = self._server.scene.add_camera_frustum(
                f"/keyframes/{index}",
                1.0,
                1.0,
                scale=FRUSTUM_SIZE,
                thickness=1.5,
                thickness_units="screen",
                variant="filled",
                cast_shadow=False,
            )
            handle.on_click(lambda _: self._hand.choose(index))
        handle.fov, handle.aspect = min(keyframe.fov, WIDEST), path.width / path.height
        handle.color = color
        handle.scale = FRUSTUM_SIZE * (0.6 if len(path.keyframes) > MAX_FRUSTA and index != self._chosen else 1.0)
        handle.position, handle.wxyz = to_units(pose[:3, 3]), to_wxyz(pose[:3, :3])

    def _watch(self, client: viser.ClientHandle) -> None:
        client.camera.on_update(lambda _: self._uncover())

    def _uncover(self) -> None:
        """Hide the frusta and handles in which a browser stands; show the others."""
        eyes = [np.asarray(client.camera.position) for client in self._server.get_clients().values()]
        for index, frustum in list(self._frusta.items()):
            is_free = all(np.linalg.norm(eye - np.asarray(frustum.position)) > INSIDE * SCALE for eye in eyes)
            if frustum.visible != is_free:
                frustum.visible = is_free
            if index == self._chosen and self._gizmo is not None and self._is_shown and self._gizmo.visible != is_free:
                self._gizmo.visible = is_free

    def _show_line(self, path: CameraPath, shown: bool) -> None:
        if not shown or path.seconds <= 0:
            if self._line is not None:
                self._line.remove()
                self._line = None
            return
        pieces = min(SEGMENTS, 24 * len(path.keyframes))
        views = path.views(np.linspace(0, path.seconds * (1 if not path.loop else 1 - 1e-9), pieces + 1))
        places = np.stack([view.camera_to_world[:3, 3] for view in views]) * SCALE
        segments = np.stack([places[:-1], places[1:]], 1).astype(np.float32)
        if self._line is not None and len(self._line.points) == pieces:
            self._line.points = segments
            return
        self._line = self._server.scene.add_line_segments(
            "/keyframes/line",
            segments,
            colors=LINE_COLOR,
            thickness=2.5,
            thickness_units="screen",
        )

    def _show_gizmo(self, path: CameraPath, shown: bool) -> None:
        if not shown or not 0 <= self._chosen < len(path.keyframes):
            if self._gizmo is not None:
                self._gizmo.visible = False
            return
        if self._gizmo is None:
            self._gizmo = self._server.scene.add_transform_controls(
                "/keyframes/handles", scale=GIZMO_SIZE, depth_test=False, line_width=2.5
            )
            self._gizmo.on_update(self._dragged)
        pose = path.keyframes[self._chosen].camera_to_world
        # what comes from the hand itself must not be sent back under it
        if not np.allclose(_pose_of(self._gizmo), pose, atol=1e-6):
            self._gizmo.position, self._gizmo.wxyz = to_units(pose[:3, 3]), to_wxyz(pose[:3, :3])
        self._gizmo.visible = True

    def _dragged(self, event: viser.TransformControlsEvent) -> None:
        if event.client_id is not None and self._chosen >= 0 and self._gizmo is not None:
            self._hand.drag(self._chosen, _pose_of(self._gizmo), event.phase == "start")


def _drawn(path: CameraPath, chosen: int) -> tuple[int, ...]:
    """Which keyframes are drawn: all, or of many some at even distances, and the chosen one."""
    count = len(path.keyframes)
    some = np.unique(np.linspace(0, count - 1, min(count, MAX_FRUSTA)).round().astype(int)).tolist() if count else []
    return tuple(sorted({*some, *([chosen] if 0 <= chosen < count else [])}))


def _pose_of(gizmo: viser.TransformControlsHandle) -> Float64[ndarray, "4 4"]:
    """camera_to_world where the handles are (m)."""
    pose = np.eye(4)
    pose[:3, :3] = viser.transforms.SO3(np.asarray(gizmo.wxyz, dtype=np.float64)).as_matrix()
    pose[:3, 3] = np.asarray(gizmo.position) / SCALE
    return pose
