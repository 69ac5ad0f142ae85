"""Notices when a browser's view has come to rest, and has it examined: how much of it was ever recorded?"""

from __future__ import annotations

import sys
import threading
import time
import traceback

import viser

from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.jobs.quality import ExamineView

PERIOD = 0.3
"""Between two looks (s); a view that has not changed between them rests."""
PATIENCE = 20.0
"""An examination that is not answered for so long was overtaken by others (s)."""
WIDTH = 200
"""Columns at which a view is examined."""
Key = tuple[object, ...]


class Watch:
    """Looks at all browsers' views, on a thread of its own, and asks for one examination at a time."""

    def __init__(self, server: viser.ViserServer, bench: Bench) -> None:
        self._server, self._bench = server, bench
        self._last: dict[int, Key] = {}
        self._asked: dict[int, Key] = {}
        self._waiting: tuple[object, float] | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD):
            try:
                self.look()
            except Exception:  # a browser may go while it is looked at; the thread must live
                traceback.print_exc(file=sys.stderr)

    def look(self) -> None:
        """Ask for an examination of the first view that rests and was not examined yet."""
        state, playhead = self._bench.store.state, self._bench.clock.playhead
        if state.scene is None or state.surveyed < 1 or playhead.playing or self._is_waiting():
            return
        clients = self._server.get_clients()
        for known in (self._last, self._asked):
            for gone in known.keys() - clients.keys():
                del known[gone]
        for number, client in clients.items():
            pose = pose_of(client.camera)
            if min(pose.width, pose.height) < 1:
                continue
            what = (pose.camera_to_world.tobytes(), pose.fov, pose.width, pose.height)
            key = (*what, playhead.time, state.history.edits, id(state.scene))
            rests, self._last[number] = self._last.get(number) == key, key
            if rests and self._asked.get(number) != key:
                self._asked[number] = key
                self._waiting = state.examined, time.monotonic()
                small = pose.resized(min(1.0, WIDTH / pose.width))
                self._bench.put(ExamineView(number, small, playhead.time, state.history.edits))
                return

    def _is_waiting(self) -> bool:
        """Whether the last examination is still to be answered."""
        if self._waiting is None:
            return False
        before, since = self._waiting
        return self._bench.store.state.examined is before and time.monotonic() - since < PATIENCE
