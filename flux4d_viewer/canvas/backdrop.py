"""A plain colour behind the splats that the browser draws; the server's pictures bring their own."""

from __future__ import annotations

import numpy as np
import viser

from flux4d_viewer.clock import Playhead
from flux4d_viewer.looking import Rgb
from flux4d_viewer.state import State


class BackdropLayer:
    """The scene's background image."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._drawn: Rgb | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the background into agreement with the state."""
        wanted = state.view.backdrop if state.painter is None else None
        if wanted == self._drawn:
            return
        self._drawn = wanted
        image = None if wanted is None else np.full((2, 2, 3), wanted, dtype=np.uint8)
        self._server.scene.set_background_image(image, format="png")
