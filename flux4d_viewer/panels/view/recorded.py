"""What was recorded, over the scene: the own vehicle and its way, cameras, LiDAR."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.looking import LidarColor
from flux4d_viewer.panels.view.by_user import by_user, name_of
from flux4d_viewer.recording import HEIGHTS
from flux4d_viewer.state import Amount, State

_AMOUNT: dict[str, Amount] = {"None": "none", "At the playhead": "playhead", "All": "all"}
_LIDAR: dict[str, LidarColor] = {"Image": "image", "Height": "height", "Intensity": "intensity", "Time": "time"}


class RecordedFolder:
    """The folder "Recorded" of the tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, look = server.gui, controls.look
        with gui.add_folder("Recorded"):
            self._path = gui.add_checkbox("Own path", True, hint="The recorded way of the own vehicle.")
            self._vehicle = gui.add_checkbox(
                "Own vehicle", False, hint="A plain body where the own vehicle is at the playhead."
            )
            self._labels = gui.add_checkbox(
                "Labelled boxes", False, hint="Those that people drew, in green: to compare with, not used."
            )
            self._frusta = gui.add_dropdown(
                "Cameras", tuple(_AMOUNT), hint="Recorded images where they were taken; click one to look through it."
            )
            self._lidar = gui.add_dropdown("LiDAR", tuple(_AMOUNT), hint="Recorded points.")
            self._lidar_color = gui.add_dropdown(
                "LiDAR colours",
                tuple(_LIDAR),
                hint="From the images, by height above the own vehicle's ground, by reflected strength, or by when "
                "each point was measured.",
            )
            self._legend = gui.add_html("", visible=False)
        self._path.on_update(by_user(lambda: look.set(path=self._path.value)))
        self._vehicle.on_update(by_user(lambda: look.set(vehicle=self._vehicle.value)))
        self._labels.on_update(by_user(lambda: look.set(labels=self._labels.value)))
        self._frusta.on_update(by_user(lambda: look.set(frusta=_AMOUNT[self._frusta.value])))
        self._lidar.on_update(by_user(lambda: look.set(lidar=_AMOUNT[self._lidar.value])))
        self._lidar_color.on_update(by_user(lambda: look.set(lidar_color=_LIDAR[self._lidar_color.value])))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        view = state.view
        self._path.value, self._vehicle.value = view.path, view.vehicle
        self._labels.value = view.labels
        self._labels.visible = state.recording is not None and bool(state.recording.labels)
        self._frusta.value, self._lidar.value = name_of(_AMOUNT, view.frusta), name_of(_AMOUNT, view.lidar)
        self._lidar_color.value = name_of(_LIDAR, view.lidar_color)
        self._lidar.disabled = state.recording is None or not state.recording.sweeps
        self._lidar_color.visible = view.lidar != "none" and not self._lidar.disabled
        self._legend.visible = self._lidar_color.visible and view.lidar_color != "image"
        if state.recording is not None and self._legend.visible:
            self._legend.content = _legend(view.lidar_color, state.recording.span)


def _legend(color: LidarColor, span: tuple[float, float]) -> str:
    match color:
        case "height":
            return theme.legend("rainbow", *HEIGHTS, "+ m")
        case "intensity":
            return theme.legend("viridis", 0.0, 1.0, "")
        case _:
            return theme.legend("rainbow", *span, " s")
