"""The dataset's labelled boxes at the playhead, as lines: to compare with, never used to reconstruct."""

from __future__ import annotations

import numpy as np
import viser
from jaxtyping import Float32
from numpy import ndarray

from flux4d_viewer.canvas.boxes import box_edges
from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.clock import Playhead
from flux4d_viewer.recording import Recording
from flux4d_viewer.state import State
from flux4d_viewer.theme import LABEL_COLOR, for_viser


class LabelledLayer:
    """The node /labelled."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._handle: viser.LineSegmentsHandle | None = None
        self._drawn: tuple[Recording, float] | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the boxes into agreement with state and playhead."""
        wanted = (state.recording, playhead.time) if state.view.labels and state.recording is not None else None
        if wanted == self._drawn:
            return
        self._drawn = wanted
        points = edges_at(*wanted) if wanted is not None else np.zeros((0, 2, 3), np.float32)
        if len(points) == 0:
            if self._handle is not None:
                self._handle.remove()
                self._handle = None
            return
        points = (points * SCALE).astype(np.float32)
        if self._handle is not None and self._handle.points.shape == points.shape:
            self._handle.points = points
            return
        colors = np.broadcast_to(for_viser(LABEL_COLOR), points.shape).astype(np.uint8)
        self._handle = self._server.scene.add_line_segments(
            "/labelled", points, colors=colors, thickness=2.0, thickness_units="screen"
        )


def edges_at(recording: Recording, time: float) -> Float32[ndarray, "E 2 3"]:
    """The edges of all boxes at a time (s), in the world (m); none where no label is near."""
    from flux4d_core.data.labels import boxes_at  # PyTorch comes along

    boxes = boxes_at(recording.labels, time)
    edges = [
        box_edges(size.double().numpy(), pose.double().numpy())
        for size, pose in zip(boxes.sizes, boxes.box_to_world, strict=True)
    ]
    return np.concatenate(edges) if edges else np.zeros((0, 2, 3), np.float32)
