"""Camera paths as files: nerfstudio's, COLMAP's, Inria's."""

from __future__ import annotations

from collections.abc import Callable

import viser

from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State

_NONE = "no camera paths there"


class PathFilesFolder:
    """The folder "Files"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._paths = server.gui, controls.paths
        with gui.add_folder("Files", expand_by_default=False):
            self._save = gui.add_button(
                "Save the path",
                icon=viser.Icon.DEVICE_FLOPPY,
                hint="As nerfstudio's camera_path.json, into the output folder and to your browser. flux4d render "
                "--camera-path films it without the page.",
            )
            self._upload = gui.add_upload_button(
                "Open from this computer",
                icon=viser.Icon.UPLOAD,
                mime_type=".json,.txt",
                hint="nerfstudio's camera_path.json, an Inria cameras.json or COLMAP's images.txt, at most 4 MB. Files "
                "without times get them spread over the scene.",
            )
            self._name: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "In the folder", [_NONE], hint="Camera paths in the output folder, the newest first."
            )
            self._load = gui.add_button("Open", icon=viser.Icon.FOLDER_OPEN, hint="The chosen file; can be undone.")
        self._save.on_click(lambda event: self._act(lambda: self._paths.save(event.client)))
        self._load.on_click(lambda _: self._act(lambda: self._paths.load(self._name.value)))
        self._upload.on_upload(lambda _: self._paths.receive(self._upload.value.name, self._upload.value.content))
        self._list()

    def show(self, state: State) -> None:
        """Bring the folder into agreement with the state."""
        self._save.disabled = not state.path.keyframes
        self._upload.disabled = state.recording is None
        self._load.disabled = state.recording is None or self._name.value == _NONE

    def _act(self, act: Callable[[], None]) -> None:
        act()
        self._list()

    def _list(self) -> None:
        """What is in the folder now: looked up when something was saved or opened, not at every step."""
        names = self._paths.files or (_NONE,)
        if self._name.options != names:
            self._name.options = names
