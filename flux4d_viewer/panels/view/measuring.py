"""Measuring between two clicks."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.canvas.measure import length_of
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State


class MeasuringFolder:
    """The folder "Measure" of the tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        with gui.add_folder("Measure"):
            self._toggle = gui.add_button(
                "Measure",
                icon=viser.Icon.RULER_MEASURE,
                hint="Click on two surfaces in the 3D view: their distance is shown. Key Z; Escape ends it.",
            )
            self._text = gui.add_html("")
            self._clear = gui.add_button(
                "Clear", icon=viser.Icon.ERASER, color="gray", hint="Forget what was measured.", visible=False
            )
        self._toggle.on_click(lambda _: controls.measuring.toggle())
        self._clear.on_click(lambda _: controls.measuring.clear())

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        self._toggle.disabled = state.staged is None
        self._toggle.label = "Measure no more" if state.measuring else "Measure"
        self._text.content = _describe(state)
        self._text.visible = bool(self._text.content)
        self._clear.visible = bool(state.measured)


def _describe(state: State) -> str:
    if len(state.measured) == 2:
        (x0, y0, z0), (x1, y1, z1) = state.measured
        parts = f"{x1 - x0:+.2f}, {y1 - y0:+.2f}, {z1 - z0:+.2f} m"
        return theme.readout(f"{length_of(state.measured):.2f} m", f"dx, dy, dz: {parts}")
    if len(state.measured) == 1:
        return theme.line("Click on the second surface.", faint=True)
    return theme.line("Click on the first surface.", faint=True) if state.measuring else ""
