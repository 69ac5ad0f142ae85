"""Keyframes in hand: where a new one goes, which one is nearest, and what is undone together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_viewer.clock import Clock
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.controls.paths import MAX_UPLOAD, PathControls
from flux4d_viewer.messages import PathMade
from flux4d_viewer.path_editing import inserted, nearest, removed, swapped
from flux4d_viewer.state import State, Store, set_path, step_path

PATH = CameraPath(tuple(Keyframe(np.eye(4), 1.0, time) for time in (0.0, 0.5, 0.5, 1.0)))
NEW = Keyframe(np.eye(4), 1.0, 0.7)


def times(path: CameraPath) -> list[float]:
    return [keyframe.time for keyframe in path.keyframes]


def test_a_new_keyframe_goes_after_the_chosen_one_or_to_the_end() -> None:
    path, place = inserted(PATH, 0, NEW)
    assert (times(path), place) == ([0.0, 0.7, 0.5, 0.5, 1.0], 1)
    path, place = inserted(PATH, -1, NEW)
    assert (times(path)[-1], place) == (0.7, 4)


def test_after_the_last_is_removed_the_one_before_is_in_hand() -> None:
    path, place = removed(PATH, 3)
    assert (times(path), place) == ([0.0, 0.5, 0.5], 2)
    assert removed(CameraPath((NEW,)), 0)[1] == -1


def test_reordered_a_keyframe_stays_within_the_path() -> None:
    assert times(swapped(PATH, 0, 1)[0]) == [0.5, 0.0, 0.5, 1.0]
    path, place = swapped(PATH, 3, 5)
    assert (times(path), place) == (times(PATH), 3)


def test_of_two_keyframes_at_one_time_the_chosen_one_is_nearest() -> None:
    assert nearest(PATH, 0.45, chosen=1) == 1
    assert nearest(PATH, 0.45, chosen=0) == 2
    assert nearest(CameraPath(), 0.45, chosen=-1) == -1


def test_every_change_is_undone_and_done_again_and_one_drag_counts_once() -> None:
    state = set_path(State(), PATH, 0)
    for tension in (0.1, 0.2, 0.3):
        state = set_path(state, replace(state.path, tension=tension), 0, change="tension")
    state = set_path(state, replace(state.path, loop=True), 0, change="loop")
    state = step_path(state, back=True)
    assert (state.path.loop, state.path.tension) == (False, 0.3)
    state = step_path(state, back=True)
    assert state.path is PATH
    state = step_path(step_path(state, back=True), back=True)
    assert state.path.keyframes == ()
    for _ in range(5):
        state = step_path(state, back=False)
    assert (state.path.loop, state.path.tension) == (True, 0.3)


@pytest.fixture
def store() -> Store:
    return Store(lambda: None)


def controls(store: Store, folder: Path) -> PathControls:
    return PathControls(Bench(store, Clock(lambda p: None, lambda p: None), lambda job: None, lambda: None, folder))


def test_only_camera_paths_of_the_output_folder_are_listed_and_opened(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    store.receive(PathMade(PATH))
    paths = controls(store, folder)
    paths.save(None)
    (folder / "scene.edits.json").write_text("{}")
    (tmp_path / "secret_path.json").write_text((folder / "scene_camera_path.json").read_text())
    assert paths.files == ("scene_camera_path.json",)
    paths.clear()
    paths.load("../secret_path.json")
    assert store.state.path.keyframes == ()
    paths.load("scene_camera_path.json")
    assert times(store.state.path) == times(PATH)
    assert store.state.pathing.note == "Opened scene_camera_path.json: 4 keyframes, 6.0 s"


def test_a_link_that_leads_out_of_the_folder_is_not_listed(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "secret.json").write_text("{}")
    (folder / "path.json").symlink_to(tmp_path / "secret.json")
    assert controls(store, folder).files == ()


def test_a_file_that_is_too_large_is_refused_and_the_path_stays(store: Store, tmp_path: Path) -> None:
    store.receive(PathMade(PATH))
    controls(store, tmp_path).receive("path.json", b" " * (MAX_UPLOAD + 1))
    assert "at most 4 MB" in store.state.problem
    assert store.state.path is PATH
