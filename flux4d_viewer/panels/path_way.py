"""How the camera goes from keyframe to keyframe, and what a picture of the film is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import viser

from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.state import State, path_in_size_of

if TYPE_CHECKING:
    from flux4d_core.rendering.wide import Projection

_RATES: tuple[str, ...] = ("10", "24", "25", "30", "50", "60")
_PROJECTIONS: dict[str, Projection] = {
    "Pinhole": "pinhole",
    "Fisheye 180\N{DEGREE SIGN}": "fisheye",
    "Panorama 360\N{DEGREE SIGN}": "panorama",
}
_RECORDED = "As recorded"
_SIZES: dict[Projection, dict[str, tuple[int, int]]] = {
    "pinhole": {"1280 x 720": (1280, 720), "1920 x 1080": (1920, 1080), "3840 x 2160": (3840, 2160)},
    "fisheye": {"1024 x 1024": (1024, 1024), "2048 x 2048": (2048, 2048)},
    "panorama": {"2048 x 1024": (2048, 1024), "3840 x 1920": (3840, 1920), "7680 x 3840": (7680, 3840)},
}


class WayFolder:
    """The folder "Film"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, self._controls = server.gui, controls
        paths = controls.paths
        with gui.add_folder("Film"):
            self._seconds = gui.add_number(
                "Lasts (s)",
                1.0,
                min=0.1,
                max=3600.0,
                step=0.1,
                hint="All transitions become longer or shorter with it.",
            )
            self._fps: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "Pictures/s", _RATES, initial_value=_RATES[3], hint="Frame rate of the film."
            )
            self._projection = gui.add_dropdown(
                "Projection",
                tuple(_PROJECTIONS),
                hint="A fisheye shows the half of the sphere ahead, a panorama all of it, for players of 360 degrees.",
            )
            self._size: viser.GuiDropdownHandle[str] = gui.add_dropdown(
                "Size (px)", [_RECORDED], hint="Width x height of a picture."
            )
            self._loop = gui.add_checkbox("Loop", False, hint="The camera goes on from the last keyframe to the first.")
            self._tension = gui.add_slider(
                "Tension", 0.0, 1.0, 0.05, 0.0, hint="0: round corners; 1: stops at every keyframe."
            )
            self._shown = gui.add_checkbox("Show in the scene", True, hint="Keyframes and the way between them.")
        self._seconds.on_update(
            lambda event: paths.stretch(self._seconds.value) if event.client_id is not None else None
        )
        self._fps.on_update(_by_user(lambda: paths.set_way(fps=float(self._fps.value))))
        self._projection.on_update(_by_user(self._project))
        self._size.on_update(_by_user(self._resize))
        self._loop.on_update(_by_user(lambda: paths.set_way(loop=self._loop.value)))
        self._tension.on_update(_by_user(lambda: paths.set_way(tension=self._tension.value)))
        self._shown.on_update(_by_user(lambda: paths.show(self._shown.value)))

    def show(self, state: State) -> None:
        """Bring the folder into agreement with the state."""
        path = state.path
        moves = len(path.keyframes) > 1
        self._seconds.disabled = self._loop.disabled = self._tension.disabled = not moves
        if moves and abs(self._seconds.value - path.seconds) > 5e-3:
            self._seconds.value = round(path.seconds, 2)
        rate = f"{path.fps:g}"
        if self._fps.options != (rates := _RATES if rate in _RATES else (rate, *_RATES)):
            self._fps.options = rates
        self._fps.value = rate
        self._projection.value = next(name for name, kind in _PROJECTIONS.items() if kind == path.projection)
        sizes = _sizes(state)
        if self._size.options != tuple(sizes):
            self._size.options = tuple(sizes)
        self._size.value = next(name for name, size in sizes.items() if size == (path.width, path.height))
        self._loop.value, self._shown.value = path.loop, state.pathing.is_shown
        if abs(self._tension.value - path.tension) > 1e-6:
            self._tension.value = path.tension

    def _project(self) -> None:
        projection = _PROJECTIONS[self._projection.value]
        path, recording = self._controls.store.state.path, self._controls.store.state.recording
        width, height = next(iter(_SIZES[projection].values()))
        if projection == "pinhole" and recording is not None:
            sized = path_in_size_of(path, recording)
            width, height = sized.width, sized.height
        self._controls.paths.set_way(projection=projection, width=width, height=height)

    def _resize(self) -> None:
        width, height = _sizes(self._controls.store.state)[self._size.value]
        self._controls.paths.set_way(width=width, height=height)


def _sizes(state: State) -> dict[str, tuple[int, int]]:
    """What can be chosen, and what the path has if that is something else."""
    path, sizes = state.path, dict(_SIZES[state.path.projection])
    if path.projection == "pinhole" and state.recording is not None and state.recording.frames:
        sized = path_in_size_of(path, state.recording)
        sizes = {f"{_RECORDED}: {sized.width} x {sized.height}": (sized.width, sized.height), **sizes}
    if (path.width, path.height) not in sizes.values():
        sizes = {f"{path.width} x {path.height}": (path.width, path.height), **sizes}
    return sizes


def _by_user(action: Callable[[], None]) -> Callable[[viser.GuiEvent], None]:
    """A callback that ignores our own writes, which viser reports like a user's."""
    return lambda event: action() if event.client_id is not None else None
