"""How far the picture can be trusted: comparing with what was recorded, and what follows from it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.comparison import Mode, worst
from flux4d_viewer.controls.bench import Bench, Client
from flux4d_viewer.controls.cameras import CameraControls
from flux4d_viewer.jobs.comparing import ScoreFrame
from flux4d_viewer.jobs.quality import AlignCameras, CheckAlignment, MeasureErrors, OptimizeScene, SurveySeen
from flux4d_viewer.recording import RecordedFrame
from flux4d_viewer.state import State

if TYPE_CHECKING:
    from flux4d_core.scene.scene import Scene

BLINK_SECONDS = 0.7
"""Between the two pictures."""


class QualityControls:
    """Scores, comparisons, causes of blur."""

    def __init__(self, bench: Bench, cameras: CameraControls) -> None:
        self._bench, self._cameras = bench, cameras
        self._asked: tuple[Scene, int, Edits] | None = None
        """The scene, frame and edits of the last request for a score: never asked twice."""
        self._blinking: threading.Thread | None = None

    def set_comparing(self, **changes: object) -> None:
        """Change how renders are set against what was recorded."""

        def change(state: State) -> State:
            return replace(state, comparing=replace(state.comparing, **changes))  # pyright: ignore[reportArgumentType]

        self._bench.store.change(change)

    def set_mode(self, mode: Mode) -> None:
        """Compare in another way; blinking goes on by itself."""
        self.set_comparing(mode=mode)
        if mode == "blink" and (self._blinking is None or not self._blinking.is_alive()):
            self._blinking = threading.Thread(target=self._blink, name="blinking", daemon=True)
            self._blinking.start()

    def cycle_mode(self) -> None:
        """Beside, over, minus, blink, beside ..."""
        modes = get_args(Mode)
        self.set_mode(modes[(modes.index(self._bench.store.state.comparing.mode) + 1) % len(modes)])

    def show_in_view(self, wanted: bool, client: Client) -> None:
        """Show the comparison large, or no longer; whoever asks is put behind the camera."""
        self.set_comparing(in_view=wanted)
        if wanted:
            if self._bench.store.state.comparing.mode == "beside":
                self.set_mode("over")
            self._cameras.jump(client)

    def toggle_in_view(self, client: Client) -> None:
        self.show_in_view(not self._bench.store.state.comparing.in_view, client)

    def _blink(self) -> None:
        while self._bench.store.state.comparing.mode == "blink":
            time.sleep(BLINK_SECONDS)
            self.set_comparing(flipped=not self._bench.store.state.comparing.flipped)

    def go_to_worst(self, client: Client) -> None:
        """To the chosen camera's frame that is farthest from what was recorded, as far as known."""
        state = self._bench.store.state
        score = worst(state.scores, state.camera)
        if score is None or state.recording is None:
            return
        self._bench.clock.seek(score.time)
        if client is not None:
            self._cameras.jump(client, state.recording.frames[score.frame])

    def mark_unseen(self, wanted: bool) -> None:
        """Hatch what was never recorded, or no longer."""
        self.set_comparing(hatch=wanted)

    def measure_errors(self) -> None:
        """Find every Gaussian's difference from the recorded images."""
        self._bench.put(MeasureErrors())

    def align(self) -> None:
        """Bring the cameras of the open log into agreement, and reconstruct again if that helped."""
        self._bench.put(AlignCameras())

    def check_alignment(self) -> None:
        """Draw the LiDAR of the open log over its images, and try other clocks."""
        self._bench.put(CheckAlignment())

    def optimize(self, seconds: float) -> None:
        """Fit the scene to its images, its motion frozen; kept if held-out images come out better."""
        self._bench.put(OptimizeScene(seconds))

    def settle(self) -> None:
        """The playhead rests: what is not known yet of the scene can be found out, a little at a time."""
        state = self._bench.store.state
        if state.scene is None or state.comparison is None:
            return
        if state.surveyed < 1:
            self._bench.put(SurveySeen())
        frame = next_to_score(state)
        if frame is None or self._is_asked(state, frame.index):
            return
        self._asked = state.scene, frame.index, state.history.edits
        self._bench.put(ScoreFrame(frame.index, state.history.edits))

    def _is_asked(self, state: State, frame: int) -> bool:
        if self._asked is None:
            return False
        scene, asked, edits = self._asked
        return scene is state.scene and asked == frame and edits == state.history.edits


def next_to_score(state: State) -> RecordedFrame | None:
    """The chosen camera's first frame that has no score after the present edits; None when all have one."""
    if state.recording is None:
        return None
    known = {score.frame for score in state.scores} if state.scored_edits == state.history.edits else set()
    return next((f for f in state.recording.frames if f.sensor == state.camera and f.index not in known), None)
