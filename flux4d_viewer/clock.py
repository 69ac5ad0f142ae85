"""The playhead, and the one thread that draws.

Callbacks of the page come from many threads, late and out of order. They only store a target here; the drawing thread
applies the newest one and skips what it overtook. So a slow browser or a fast hand never builds a queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

RATE = 30.0
"""Most steps a second."""
REST = 0.15
"""The playhead rests after this long without a change (s): time for exact, slower drawing."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Playhead:
    """Where playing is and how it goes on. Time is continuous: it stops between recorded frames as well as on them."""

    time: float = 0.0
    start: float = 0.0
    end: float = 0.0
    speed: float = 1.0
    """Seconds of the drive for one second on the wall."""
    playing: bool = False
    loop: bool = True

    def at(self, time: float) -> Playhead:
        """Moved to a time, kept within what was recorded."""
        return replace(self, time=min(max(time, self.start), self.end))

    def after(self, seconds: float) -> Playhead:
        """Later by `seconds` on the wall, if it plays: round again at the end, or stopped there."""
        if not self.playing:
            return self
        reached = self.time + seconds * self.speed
        if reached < self.end:
            return replace(self, time=reached)
        if not self.loop or self.end <= self.start:
            return replace(self, time=self.end, playing=False)
        return replace(self, time=self.start + (reached - self.start) % (self.end - self.start))

    def toggled(self) -> Playhead:
        """Playing if it stood, standing if it played; from the start if it stood at the end."""
        at_end = not self.playing and not self.loop and self.time >= self.end
        return replace(self, playing=not self.playing, time=self.start if at_end else self.time)


Draw = Callable[[Playhead], None]


class Clock:
    """Moves the playhead and draws; everything drawn is drawn on this one thread.

    `draw` is called for every new playhead or state (`wake`), newest only; `settle` once the playhead has rested.
    """

    def __init__(self, draw: Draw, settle: Draw) -> None:
        self._draw, self._settle = draw, settle
        self._playhead = Playhead()
        self._lock = threading.Lock()
        self._dirty = threading.Event()
        self._stirred = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="drawing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the step it is drawing."""
        self._stopped = True
        self._dirty.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @property
    def playhead(self) -> Playhead:
        return self._playhead

    def change(self, function: Callable[[Playhead], Playhead]) -> None:
        """Replace the playhead by a function of it; drawn as soon as the thread is free."""
        with self._lock:
            self._playhead = function(self._playhead)
        self._dirty.set()

    def seek(self, time: float) -> None:
        """Go to a time (s) and stay there: whoever scrubs wants to look."""
        self.change(lambda playhead: replace(playhead.at(time), playing=False))

    def wake(self) -> None:
        """Something else to be drawn has changed."""
        self._dirty.set()

    def stir(self) -> None:
        """How things are shown is being changed, perhaps by a slider under a hand: rest begins anew."""
        self._stirred = True
        self._dirty.set()

    def _run(self) -> None:
        drawn: Playhead | None = None
        last = moved = time.perf_counter()
        settled = True
        while not self._stopped:
            now = time.perf_counter()
            playhead = self._advance(now - last)
            last = now
            if self._dirty.is_set():
                self._dirty.clear()
                playhead = self._playhead
                if drawn is None or playhead.time != drawn.time or self._stirred:
                    moved, self._stirred = now, False
                self._draw(playhead)
                drawn, settled = playhead, False
            elif not settled and now - moved >= REST:
                self._settle(playhead)
                settled = True
            self._wait(now, settled, moved)

    def _advance(self, seconds: float) -> Playhead:
        with self._lock:
            if self._playhead.playing:
                self._playhead = self._playhead.after(seconds)
                self._dirty.set()
            return self._playhead

    def _wait(self, began: float, settled: bool, moved: float) -> None:
        """Until the next step is due, or until somebody changes something."""
        time.sleep(max(0.0, 1 / RATE - (time.perf_counter() - began)))
        if self._playhead.playing or self._stopped:
            return
        rest = None if settled else max(0.0, moved + REST - time.perf_counter())
        self._dirty.wait(rest)
