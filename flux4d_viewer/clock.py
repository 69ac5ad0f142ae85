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
AHEAD = 1.0
"""How far beyond the recording motion is predicted (s)."""


@dataclass(frozen=True)
class Playhead:
    """Where playing is and how it goes on. Time is continuous: it stops between recorded frames as well as on them.

    Beyond `end`, where recording ends, lies the predicted future: one can go there, but playing runs through it only
    when that is asked for (`predict`).
    """

    time: float = 0.0
    start: float = 0.0
    end: float = 0.0
    """The last that was recorded (s)."""
    ahead: float = 0.0
    """How far beyond `end` the motion is predicted (s)."""
    predict: bool = False
    """Whether playing goes on into what is predicted."""
    mark_in: float | None = None
    """Where playing begins; at the start if None."""
    mark_out: float | None = None
    """Where playing ends; at the end if None."""
    speed: float = 1.0
    """Seconds of the drive for one second on the wall."""
    playing: bool = False
    loop: bool = True

    @property
    def limit(self) -> float:
        """The latest time one can go to (s)."""
        return self.end + self.ahead

    @property
    def is_predicted(self) -> bool:
        """Whether the playhead is where nothing was recorded any more."""
        return self.time > self.end

    @property
    def range(self) -> tuple[float, float]:
        """What playing runs through: from the mark "in" to the mark "out", as far as they are set and make sense."""
        last = self.limit if self.predict else self.end
        if self.mark_out is not None:
            last = min(self.mark_out, last)
        first = self.mark_in if self.mark_in is not None and self.mark_in < last else self.start
        return first, last

    def over(self, start: float, end: float) -> Playhead:
        """At the start of another recording, standing, without marks."""
        return replace(self, time=start, start=start, end=end, mark_in=None, mark_out=None, playing=False)

    def predicting(self, ahead: float) -> Playhead:
        """With another reach into the future (s), and within it."""
        return replace(self, ahead=ahead).at(self.time)

    def at(self, time: float) -> Playhead:
        """Moved to a time, kept within what was recorded or is predicted."""
        return replace(self, time=min(max(time, self.start), self.limit))

    def after(self, seconds: float) -> Playhead:
        """Later by `seconds` on the wall, if it plays: round again at the end of the range, or stopped there."""
        if not self.playing:
            return self
        first, last = self.range
        reached = max(self.time + seconds * self.speed, first)
        if reached < last:
            return replace(self, time=reached)
        if not self.loop or last <= first:
            return replace(self, time=last, playing=False)
        return replace(self, time=first + (reached - first) % (last - first))

    def toggled(self) -> Playhead:
        """Playing if it stood, standing if it played; from the range's start if it stood outside or at its end."""
        first, last = self.range
        outside = not self.playing and not first <= self.time < last
        return replace(self, playing=not self.playing, time=first if outside else self.time)

    def marked_in(self) -> Playhead:
        """The range begins here; a range that ended before loses its end. Marked in the future, it is played too."""
        out = self.mark_out if self.mark_out is not None and self.mark_out > self.time else None
        return replace(
            self, mark_in=self.time, mark_out=out, predict=self.predict or self.limit > self.end <= self.time
        )

    def marked_out(self) -> Playhead:
        """The range ends here; a range that began later loses its beginning. At the very start no range can end."""
        if self.time <= self.start:
            return self
        begin = self.mark_in if self.mark_in is not None and self.mark_in < self.time else None
        return replace(self, mark_out=self.time, mark_in=begin, predict=self.predict or self.is_predicted)

    def unmarked(self) -> Playhead:
        """The range is everything again."""
        return replace(self, mark_in=None, mark_out=None)


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

    def follow(self, read: Callable[[], float]) -> None:
        """Go to the time that `read` gives, and stay there. It is read when nobody else moves the playhead.

        Of callbacks that come out of order, the last to run so still reads the newest value.
        """
        self.change(lambda playhead: replace(playhead.at(read()), playing=False))

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
