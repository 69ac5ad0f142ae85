"""The scene as a file: for this viewer, and for other tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.controls.files import MAX_SPLATS
from flux4d_viewer.files import in_bytes
from flux4d_viewer.jobs.exporting import SceneFormat
from flux4d_viewer.state import State

BYTES_A_SPLAT, BYTES_OF_PAGE = 36.0, 0.9e6
"""Of a web page, as measured on the demo: for each splat, and for the rest."""
PLY_BYTES = 80
"""Of one Gaussian at one time."""


@dataclass(frozen=True)
class _Choice:
    """One entry of the list of formats."""

    format: SceneFormat
    about: str
    over_time: bool = False
    """Whether it holds several times."""


_CHOICES = {
    "PLY at the playhead": _Choice("ply", "For SuperSplat, Brush and other 3D Gaussian Splatting tools."),
    "PLY sequence": _Choice("ply-sequence", "A folder of PLYs. Dropped onto SuperSplat, it plays.", True),
    "Web page": _Choice("page", "One HTML file that plays the moving scene offline, in any browser.", True),
    "rerun recording": _Choice(
        "rrd", "Splats, cameras, LiDAR and boxes over time, for the rerun viewer. Needs flux4d[rerun].", True
    ),
    "Boxes and paths, GLB": _Choice("glb", "Boxes at the playhead and paths over time, for Blender and others.", True),
    "Boxes and paths, JSON": _Choice("json", "Where everything is over time, with units.", True),
    "Boxes and paths, CSV": _Choice("csv", "The same as a table.", True),
    "COLMAP folder": _Choice("colmap", "Recorded cameras and images with points, to train other methods on."),
}


class SceneFolder:
    """The folder "Scene"."""

    def __init__(self, server: viser.ViserServer, controls: Controls, is_private: Callable[[], bool]) -> None:
        gui = server.gui
        with gui.add_folder("Scene"):
            self._save = gui.add_button(
                "Save scene (.f4d)", icon=viser.Icon.DEVICE_FLOPPY, hint="Opens again with flux4d-view. Ctrl+S."
            )
        with gui.add_folder("For other tools"):
            self._choice = gui.add_dropdown("Format", tuple(_CHOICES), hint="What the file is for stands below.")
            self._about = gui.add_html("")
            self._fps = gui.add_dropdown(
                "Times/s", ("5", "10", "20", "30"), initial_value="10", hint="How often in a second.", visible=False
            )
            self._splats = gui.add_slider(
                "Splats",
                20_000,
                MAX_SPLATS,
                10_000,
                150_000,
                hint="The ones that show most. Phones take about 100,000.",
                visible=False,
            )
            self._size = gui.add_html("")
            self._export = gui.add_button(
                "Export scene", icon=viser.Icon.CUBE, hint="With all edits, over the range that plays."
            )
        self._controls, self._is_private = controls, is_private
        self._save.on_click(lambda event: controls.files.save_scene(event.client, is_private()))
        self._export.on_click(lambda event: self._ask(event.client))
        for handle in (self._choice, self._fps, self._splats):
            handle.on_update(lambda event: controls.clock.wake() if event.client_id is not None else None)

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state."""
        chosen = _CHOICES[self._choice.value]
        self._save.disabled = self._export.disabled = state.scene is None or state.work is not None
        self._about.content = theme.line(chosen.about, faint=True)
        self._fps.visible = chosen.over_time
        self._splats.visible = chosen.format == "page"
        self._size.content = self._estimate(state, playhead, chosen)

    def _ask(self, client: viser.ClientHandle | None) -> None:
        format = _CHOICES[self._choice.value].format
        self._controls.files.export_scene(
            format, client, float(self._fps.value), int(self._splats.value), self._is_private()
        )

    def _estimate(self, state: State, playhead: Playhead, chosen: _Choice) -> str:
        """About how large it gets, where that is worth knowing."""
        if state.drawable is None:
            return ""
        total = state.drawable.total
        first, last = playhead.range
        times = round((last - first) * float(self._fps.value)) + 1
        match chosen.format:
            case "ply":
                return theme.line(f"About {in_bytes(PLY_BYTES * total)}", faint=True)
            case "ply-sequence":
                return theme.line(f"{times} files, about {in_bytes(PLY_BYTES * total * times)}", faint=True)
            case "page":
                splats = min(total, int(self._splats.value))
                share = f"{splats:,} of {total:,} splats, "
                return theme.line(f"{share}about {in_bytes(BYTES_OF_PAGE + BYTES_A_SPLAT * splats)}", faint=True)
            case _:
                return ""
