"""The browser draws: splats are sent once, and moved by moving their nodes.

Centres are never sent while the playhead moves: one changed buffer makes the page sort and upload everything again.
Once the playhead rests, what moves is sent again exactly as it is at that time, in the colours that are wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import viser
from jaxtyping import Float

from flux4d_viewer.canvas.moving import node_name
from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.state import View

if TYPE_CHECKING:
    from torch import Tensor

    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.nodes import MovingNode
    from flux4d_viewer.canvas.sky_box import SkyFace
    from flux4d_viewer.canvas.splats import SplatCloud
    from flux4d_viewer.canvas.standing import StandingSplats
    from flux4d_viewer.canvas.tinting import Tint

SKY_DISTANCE = 550.0
"""viser units to the faces of the sky: its corners stay within the far plane at 1000."""


class BrowserSplats:
    """The nodes below /static and /sky, and the splats below /moving."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._nodes: tuple[MovingNode, ...] = ()
        self._standing: StandingSplats | None = None
        self._moving: list[viser.GaussianSplatHandle] = []
        self._sky: list[viser.ImageHandle] = []
        self._exact: tuple[float, Tint] | None = None
        self._errors: Float[Tensor, "N"] | None = None

    def replace(self, drawable: Drawable | None, tint: Tint | None) -> None:
        """Take the place of what was shown before; everything is sent here, once."""
        for name in ("/static", "/static_tinted", "/sky"):
            self._server.scene.remove_by_name(name)
        self._nodes, self._standing, self._moving, self._sky, self._exact = (), None, [], [], None
        if drawable is None or drawable.static is None or tint is None:
            return
        self._nodes = drawable.moving
        self._sky = [self._add_face(face) for face in drawable.sky]
        from flux4d_viewer.canvas.standing import StandingSplats  # loads PyTorch, which a scene has loaded before

        self._standing = StandingSplats(self._server, drawable.static, self._add_splats)
        self._moving = [
            self._add_splats(f"{node_name(index)}/splats", node.splats_at(node.motion.anchor, tint))
            for index, node in enumerate(drawable.moving)
        ]

    def show(self, view: View, tint: Tint) -> None:
        """Show or hide whole nodes, which costs a few bytes."""
        if self._standing is not None:
            self._standing.show(view.show != "dynamic", tint)
        for face in self._sky:
            face.visible = view.show != "dynamic" and view.backdrop is None
        for node, handle in zip(self._nodes, self._moving, strict=True):
            moves = node.motion.speed > view.threshold
            handle.visible = view.show == "everything" or (view.show == "dynamic") == moves

    def settle(self, time: float, tint: Tint, errors: Float[Tensor, "N"] | None = None) -> None:
        """Send what moves again, exactly as it is at `time`, and what stands if its colours change."""
        if self._standing is not None:
            self._standing.settle(tint, errors)
        if self._exact == (time, tint) and errors is self._errors:
            return
        for node, handle in zip(self._nodes, self._moving, strict=True):
            cloud = node.splats_at(time, tint, errors)
            handle.set_gaussians(cloud.centers, cloud.covariances, cloud.colors, cloud.opacities)
        self._exact, self._errors = (time, tint), errors

    def _add_splats(self, name: str, cloud: SplatCloud) -> viser.GaussianSplatHandle:
        return self._server.scene.add_gaussian_splats(
            name, cloud.centers, cloud.covariances, cloud.colors, cloud.opacities, scale=SCALE
        )

    def _add_face(self, face: SkyFace) -> viser.ImageHandle:
        return self._server.scene.add_image(
            f"/sky/{face.name}",
            face.image,
            render_width=2 * SKY_DISTANCE,
            render_height=2 * SKY_DISTANCE,
            format="jpeg",
            jpeg_quality=88,
            cast_shadow=False,
            receive_shadow=False,
            position=to_units(face.rotation[:, 2] * SKY_DISTANCE / SCALE),
            wxyz=to_wxyz(face.rotation),
        )
