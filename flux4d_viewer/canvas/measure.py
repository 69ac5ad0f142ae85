"""What is being measured: the ends, the line between them, and its length."""

from __future__ import annotations

import numpy as np
import viser

from flux4d_viewer.canvas.units import SCALE, to_units
from flux4d_viewer.clock import Playhead
from flux4d_viewer.looking import Vector
from flux4d_viewer.state import State
from flux4d_viewer.theme import CHOSEN_COLOR, for_viser

RADIUS = 0.12
"""Of the balls at the ends (m)."""


class MeasureLayer:
    """The nodes below /measure."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._drawn: tuple[Vector, ...] = ()

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the nodes into agreement with the state."""
        if state.measured == self._drawn:
            return
        self._drawn = state.measured
        scene = self._server.scene
        scene.remove_by_name("/measure")
        if not state.measured:
            return
        scene.add_frame("/measure", show_axes=False)
        color = (CHOSEN_COLOR[0], CHOSEN_COLOR[1], CHOSEN_COLOR[2])
        for index, point in enumerate(state.measured):
            scene.add_icosphere(
                f"/measure/end{index}",
                radius=RADIUS * SCALE,
                color=color,
                position=to_units(np.array(point)),
                cast_shadow=False,
                receive_shadow=False,
            )
        if len(state.measured) == 2:
            ends = np.array(state.measured)
            scene.add_line_segments(
                "/measure/line",
                (ends * SCALE)[None].astype(np.float32),
                colors=for_viser(CHOSEN_COLOR),
                thickness=2.5,
                thickness_units="screen",
            )
            scene.add_label(
                "/measure/label",
                f"{length_of(state.measured):.2f} m",
                position=to_units(ends.mean(0)),
                anchor="bottom-center",
            )


def length_of(measured: tuple[Vector, ...]) -> float:
    """From one end to the other (m)."""
    start, end = np.array(measured)
    return float(np.linalg.norm(end - start))
