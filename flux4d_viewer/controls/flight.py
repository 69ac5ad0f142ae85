"""A browser flown along a camera path in real time, the playhead with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import viser

from flux4d_core.scene.paths.camera_path import CameraPath, View
from flux4d_viewer.canvas.units import look_as
from flux4d_viewer.clock import RATE, Clock

AHEAD = round(RATE)
"""Views worked out at a time: those of a path of hours would not fit into memory."""


class Flight:
    """One preview, on a thread of its own, until its end or `stop`."""

    def __init__(self, client: viser.ClientHandle, path: CameraPath, clock: Clock, ended: Callable[[], None]) -> None:
        self._client, self._path, self._clock, self._ended = client, path, clock, ended
        self._stopped = threading.Event()
        self._first, self._views = 0, self._some(0)
        threading.Thread(target=self._fly, name="preview", daemon=True).start()

    def stop(self) -> None:
        """Stay where it is."""
        self._stopped.set()

    def _fly(self) -> None:
        began = time.perf_counter()
        last = round(self._path.seconds * RATE)
        try:
            while not self._stopped.is_set():
                step = round((time.perf_counter() - began) * RATE)
                view = self._view(step if self._path.loop else min(step, last))
                self._clock.seek(view.time)
                look_as(self._client, view.camera_to_world, view.fov)
                if step >= last and not self._path.loop:
                    break
                self._stopped.wait(1 / RATE)
        finally:
            self._ended()

    def _view(self, step: int) -> View:
        first = step // AHEAD * AHEAD
        if first != self._first:
            self._first, self._views = first, self._some(first)
        return self._views[step - first]

    def _some(self, first: int) -> tuple[View, ...]:
        """Views from a step on; a loop goes round, and at the end of any other path the camera stands."""
        return self._path.views(np.arange(first, first + AHEAD) / RATE)
