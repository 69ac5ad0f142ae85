"""Velocity arrows on the page: those of one density at a time, riding on the moving nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import viser

from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.looking import ArrowsPer
from flux4d_viewer.state import View
from flux4d_viewer.theme import for_viser

if TYPE_CHECKING:
    from flux4d_viewer.canvas.arrows import Arrows
    from flux4d_viewer.canvas.drawable import Drawable


class VelocityLayer:
    """The nodes named arrows below /moving/<i>, which are sent when they are first wanted."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._drawable: Drawable | None = None
        self._handles: list[viser.ArrowsHandle | None] = []
        self._sent: tuple[ArrowsPer, float, bool] | None = None
        """Density, seconds of travel and whether coloured by heading, of what is there."""

    def replace(self, drawable: Drawable | None) -> None:
        """Forget the old nodes' arrows, which have gone with them."""
        self._drawable, self._handles, self._sent = drawable, [], None

    def show(self, view: View, names: list[str]) -> None:
        """Bring the arrows into agreement with the view; `names`: of the moving nodes."""
        if self._drawable is None:
            return
        if view.arrows is not None:
            self._send(view.arrows, view.arrow_seconds, view.color == "heading", names)
        for node, handle in zip(self._drawable.moving, self._handles, strict=False):
            if handle is not None:
                moves = node.motion.speed > view.threshold and view.show != "static"
                handle.visible = view.arrows is not None and moves

    def _send(self, per: ArrowsPer, seconds: float, by_heading: bool, names: list[str]) -> None:
        assert self._drawable is not None
        before = self._sent
        if before == (per, seconds, by_heading):
            return
        sets = [sets.of(per) for sets in self._drawable.arrows]
        if before is None or before[0] != per:
            for handle in self._handles:
                if handle is not None:
                    handle.remove()
            self._handles = [
                self._add(f"{name}/arrows", arrows, seconds, by_heading)
                for name, arrows in zip(names, sets, strict=True)
            ]
        else:
            for handle, arrows in zip(self._handles, sets, strict=True):
                if handle is not None:
                    handle.points = arrows.points(seconds)
                    if before[2] != by_heading:
                        handle.colors = for_viser(arrows.colors(by_heading))
        self._sent = (per, seconds, by_heading)

    def _add(self, name: str, arrows: Arrows, seconds: float, by_heading: bool) -> viser.ArrowsHandle | None:
        """None if there are none: viser wants at least one."""
        if len(arrows.starts) == 0:
            return None
        return self._server.scene.add_arrows(
            name,
            arrows.points(seconds),
            for_viser(arrows.colors(by_heading)),
            shaft_radius=arrows.thickness,
            head_radius=3 * arrows.thickness,
            head_length=10 * arrows.thickness,
            scale=SCALE,
        )
