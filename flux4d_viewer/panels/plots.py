"""Curves over time under the timeline, with a line at the playhead. Put away they cost nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import numpy as np
import viser
from jaxtyping import Float64
from numpy import ndarray

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.curves import curve_times, ego_speeds, resampled, with_lines
from flux4d_viewer.state import State

if TYPE_CHECKING:
    from viser import uplot

HEIGHT = 110
"""Pixels."""
INTERVAL = 0.1
"""The curves are drawn anew at most this often (s): a drawing takes the page some milliseconds."""
EGO_COLOR, MOVING_COLOR, PSNR_COLOR = "#ffc43d", "#4095bf", "#52cf78"
PLAYHEAD_COLOR, END_COLOR, AXIS_COLOR = "#e5534b", "#f2b134", "#909296"

Curves = tuple[Float64[ndarray, "T"], list[Float64[ndarray, "T"]]]


class Plots:
    """One plot of three curves, each on its own scale, and a line of their values at the playhead."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._values = server.gui.add_html("", visible=False)
        empty = np.array([0.0, 1.0])
        series = (_line("Ego speed", "speed", EGO_COLOR), _line("Moving", "moving", MOVING_COLOR))
        lines = (_line("End of recording", "line", END_COLOR, 1), _line("Playhead", "line", PLAYHEAD_COLOR, 2))
        self._plot = server.gui.add_uplot(
            (empty,) * 6,
            ({"label": "s"}, *series, _line("PSNR", "psnr", PSNR_COLOR), *lines),
            scales=_scales([empty] * 3),
            axes=(
                {"scale": "x", "stroke": AXIS_COLOR, "size": 26, "grid": {"stroke": "#80808030"}},
                _axis("speed", EGO_COLOR, 3, 44),
                _axis("moving", MOVING_COLOR, 1, 64),
                _axis("psnr", PSNR_COLOR, 1, 44),
            ),
            legend={"show": False},
            height=HEIGHT,
            visible=False,
        )
        self._key: tuple[object, ...] = ()
        self._curves: Curves = (empty, [empty])
        self._drawn = 0.0
        self._at: tuple[object, ...] = ()

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring curves and line into agreement with state and playhead, if they are wanted."""
        shown = state.plots and state.recording is not None
        self._plot.visible = self._values.visible = shown
        if not shown or time.monotonic() - self._drawn < INTERVAL:
            return
        self._follow(state, playhead)
        if self._at != (self._key, playhead.time):
            times, curves = self._curves
            self._plot.data = with_lines(times, curves, (playhead.end, playhead.time))
            self._values.content = _describe(times, curves, state, playhead)
            self._at, self._drawn = (self._key, playhead.time), time.monotonic()

    def _follow(self, state: State, playhead: Playhead) -> None:
        """Compute the curves again if anything that they show is another."""
        key = (
            state.recording,
            state.counted,
            state.scores,
            state.camera,
            state.view.threshold,
            playhead.limit,
        )
        if state.recording is None or (len(key) == len(self._key) and all(map(_is_same, key, self._key))):
            return
        times = curve_times(playhead.start, playhead.limit)
        moving = np.full(len(times), np.nan)
        if state.counted is not None:
            counts = state.counted.counts
            moving = resampled(counts.times, counts.above(state.view.threshold).astype(np.float64), times)
        scores = sorted((s.time, s.psnr) for s in state.scores if s.sensor == state.camera)
        stamps, values = (
            (np.array(column, dtype=np.float64) for column in zip(*scores, strict=True))
            if scores
            else (
                np.empty(0),
                np.empty(0),
            )
        )
        ego = ego_speeds(state.recording, times)
        self._key, self._curves = key, (times, [ego, moving, resampled(stamps, values, times)])
        self._plot.scales = _scales(self._curves[1])


def _is_same(one: object, other: object) -> bool:
    """Large values by identity: comparing their arrays would cost more than it saves."""
    return one is other or (isinstance(one, (str, float)) and one == other)


def _describe(times: Float64[ndarray, "T"], curves: list[Float64[ndarray, "T"]], state: State, now: Playhead) -> str:
    """The three values at the playhead, in the curves' colours."""
    ego, moving, psnr = (float(np.interp(now.time, times, curve)) for curve in curves)
    waiting = "counting what moves ..." if state.scene is not None else "nothing is reconstructed yet"
    words = [
        (EGO_COLOR, f"ego {ego:.1f} m/s" if np.isfinite(ego) else "ego speed not known here"),
        (MOVING_COLOR, f"{moving:,.0f} Gaussians move" if np.isfinite(moving) else waiting),
        (PSNR_COLOR, f"PSNR {psnr:.1f} dB, {state.camera}" if np.isfinite(psnr) else "PSNR not known here"),
    ]
    return theme.keys_of_curves(words)


def _scales(curves: list[Float64[ndarray, "T"]]) -> dict[str, uplot.Scale]:
    """What the axes span, so that small changes look small: speeds and counts from 0, PSNR at least 4 dB."""
    tops = [float(np.nanmax(curve)) if np.isfinite(curve).any() else 0.0 for curve in curves]
    low = float(np.nanmin(curves[2])) if np.isfinite(curves[2]).any() else 0.0
    psnr = (low - 1.0, max(tops[2] + 1.0, low + 3.0))
    spans = {"speed": (0.0, max(1.4 * tops[0], 1.0)), "moving": (0.0, max(1.1 * tops[1], 10.0)), "psnr": psnr}
    fixed: dict[str, uplot.Scale] = {name: {"range": span} for name, span in spans.items()}
    return {"x": {"time": False}, "line": {"range": (0.0, 1.0)}, **fixed}


def _line(label: str, scale: str, color: str, width: float = 1.5) -> uplot.Series:
    return {"label": label, "scale": scale, "stroke": color, "width": width, "points": {"show": False}}


def _axis(scale: str, color: str, side: Literal[1, 3], size: int) -> uplot.Axis:
    return {"scale": scale, "stroke": color, "side": side, "size": size, "grid": {"show": False}}
