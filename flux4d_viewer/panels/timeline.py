"""The timeline: play, scrub, step; time in seconds and the recorded frame nearest to it."""

from __future__ import annotations

import time

import viser

from flux4d_viewer.clock import SPEEDS, Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.controls.time import nearest_index
from flux4d_viewer.state import State

WIDTH = 600
"""Pixels of the floating panel."""
HANDS_OFF = 0.4
"""The slider is left alone for this long after the user moved it (s)."""
FIRST, BACK, PLAY, PAUSE, FORWARD, LAST = "|◀", "◀ Frame", "Play", "Pause", "Frame ▶", "▶|"
LOOP, ONCE = "Loop: on", "Loop: off"


class TimelinePanel:
    """The floating panel at the bottom: three rows, so that it covers little of the view."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._controls = controls
        self._scrubbed = 0.0
        self._span = (0.0, 1.0)
        gui = server.gui
        panel = gui.add_panel()
        with panel.add_tab("Timeline", viser.Icon.CLOCK_PLAY):
            self._time = gui.add_slider(
                "Time (s)", *self._span, 0.01, 0.0, hint="Drag to scrub. Time is continuous: between frames too."
            )
            self._transport = gui.add_button_group(
                "No frames",
                _transport(playing=False),
                hint="Home, J, Space, L, End. K stops at the nearest recorded frame.",
            )
            self._speed = gui.add_button_group("Speed", _speeds(loop=True), hint="Keys 1 to 6; O: loop.")
        panel.float(x=15, y=-15, width=WIDTH)
        self._time.on_update(lambda event: self._scrub() if event.client_id is not None else None)
        self._transport.on_click(lambda _: self._go(self._transport.value))
        self._speed.on_click(lambda _: self._set_speed(self._speed.value))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with state and playhead."""
        span = (round(playhead.start, 2), max(round(playhead.end, 2), round(playhead.start, 2) + 0.01))
        if span != self._span:
            self._time.min, self._time.max = self._span = span
        if playhead.playing or time.monotonic() - self._scrubbed > HANDS_OFF:
            self._time.value = round(playhead.time, 2)
        self._time.disabled = state.recording is None
        self._transport.options = _transport(playhead.playing)
        self._transport.label = _frame(state, playhead.time)
        self._speed.options = _speeds(playhead.loop)
        self._speed.label = f"Speed {playhead.speed:g}x"

    def _scrub(self) -> None:
        self._scrubbed = time.monotonic()
        self._controls.clock.seek(self._time.value)

    def _go(self, label: str) -> None:
        controls = self._controls
        if label in (PLAY, PAUSE):
            controls.time.toggle_playing()
        elif label in (BACK, FORWARD):
            controls.time.step(1 if label == FORWARD else -1)
        else:
            controls.time.go_to_end(last=label == LAST)

    def _set_speed(self, label: str) -> None:
        if label in (LOOP, ONCE):
            self._controls.time.set_loop(label == ONCE)
        else:
            self._controls.time.set_speed(float(label.rstrip("x")))


def _transport(playing: bool) -> tuple[str, ...]:
    return FIRST, BACK, PAUSE if playing else PLAY, FORWARD, LAST


def _speeds(loop: bool) -> tuple[str, ...]:
    return (*(f"{speed:g}x" for speed in SPEEDS), LOOP if loop else ONCE)


def _frame(state: State, moment: float) -> str:
    """The recorded frame nearest to the playhead, and how many there are."""
    if state.recording is None:
        return "No frames"
    stamps = state.recording.stamps
    return f"Frame {nearest_index(stamps, moment) + 1} of {len(stamps)}"
