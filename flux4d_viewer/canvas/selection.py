"""The boxes of the selected actors, lit up, with their names and their speed at the playhead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import viser

from flux4d_viewer.canvas.boxes import box_edges
from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.clock import Playhead
from flux4d_viewer.state import State
from flux4d_viewer.theme import OVERLAP_COLOR, SELECTED_COLOR, for_viser

if TYPE_CHECKING:
    from flux4d_core.scene.stage import StagedActor

MOST = 40
"""Boxes drawn at once."""


@dataclass
class _Box:
    frame: viser.FrameHandle
    lines: viser.LineSegmentsHandle
    label: viser.LabelHandle
    size: tuple[float, ...]


class SelectionLayer:
    """The nodes below /selection."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._boxes: dict[str, _Box] = {}

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the boxes into agreement with the selection."""
        shown = _shown(state)
        for id in self._boxes.keys() - shown.keys():
            self._boxes.pop(id).frame.remove()
        for id, actor in shown.items():
            self._draw_box(state, actor, id, playhead.time)

    def _draw_box(self, state: State, actor: StagedActor, id: str, time: float) -> None:
        size = tuple(actor.actor.size.tolist())
        if id in self._boxes and self._boxes[id].size != size:
            self._boxes.pop(id).frame.remove()
        box = self._boxes.get(id) or self._add(id, size)
        pose = actor.pose_at(time)
        drag = state.editing.drag
        if drag is not None and drag.actor == id:
            pose = drag.motion @ pose
        box.frame.position = to_units(pose[:3, 3])
        box.frame.wxyz = to_wxyz(pose[:3, :3])
        runs_into = bool(state.editing.overlap) and id == state.editing.selected
        box.lines.colors = for_viser(OVERLAP_COLOR if runs_into else SELECTED_COLOR)
        hidden = " (hidden)" if actor.hidden else ""
        box.label.text = f"{actor.name}  {actor.speed_at(time):.1f} m/s{hidden}"

    def _add(self, id: str, size: tuple[float, ...]) -> _Box:
        name = f"/selection/{len(self._boxes)}-{abs(hash(id))}"
        frame = self._server.scene.add_frame(name, show_axes=False)
        lines = self._server.scene.add_line_segments(
            f"{name}/box",
            box_edges(np.array(size) + 0.1) * SCALE,
            colors=for_viser(SELECTED_COLOR),
            thickness=3.5,
            thickness_units="screen",
        )
        label = self._server.scene.add_label(
            f"{name}/label",
            "",
            position=to_units(np.array([0.0, 0.0, 0.5 * size[2] + 0.6])),
            anchor="bottom-center",
            font_screen_scale=0.95,
        )
        self._boxes[id] = _Box(frame, lines, label, size)
        return self._boxes[id]


def _shown(state: State) -> dict[str, StagedActor]:
    """The selected actors that are there."""
    if state.staged is None or state.editing.shows_before:
        return {}
    found = {id: state.staged.stage.actor(id) for id in state.editing.selection[-MOST:]}
    return {id: actor for id, actor in found.items() if actor is not None}
