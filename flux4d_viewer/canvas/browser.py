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
    from jaxtyping import Float
    from torch import Tensor

    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.layout import Laid, Layout
    from flux4d_viewer.canvas.sky_box import SkyFace
    from flux4d_viewer.canvas.splats import SplatCloud
    from flux4d_viewer.canvas.standing import StandingNode, StandingSplats
    from flux4d_viewer.canvas.tinting import Tint

SKY_DISTANCE = 550.0
"""viser units to the faces of the sky: its corners stay within the far plane at 1000."""


@dataclass
class _Sent:
    """Splats of one moving node, as the page has them."""

    handle: viser.GaussianSplatHandle
    laid: Laid
    exact: tuple[float, float, Tint] | None
    """For which source time, time and tint they are exact; None: none."""


class BrowserSplats:
    """The nodes below /static and /sky, and the splats below /moving."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._standing: StandingSplats | None = None
        self._errors: Float[Tensor, "N"] | None = None
        self._static_content = ""
        self._moving: dict[str, _Sent] = {}
        self._sky: list[viser.ImageHandle] = []

    def replace(self, drawable: Drawable | None) -> None:
        """Take the place of what was shown before; what the layout holds is sent by `lay`."""
        for name in ("/static", "/static_tinted", "/sky"):
            self._server.scene.remove_by_name(name)
        self._standing, self._moving, self._sky = None, {}, []
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

    def show(self, view: View, tint: Tint) -> None:
        """Show or hide whole nodes, which costs a few bytes."""
        if self._standing is not None:
            self._standing.show(view.show != "dynamic", tint)
        for face in self._sky:
            face.visible = view.show != "dynamic" and view.backdrop is None
        for sent in self._moving.values():
            moves = sent.laid.node.motion.speed > view.threshold
            sent.handle.visible = sent.laid.shown and (view.show == "everything" or (view.show == "dynamic") == moves)

    def settle(self, time: float, tint: Tint, errors: Float[Tensor, "N"] | None = None) -> None:
        """Send what moves again, exactly as it is at `time`, and what stands if its colours change.

        Nothing is sent of what is there like that already.
        """
        if self._standing is not None:
            self._standing.settle(tint, errors)
        same_errors, self._errors = errors is self._errors, errors
        for sent in self._moving.values():
            node = sent.laid.node
            # colours may depend on where an edit has put it, which its own time does not say
            place = time if node.course.steps and tint.color != "real" else 0.0
            exact = (node.course.at(time)[0], place, tint)
            if (sent.exact == exact and same_errors) or not sent.laid.shown:
                continue
            cloud = node.splats_at(time, tint, errors)
            sent.handle.set_gaussians(cloud.centers, cloud.covariances, cloud.colors, cloud.opacities)
            sent.exact = exact

    def _lay_static(self, node: StandingNode, content: str) -> None:
        from flux4d_viewer.canvas.standing import StandingSplats  # loads PyTorch, which a scene has loaded before

        if self._standing is None:
            self._standing = StandingSplats(node, self._add_splats)
        elif self._static_content != content:
            self._standing.replace(node)
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
