"""The recorded cameras: look through one, and compare its image with the render of the same view."""

from __future__ import annotations

import numpy as np
import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.comparison import Comparing, Mode, combine
from flux4d_viewer.controls.bench import Client
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.messages import Compared
from flux4d_viewer.state import State

_NONE = "no camera"
_PREVIOUS, _NEXT, _OVERVIEW = "Previous", "Next", "Overview"
_EMPTY = np.zeros((2, 2, 3), dtype=np.uint8)
_MODES: dict[str, Mode] = {"Beside": "beside", "Over": "over", "Minus": "minus", "Blink": "blink"}
_LABELS: dict[Mode, str] = {
    "beside": "",
    "over": "Recorded | rendered",
    "minus": "Difference",
    "blink": "Recorded, rendered, by turns",
}


class CamerasPanel:
    """The tab "Cameras"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui = server.gui
        self._shown: tuple[Compared, Comparing] | None = None
        self._camera: viser.GuiDropdownHandle[str] = gui.add_dropdown(
            "Camera", [str(_NONE)], hint="Recorded camera. Keys C and Shift+C."
        )
        self._into = gui.add_button(
            "Look through it", icon=viser.Icon.CAMERA, hint="Puts your view where this camera was. Key C."
        )
        self._go = gui.add_button_group(
            "Go to", (_PREVIOUS, _NEXT, _OVERVIEW), hint="Keys Shift+C, C and 0. The overview is behind and above."
        )
        self._add_comparison(gui)
        self._camera.on_update(
            lambda event: controls.cameras.choose_camera(self._camera.value) if event.client_id is not None else None
        )
        self._into.on_click(lambda event: controls.cameras.jump(event.client))
        self._go.on_click(lambda event: self._leave(controls, event.client))
        self._bind_comparison(controls)

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the tab into agreement with the state. The sliders are never written: only users move them."""
        sensors = state.recording.sensors if state.recording else ()
        names = sensors or (_NONE,)
        if self._camera.options != names:
            self._camera.options = names
        self._camera.value = state.camera if state.camera in names else names[0]
        self._camera.disabled = self._into.disabled = not sensors
        self._text.content = _describe(state, playhead)
        self._show_controls(state)
        self._show_pictures(state)
        self._frames.visible = state.scene is not None and bool(sensors)
        self._table.content = _table(state)
        self._worst.disabled = not any(score.sensor == state.camera for score in state.scores)

    def _add_comparison(self, gui: viser.GuiApi) -> None:
        self._text = gui.add_html("")
        self._mode = gui.add_dropdown(
            "Compare",
            tuple(_MODES),
            hint="Recorded image and render: beside each other, over each other with a split, their difference, or by "
            "turns. Key M.",
        )
        self._split = gui.add_slider(
            "Split", 0.0, 1.0, 0.01, 0.5, hint="Left of it is the recorded image, right of it the render."
        )
        self._gain = gui.add_slider(
            "Gain", 1.0, 16.0, 0.5, 4.0, hint="The difference is shown so many times brighter than it is."
        )
        self._in_view = gui.add_checkbox(
            "Large, in the 3D view", False, hint="For whoever looks through this camera. Key Shift+M."
        )
        self._recorded = gui.add_image(_EMPTY, label="Recorded", jpeg_quality=85, visible=False)
        self._rendered = gui.add_image(_EMPTY, label="Rendered", jpeg_quality=85, visible=False)
        self._combined = gui.add_image(_EMPTY, label="", jpeg_quality=85, visible=False)
        self._frames = gui.add_folder("All frames of this camera", expand_by_default=False)
        with self._frames:
            self._worst = gui.add_button(
                "Worst frame",
                icon=viser.Icon.MOOD_SAD,
                hint="Goes to the frame with the lowest PSNR of those that are scored, and looks through its camera.",
            )
            self._table = gui.add_html("")

    def _bind_comparison(self, controls: Controls) -> None:
        quality = controls.quality

        @self._mode.on_update
        def _(event: viser.GuiEvent) -> None:
            if event.client_id is not None:
                quality.set_mode(_MODES[self._mode.value])

        @self._split.on_update
        def _(event: viser.GuiEvent) -> None:
            if event.client_id is not None:
                quality.set_comparing(split=self._split.value)

        @self._gain.on_update
        def _(event: viser.GuiEvent) -> None:
            if event.client_id is not None:
                quality.set_comparing(gain=self._gain.value)

        @self._in_view.on_update
        def _(event: viser.GuiEvent) -> None:
            if event.client_id is not None:
                quality.show_in_view(self._in_view.value, event.client)

        self._worst.on_click(lambda event: quality.go_to_worst(event.client))

    def _show_controls(self, state: State) -> None:
        comparing = state.comparing
        self._mode.value = next(name for name, mode in _MODES.items() if mode == comparing.mode)
        self._in_view.value = comparing.in_view
        for handle in (self._mode, self._in_view):
            handle.visible = state.comparison is not None
        self._split.visible = state.comparison is not None and comparing.mode == "over"
        self._gain.visible = state.comparison is not None and comparing.mode == "minus"

    def _show_pictures(self, state: State) -> None:
        comparison, comparing = state.comparison, state.comparing
        beside = comparing.mode == "beside"
        self._recorded.visible = self._rendered.visible = comparison is not None and beside
        self._combined.visible = comparison is not None and not beside
        if comparison is None:
            self._shown = None
            return
        if self._shown is not None and self._shown[0] is comparison and self._shown[1] == comparing:
            return
        if beside:
            self._recorded.image, self._rendered.image = comparison.recorded, comparison.rendered
        else:
            self._combined.label = _LABELS[comparing.mode]
            self._combined.image = combine(comparison.recorded, comparison.rendered, comparing)
        self._shown = comparison, comparing

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
    comparison = state.comparison
    frame = state.recording.frames[comparison.frame]
    newest = state.recording.nearest_frame(state.camera, playhead.time)
    waiting = "" if newest is None or newest.index == frame.index else " (rendering the next)"
    numbers = theme.readout(f"PSNR {comparison.psnr:.1f} dB", f"SSIM {comparison.ssim:.3f}")
    return numbers + theme.line(f"{frame.sensor}, {frame.time:.2f} s{waiting}", faint=True)


def _table(state: State) -> str:
    """Every frame of the chosen camera with its scores, the worst one marked."""
    if state.recording is None:
        return ""
    scores = {score.frame: score for score in state.scores}
    frames = [frame for frame in state.recording.frames if frame.sensor == state.camera]
    known = [scores[frame.index] for frame in frames if frame.index in scores]
    lowest = min((score.psnr for score in known), default=0.0)
    rows = [
        (f"{s.time:.2f}", f"{s.psnr:.1f}", f"{s.ssim:.3f}", "worst" if s.psnr == lowest and len(known) > 1 else "")
        for s in known
    ]
    missing = len(frames) - len(known)
    note = theme.line(f"{missing} of {len(frames)} frames are still to be scored.", faint=True) if missing else ""
    return note + (theme.grid(("Time (s)", "PSNR (dB)", "SSIM", ""), rows) if rows else "")
