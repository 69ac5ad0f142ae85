"""What of the scene is shown, and what its colours say."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.colormaps import Colormap
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.looking import ColorBy, Coloring, Picture
from flux4d_viewer.panels.view.by_user import by_user, name_of
from flux4d_viewer.state import Show, State

_SHOW: dict[str, Show] = {"Everything": "everything", "Static": "static", "Dynamic": "dynamic"}
_COLOR: dict[str, ColorBy] = {
    "Real colours": "real",
    "Speed": "speed",
    "Heading": "heading",
    "Time": "time",
    "Depth": "depth",
    "Opacity": "opacity",
    "Sensor": "sensor",
    "Error": "error",
}
_PICTURE: dict[str, Picture] = {"Colours": "colors", "Depth": "depth", "Normals": "normals"}
_COLORMAP: dict[str, Colormap] = {"Rainbow": "rainbow", "Viridis": "viridis", "Magma": "magma", "Grey": "grey"}
_UNITS = {"speed": "+ m/s", "time": " s", "depth": "+ m", "opacity": "", "error": ""}
_FROM_BROWSER = {
    "depth": "Drawn by the browser: every Gaussian is coloured by its distance from the own vehicle at the playhead.",
    "normal": "Drawn by the browser: every Gaussian is coloured by the way its thinnest axis points.",
}
MIN_THRESHOLD, MAX_THRESHOLD = 0.5, 15.0
"""Range of the slider (m/s)."""


class ColorsFolder:
    """The top of the tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, look = server.gui, controls.look
        self._show = gui.add_dropdown("Show", tuple(_SHOW), hint="The whole scene, what stands, or what moves. Key X.")
        self._threshold = gui.add_slider(
            "Threshold (m/s)",
            MIN_THRESHOLD,
            MAX_THRESHOLD,
            0.1,
            controls.store.state.view.threshold,
            hint="What is faster than this counts as moving: dynamic.",
        )
        self._counts = gui.add_html("", visible=False)
        self._picture = gui.add_dropdown(
            "Picture", tuple(_PICTURE), hint="Colours, or what shape the scene has: depth, and the way surfaces face."
        )
        self._color = gui.add_dropdown(
            "Colour by",
            tuple(_COLOR),
            hint="What the colours say. Speed and heading colour only what moves (key V); time is when each Gaussian "
            "was measured, sensor is what measured it, error how far it is from the recorded images.",
        )
        self._legend = gui.add_html("", visible=False)
        self._hint = gui.add_html("", visible=False)
        self._scale = gui.add_folder("Colour map and range", expand_by_default=False)
        with self._scale:
            self._colormap = gui.add_dropdown("Colour map", tuple(_COLORMAP), hint="From low to high.")
            self._automatic = gui.add_checkbox("Fit the range", True, hint="Range chosen to fit the whole scene.")
            self._low = gui.add_number("From", 0.0, step=0.5, hint="What is drawn in the map's first colour.")
            self._high = gui.add_number("To", 1.0, step=0.5, hint="What is drawn in the map's last colour.")
        self._show.on_update(by_user(lambda: look.set(show=_SHOW[self._show.value])))
        self._threshold.on_update(by_user(lambda: look.set(threshold=self._threshold.value)))
        self._picture.on_update(by_user(lambda: look.set(picture=_PICTURE[self._picture.value], range=None)))
        self._color.on_update(by_user(lambda: look.set_color(_COLOR[self._color.value])))
        self._colormap.on_update(by_user(lambda: look.set(colormap=_COLORMAP[self._colormap.value])))
        for handle in (self._automatic, self._low, self._high):
            handle.on_update(by_user(lambda: look.set_range(self._range())))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state. The threshold's slider is never written: users move it."""
        view, drawable = state.view, state.drawable
        self._show.value = name_of(_SHOW, view.show)
        self._color.value = name_of(_COLOR, view.color)
        self._picture.value = name_of(_PICTURE, view.picture)
        self._colormap.value = name_of(_COLORMAP, view.colormap)
        for handle in (self._show, self._threshold, self._picture, self._color):
            handle.disabled = drawable is None
        self._color.disabled = drawable is None or view.picture != "colors"
        self._counts.visible = drawable is not None
        self._counts.content = _counts(state)
        self._show_scale(state)

    def _show_scale(self, state: State) -> None:
        """The legend, and the range that it has."""
        view, drawable = state.view, state.drawable
        said = said_by_colors(state)
        has_numbers = said in _UNITS
        self._scale.visible = drawable is not None and has_numbers
        self._hint.visible = bool(hint := _hint(state))
        self._hint.content = theme.line(hint, faint=True) if hint else ""
        self._legend.visible = drawable is not None and (said != "real" or view.arrows is not None)
        if drawable is None:
            return
        low, high = view.range or drawable.ranges.of(said, state.errors)
        self._legend.content = _legend(state, low, high)
        self._automatic.value = view.range is None
        self._low.disabled = self._high.disabled = view.range is None
        if view.range is None:
            self._low.value, self._high.value = low, high

    def _range(self) -> tuple[float, float] | None:
        return None if self._automatic.value else (self._low.value, self._high.value)


def said_by_colors(state: State) -> Coloring:
    """What the colours of the whole picture say."""
    if state.drawable is None:
        return "real"
    if state.view.picture == "colors":
        return state.view.color
    return "depth" if state.view.picture == "depth" else "normal"


def _legend(state: State, low: float, high: float) -> str:
    view = state.view
    match said_by_colors(state):
        case "heading":
            return theme.heading_legend()
        case "sensor":
            return theme.sensor_legend(state.scene.sensors if state.scene is not None else ())
        case "normal":
            return theme.normal_legend()
        case "real":
            return theme.speed_legend(state.drawable.speed_top if state.drawable else 10.0)
        case said:
            unit = f" {state.errors.unit}" if said == "error" and state.errors is not None else _UNITS[said]
            return theme.legend(view.colormap, low, high, unit)


def _hint(state: State) -> str:
    if state.drawable is None:
        return ""
    said = said_by_colors(state)
    if said == "error" and state.errors is None:
        return "The error of this scene is not known yet: the tab Cameras measures it."
    if state.drawable.painter is None:
        return _FROM_BROWSER.get(said, "")
    return ""


def _counts(state: State) -> str:
    if state.drawable is None:
        return ""
    moving = [node for node in state.drawable.moving if node.motion.speed > state.view.threshold]
    actors = sum(node.actor is not None for node in moving)
    count = sum(len(node.gaussians) for node in moving)
    share = 100 * count / max(1, state.drawable.shown)
    word = "actor" if actors == 1 else "actors"
    return theme.line(f"{count:,} Gaussians move ({share:.1f} %), {actors} {word}", faint=True)
