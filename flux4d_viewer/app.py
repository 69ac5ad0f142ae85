"""The viewer put together: server, state, drawing thread, worker, panels. Nothing here is slow to load."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import viser

from flux4d_viewer.canvas.canvas import Canvas
from flux4d_viewer.canvas.handles import EraserLayer, GizmoLayer, WaypointLayer
from flux4d_viewer.clock import AHEAD, Clock, Playhead
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.downloads import offer
from flux4d_viewer.extensions import Extensions, Guarded
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.keys import bind_keys
from flux4d_viewer.library import Shelf
from flux4d_viewer.looking import Painted
from flux4d_viewer.messages import Exported, Failed, Message, Stopped
from flux4d_viewer.panels.actors import ActorsPanel
from flux4d_viewer.panels.adapt import AdaptPanel
from flux4d_viewer.panels.alignment import AlignmentPanel
from flux4d_viewer.panels.cameras import CamerasPanel
from flux4d_viewer.panels.display import DisplayPanel
from flux4d_viewer.panels.drive import DrivePanel
from flux4d_viewer.panels.edit import DonePanel, EditPanel
from flux4d_viewer.panels.export import ExportPanel
from flux4d_viewer.panels.objects import ObjectsPanel
from flux4d_viewer.panels.panel import Panel
from flux4d_viewer.panels.path import PathPanel
from flux4d_viewer.panels.quality import QualityPanel
from flux4d_viewer.panels.status import StatusPanel
from flux4d_viewer.panels.timeline import TimelinePanel
from flux4d_viewer.pointer import bind_pointer
from flux4d_viewer.recording import Recording
from flux4d_viewer.server import serve
from flux4d_viewer.staged import Stager
from flux4d_viewer.state import State, Store
from flux4d_viewer.visits import Visits
from flux4d_viewer.watch import Watch
from flux4d_viewer.worker import Perform, Worker

if TYPE_CHECKING:
    from flux4d_viewer.device import Renderer

PANEL_WIDTH = 400
"""Pixels of the panel on the right."""


@dataclass(frozen=True)
class Settings:
    """What the command line says about the viewer itself."""

    host: str = "127.0.0.1"
    port: int = 8080
    """The next free one is taken if this is not."""
    device: str = "auto"
    renderer: Renderer = "auto"
    folder: Path = Path()
    """Where videos, scenes and PLYs go."""
    token: str | None = None
    """The key in the page's address; a new one if None."""
    shelf: Shelf = field(default_factory=Shelf)
    """What may be opened from the page."""


class Viewer:
    """A running viewer."""

    def __init__(
        self,
        settings: Settings,
        prepare: Callable[[], Perform] | None = None,
        extensions: Extensions | None = None,
    ) -> None:
        """Serve the page.

        Args:
            prepare: What makes the worker's jobs run; the real thing if None.
            extensions: Somebody's own panels and layers.

        Raises:
            Flux4dError: the address or the token cannot be used.
        """
        self.site = serve(settings.host, settings.port, settings.token)
        self.server = self.site.server
        self.clock = Clock(self._draw, self._settle)
        self.store = Store(self.clock.wake)
        self.worker = Worker(prepare or _real_work(settings), self._receive)
        self.stager = Stager(self.store, settings.folder, self._complain)
        self.controls = Controls(
            Bench(self.store, self.clock, self.worker.put, self.worker.cancel, settings.folder, settings.shelf)
        )
        hands = [layer(self.server, self.controls) for layer in (GizmoLayer, WaypointLayer, EraserLayer)]
        self.canvas = Canvas(
            self.server, self.controls.cameras.jump, self._complain, self.controls.paths, self._note_picture, hands
        )
        self._panels = self._lay_out(extensions or Extensions())
        self._watch = Watch(self.server, self.controls.bench)
        bind_keys(self.server, self.controls)
        bind_pointer(self.server, self.controls)
        self.server.on_client_connect(self._greet)
        self.server.on_client_disconnect(self._forget)
        self._recording: Recording | None = None
        self._broken = False
        self._done = threading.Event()

    def start(self, job: Job | None) -> None:
        """Begin to draw and to work, with a first job if there is one."""
        self.clock.start()
        self.worker.start()
        self.stager.start()
        self._watch.start()
        self.clock.wake()
        if job is not None:
            self.controls.session.open(job)

    def wait(self) -> None:
        """Until the user interrupts."""
        while not self._done.wait(0.5):
            pass

    def stop(self) -> bool:
        """End all threads and the server; whether the worker's has ended, which cannot be forced to."""
        self._done.set()
        self._watch.stop()
        ended = self.worker.stop()
        self.clock.stop()
        self.stager.stop()
        self.canvas.stop()
        self.site.stop()
        return ended

    def _lay_out(self, extensions: Extensions) -> list[Panel]:
        gui = self.server.gui
        gui.main_panel.dock_right()
        gui.main_panel.set_width(PANEL_WIDTH)
        panels: list[Panel] = [StatusPanel(self.server, self.controls), TimelinePanel(self.server, self.controls)]
        tabs = gui.add_tab_group()
        with tabs.add_tab("View", viser.Icon.EYE):
            panels.append(DisplayPanel(self.server, self.controls))
            panels.append(AdaptPanel(self.server, self.controls))
        with tabs.add_tab("Cameras", viser.Icon.CAMERA):
            panels.append(CamerasPanel(self.server, self.controls))
            panels.append(QualityPanel(self.server, self.controls))
            panels.append(AlignmentPanel(self.server, self.controls))
        with tabs.add_tab("Actors", viser.Icon.CAR):
            panels.append(ActorsPanel(self.server, self.controls))
            panels.append(EditPanel(self.server, self.controls))
            panels.append(ObjectsPanel(self.server, self.controls))
            panels.append(DonePanel(self.server, self.controls))
        with tabs.add_tab("Path", viser.Icon.ROUTE):
            panels.append(PathPanel(self.server, self.controls))
        with tabs.add_tab("Export", viser.Icon.DOWNLOAD):
            panels.append(ExportPanel(self.server, self.controls))
        with tabs.add_tab("Drive", viser.Icon.STEERING_WHEEL):
            panels.append(DrivePanel(self.server, self.controls))
        for make_panel in extensions.panels:
            with tabs.add_tab(make_panel.title):
                own = make_panel(self.server, self.controls)
            panels.append(Guarded(f"The panel {make_panel.title}", own.show, self._complain))
        for make_overlay in extensions.overlays:
            own = make_overlay(self.server)
            self.canvas.add_layer(Guarded(f"The layer {type(own).__name__}", own.draw, self._complain))
        panels.append(Visits(self.server, self.store, self.clock))
        return panels

    def _draw(self, playhead: Playhead) -> None:
        """One step of the drawing thread, which a fault must not end."""
        state = self.store.state
        try:
            if state.recording is not self._recording:
                self._recording = state.recording
                playhead = self._rewind(state.recording)
            self.stager.want(state)
            if (ahead := AHEAD if state.scene is not None else 0.0) != playhead.ahead:
                self.clock.change(lambda p: p.predicting(ahead))
                playhead = self.clock.playhead
            self.canvas.draw(state, playhead)
            self._show(state, playhead)
            self._broken = False
        except Exception as error:  # the thread must live, and the user hear of it, once
            traceback.print_exc(file=sys.stderr)
            if not self._broken:
                self._broken = True
                self._complain(f"Drawing failed: {type(error).__name__}: {error}")

    def _show(self, state: State, playhead: Playhead) -> None:
        for panel in self._panels:
            panel.show(state, playhead)

    def _settle(self, playhead: Playhead) -> None:
        try:
            self.canvas.settle(self.store.state, playhead)
            self._show(self.store.state, playhead)
            self.controls.cameras.compare()
            self.controls.time.count_moving()
            self.controls.quality.settle()
        except Exception as error:  # as in _draw
            traceback.print_exc(file=sys.stderr)
            self._complain(f"Drawing failed: {type(error).__name__}: {error}")

    def _rewind(self, recording: Recording | None) -> Playhead:
        start, end = recording.span if recording is not None else (0.0, 0.0)
        self.clock.change(lambda p: p.over(start, end))
        return self.clock.playhead

    def _receive(self, message: Message) -> None:
        """Take the worker's message: into the state first, then to the browsers that should hear of it."""
        self.store.receive(message)
        match message:
            case Failed(title, sentence):
                print(f"{title} failed: {sentence}", file=sys.stderr, flush=True)
                self._notify(self.server.get_clients().values(), f"{title} failed", sentence, "red")
            case Stopped(title):
                self._notify(self.server.get_clients().values(), "Cancelled", title, "gray")
            case Exported():
                print(f"Saved {message.path.resolve()}", flush=True)
                offer(self.server, message)
                if message.note:
                    self._notify(self.server.get_clients().values(), "Mind the terms", message.note, "yellow")
            case _:
                pass

    def _note_picture(self, painted: Painted) -> None:
        self.store.change(lambda state: replace(state, painted=painted))

    def _complain(self, sentence: str) -> None:
        self.store.change(lambda state: replace(state, problem=sentence))

    def _greet(self, client: viser.ClientHandle) -> None:
        """Tell a browser that comes late what has gone wrong before."""
        if problem := self.store.state.problem:
            self._notify([client], "What went wrong", problem, "red")

    def _forget(self, client: viser.ClientHandle) -> None:
        self.controls.paths.land(client.client_id)

    def _notify(
        self, clients: Iterable[viser.ClientHandle], title: str, body: str, color: Literal["red", "yellow", "gray"]
    ) -> None:
        for client in clients:
            client.add_notification(title, body, color=color, auto_close_seconds=15.0)


def _real_work(settings: Settings) -> Callable[[], Perform]:
    def prepare() -> Perform:
        from flux4d_viewer.work.work import Work

        return Work(settings.device, settings.renderer, settings.folder).perform

    return prepare
