"""Moves of the playhead."""

from __future__ import annotations

from dataclasses import replace

from flux4d_viewer.controls.bench import Bench


class TimeControls:
    """Play, step, speed, loop."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def toggle_playing(self) -> None:
        self._bench.clock.change(lambda playhead: playhead.toggled())

    def set_speed(self, speed: float) -> None:
        self._bench.clock.change(lambda playhead: replace(playhead, speed=speed))

    def set_loop(self, loop: bool | None = None) -> None:
        """Loop or not; the other way round if not said."""
        self._bench.clock.change(lambda p: replace(p, loop=not p.loop if loop is None else loop))

    def step(self, count: int) -> None:
        """Go `count` recorded frames forward (back if negative) from the nearest one, and stand there."""
        stamps = self._stamps()
        nearest = nearest_index(stamps, self._bench.clock.playhead.time)
        self._bench.clock.seek(stamps[min(max(nearest + count, 0), len(stamps) - 1)])

    def go_to_end(self, last: bool) -> None:
        playhead = self._bench.clock.playhead
        self._bench.clock.seek(playhead.end if last else playhead.start)

    def _stamps(self) -> tuple[float, ...]:
        recording = self._bench.store.state.recording
        return recording.stamps if recording else (0.0,)


def nearest_index(stamps: tuple[float, ...], time: float) -> int:
    """Position of the stamp nearest to a time."""
    return min(range(len(stamps)), key=lambda i: abs(stamps[i] - time))
