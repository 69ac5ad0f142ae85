"""Draws the state into viser: the only thing that touches the 3D view. Runs on the drawing thread alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import viser

from flux4d_viewer.canvas.browser import BrowserSplats
from flux4d_viewer.canvas.comparison_card import ComparisonCard
from flux4d_viewer.canvas.follow import FollowLayer
from flux4d_viewer.canvas.keyframes import KeyframeHand, KeyframesLayer
from flux4d_viewer.canvas.labelled import LabelledLayer
from flux4d_viewer.canvas.measure import MeasureLayer
from flux4d_viewer.canvas.moving import MovingLayer
from flux4d_viewer.canvas.overlay import Overlay
from flux4d_viewer.canvas.overview import look_over, set_first_view
from flux4d_viewer.canvas.recorded import Jump, RecordedLayer
from flux4d_viewer.canvas.selection import SelectionLayer
from flux4d_viewer.canvas.stream import Streams, Wish
from flux4d_viewer.canvas.trails import TrailLayer
from flux4d_viewer.canvas.unseen import UnseenLayer
from flux4d_viewer.canvas.vehicle import VehicleLayer
from flux4d_viewer.clock import Playhead
from flux4d_viewer.looking import Errors, Painted, Vector
from flux4d_viewer.recording import Recording
from flux4d_viewer.state import State, View

if TYPE_CHECKING:
    from torch import Tensor

    from flux4d_viewer.canvas.drawable import Drawable
    from flux4d_viewer.canvas.layout import Layout


class Canvas:
    """The 3D view of all browsers."""

    def __init__(
        self,
        server: viser.ViserServer,
        jump: Jump,
        failed: Callable[[str], None],
        hand: KeyframeHand,
        painted: Callable[[Painted], None] = lambda painted: None,
        hands: Sequence[Overlay] = (),
    ) -> None:
        """`hands`: layers that pass on what is done to them."""
        self._server = server
        light_evenly(server)
        self._overlays: list[Overlay] = [
            RecordedLayer(server, jump),
            ComparisonCard(server),
            UnseenLayer(server),
            KeyframesLayer(server, hand),
            VehicleLayer(server),
            LabelledLayer(server),
            TrailLayer(server),
            MeasureLayer(server),
            FollowLayer(server),
            SelectionLayer(server),
            *hands,
        ]
        self._moving = MovingLayer(server)
        self._splats = BrowserSplats(server)
        self._streams = Streams(server, failed, painted)
        self._recording: Recording | None = None
        self._drawable: Drawable | None = None
        self._layout: Layout | None = None
        self._view: View | None = None
        self._errors: tuple[Errors, Tensor | None] | None = None

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
                if state.drawable is not None:
                    self._splats.show(state.view, state.drawable.tint(state.view))
            drag = state.editing.drag
            if drag is None:
                self._moving.move(playhead.time)
            else:
                self._moving.move(playhead.time, drag.actor, drag.motion)
        self._server.flush()
        painter = state.painter
        errors = None if state.history.edits.operations else state.errors  # edits change the painter's order
        self._streams.want(None if painter is None else Wish(painter, state.view, playhead.time, errors))

    def add_layer(self, layer: Overlay) -> None:
        """Draw one more layer, before the splats."""
        self._overlays.append(layer)

    def settle(self, state: State, playhead: Playhead) -> None:
        """The playhead rests: exact instead of quick."""
        if state.drawable is None or state.drawable is not self._drawable:
            return
        with self._server.atomic():
            tint = state.drawable.tint(state.view, _eye_at(state, playhead.time), state.errors)
            self._splats.settle(playhead.time, tint, self._errors_of(state))
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

    def _errors_of(self, state: State) -> Tensor | None:
        """The errors as the splats take them, made once."""
        known = state.errors
        if known is None or state.drawable is None or len(known.values) != state.drawable.total:
            return None
        if self._errors is None or self._errors[0] is not known:
            from flux4d_viewer.canvas.tinting import tensor_of  # loads PyTorch, which a scene has loaded before

            self._errors = known, tensor_of(known.values)
        return self._errors[1]

    def _look_from_start(self, recording: Recording) -> None:
        """The first view, for browsers that are here and for those that come."""
        set_first_view(self._server, recording)
        for client in self._server.get_clients().values():
            look_over(client, recording)


def _eye_at(state: State, time: float) -> Vector:
    """From where the browser's depth is measured: the own vehicle."""
    if state.recording is None:
        return 0.0, 0.0, 0.0
    x, y, z = (float(value) for value in state.recording.ego_at(time)[:3, 3])
    return x, y, z


def light_evenly(server: viser.ViserServer) -> None:
    """Even light, so that arrows keep the colours of the legend."""
    server.scene.configure_default_lights(enabled=False)
    server.scene.configure_environment_map(None)
    server.scene.add_light_ambient("/light/ambient", intensity=1.6)
    server.scene.add_light_directional("/light/sun", intensity=1.2, cast_shadow=False, position=(-3.0, 2.0, 10.0))
