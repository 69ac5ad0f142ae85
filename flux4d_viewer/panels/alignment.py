"""Whether LiDAR and cameras of the open log agree: the one drawn over the others, and other clocks tried."""

from __future__ import annotations

import numpy as np
import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.messages import AlignmentChecked
from flux4d_viewer.state import State

_EMPTY = np.zeros((1, 1, 3), np.uint8)


class AlignmentPanel:
    """The folder "Do the sensors agree?"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._shown: AlignmentChecked | None = None
        self._folder = gui.add_folder("Do the sensors agree?", expand_by_default=False)
        with self._folder:
            self._check = gui.add_button(
                "Check alignment",
                icon=viser.Icon.RULER_MEASURE,
                hint="Draws the LiDAR over the images, scores how sharp the map is, and tries other clocks for every "
                "sensor. Changes nothing.",
            )
            self._picture = gui.add_image(_EMPTY, label="LiDAR over images", jpeg_quality=85, visible=False)
            self._table = gui.add_html("", visible=False)
        self._check.on_click(lambda _: controls.quality.check_alignment())

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        self._folder.visible = state.is_log
        self._check.disabled = state.work is not None
        if state.checked is self._shown:
            return
        self._shown = checked = state.checked
        self._picture.visible = self._table.visible = checked is not None
        if checked is not None:
            self._picture.image = checked.picture
            map_line = theme.line(f"Map: {checked.sharpness:.3f} cubes of 0.1 m a point; lower is sharper.", faint=True)
            self._table.content = theme.grid(("Sensor", "Best clock", "As it is"), list(checked.verdicts)) + map_line
