"""LiDAR sweeps, one point cloud each: sent once, shown and hidden, and coloured anew when other colours are wanted."""

from __future__ import annotations

import numpy as np
import viser
from jaxtyping import UInt8
from numpy import ndarray

from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.colormaps import mapped, stops_of
from flux4d_viewer.looking import LidarColor, Range
from flux4d_viewer.recording import HEIGHTS, RecordedSweep, Recording
from flux4d_viewer.state import Amount

POINT_SIZE = 0.004
"""viser units: 4 cm."""


class SweepLayer:
    """The nodes below /recorded/sweeps."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._recording: Recording | None = None
        self._clouds: list[viser.PointCloudHandle] = []
        self._colors: list[LidarColor] = []
        """Of each cloud, as it was sent last."""

    def replace(self, recording: Recording) -> None:
        """Take the place of the sweeps before, which have gone with their parent."""
        self._recording = recording
        self._clouds = [self._add(index, sweep) for index, sweep in enumerate(recording.sweeps)]
        self._colors = ["image"] * len(self._clouds)

    def show(self, amount: Amount, color: LidarColor, time: float) -> None:
        """Bring the clouds into agreement; hidden ones are coloured when they are shown."""
        if self._recording is None:
            return
        nearest = self._recording.nearest_sweep(time)
        for index, (cloud, sweep) in enumerate(zip(self._clouds, self._recording.sweeps, strict=True)):
            cloud.visible = is_shown(amount, index == nearest)
            if cloud.visible and self._colors[index] != color:
                cloud.colors = colors_of(sweep, color, self._recording.span)
                self._colors[index] = color

    def _add(self, index: int, sweep: RecordedSweep) -> viser.PointCloudHandle:
        return self._server.scene.add_point_cloud(
            f"/recorded/sweeps/{index}",
            sweep.points * SCALE,
            sweep.colors,
            point_size=POINT_SIZE,
            point_shape="circle",
            point_shading="flat",
            precision="float32",
            visible=False,
        )


def colors_of(sweep: RecordedSweep, color: LidarColor, span: Range) -> UInt8[ndarray, "P 3"]:
    """The colours of a sweep's points; `span`: of the whole recording (s)."""
    match color:
        case "image":
            return sweep.colors
        case "height":
            return mapped(_share(sweep.heights, HEIGHTS), stops_of("rainbow"))
        case "intensity":
            return mapped(sweep.intensities, stops_of("viridis"))
        case "time":
            return mapped(_share(sweep.times, span), stops_of("rainbow"))


def is_shown(amount: Amount, at_playhead: bool) -> bool:
    """Whether one of many is shown."""
    return amount == "all" or (amount == "playhead" and at_playhead)


def _share(values: ndarray, ends: Range) -> ndarray:
    return (values - ends[0]) / np.maximum(ends[1] - ends[0], 1e-6)
