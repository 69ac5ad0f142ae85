"""What the panels and keys can do, in one place: each is a request, none draws or waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import viser

from flux4d_viewer.canvas.overview import look_over
from flux4d_viewer.canvas.units import fitting_fov, look
from flux4d_viewer.clock import Clock
from flux4d_viewer.jobs import AdaptToLog, Compare, ExportPly, ExportVideo, Job, SaveScene
from flux4d_viewer.recording import RecordedFrame
from flux4d_viewer.state import ColorBy, Show, State, Store

_SHOW: tuple[Show, ...] = ("everything", "static", "dynamic")
Client = viser.ClientHandle | None
"""Whose browser asks; None: nobody's in particular."""


@dataclass(frozen=True)
class Film:
    """What the export panel asks for."""

    shift: float
    fps: float
    slow: float
    width: int


class Controls:
    """Turns wishes into changes of the state, moves of the playhead and jobs for the worker."""

    def __init__(
        self, store: Store, clock: Clock, put: Callable[[Job], None], cancel: Callable[[], None], folder: Path
    ) -> None:
        self.store, self.clock = store, clock
        self._put, self._cancel, self.folder = put, cancel, folder

    # --- time ---------------------------------------------------------------------------------------------------

    def toggle_playing(self) -> None:
        self.clock.change(lambda playhead: playhead.toggled())

    def set_speed(self, speed: float) -> None:
        self.clock.change(lambda playhead: replace(playhead, speed=speed))

    def set_loop(self, loop: bool | None = None) -> None:
        """Loop or not; the other way round if not said."""
        self.clock.change(lambda p: replace(p, loop=not p.loop if loop is None else loop))

    def step(self, count: int) -> None:
        """Go `count` recorded frames forward (back if negative) from the nearest one, and stand there."""
        stamps = self._stamps()
        nearest = nearest_index(stamps, self.clock.playhead.time)
        self.clock.seek(stamps[min(max(nearest + count, 0), len(stamps) - 1)])

    def go_to_end(self, last: bool) -> None:
        playhead = self.clock.playhead
        self.clock.seek(playhead.end if last else playhead.start)

    def _stamps(self) -> tuple[float, ...]:
        recording = self.store.state.recording
        return recording.stamps if recording else (0.0,)

    # --- how the scene is shown ---------------------------------------------------------------------------------

    def cycle_show(self) -> None:
        """Everything, static, dynamic, everything ..."""
        shown = self.store.state.view.show
        self.store.set_view(show=_SHOW[(_SHOW.index(shown) + 1) % len(_SHOW)])

    def cycle_velocity(self) -> None:
        """No arrows, arrows, arrows and colours, none ..."""
        view = self.store.state.view
        wanted: tuple[bool, ColorBy] = (True, "real")
        if view.arrows:
            wanted = (True, "speed") if view.color == "real" else (False, "real")
        self.store.set_view(arrows=wanted[0], color=wanted[1])

    def toggle_boxes(self) -> None:
        self.store.set_view(boxes=not self.store.state.view.boxes)

    # --- cameras ------------------------------------------------------------------------------------------------

    def choose_camera(self, sensor: str) -> None:
        self.store.change(lambda state: replace(state, camera=sensor))
        self.compare()

    def jump(self, client: Client, frame: RecordedFrame | None = None) -> None:
        """Look through a recorded camera: the given frame's, or the chosen one's nearest to the playhead.

        Frusta are hidden: from inside, their pictures would hide the scene.
        """
        state = self.store.state
        if state.recording is None or client is None:
            return
        frame = frame or state.recording.nearest_frame(state.camera, self.clock.playhead.time)
        if frame is None:
            return
        if state.view.frusta != "none":
            self.store.set_view(frusta="none")
        self.clock.seek(frame.time)
        if frame.sensor != state.camera:
            self.choose_camera(frame.sensor)
        fov = fitting_fov(frame.fov, frame.width / frame.height, client.camera.aspect)
        look(client, frame.camera_to_world.astype(np.float64), fov)

    def jump_to_next(self, client: Client, count: int) -> None:
        """The next camera (the one before if negative), and jump into it."""
        recording = self.store.state.recording
        if recording is None or not recording.sensors:
            return
        sensors, chosen = recording.sensors, self.store.state.camera
        inside = self.store.state.view.frusta == "none"
        index = sensors.index(chosen) + (count if inside else 0) if chosen in sensors else 0
        self.choose_camera(sensors[index % len(sensors)])
        self.jump(client)

    def overview(self, client: Client) -> None:
        """Back to the first view, with the frusta in sight again."""
        recording = self.store.state.recording
        if recording is None or client is None:
            return
        if self.store.state.view.frusta == "none":
            self.store.set_view(frusta="playhead")
        look_over(client, recording)

    def compare(self) -> None:
        """Render the chosen camera's view nearest to the playhead, unless that is what is shown."""
        state = self.store.state
        if state.recording is None or state.scene is None:
            return
        frame = state.recording.nearest_frame(state.camera, self.clock.playhead.time)
        if frame is not None and (state.comparison is None or state.comparison.frame != frame.index):
            self._put(Compare(frame.index))

    # --- the network ------------------------------------------------------------------------------------------------

    def adapt(self, seconds: float) -> None:
        """Train on the open log for a while, and reconstruct it again if that helped."""
        self._put(AdaptToLog(seconds))

    # --- files --------------------------------------------------------------------------------------------------

    def export_video(self, film: Film, client: Client) -> None:
        camera = self.store.state.camera
        self._put(ExportVideo(camera, film.shift, film.fps, film.slow, film.width, self.folder, _id(client)))

    def save_scene(self, client: Client) -> None:
        self._put(SaveScene(self.folder, _id(client)))

    def export_ply(self, client: Client) -> None:
        self._put(ExportPly(self.clock.playhead.time, self.folder, _id(client)))

    def cancel(self) -> None:
        """Stop the job under way."""

        def mark(state: State) -> State:
            return replace(state, work=replace(state.work, cancelling=True)) if state.work else state

        self.store.change(mark)
        self._cancel()


def nearest_index(stamps: tuple[float, ...], time: float) -> int:
    """Position of the stamp nearest to a time."""
    return min(range(len(stamps)), key=lambda i: abs(stamps[i] - time))


def _id(client: Client) -> int | None:
    return None if client is None else client.client_id
