"""How the scene is shown: the tab "View", made of folders that are strangers to each other."""

from __future__ import annotations

import viser

from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.panels.view.colors import ColorsFolder
from flux4d_viewer.panels.view.drawing import DrawingFolder
from flux4d_viewer.panels.view.measuring import MeasuringFolder
from flux4d_viewer.panels.view.motion import MotionFolder
from flux4d_viewer.panels.view.recorded import RecordedFolder
from flux4d_viewer.panels.view.viewpoint import ViewpointFolder
from flux4d_viewer.state import State


class DisplayPanel:
    """The tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        self._folders = (
            ColorsFolder(server, controls),
            MotionFolder(server, controls),
            RecordedFolder(server, controls),
            ViewpointFolder(server, controls),
            MeasuringFolder(server, controls),
            DrawingFolder(server, controls),
        )

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with state and playhead."""
        for folder in self._folders:
            folder.show(state, playhead)
