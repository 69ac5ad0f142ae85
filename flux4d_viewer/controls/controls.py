"""What the panels and keys can do: each is a request, none draws or waits. One class a topic."""

from __future__ import annotations

from dataclasses import replace

from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.controls.cameras import CameraControls
from flux4d_viewer.controls.editing import EditControls
from flux4d_viewer.controls.files import FileControls
from flux4d_viewer.controls.handling import HandControls
from flux4d_viewer.controls.look import LookControls
from flux4d_viewer.controls.measuring import MeasureControls
from flux4d_viewer.controls.network import NetworkControls
from flux4d_viewer.controls.paths import PathControls
from flux4d_viewer.controls.quality import QualityControls
from flux4d_viewer.controls.selecting import SelectionControls
from flux4d_viewer.controls.time import TimeControls
from flux4d_viewer.controls.viewing import ViewControls
from flux4d_viewer.state import State


class Controls:
    """Turns wishes into changes of the state, moves of the playhead and jobs for the worker."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.store, self.clock, self.folder = bench, bench.store, bench.clock, bench.folder
        self.time = TimeControls(bench)
        self.look = LookControls(bench)
        self.cameras = CameraControls(bench)
        self.viewing = ViewControls(bench)
        self.measuring = MeasureControls(bench)
        self.network = NetworkControls(bench)
        self.quality = QualityControls(bench, self.cameras)
        self.files = FileControls(bench)
        self.paths = PathControls(bench)
        self.selecting = SelectionControls(bench)
        self.editing = EditControls(bench, self.selecting)
        self.hands = HandControls(bench, self.selecting, self.editing)

    def cancel(self) -> None:
        """Stop the job under way."""

        def mark(state: State) -> State:
            return replace(state, work=replace(state.work, cancelling=True)) if state.work else state

        self.store.change(mark)
        self.bench.cancel()
