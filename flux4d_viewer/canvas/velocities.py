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
    from flux4d_viewer.canvas.layout import Laid


class VelocityLayer:
    """The nodes named arrows below /moving/<i>, which are sent when they are first wanted."""

    def __init__(self, server: viser.ViserServer) -> None:
        self._server = server
        self._moving: dict[str, Laid] = {}
        self._handles: dict[str, viser.ArrowsHandle] = {}
        self._sent: tuple[ArrowsPer, float, bool] | None = None
        """Density, seconds of travel and whether coloured by heading, of what is there."""

    def lay(self, moving: dict[str, Laid]) -> None:
        """Follow a layout's nodes; arrows of nodes that are gone have gone with them."""
        self._moving = moving
        self._handles = {name: handle for name, handle in self._handles.items() if name in moving}

    def show(self, view: View) -> None:
        """Bring the arrows into agreement with the view."""
        if view.arrows is not None:
            self._send(view.arrows, view.arrow_seconds, view.color == "heading")
        for name, handle in self._handles.items():
            laid = self._moving[name]
            moves = laid.node.motion.speed > view.threshold and view.show != "static"
            handle.visible = view.arrows is not None and laid.shown and laid.arrows is not None and moves

    def _send(self, per: ArrowsPer, seconds: float, by_heading: bool) -> None:
        """What is not there yet is added; what is there is changed if it must be."""
        before = self._sent
        self._sent = (per, seconds, by_heading)
        if before is not None and before[0] != per:
            for handle in self._handles.values():
                handle.remove()
            self._handles = {}
        for name, laid in self._moving.items():
            arrows = None if laid.arrows is None else laid.arrows.of(per)
            if arrows is None or len(arrows.starts) == 0:  # viser wants at least one
                continue
            handle = self._handles.get(name)
            if handle is None:
                self._handles[name] = self._add(f"{name}/arrows", arrows, seconds, by_heading)
            elif before != self._sent:
                handle.points = arrows.points(seconds)
                handle.colors = for_viser(arrows.colors(by_heading))

    def _add(self, name: str, arrows: Arrows, seconds: float, by_heading: bool) -> viser.ArrowsHandle:
        return self._server.scene.add_arrows(
            name,
            arrows.points(seconds),
            for_viser(arrows.colors(by_heading)),
            shaft_radius=arrows.thickness,
            head_radius=3 * arrows.thickness,
            head_length=10 * arrows.thickness,
            scale=SCALE,
        )
