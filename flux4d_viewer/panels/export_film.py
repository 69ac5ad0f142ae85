"""Films: which way, what is shown, how it is stored."""

from __future__ import annotations

from collections.abc import Callable

import viser

from flux4d_core.scene.colormaps import ColormapName
from flux4d_core.scene.look import Layer, Look
from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.film_plan import FilmPlan, plan_film, plan_path
from flux4d_viewer.jobs.exporting import FilmFormat, RecordedWay
from flux4d_viewer.state import State

_RECORDED, _PATH = _WAYS = ("Recorded camera", "Camera path")
_LAYERS: dict[str, Layer] = {
    "Colour": "color",
    "Depth": "depth",
    "Velocity": "velocity",
    "What stands": "static",
    "What moves": "dynamic",
    "Ever recorded": "seen",
}
_COLORMAPS: dict[str, ColormapName] = {"Rainbow (turbo)": "turbo", "Viridis": "viridis"}
_FORMATS: dict[str, FilmFormat] = {"MP4 video": "mp4", "GIF": "gif", "PNG pictures": "png"}
_WIDTHS = {"As recorded": 0, "640 px": 640, "1280 px": 1280, "1920 px": 1920, "3840 px": 3840}


class FilmFolder:
    """The folder "Film"."""

    def __init__(self, server: viser.ViserServer, controls: Controls, is_private: Callable[[], bool]) -> None:
        gui = server.gui
        with gui.add_folder("Film"):
            self._way_choice = gui.add_dropdown(
                "Way", _WAYS, hint="Beside the recorded camera's way, or along the camera path of the tab Path."
            )
            self._camera = gui.add_html("")
            self._shift = gui.add_slider(
                "Shift (m)", -4.0, 4.0, 0.1, 2.0, hint="How far to the left of the recorded way; negative: right."
            )
            self._slow = gui.add_slider(
                "Slow motion", 1.0, 8.0, 0.5, 3.0, hint="Seconds of film for one second of the drive."
            )
            self._layer = gui.add_dropdown(
                "Layer",
                tuple(_LAYERS),
                hint="The scene; its depth; directions and speeds; one half of it; or, in white, what was ever seen.",
            )
            self._range = gui.add_vector2(
                "Depth (m)", (2.0, 100.0), min=(0.1, 0.2), step=1.0, hint="Nearest and farthest colour.", visible=False
            )
            self._colormap = gui.add_dropdown("Colours", tuple(_COLORMAPS), hint="Of the depth.", visible=False)
            self._format = gui.add_dropdown(
                "Format", tuple(_FORMATS), hint="H.264 opens everywhere. GIFs are large. PNGs lose nothing."
            )
            self._quality = gui.add_slider("Quality", 1, 10, 1, 7, hint="Of the video: the higher, the larger.")
            self._width = gui.add_dropdown("Width", tuple(_WIDTHS), hint="The height follows the camera's.")
            self._fps = gui.add_dropdown("Frames/s", ("12", "24", "30", "60"), initial_value="30")
            self._plan = gui.add_html("")
            self._export = gui.add_button(
                "Export film",
                icon=viser.Icon.VIDEO,
                hint="Drawn picture by picture by the renderer, not grabbed from the screen. Goes on without the page.",
            )
        self._controls, self._is_private = controls, is_private
        self._export.on_click(lambda event: self._ask(event.client))
        for handle in (
            self._way_choice,
            self._shift,
            self._slow,
            self._layer,
            self._format,
            self._quality,
            self._width,
            self._fps,
        ):
            handle.on_update(lambda event: controls.clock.wake() if event.client_id is not None else None)

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        is_depth, is_video = self._layer.value == "Depth", self._format.value == "MP4 video"
        self._range.visible = self._colormap.visible = is_depth
        self._quality.visible = is_video
        is_path = self._way_choice.value == _PATH
        for handle in (self._shift, self._slow, self._width, self._fps):
            handle.visible = not is_path
        self._camera.content = theme.line(_described(state, is_path), True)
        plan = self._planned(state)
        self._plan.content = "" if plan is None else theme.line(plan.sentence, True) + _warning(plan)
        self._export.disabled = state.scene is None or state.work is not None or plan is None

    def _ask(self, client: viser.ClientHandle | None) -> None:
        state = self._controls.store.state
        way = state.path if self._films_path(state) else self._way(state.camera)
        near, far = self._range.value
        look = Look(_LAYERS[self._layer.value], _COLORMAPS[self._colormap.value], near, far)
        self._controls.files.export_film(
            way, client, look, self._chosen_format, self._quality.value, self._is_private()
        )

    def _way(self, camera: str) -> RecordedWay:
        return RecordedWay(
            camera, self._shift.value, float(self._fps.value), self._slow.value, _WIDTHS[self._width.value]
        )

    @property
    def _chosen_format(self) -> FilmFormat:
        return _FORMATS[self._format.value]

    def _films_path(self, state: State) -> bool:
        return self._way_choice.value == _PATH and bool(state.path.keyframes)

    def _planned(self, state: State) -> FilmPlan | None:
        if self._way_choice.value == _PATH:
            return plan_path(state.path, self._chosen_format, self._quality.value) if state.path.keyframes else None
        return plan_film(state.recording, self._way(state.camera), self._chosen_format, self._quality.value)


def _described(state: State, is_path: bool) -> str:
    if is_path:
        count = len(state.path.keyframes)
        return f"{count} keyframes" if count else "No keyframes yet: set some in the tab Path."
    return f"Along {state.camera}" if state.camera else "No recorded camera"


def _warning(plan: FilmPlan) -> str:
    return theme.banner(plan.warning, "warning") if plan.warning else ""
