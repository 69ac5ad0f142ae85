"""What the controls add to the edits, and what comes of it."""

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_street import RED_START, make_clip, make_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.edits_file import read_edits
from flux4d_core.scene.edit.operations import Duplicate, Edits, Follow, Hide, Move, Remove
from flux4d_core.scene.stage import StagedActor
from flux4d_core.types import Camera, Rendering, Sky, Snapshot
from flux4d_viewer.autosave import Autosave
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.painter import Painter
from flux4d_viewer.canvas.ranges import Ranges
from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.clock import Clock
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.controls.editing import EditControls
from flux4d_viewer.controls.handling import HandControls
from flux4d_viewer.controls.selecting import SelectionControls
from flux4d_viewer.editing import Drag, path_of
from flux4d_viewer.overlaps import overlap
from flux4d_viewer.recording import recording_of_clip
from flux4d_viewer.sheet import look_up, ordered
from flux4d_viewer.staged import Staged, Stager, work_out
from flux4d_viewer.state import State, Store, View

SCENE = make_scene()
DRAWABLE = prepare_for_browser(SCENE)
RECORDING = recording_of_clip(make_clip())
RED = next(node.id for node in DRAWABLE.moving if node.motion.velocity[0] > 0)
BLUE = next(node.id for node in DRAWABLE.moving if node.motion.velocity[0] < 0)


class Hands:
    """Controls on the small street, the edits worked out whenever they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(lambda: None)
        self.clock = Clock(lambda playhead: None, lambda playhead: None)
        self.clock.change(lambda playhead: replace(playhead, end=1.0))
        bench = Bench(self.store, self.clock, lambda job: None, lambda: None, folder)
        self.selecting = SelectionControls(bench)
        self.editing = EditControls(bench, self.selecting)
        self.hands = HandControls(bench, self.selecting, self.editing)
        state = State(recording=RECORDING, scene=SCENE, drawable=DRAWABLE)
        self.store.change(lambda _: replace(state, staged=work_out(state, Edits())))

    @property
    def operations(self) -> tuple[object, ...]:
        return self.store.state.history.edits.operations

    def work_out(self) -> Staged:
        """As the stager does it on its own thread."""
        staged = work_out(self.store.state, self.store.state.history.edits)
        self.store.change(lambda state: replace(state, staged=staged))
        return staged

    def actor(self, id: str) -> StagedActor:
        found = self.work_out().stage.actor(id)
        assert found is not None
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Hands:
    return Hands(tmp_path)


def test_a_ray_down_the_lane_selects_the_red_car_and_one_into_the_sky_nothing(desk: Hands) -> None:
    desk.selecting.click((0.0, -0.2, 0.08), (1.0, 0.0, 0.0), adds=False)
    assert desk.store.state.editing.selection == (RED,)
    desk.selecting.click((0.0, 0.2, 0.08), (1.0, 0.0, 0.0), adds=True)
    assert desk.store.state.editing.selection == (RED, BLUE)
    desk.selecting.click((0.0, 0.0, 0.1), (0.0, 0.0, 1.0), adds=False)
    assert desk.store.state.editing.selection == ()


def test_remove_and_hide_are_one_change_for_all_that_are_selected(desk: Hands) -> None:
    desk.selecting.select(RED, BLUE)
    desk.editing.hide()
    assert desk.operations == (Hide(RED), Hide(BLUE))
    desk.work_out()
    desk.editing.hide()
    assert desk.operations[2:] == (Hide(RED, False), Hide(BLUE, False))
    desk.editing.undo()
    desk.editing.undo()
    assert desk.operations == ()
    desk.editing.remove()
    assert desk.operations == (Remove(RED), Remove(BLUE))
    assert desk.store.state.editing.selection == ()


def test_alone_means_that_the_others_are_hidden_until_all_are_shown(desk: Hands) -> None:
    desk.selecting.select(RED)
    desk.editing.isolate()
    assert desk.operations == (Hide(BLUE),)
    desk.work_out()
    desk.editing.show_all()
    assert desk.operations == (Hide(BLUE), Hide(BLUE, False))


def test_a_copy_stands_beside_the_car_on_its_left_and_is_selected(desk: Hands) -> None:
    desk.selecting.select(RED)
    desk.editing.duplicate()
    (operation,) = desk.operations
    assert isinstance(operation, Duplicate)
    assert desk.store.state.editing.selection == (operation.new,)
    width = float(desk.actor(RED).actor.size[1])
    apart = desk.actor(operation.new).pose_at(0.0)[:3, 3] - desk.actor(RED).pose_at(0.0)[:3, 3]
    assert apart == pytest.approx([0.0, width + 1.0, 0.0], abs=1e-3)


def test_what_is_dragged_is_an_edit_only_once_it_is_let_go(desk: Hands) -> None:
    desk.selecting.select(RED)
    before = desk.actor(RED).pose_at(0.0)[:3, 3]
    desk.hands.grab()
    desk.hands.drag_to(before + np.array([2.0, 1.0, 0.0]), 0.0)
    desk.hands.drag_to(before + np.array([4.0, 2.0, 0.0]), 0.0)
    assert desk.operations == ()
    desk.hands.drop()
    (operation,) = desk.operations
    assert isinstance(operation, Move)
    assert operation.offset[:2] == pytest.approx((4.0, 2.0))
    assert desk.actor(RED).pose_at(0.0)[:2, 3] == pytest.approx(before[:2] + np.array([4.0, 2.0]))


def test_a_click_on_the_handles_is_no_edit(desk: Hands) -> None:
    desk.selecting.select(RED)
    desk.hands.grab()
    desk.hands.drop()
    assert desk.operations == ()
    assert desk.store.state.editing.drag is None


def test_a_car_dragged_into_another_is_told_of(desk: Hands) -> None:
    desk.selecting.select(RED)
    blue = desk.actor(BLUE)
    desk.hands.grab()
    desk.hands.drag_to(blue.pose_at(0.0)[:3, 3] + np.array([1.0, 0.0, 0.0]), 0.0)
    assert desk.store.state.editing.overlap == blue.name
    desk.hands.drag_to(blue.pose_at(0.0)[:3, 3] + np.array([0.0, 5.0, 0.0]), 0.0)
    assert desk.store.state.editing.overlap == ""


def test_one_waypoint_is_a_beginning_and_two_are_a_path(desk: Hands) -> None:
    desk.selecting.select(RED)
    desk.editing.add_waypoint()
    assert desk.operations == ()
    assert len(path_of(desk.store.state)) == 1
    desk.clock.seek(1.0)
    desk.editing.add_waypoint()
    desk.editing.move_waypoint(1, (20.0, 3.0, 0.8))
    (operation,) = desk.operations
    assert isinstance(operation, Follow)
    assert desk.actor(RED).pose_at(0.0)[0, 3] == pytest.approx(RED_START, abs=0.3)
    assert desk.actor(RED).pose_at(1.0)[:3, 3] == pytest.approx([20.0, 3.0, 0.8], abs=1e-3)
    desk.editing.undo()
    assert desk.actor(RED).pose_at(1.0)[:3, 3] == pytest.approx([RED_START + 10.0, -2.0, 0.8], abs=0.3)
    desk.editing.clear_path()
    assert desk.operations == ()


def test_the_list_is_sorted_and_searched() -> None:
    staged = work_out(State(scene=SCENE, drawable=DRAWABLE), Edits())
    ego = np.zeros(3)
    fastest = ordered(staged.facts, "speed", "", 0.0, ego)
    assert [fact.staged.id for fact in fastest] == [RED, BLUE]
    assert [round(fact.way) for fact in fastest] == [10, 6]
    nearest = ordered(staged.facts, "distance", "", 0.0, np.array([30.0, 2.0, 0.0]))
    assert nearest[0].staged.id == BLUE
    assert len(ordered(staged.facts, "name", fastest[0].staged.name, 0.0, ego)) == 1
    assert ordered(staged.facts, "name", "lorry", 0.0, ego) == []


def test_of_actors_that_no_edit_changed_nothing_is_looked_up_again() -> None:
    state = State(scene=SCENE, drawable=DRAWABLE)
    before = work_out(state, Edits())
    after = work_out(state, Edits((Move(RED, 0.0, (1.0, 0.0, 0.0)),)), before)
    known = {fact.staged.id: fact for fact in before.facts}
    now = {fact.staged.id: fact for fact in after.facts}
    assert now[BLUE].centers is known[BLUE].centers
    assert now[RED].centers[:, 0] - known[RED].centers[:, 0] == pytest.approx(1.0)
    assert look_up((), (0.0, 1.0)) == ()


def box(x: float, y: float, yaw: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    pose = np.eye(4)
    pose[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    pose[:2, 3] = x, y
    return pose, np.array([4.0, 2.0, 1.5])


def test_boxes_overlap_only_where_they_share_space() -> None:
    assert overlap(box(0, 0), box(3.9, 0))
    assert not overlap(box(0, 0), box(4.1, 0))
    assert overlap(box(0, 0), box(0, 2.9, math.pi / 2))
    assert not overlap(box(0, 0), box(0, 3.1, math.pi / 2))
    above = box(0, 0)
    above[0][2, 3] = 1.6
    assert not overlap(box(0, 0), above)


def test_edits_are_saved_after_a_change_and_found_again(tmp_path: Path) -> None:
    edits = Edits((Remove(RED),))
    autosave = Autosave(tmp_path)
    assert autosave.load(SCENE) is None
    assert autosave.save(Edits(), SCENE) == ""
    assert list(tmp_path.iterdir()) == []
    assert autosave.save(edits, SCENE) == "street.edits.json"
    assert read_edits(tmp_path / "street.edits.json", SCENE) == edits
    assert Autosave(tmp_path).load(SCENE) == edits


def test_another_scene_of_the_same_name_neither_takes_nor_overwrites_the_edits(tmp_path: Path) -> None:
    edits = Edits((Remove(RED),))
    first = Autosave(tmp_path)
    first.load(SCENE)
    first.save(edits, SCENE)
    other = replace(SCENE, gaussians=replace(SCENE.gaussians, means=SCENE.gaussians.means + 1))
    second = Autosave(tmp_path)
    assert second.load(other) is None
    assert second.save(Edits((Hide(RED),)), other) != "street.edits.json"
    assert Autosave(tmp_path).load(SCENE) == edits
    assert Autosave(tmp_path).load(other) == Edits((Hide(RED),))


def test_where_the_server_draws_what_is_dragged_is_in_the_picture_and_nowhere_else(tmp_path: Path) -> None:
    drawn: list[float] = []

    def draw(snapshot: Snapshot, sky: Sky, camera: Camera) -> Rendering:
        drawn.append(float(snapshot.means[snapshot.colors[:, 0] > 0.85, 0].mean()))
        size = (camera.height, camera.width)
        return Rendering(torch.zeros(*size, 3), torch.zeros(size), torch.ones(size), None)

    drawable = replace(DRAWABLE, painter=Painter(stage(SCENE), draw, Ranges()))
    store = Store(lambda: None)
    store.change(lambda state: replace(state, scene=SCENE, drawable=drawable))
    stager = Stager(store, tmp_path, pytest.fail)
    stager.start()

    def is_ready(before: Staged | None) -> bool:
        now = store.state.staged
        return now is not None and now is not before and now.ground is not None

    def picture(**editing: object) -> float:
        before = store.state.staged
        store.change(lambda state: replace(state, editing=replace(state.editing, **editing)))  # pyright: ignore
        stager.want(store.state)
        end = time.monotonic() + 20
        while not is_ready(before) and time.monotonic() < end:
            time.sleep(0.01)
        painter = store.state.painter
        assert painter is not None
        painter.paint(View(), Pose(np.eye(4), 1.0, 32, 16), 0.0)
        return drawn[-1]

    stood = picture()
    carried = picture(drag=Drag(RED, 0.0, (RED_START, -2.0, 0.8), (3.0, 0.0, 0.0)))
    staged = store.state.staged
    stager.stop()
    assert carried - stood == pytest.approx(3.0, abs=1e-3)
    assert staged is not None
    assert staged.edits == Edits()
    assert staged.stage.parts == ()
