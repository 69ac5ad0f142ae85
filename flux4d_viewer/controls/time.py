"""Moves of the playhead."""

from __future__ import annotations

import math
from dataclasses import replace

from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.jobs.counting import CountMoving


class TimeControls:
    """Play, step, speed, loop, the range that is played, and how far it goes into the future."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def toggle_playing(self) -> None:
        self._bench.clock.change(lambda playhead: playhead.toggled())

    def set_speed(self, speed: float) -> None:
        self._bench.clock.change(lambda playhead: replace(playhead, speed=speed))

    def set_loop(self, loop: bool | None = None) -> None:
        """Loop or not; the other way round if not said."""
        self._bench.clock.change(lambda p: replace(p, loop=not p.loop if loop is None else loop))

    def set_predict(self, predict: bool | None = None) -> None:
        """Play on into the predicted future or not; the other way round if not said."""
        self._bench.clock.change(lambda p: replace(p, predict=not p.predict if predict is None else predict))

    def mark_in(self) -> None:
        """The range that is played begins at the playhead."""
        self._bench.clock.change(lambda playhead: playhead.marked_in())

    def mark_out(self) -> None:
        """The range that is played ends at the playhead."""
        self._bench.clock.change(lambda playhead: playhead.marked_out())

    def clear_marks(self) -> None:
        """Everything is played again."""
        self._bench.clock.change(lambda playhead: playhead.unmarked())

    def step(self, count: int) -> None:
        """Go `count` recorded frames forward (back if negative) from the nearest one, and stand there.

        Where the future is played, steps go on into it at the pace of the frames.
        """
        stamps = self._stamps()
        nearest = nearest_index(stamps, self._bench.clock.playhead.time)
        self._bench.clock.seek(stamps[min(max(nearest + count, 0), len(stamps) - 1)])

    def go_to_end(self, last: bool) -> None:
        """To an end of the range that is played; from there to the end of all."""

        def moved(playhead: Playhead) -> Playhead:
            first, final = playhead.range
            whole = playhead.unmarked().range
            near, far = (final, whole[1]) if last else (first, whole[0])
            return replace(playhead.at(far if playhead.time == near else near), playing=False)

        self._bench.clock.change(moved)

    def toggle_plots(self) -> None:
        """Show the plots under the timeline, or put them away."""
        self._bench.store.change(lambda state: replace(state, plots=not state.plots))

    def count_moving(self) -> None:
        """Have counted how much moves, if the curves are wanted and that is not known after the newest edits."""
        state, playhead = self._bench.store.state, self._bench.clock.playhead
        if not state.plots or state.scene is None:
            return
        edits = state.history.edits
        if state.counted is None or state.counted.edits != edits:
            self._bench.put(CountMoving(playhead.start, playhead.limit, edits))

    def _stamps(self) -> tuple[float, ...]:
        recording, playhead = self._bench.store.state.recording, self._bench.clock.playhead
        stamps = recording.stamps if recording else (0.0,)
        return (*stamps, *_future(stamps, playhead.limit)) if playhead.predict else stamps


def nearest_index(stamps: tuple[float, ...], time: float) -> int:
    """Position of the stamp nearest to a time."""
    return min(range(len(stamps)), key=lambda i: abs(stamps[i] - time))


def _future(stamps: tuple[float, ...], limit: float) -> list[float]:
    """Where frames would follow the recorded ones up to `limit`, at their mean distance (s)."""
    first, last = stamps[0], stamps[len(stamps) - 1]
    gap = max((last - first) / (len(stamps) - 1), 0.01) if len(stamps) > 1 else 0.1
    return [last + gap * (i + 1) for i in range(math.floor((limit - last) / gap + 1e-6))]
