"""The recorded cameras: look through one, and compare its image with the render of the same view."""

from __future__ import annotations

import numpy as np
import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.bench import Client
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.messages import Compared
from flux4d_viewer.state import State

_NONE = "no camera"
_PREVIOUS, _NEXT, _OVERVIEW = "Previous", "Next", "Overview"
_EMPTY = np.zeros((2, 2, 3), dtype=np.uint8)


class CamerasPanel:
    """The tab "Cameras"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._shown: Compared | None = None
        self._camera: viser.GuiDropdownHandle[str] = gui.add_dropdown(
            "Camera", [str(_NONE)], hint="Recorded camera. Keys C and Shift+C."
        )
        self._into = gui.add_button(
            "Look through it", icon=viser.Icon.CAMERA, hint="Puts your view where this camera was. Key C."
        )
        self._go = gui.add_button_group(
            "Go to", (_PREVIOUS, _NEXT, _OVERVIEW), hint="Keys Shift+C, C and 0. The overview is behind and above."
        )
        self._text = gui.add_html("")
        self._recorded = gui.add_image(_EMPTY, label="Recorded", jpeg_quality=85, visible=False)
        self._rendered = gui.add_image(_EMPTY, label="Rendered", jpeg_quality=85, visible=False)
        self._camera.on_update(
            lambda event: controls.cameras.choose_camera(self._camera.value) if event.client_id is not None else None
        )
        self._into.on_click(lambda event: controls.cameras.jump(event.client))
        self._go.on_click(lambda event: self._leave(controls, event.client))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state."""
        sensors = state.recording.sensors if state.recording else ()
        names = sensors or (_NONE,)
        if self._camera.options != names:
            self._camera.options = names
        self._camera.value = state.camera if state.camera in names else names[0]
        self._camera.disabled = self._into.disabled = not sensors
        comparison = state.comparison
        self._text.content = _describe(state, playhead)
        self._recorded.visible = self._rendered.visible = comparison is not None
        if comparison is not None and comparison is not self._shown:
            self._recorded.image, self._rendered.image = comparison.recorded, comparison.rendered
        self._shown = comparison

    def _leave(self, controls: Controls, client: Client) -> None:
        if self._go.value == _OVERVIEW:
            controls.cameras.overview(client)
        else:
            controls.cameras.jump_to_next(client, 1 if self._go.value == _NEXT else -1)


def _describe(state: State, playhead: Playhead) -> str:
    if state.recording is None or not state.recording.frames:
        return theme.line("No recorded images.", faint=True)
    if state.scene is None:
        return theme.line("The render appears here beside the recorded image, once the scene is reconstructed.", True)
    if state.comparison is None:
        return theme.line("Rendering the same view ...", faint=True)
    frame = state.recording.frames[state.comparison.frame]
    newest = state.recording.nearest_frame(state.camera, playhead.time)
    waiting = "" if newest is None or newest.index == frame.index else " (rendering the next)"
    return theme.readout(f"PSNR {state.comparison.psnr:.1f} dB", f"{frame.sensor}, {frame.time:.2f} s{waiting}")
