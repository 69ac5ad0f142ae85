"""What lies behind the splats that the browser draws: the six faces of the sky, or the same faces in one colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import viser

from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.looking import Rgb
from flux4d_viewer.state import View

if TYPE_CHECKING:
    from flux4d_viewer.canvas.sky_box import SkyFace

DISTANCE = 550.0
"""viser units to the faces: their corners stay within the far plane at 1000."""


class SkyNodes:
    """The nodes below /sky."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._faces: tuple[SkyFace, ...] = ()
        self._handles: list[viser.ImageHandle] = []
        self._color: Rgb | None = None

    def replace(self, faces: tuple[SkyFace, ...]) -> None:
        """Another sky."""
        self._server.scene.remove_by_name("/sky")
        self._faces, self._color = faces, None
        self._handles = [self._add(face) for face in faces]

    def show(self, view: View) -> None:
        """The sky, a colour, or nothing where only what moves is wanted."""
        if view.backdrop != self._color:
            self._color = view.backdrop
            for face, handle in zip(self._faces, self._handles, strict=True):
                plain = None if self._color is None else np.full((2, 2, 3), self._color, dtype=np.uint8)
                handle.image = face.image if plain is None else plain
        for handle in self._handles:
            handle.visible = view.show != "dynamic" or view.backdrop is not None

    def _add(self, face: SkyFace) -> viser.ImageHandle:
        return self._server.scene.add_image(
            f"/sky/{face.name}",
            face.image,
            render_width=2 * DISTANCE,
            render_height=2 * DISTANCE,
            format="jpeg",
            jpeg_quality=88,
            cast_shadow=False,
            receive_shadow=False,
            position=to_units(face.rotation[:, 2] * DISTANCE / SCALE),
            wxyz=to_wxyz(face.rotation),
        )
