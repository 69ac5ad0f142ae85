"""Where a browser looks from, and the comparison with what was recorded there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from flux4d_viewer.canvas.overview import look_over
from flux4d_viewer.canvas.units import fitting_fov, look
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.jobs.comparing import Compare
from flux4d_viewer.recording import RecordedFrame


class CameraControls:
    """The recorded cameras and the overview."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def choose_camera(self, sensor: str) -> None:
        self._bench.store.change(lambda state: replace(state, camera=sensor))
        self.compare()

    def jump(self, client: Client, frame: RecordedFrame | None = None) -> None:
        """Look through a recorded camera: the given frame's, or the chosen one's nearest to the playhead.

        Frusta are hidden: from inside, their pictures would hide the scene.
        """
        state = self._bench.store.state
        if state.recording is None or client is None:
            return
        frame = frame or state.recording.nearest_frame(state.camera, self._bench.clock.playhead.time)
        if frame is None:
            return
        if state.view.frusta != "none":
            self._bench.store.set_view(frusta="none")
        self._bench.clock.seek(frame.time)
        if frame.sensor != state.camera:
            self.choose_camera(frame.sensor)
        fov = fitting_fov(frame.fov, frame.width / frame.height, client.camera.aspect)
        look(client, frame.camera_to_world.astype(np.float64), fov)

    def jump_to_next(self, client: Client, count: int) -> None:
        """The next camera (the one before if negative), and jump into it."""
        recording = self._bench.store.state.recording
        if recording is None or not recording.sensors:
            return
        sensors, chosen = recording.sensors, self._bench.store.state.camera
        inside = self._bench.store.state.view.frusta == "none"
        index = sensors.index(chosen) + (count if inside else 0) if chosen in sensors else 0
        self.choose_camera(sensors[index % len(sensors)])
        self.jump(client)

    def overview(self, client: Client) -> None:
        """Back to the first view, with the frusta in sight again."""
        recording = self._bench.store.state.recording
        if recording is None or client is None:
            return
        if self._bench.store.state.view.frusta == "none":
            self._bench.store.set_view(frusta="playhead")
        look_over(client, recording)

    def compare(self) -> None:
        """Render the chosen camera's view nearest to the playhead, unless that is what is shown."""
        state = self._bench.store.state
        if state.recording is None or state.scene is None:
            return
        frame = state.recording.nearest_frame(state.camera, self._bench.clock.playhead.time)
        if frame is None:
            return
        shown, edits = state.comparison, state.history.edits
        if shown is None or shown.frame != frame.index or shown.edits != edits:
            self._bench.put(Compare(frame.index, edits))
