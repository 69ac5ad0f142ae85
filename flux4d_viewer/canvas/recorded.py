"""What was recorded, in the scene: frusta with their images, LiDAR points, the own vehicle's way.

Everything is sent once; afterwards only its visibility changes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import viser

from flux4d_viewer.canvas.sweeps import SweepLayer, is_shown
from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.recording import RecordedFrame, Recording
from flux4d_viewer.state import State
from flux4d_viewer.theme import CHOSEN_COLOR, FRUSTUM_COLOR, PATH_COLOR, for_viser

FRUSTUM_SIZE = 0.06
"""viser units; about 1 m from the camera to its picture."""
PATH_HEIGHT = 0.05
"""The way is drawn this far above the ground (m), so that it does not flicker in it."""

Jump = Callable[["viser.ClientHandle | None", RecordedFrame], None]
"""Puts a browser (or all, if None) where a frame was taken."""


class RecordedLayer:
    """The nodes below /recorded."""

    def __init__(self, server: viser.ViserServer, jump: Jump) -> None:
        self._server, self._jump = server, jump
        self._recording: Recording | None = None
        self._frusta: list[viser.CameraFrustumHandle] = []
        self._sweeps = SweepLayer(server)
        self._path: viser.LineSegmentsHandle | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the nodes into agreement with the state."""
        if state.recording is not self._recording:
            self._replace(state.recording)
        recording = self._recording
        if recording is None:
            return
        time = playhead.time
        self._show_frusta(recording, state, time)
        self._sweeps.show(state.view.lidar, state.view.lidar_color, time)
        if self._path is not None:
            self._path.visible = state.view.path

    def _replace(self, recording: Recording | None) -> None:
        self._server.scene.remove_by_name("/recorded")
        self._recording, self._frusta, self._path = recording, [], None
        if recording is None:
            return
        self._server.scene.add_frame("/recorded", show_axes=False)
        self._frusta = [self._add_frustum(frame) for frame in recording.frames]
        self._sweeps.replace(recording)
        self._path = self._add_path(recording)

    def _add_frustum(self, frame: RecordedFrame) -> viser.CameraFrustumHandle:
        handle = self._server.scene.add_camera_frustum(
            f"/recorded/cameras/{frame.index}",
            fov=frame.fov,
            aspect=frame.width / frame.height,
            scale=FRUSTUM_SIZE,
            thickness=1.5,
            thickness_units="screen",
            color=FRUSTUM_COLOR,
            image=frame.thumbnail,
            jpeg_quality=75,
            position=to_units(frame.camera_to_world[:3, 3]),
            wxyz=to_wxyz(frame.camera_to_world[:3, :3]),
            visible=False,
            cast_shadow=False,
            receive_shadow=False,
        )
        handle.on_click(lambda event: self._jump(event.client, frame))
        return handle

    def _add_path(self, recording: Recording) -> viser.LineSegmentsHandle | None:
        places = recording.ego_to_world[:, :3, 3] + np.array([0, 0, PATH_HEIGHT])
        if len(places) < 2:
            return None
        return self._server.scene.add_line_segments(
            "/recorded/path",
            np.stack([places[:-1], places[1:]], 1).astype(np.float32) * SCALE,
            colors=for_viser(PATH_COLOR),
            thickness=3.0,
            thickness_units="screen",
        )

    def _show_frusta(self, recording: Recording, state: State, time: float) -> None:
        nearest = {
            frame.index for sensor in recording.sensors if (frame := recording.nearest_frame(sensor, time)) is not None
        }
        for frame, handle in zip(recording.frames, self._frusta, strict=True):
            handle.visible = is_shown(state.view.frusta, frame.index in nearest)
            handle.color = CHOSEN_COLOR if frame.sensor == state.camera else FRUSTUM_COLOR
