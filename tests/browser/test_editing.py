"""Actors selected, changed and brought back, as a person does it in the browser."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from eye import Eye
from small_street import RED, RED_START, make_scene

from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.editing import Editing
from flux4d_viewer.history import History
from flux4d_viewer.jobs.opening import OpenSceneFile

RED_CAR = (RED_START, -2.0, 0.8)
ROAD = (0.35, 0.35, 0.37)


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.staged is not None, "the actors")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.viewer.store.change(lambda state: replace(state, history=History(), editing=Editing()))
    opened.reset()
    opened.wait_until(lambda: is_worked_out(opened), "the scene without edits")
    opened.page.get_by_role("tab", name="Actors").click()
    return opened


def is_worked_out(eye: Eye) -> bool:
    state = eye.viewer.store.state
    return state.staged is not None and state.staged.edits == state.history.edits and state.editing.drag is None


def is_red(color: np.ndarray) -> bool:
    return bool(np.abs(color - np.array(RED)).max() < 0.15)


def click_on(eye: Eye, point: tuple[float, float, float]) -> None:
    row, column = eye.pixel_of(point)
    eye.page.mouse.click(column, row)


def select_red(eye: Eye) -> str:
    click_on(eye, RED_CAR)
    eye.wait_until(lambda: len(eye.viewer.store.state.editing.selection) == 1, "the red car to be selected")
    return eye.viewer.store.state.editing.selected


def edits_of(eye: Eye) -> Edits:
    return eye.viewer.store.state.history.edits


def test_a_click_selects_the_red_car_and_escape_lets_it_go(eye: Eye) -> None:
    red = select_red(eye)
    staged = eye.viewer.store.state.staged
    assert staged is not None
    actor = staged.stage.actor(red)
    assert actor is not None
    assert actor.pose_at(0.0)[:3, 3] == pytest.approx(RED_CAR, abs=0.3)
    eye.page.get_by_text("10.0 m/s (36 km/h)").wait_for(timeout=20_000)
    eye.page.keyboard.press("Escape")
    eye.wait_until(lambda: eye.viewer.store.state.editing.selection == (), "the key")
    select_red(eye)
    click_on(eye, (20.0, 5.0, 0.0))
    eye.wait_until(lambda: eye.viewer.store.state.editing.selection == (), "the click beside all")


def test_delete_takes_the_red_car_away_and_undo_brings_the_same_picture_back(eye: Eye) -> None:
    before = eye.picture()
    assert is_red(eye.color_at(before, RED_CAR))
    select_red(eye)
    eye.page.keyboard.press("Delete")
    eye.wait_until(lambda: len(edits_of(eye).operations) == 1 and is_worked_out(eye), "the removal")
    gone = eye.picture()
    assert not is_red(eye.color_at(gone, RED_CAR))
    eye.page.get_by_text("Removed").wait_for(timeout=20_000)
    eye.page.keyboard.press("Control+z")
    eye.wait_until(lambda: not edits_of(eye).operations and is_worked_out(eye), "the undo")
    eye.page.wait_for_timeout(300)
    after = eye.picture()
    assert np.abs(after[:480].astype(int) - before[:480].astype(int)).max() <= 6
    eye.page.keyboard.press("Control+Shift+z")
    eye.wait_until(lambda: len(edits_of(eye).operations) == 1 and is_worked_out(eye), "the redo")
    assert not is_red(eye.color_at(eye.picture(), RED_CAR))


def test_by_numbers_the_red_car_is_put_where_it_was_said(eye: Eye) -> None:
    select_red(eye)
    number = eye.page.get_by_label("Shift (m)").first
    number.fill("6")
    eye.page.keyboard.press("Tab")
    eye.page.get_by_role("button", name="Move by this").click()
    eye.wait_until(lambda: len(edits_of(eye).operations) == 1 and is_worked_out(eye), "the move")
    eye.page.keyboard.press("Escape")
    moved = eye.picture()
    assert is_red(eye.color_at(moved, (RED_START + 6.0, -2.0, 0.8)))


def test_the_handles_carry_the_red_car_and_leave_it_there(eye: Eye) -> None:
    red = select_red(eye)
    eye.page.keyboard.press("g")
    eye.wait_until(lambda: eye.viewer.store.state.editing.gizmo == "move", "the handles")
    eye.picture()
    row, column = eye.pixel_of((RED_START, -0.9, 0.8))
    eye.page.mouse.move(column, row)
    eye.page.mouse.down()
    target = eye.pixel_of((RED_START, 1.1, 0.8))
    eye.page.mouse.move(target[1], target[0], steps=6)
    eye.page.mouse.up()
    eye.wait_until(lambda: len(edits_of(eye).operations) == 1 and is_worked_out(eye), "the move")
    staged = eye.viewer.store.state.staged
    assert staged is not None
    actor = staged.stage.actor(red)
    assert actor is not None
    assert actor.pose_at(0.0)[:3, 3] == pytest.approx([RED_START, 0.0, 0.8], abs=0.4)
    eye.page.keyboard.press("Escape")
    assert is_red(eye.color_at(eye.picture(), (RED_START, 0.0, 0.8)))


def test_edits_are_saved_beside_the_scene(eye: Eye) -> None:
    select_red(eye)
    eye.page.keyboard.press("h")
    eye.wait_until(lambda: len(edits_of(eye).operations) == 1 and is_worked_out(eye), "the hiding")
    path = eye.viewer.controls.folder / "street.edits.json"
    eye.wait_until(lambda: path.is_file() and '"Hide"' in path.read_text(), "the edits file")
    eye.page.get_by_text("--edits street.edits.json").wait_for(timeout=20_000)
    eye.page.keyboard.press("Shift+h")
    eye.wait_until(lambda: len(edits_of(eye).operations) == 2 and is_worked_out(eye), "showing all")
    eye.page.keyboard.press("Escape")
    assert is_red(eye.color_at(eye.picture(), RED_CAR))
