"""The timeline: where the playhead is, play, scrub, step, the range that is played, and the predicted future."""

from __future__ import annotations

import time

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import SPEEDS, Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.controls.time import nearest_index
from flux4d_viewer.panels.plots import Plots
from flux4d_viewer.stamp import describe_stamp
from flux4d_viewer.state import State

WIDTH = 640
"""Pixels of the floating panel."""
HANDS_OFF = 0.4
"""The slider is left alone for this long after the user moved it (s)."""
FIRST, BACK, PLAY, PAUSE, FORWARD, LAST = "|◀", "◀ Frame", "Play", "Pause", "Frame ▶", "▶|"
LOOP, ONCE = "Loop: on", "Loop: off"
IN, OUT, CLEAR = "In", "Out", "Clear"
PREDICT, RECORDED = "Predict: on", "Predict: off"
PLOTS, NO_PLOTS = "Plots: on", "Plots: off"

Marks = tuple[tuple[float, str], ...]


class TimelinePanel:
    """The floating panel at the bottom: five rows, so that it covers little of the view."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._controls, self._gui = controls, server.gui
        self._scrubbed = 0.0
        gui = server.gui
        panel = gui.add_panel()
        self._tab = panel.add_tab("Timeline", viser.Icon.CLOCK_PLAY)
        with self._tab:
            self._readout = gui.add_html("")
            self._time = self._add_slider((0.0, 1.0), ())
            self._transport = gui.add_button_group(
                "Go to",
                _transport(playing=False),
                hint="Home, J, Space, L, End. K stops at the nearest recorded frame.",
            )
            self._speed = gui.add_button_group("Speed", _speeds(loop=True), hint="Keys 1 to 6; O: loop.")
            self._range = gui.add_button_group(
                "Range",
                _ranges(predict=False, plots=False),
                hint="What is played: from In (I) to Out (U), set at the playhead. Clear (Shift+U): everything. "
                "Predict (N): play on after the recording, as everything would go on by its last motion. Plots: Y.",
            )
            self._plots = Plots(server)
        panel.float(x=15, y=-15, width=WIDTH)
        self._transport.on_click(lambda _: self._go(self._transport.value))
        self._speed.on_click(lambda _: self._set_speed(self._speed.value))
        self._range.on_click(lambda _: self._set_range(self._range.value))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the panel into agreement with state and playhead."""
        self._lay_out_slider(playhead)
        if playhead.playing or time.monotonic() - self._scrubbed > HANDS_OFF:
            self._time.value = round(playhead.time, 3)
        self._time.disabled = state.recording is None
        self._readout.content = _readout(state, playhead)
        self._transport.options = _transport(playhead.playing)
        self._speed.options = _speeds(playhead.loop)
        self._speed.label = f"Speed {playhead.speed:g}x"
        self._range.options = _ranges(playhead.predict, state.plots)
        self._plots.show(state, playhead)

    def _lay_out_slider(self, playhead: Playhead) -> None:
        """Another slider if its ends or marks are others: viser's marks are for life."""
        ends = (round(playhead.start, 3), max(round(playhead.limit, 3), round(playhead.start, 3) + 0.01))
        marks = _marks(playhead)
        if (ends, marks) == (self._ends, self._marks):
            return
        self._time.remove()
        with self._tab:
            self._time = self._add_slider(ends, marks, round(playhead.time, 3))

    def _add_slider(self, ends: tuple[float, float], marks: Marks, value: float = 0.0) -> viser.GuiSliderHandle[float]:
        self._ends, self._marks = ends, marks
        slider = self._gui.add_slider(
            "Time (s)",
            *ends,
            step=0.001,
            initial_value=min(max(value, ends[0]), ends[1]),
            marks=marks or None,
            hint="Drag to scrub. Time is continuous: between frames too, and beyond the recording.",
            order=self._readout.order + 0.5,
        )

        # Asynchronous, so that viser calls it in order and at once: a plain callback may find the value overwritten.
        async def scrub(event: viser.GuiEvent[viser.GuiSliderHandle[float]]) -> None:
            if event.client_id is not None:
                self._scrubbed = time.monotonic()
                self._controls.clock.follow(lambda: slider.value)

        slider.on_update(scrub)
        return slider

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

    def _set_range(self, label: str) -> None:
        controls = self._controls.time
        if label in (PREDICT, RECORDED):
            controls.set_predict(label == RECORDED)
        elif label in (PLOTS, NO_PLOTS):
            controls.toggle_plots()
        else:
            {IN: controls.mark_in, OUT: controls.mark_out, CLEAR: controls.clear_marks}[label]()


def _transport(playing: bool) -> tuple[str, ...]:
    return FIRST, BACK, PAUSE if playing else PLAY, FORWARD, LAST


def _speeds(loop: bool) -> tuple[str, ...]:
    return (*(f"{speed:g}x" for speed in SPEEDS), LOOP if loop else ONCE)


def _ranges(predict: bool, plots: bool) -> tuple[str, ...]:
    return IN, OUT, CLEAR, PREDICT if predict else RECORDED, PLOTS if plots else NO_PLOTS


def _marks(playhead: Playhead) -> Marks:
    """On the slider: the range that is played, and where recording ends."""
    marks = [(playhead.mark_in, "in"), (playhead.mark_out, "out")]
    if playhead.ahead > 0:
        marks.append((playhead.end, "predicted ▸"))
    return tuple((round(place, 3), name) for place, name in marks if place is not None)


def _readout(state: State, playhead: Playhead) -> str:
    """Time in seconds, the recorded frame nearest to it, and the absolute time."""
    if state.recording is None:
        return theme.line("No drive is open.", faint=True)
    stamps = state.recording.stamps
    frame = f"frame {nearest_index(stamps, playhead.time) + 1} of {len(stamps)}"
    if playhead.is_predicted:
        frame = f"predicted, {playhead.time - playhead.end:.2f} s after the last frame"
    stamp = describe_stamp(state.recording.start_ns + round(playhead.time * 1e9))
    return theme.moment(f"{playhead.time:.3f} s", frame, stamp, playhead.is_predicted)
