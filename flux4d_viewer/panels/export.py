"""What can be taken away: films, the scene, and what other tools read."""

from __future__ import annotations

import viser

from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.panels.export_film import FilmFolder
from flux4d_viewer.panels.export_scene import SceneFolder
from flux4d_viewer.panels.written import WrittenFolder
from flux4d_viewer.state import State


class ExportPanel:
    """The tab "Export"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._private = gui.add_checkbox(
            "Leave out name and time",
            False,
            hint="Files then hold neither the log's name nor the absolute time. No file ever holds a folder's name or "
            "a place on Earth. Pictures show what they show: faces and number plates are not hidden.",
        )
        self._parts = (
            FilmFolder(server, controls, self._is_private),
            SceneFolder(server, controls, self._is_private),
            WrittenFolder(server, controls),
        )

    def _is_private(self) -> bool:
        return self._private.value

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state."""
        for part in self._parts:
            part.show(state, playhead)
