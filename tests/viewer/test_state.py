from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flux4d_core.scene.edit.operations import Hide
from flux4d_viewer.history import History
from flux4d_viewer.messages import (
    Adapted,
    Failed,
    Finished,
    Notice,
    Opened,
    Progressed,
    Reconstructed,
    Started,
    Stopped,
)
from flux4d_viewer.recording import RecordedFrame, Recording
from flux4d_viewer.state import State, Store, Work, receive

FRAME = RecordedFrame(0, "front", 0.0, np.eye(4, dtype=np.float32), 1.0, 4, 3, np.zeros((3, 4, 3), np.uint8))
RECORDING = Recording("drive", 0, (FRAME,), (), np.zeros((0, 4, 4), np.float32), np.zeros(0, np.float32))
SCENE: Any = object()
DRAWABLE: Any = object()


def after(*messages: Any, start: State | None = None) -> State:
    state = start or State()
    for message in messages:
        state = receive(state, message)
    return state


def test_an_opened_recording_shows_its_lidar_and_chooses_its_first_camera() -> None:
    state = after(Opened(RECORDING, (Notice("a note"),)))
    assert state.recording is RECORDING
    assert state.view.lidar == "all"
    assert state.camera == "front"
    assert [notice.text for notice in state.notices] == ["a note"]


def test_the_scene_takes_the_place_of_the_lidar() -> None:
    state = after(Opened(RECORDING), Reconstructed(SCENE, DRAWABLE))
    assert state.scene is SCENE
    assert state.view.lidar == "none"


def test_the_lidar_stays_if_the_user_wanted_it_otherwise() -> None:
    opened = after(Opened(RECORDING))
    chosen = replace(opened, view=replace(opened.view, lidar="playhead"))
    assert after(Reconstructed(SCENE, DRAWABLE), start=chosen).view.lidar == "playhead"


def test_a_new_recording_takes_the_place_of_the_old_scene() -> None:
    state = after(Opened(RECORDING), Reconstructed(SCENE, DRAWABLE), Opened(replace(RECORDING, name="next")))
    assert state.scene is None
    assert state.drawable is None
    assert state.comparison is None


@pytest.mark.parametrize(
    ("ending", "words"),
    [(Failed("Exporting", "The disk is full."), "The disk is full."), (Stopped("Exporting"), "was cancelled")],
)
def test_a_job_that_ends_badly_leaves_what_was_there_and_says_so(ending: Any, words: str) -> None:
    state = after(Opened(RECORDING), Reconstructed(SCENE, DRAWABLE), Started("Exporting"), ending)
    assert state.scene is SCENE
    assert state.work is None
    assert words in state.problem


def test_a_new_job_clears_the_old_problem() -> None:
    assert after(Failed("A", "b"), Started("C")).problem == ""


def test_progress_keeps_that_the_user_has_cancelled() -> None:
    started = after(Started("Export"))
    assert started.work is not None
    cancelling = replace(started, work=replace(started.work, cancelling=True))
    work = after(Progressed("Export", "Rendering", 0.5, 2.0), start=cancelling).work
    assert work == Work("Export", "Rendering", 0.5, 2.0, cancelling=True)


def test_a_quarter_done_in_two_seconds_leaves_six() -> None:
    assert Work("job", fraction=0.25, seconds=2.0).remaining == 6.0


def test_the_time_left_is_not_guessed_from_next_to_nothing() -> None:
    assert Work("job", fraction=0.01, seconds=2.0).remaining is None
    assert Work("job", fraction=0.5, seconds=0.1).remaining is None


def test_a_finished_job_is_no_longer_shown() -> None:
    assert after(Started("Export"), Finished("Export")).work is None


def test_the_store_tells_of_every_change_and_keeps_the_newest_state() -> None:
    told: list[int] = []
    store = Store(lambda: told.append(1))
    store.set_view(show="static")
    store.receive(Started("job"))
    assert store.state.view.show == "static"
    assert store.state.work == Work("job")
    assert len(told) == 2


def test_what_adapting_did_is_shown_until_another_log_is_opened() -> None:
    told = Adapted("held-out PSNR 17.3 -> 18.1 dB, kept", True)
    state = after(Opened(RECORDING, is_log=True), Reconstructed(SCENE, DRAWABLE), told)
    assert state.is_log
    assert state.adapted is told
    state = after(Opened(RECORDING), start=state)
    assert not state.is_log
    assert state.adapted is None


def test_a_scene_made_anew_says_nothing_twice_and_is_compared_anew() -> None:
    preview = Reconstructed(SCENE, DRAWABLE, (Notice("Preview"),))
    opened = after(Opened(RECORDING, (Notice("a note"),)), preview)
    compared = replace(opened, comparison=SCENE)
    state = after(preview, start=compared)
    assert [notice.text for notice in state.notices] == ["a note", "Preview"]
    assert state.comparison is None


def test_edits_outlive_an_optimisation_but_not_a_new_reconstruction() -> None:
    opened = after(Opened(RECORDING), Reconstructed(SCENE, DRAWABLE))
    edited = replace(opened, history=opened.history.do(Hide("actor-1")))
    assert after(Reconstructed(SCENE, DRAWABLE, keeps_edits=True), start=edited).history == edited.history
    assert after(Reconstructed(SCENE, DRAWABLE), start=edited).history == History()
