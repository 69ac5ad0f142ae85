"""How the picture is drawn: background, size of the splats, what is cut away; and what drawing costs."""

from __future__ import annotations

import viser

from flux4d_viewer import theme
from flux4d_viewer.clock import Playhead
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.looking import Rgb
from flux4d_viewer.panels.view.by_user import by_user, name_of
from flux4d_viewer.state import State

_BACKDROP: dict[str, Rgb | None] = {
    "Sky": None,
    "Black": (0, 0, 0),
    "Dark": theme.BACKDROP,
    "Grey": (128, 128, 128),
    "White": (255, 255, 255),
}


class DrawingFolder:
    """The folder "Drawing" of the tab "View"."""

    def __init__(self, server: viser.ViserServer, controls: Controls) -> None:
        gui, look = server.gui, controls.look
        with gui.add_folder("Drawing"):
            self._backdrop = gui.add_dropdown("Background", tuple(_BACKDROP), hint="What lies behind everything.")
            self._size = gui.add_slider(
                "Splat size (%)", 5, 100, 5, 100, hint="Smaller splats show the single Gaussians, down to points."
            )
            self._cut = gui.add_slider(
                "Cut away (m)", 0.0, 50.0, 0.5, 0.0, hint="Leaves out what is nearer than this, to look behind it."
            )
            self._facts = gui.add_html("")
        self._backdrop.on_update(by_user(lambda: look.set(backdrop=_BACKDROP[self._backdrop.value])))
        self._size.on_update(by_user(lambda: look.set(splat_size=self._size.value / 100)))
        self._cut.on_update(by_user(lambda: look.set(cut=self._cut.value)))

    def show(self, state: State, playhead: Playhead) -> None:
        """Bring the folder into agreement with the state. The sliders are never written: only users move them."""
        self._backdrop.value = name_of(_BACKDROP, state.view.backdrop)
        self._backdrop.disabled = state.drawable is None
        self._size.visible = self._cut.visible = state.painter is not None
        self._facts.content = _facts(state)


def _facts(state: State) -> str:
    if state.drawable is None:
        return ""
    drawable, painted = state.drawable, state.painted
    if drawable.painter is None:
        count = (
            f"{drawable.shown:,} of {drawable.total:,}" if drawable.shown < drawable.total else f"{drawable.total:,}"
        )
        return theme.line(f"{count} Gaussians, drawn by the browser.", faint=True)
    text = f"{drawable.total:,} Gaussians, drawn by the server."
    if painted is not None:
        text += f" {painted.width} x {painted.height} px in {1000 * painted.seconds:.0f} ms"
        text += f", {painted.rate:.0f} pictures/s while moving." if painted.rate else "."
    return theme.line(text, faint=True)
