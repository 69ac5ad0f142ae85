"""The browser draws: splats are sent once, and moved by moving their nodes.

Centres are never sent while the playhead moves: one changed buffer makes the page sort and upload everything again.
Once the playhead rests, what moves is sent again exactly as it is at that time, in the colours that are wanted. Edits
steer nodes, hide them or add some; only splats that they change are sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import viser

from flux4d_viewer.canvas.units import SCALE, to_units, to_wxyz
from flux4d_viewer.state import View

if TYPE_CHECKING:
    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.layout import Laid, Layout
    from flux4d_viewer.canvas.nodes import Tint
    from flux4d_viewer.canvas.sky_box import SkyFace
    from flux4d_viewer.canvas.splats import SplatCloud

SKY_DISTANCE = 550.0
"""viser units to the faces of the sky: its corners stay within the far plane at 1000."""


@dataclass
class _Sent:
    """Splats of one moving node, as the page has them."""

    handle: viser.GaussianSplatHandle
    laid: Laid
    exact: tuple[float, Tint] | None
    """For which source time and tint they are exact; None: none."""


class BrowserSplats:
    """The nodes below /static and /sky, and the splats below /moving."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._static: viser.GaussianSplatHandle | None = None
        self._static_content = ""
        self._moving: dict[str, _Sent] = {}
        self._sky: list[viser.ImageHandle] = []

    def replace(self, drawable: Drawable | None) -> None:
        """Take the place of what was shown before; what the layout holds is sent by `lay`."""
        for name in ("/static", "/sky"):
            self._server.scene.remove_by_name(name)
        self._static, self._moving, self._sky = None, {}, []
        if drawable is None or drawable.static is None:
            return
        self._sky = [self._add_face(face) for face in drawable.sky]

    def lay(self, layout: Layout, tint: Tint) -> None:
        """Bring all splats into agreement with a layout, sending only those that the page does not have."""
        if layout.static is None:
            return
        self._lay_static(layout.static, layout.static_content)
        for name in self._moving.keys() - layout.moving.keys():
            del self._moving[name]  # gone from the page with its frame
        for name, laid in layout.moving.items():
            sent = self._moving.get(name)
            if sent is not None and sent.laid.content == laid.content:
                sent.laid = laid
                continue
            cloud = laid.node.splats_at(laid.node.motion.anchor, tint)
            if sent is None:
                self._moving[name] = _Sent(self._add_splats(f"{name}/splats", cloud), laid, None)
            else:
                sent.handle.set_gaussians(cloud.centers, cloud.covariances, cloud.colors, cloud.opacities)
                sent.laid, sent.exact = laid, None

    def show(self, view: View) -> None:
        """Show or hide whole nodes, which costs a few bytes."""
        if self._static is not None:
            self._static.visible = view.show != "dynamic"
        for face in self._sky:
            face.visible = view.show != "dynamic"
        for sent in self._moving.values():
            moves = sent.laid.node.motion.speed > view.threshold
            sent.handle.visible = sent.laid.shown and (view.show == "everything" or (view.show == "dynamic") == moves)

    def settle(self, time: float, tint: Tint) -> None:
        """Send what moves again, exactly as it is at `time`; nothing of what is there like that already."""
        for sent in self._moving.values():
            exact = (sent.laid.node.course.at(time)[0], tint)
            if sent.exact == exact or not sent.laid.shown:
                continue
            cloud = sent.laid.node.splats_at(time, tint)
            sent.handle.set_gaussians(cloud.centers, cloud.covariances, cloud.colors, cloud.opacities)
            sent.exact = exact

    def _lay_static(self, cloud: SplatCloud, content: str) -> None:
        if self._static is None:
            self._static = self._add_splats("/static", cloud)
        elif self._static_content != content:
            self._static.set_gaussians(cloud.centers, cloud.covariances, cloud.colors, cloud.opacities)
        self._static_content = content

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
