"""Camera paths in the browser: keyframes set by keys, changed in the tab, dragged in the scene; presets, files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from eye import Eye
from small_street import make_scene

from flux4d_core.scene.paths.camera_path import CameraPath
from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.canvas.units import pose_of
from flux4d_viewer.jobs.opening import OpenSceneFile


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene to open")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.viewer.controls.paths.land()
    opened.wait_until(lambda: not opened.viewer.store.state.pathing.is_flying, "the landing")
    opened.viewer.controls.paths.clear()
    opened.reset()
    opened.page.get_by_role("tab", name="Path").click()
    opened.page.locator("body").click(position={"x": 400, "y": 60})
    return opened


def path_of(eye: Eye) -> CameraPath:
    return eye.viewer.store.state.path


def keyframes(eye: Eye, count: int) -> None:
    eye.wait_until(lambda: len(path_of(eye).keyframes) == count, f"{count} keyframes")


def test_enter_sets_a_keyframe_where_one_looks_from_and_shift_enter_takes_the_nearest_away(eye: Eye) -> None:
    assert eye.page.get_by_text("No keyframes").is_visible()
    overview = pose_of(eye.client.camera)
    eye.page.keyboard.press("Enter")
    keyframes(eye, 1)
    eye.viewer.clock.seek(0.8)
    eye.page.keyboard.press("c")
    eye.wait_until(lambda: abs(eye.eye_position()[2] - 1.5) < 0.01, "the recorded camera")
    eye.page.keyboard.press("Enter")
    keyframes(eye, 2)
    first, second = path_of(eye).keyframes
    assert (first.time, second.time) == (0.0, 0.8)
    assert first.fov == pytest.approx(overview.fov)
    assert np.allclose(first.camera_to_world, overview.camera_to_world, atol=1e-3)
    assert np.allclose(second.camera_to_world[:3, 3], eye.eye_position(), atol=1e-3)
    eye.page.get_by_text("2 keyframes, 2.0 s").wait_for(timeout=10_000)
    eye.viewer.clock.seek(0.1)
    eye.page.keyboard.press("Shift+Enter")
    keyframes(eye, 1)
    assert path_of(eye).keyframes[0].time == 0.8


def test_time_and_opening_of_the_chosen_keyframe_are_typed_and_undone(eye: Eye) -> None:
    eye.page.keyboard.press("Enter")
    eye.page.get_by_label("Scene time (s)").fill("0.4")
    eye.wait_until(lambda: path_of(eye).keyframes[0].time == 0.4, "the time")
    eye.page.get_by_label("Opening").fill("30")
    eye.wait_until(lambda: path_of(eye).keyframes[0].fov == pytest.approx(np.radians(30)), "the opening")
    eye.page.get_by_role("button", name="Undo").click()
    eye.wait_until(lambda: path_of(eye).keyframes[0].fov == pytest.approx(1.0), "the undoing")
    assert path_of(eye).keyframes[0].time == 0.4
    eye.page.get_by_role("button", name="Redo").click()
    eye.wait_until(lambda: path_of(eye).keyframes[0].fov == pytest.approx(np.radians(30)), "the redoing")


def test_a_preset_is_made_drawn_and_flown_along_with_the_playhead(eye: Eye) -> None:
    without = eye.picture().astype(int)
    eye.page.get_by_role("button", name="Make the path").click()
    eye.wait_until(lambda: len(path_of(eye).keyframes) == 21, "the lane shift")
    assert path_of(eye).seconds == pytest.approx(3.0)  # three times as slow
    eye.wait_until(lambda: (np.abs(eye.picture() - without).max(-1) > 60).sum() > 300, "the path in the scene")
    eye.viewer.controls.paths.stretch(1.5)
    eye.page.locator("body").click(position={"x": 400, "y": 60})
    eye.page.keyboard.press("p")
    eye.wait_until(lambda: eye.viewer.store.state.pathing.is_flying, "the take-off")
    eye.wait_until(lambda: not eye.viewer.store.state.pathing.is_flying, "the landing")
    last = path_of(eye).keyframes[-1]
    assert eye.viewer.clock.playhead.time == pytest.approx(last.time)
    eye.wait_until(
        lambda: np.allclose(pose_of(eye.client.camera).camera_to_world, last.camera_to_world, atol=0.02), "the end"
    )


def test_a_keyframe_clicked_in_the_scene_is_chosen_and_dragged_by_its_handles(eye: Eye) -> None:
    eye.viewer.clock.seek(0.5)
    eye.page.keyboard.press("c")
    eye.wait_until(lambda: abs(eye.eye_position()[2] - 1.5) < 0.01, "the recorded camera")
    eye.page.keyboard.press("Enter")
    keyframes(eye, 1)
    eye.viewer.controls.paths.choose(-1)
    eye.page.keyboard.press("0")
    eye.viewer.store.set_view(frusta="none")
    eye.wait_until(lambda: eye.eye_position()[2] > 3, "the overview")
    eye.picture()
    place = path_of(eye).keyframes[0].camera_to_world
    row, column = eye.pixel_of(tuple(place[:3, 3] + 0.6 * place[:3, 2]))
    eye.page.mouse.click(column, row)
    eye.wait_until(lambda: eye.viewer.store.state.pathing.chosen == 0, "the choice")
    eye.picture()
    # the handle along the camera's x axis points to the right
    row, column = eye.pixel_of(tuple(place[:3, 3] + 1.5 * place[:3, 0]))
    eye.page.mouse.move(column, row)
    eye.page.wait_for_timeout(200)
    eye.page.mouse.down()
    eye.page.mouse.move(column + 80, row, steps=6)
    eye.page.mouse.up()
    eye.wait_until(lambda: bool(path_of(eye).keyframes[0].camera_to_world[1, 3] < place[1, 3] - 0.3), "the drag")
    moved = path_of(eye).keyframes[0].camera_to_world
    assert moved[1, 3] < place[1, 3] - 0.3
    assert np.allclose(moved[:3, :3], place[:3, :3], atol=1e-4)
    eye.viewer.controls.paths.undo()
    assert np.array_equal(path_of(eye).keyframes[0].camera_to_world, place)


def test_a_path_is_saved_for_nerfstudio_and_opened_again_from_the_folder_and_from_this_computer(
    eye: Eye, tmp_path: Path
) -> None:
    eye.page.keyboard.press("Enter")
    keyframes(eye, 1)  # the key has arrived: the next one is for another time
    eye.viewer.clock.seek(1.0)
    eye.page.keyboard.press("Enter")
    keyframes(eye, 2)
    wanted = path_of(eye)
    eye.page.get_by_text("Files", exact=True).click()
    with eye.page.expect_download() as download:
        eye.page.get_by_role("button", name="Save the path").click()
    document = json.loads(Path(download.value.path()).read_text())
    assert [keyframe["render_time"] for keyframe in document["keyframes"]] == [0.0, 1.0]
    eye.viewer.controls.paths.clear()
    eye.page.get_by_role("button", name="Open", exact=True).click()
    keyframes(eye, 2)
    assert np.allclose(path_of(eye).keyframes[1].camera_to_world, wanted.keyframes[1].camera_to_world)
    eye.page.get_by_text("Opened street_camera_path.json: 2 keyframes, 2.0 s").wait_for(timeout=10_000)
    with eye.page.expect_file_chooser() as chooser:
        eye.page.get_by_role("button", name="Open from this computer").click()
    (tmp_path / "broken.json").write_text("[3]")
    chooser.value.set_files(tmp_path / "broken.json")
    eye.page.get_by_text("broken.json: expected a list of cameras").first.wait_for(timeout=10_000)
    assert len(path_of(eye).keyframes) == 2
