"""Draws the state into viser: the only thing that touches the 3D view. Runs on the drawing thread alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import viser

from flux4d_viewer.canvas.browser import BrowserSplats
from flux4d_viewer.canvas.comparison_card import ComparisonCard
from flux4d_viewer.canvas.moving import MovingLayer
from flux4d_viewer.canvas.overlay import Overlay
from flux4d_viewer.canvas.overview import look_over, set_first_view
from flux4d_viewer.canvas.recorded import Jump, RecordedLayer
from flux4d_viewer.canvas.stream import Streams
from flux4d_viewer.clock import Playhead
from flux4d_viewer.recording import Recording
from flux4d_viewer.state import State, View

if TYPE_CHECKING:
    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.layout import Layout


class Canvas:
    """The 3D view of all browsers."""

    def __init__(self, server: viser.ViserServer, jump: Jump, failed: Callable[[str], None]) -> None:
        self._server = server
        _light(server)
        self._overlays: list[Overlay] = [RecordedLayer(server, jump), ComparisonCard(server)]
        self._moving = MovingLayer(server)
        self._splats = BrowserSplats(server)
        self._streams = Streams(server, failed)
        self._recording: Recording | None = None
        self._drawable: Drawable | None = None
        self._layout: Layout | None = None
        self._view: View | None = None

    def draw(self, state: State, playhead: Playhead) -> None:
        """Bring the 3D view into agreement with state and playhead, sending only what differs."""
        with self._server.atomic():
            if state.recording is not self._recording:
                self._recording = state.recording
                if state.recording is not None:
                    self._look_from_start(state.recording)
            for overlay in self._overlays:
                overlay.draw(state, playhead)
            if state.drawable is not self._drawable:
                self._replace(state)
            if (layout := state.layout) is not self._layout:
                self._lay(state, layout)
            if state.view != self._view:
                self._view = state.view
                self._moving.show(state.view)
                self._splats.show(state.view)
            drag = state.editing.drag
            if drag is None:
                self._moving.move(playhead.time)
            else:
                self._moving.move(playhead.time, drag.actor, drag.motion)
        self._server.flush()
        self._streams.want(state.painter, state.view, playhead.time)

    def settle(self, state: State, playhead: Playhead) -> None:
        """The playhead rests: exact instead of quick."""
        if state.drawable is None or state.drawable is not self._drawable:
            return
        with self._server.atomic():
            self._splats.settle(playhead.time, state.drawable.tint(state.view))
        self._server.flush()

    def stop(self) -> None:
        """End the streams' threads."""
        self._streams.stop()

    def _replace(self, state: State) -> None:
        self._drawable, self._layout, self._view = state.drawable, None, None
        self._moving.clear()
        self._splats.replace(state.drawable)

    def _lay(self, state: State, layout: Layout | None) -> None:
        """What the edits changed, and nothing else."""
        self._layout, self._view = layout, None
        if layout is not None and state.drawable is not None:
            self._moving.lay(layout)
            self._splats.lay(layout, state.drawable.tint(state.view))

    def _look_from_start(self, recording: Recording) -> None:
        """The first view, for browsers that are here and for those that come."""
        set_first_view(self._server, recording)
        for client in self._server.get_clients().values():
            look_over(client, recording)


def _light(server: viser.ViserServer) -> None:
    """Even light, so that arrows keep the colours of the legend."""
    server.scene.configure_default_lights(enabled=False)
    server.scene.configure_environment_map(None)
    server.scene.add_light_ambient("/light/ambient", intensity=1.6)
    server.scene.add_light_directional("/light/sun", intensity=1.2, cast_shadow=False, position=(-3.0, 2.0, 10.0))
