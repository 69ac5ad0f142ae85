"""What can be taken away: a video, the scene, a PLY."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.controls.files import Film
from flux4d_viewer.state import State

_WIDTHS = {"As recorded": 0, "640 px": 640, "1280 px": 1280, "1920 px": 1920}


class ExportPanel:
    """The tab "Export"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        with gui.add_folder("Lane-shift video"):
            self._shift = gui.add_slider(
                "Shift (m)", -4.0, 4.0, 0.1, 2.0, hint="How far to the left of the recorded way; negative: right."
            )
            self._camera = gui.add_html("")
            self._slow = gui.add_slider(
                "Slow motion", 1.0, 8.0, 0.5, 3.0, hint="Seconds of video for one of the drive."
            )
            self._fps = gui.add_dropdown("Frames/s", ("24", "30", "60"), initial_value="30")
            self._width = gui.add_dropdown("Width", tuple(_WIDTHS), hint="The height follows the camera's.")
            self._video = gui.add_button(
                "Export video",
                icon=viser.Icon.VIDEO,
                hint="Drawn frame by frame by the renderer, not grabbed from the screen.",
            )
        with gui.add_folder("Scene"):
            self._scene = gui.add_button(
                "Save scene (.f4d)", icon=viser.Icon.DEVICE_FLOPPY, hint="Opens again with flux4d-view. Ctrl+S."
            )
            self._ply = gui.add_button(
                "Export PLY at the playhead",
                icon=viser.Icon.CUBE,
                hint="For SuperSplat, Brush and other 3D Gaussian Splatting tools.",
            )
        self._done = gui.add_html("", visible=False)
        self._video.on_click(lambda event: controls.files.export_video(self.film, event.client))
        self._scene.on_click(lambda event: controls.files.save_scene(event.client))
        self._ply.on_click(lambda event: controls.files.export_ply(event.client))

    @property
    def film(self) -> Film:
        """The video that is asked for."""
        return Film(self._shift.value, float(self._fps.value), self._slow.value, _WIDTHS[self._width.value])

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state."""
        ready = state.scene is not None and state.work is None
        self._video.disabled = not (ready and state.camera)
        self._scene.disabled = self._ply.disabled = not ready
        self._camera.content = theme.line(f"Follows {state.camera}" if state.camera else "No recorded camera", True)
        self._done.visible = state.exported is not None
        if state.exported is not None:
            self._done.content = theme.banner(f"Saved: {state.exported.path}", "note")
            if state.exported.note:
                self._done.content += theme.banner(state.exported.note, "warning")
