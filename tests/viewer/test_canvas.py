"""What is sent to the page, counted at viser's own outgoing buffer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import viser
from small_street import RED_SPEED, make_clip, make_scene

from flux4d_core.scene.edit.operations import (
    Duplicate,
    Edits,
    Erase,
    Hide,
    Move,
    Operation,
    Recolor,
    Region,
    Remove,
)
from flux4d_viewer.canvas.canvas import Canvas
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.overview import overview_pose
from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.clock import Playhead
from flux4d_viewer.editing import Drag, Editing
from flux4d_viewer.history import History
from flux4d_viewer.recording import recording_of_clip
from flux4d_viewer.server import start_server, stop_server
from flux4d_viewer.staged import work_out
from flux4d_viewer.state import State, View

DRAWABLE = prepare_for_browser(make_scene())
RECORDING = recording_of_clip(make_clip())
STATE = State(recording=RECORDING, scene=make_scene(), drawable=DRAWABLE, camera="front")


@pytest.fixture
def server() -> Iterator[viser.ViserServer]:
    running = start_server("127.0.0.1", 0)
    yield running
    stop_server(running)


class Sent:
    """Everything that was put into the server's outgoing buffer since `clear`."""

    def __init__(self, server: viser.ViserServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[Any] = []
        buffer = server._websock_server.get_message_buffer()
        push = buffer.push

        def record(message: Any) -> None:
            self.messages.append(message)
            push(message)

        monkeypatch.setattr(buffer, "push", record)

    def clear(self) -> None:
        self.messages.clear()

    def kinds(self) -> set[str]:
        return {type(message).__name__ for message in self.messages}

    def buffers(self) -> list[str]:
        """Names of the nodes whose splats were sent or sent again."""
        return [
            message.name
            for message in self.messages
            if type(message).__name__ == "GaussianSplatsMessage"
            or (type(message).__name__ == "SceneNodeUpdateMessage" and "buffer" in message.updates)
        ]


@pytest.fixture
def canvas(server: viser.ViserServer) -> Iterator[Canvas]:
    canvas = Canvas(server, lambda client, frame: None, pytest.fail, Mock())
    yield canvas
    canvas.stop()


@pytest.fixture
def sent(server: viser.ViserServer, monkeypatch: pytest.MonkeyPatch) -> Sent:
    return Sent(server, monkeypatch)


def test_opening_sends_every_gaussian_once(canvas: Canvas, sent: Sent, server: viser.ViserServer) -> None:
    canvas.draw(STATE, Playhead(end=1.0))
    assert sorted(sent.buffers()) == ["/moving/0/splats", "/moving/1/splats", "/static"]
    handles = [server.scene.get_handle_by_name(name) for name in sent.buffers()]
    counts = [len(handle.buffer) for handle in handles if isinstance(handle, viser.GaussianSplatHandle)]
    assert sum(counts) == len(make_scene().gaussians)


def test_scrubbing_sends_no_splats_and_one_position_a_node(canvas: Canvas, sent: Sent) -> None:
    canvas.draw(STATE, Playhead(end=1.0))
    sent.clear()
    for step in range(1, 21):
        canvas.draw(STATE, Playhead(time=step / 20, end=1.0))
    assert sent.buffers() == []
    positions = [m for m in sent.messages if type(m).__name__ == "SetPositionMessage"]
    assert len(positions) == 20 * len(DRAWABLE.moving)
    rest = sent.kinds() - {"SetPositionMessage"}
    assert rest <= {"SetSceneNodeVisibilityMessage", "SceneNodeUpdateMessage"}  # the frustum at the playhead


def test_drawing_the_same_again_sends_nothing(canvas: Canvas, sent: Sent) -> None:
    canvas.draw(STATE, Playhead(time=0.5, end=1.0))
    canvas.settle(STATE, Playhead(time=0.5, end=1.0))
    sent.clear()
    canvas.draw(STATE, Playhead(time=0.5, end=1.0))
    canvas.settle(STATE, Playhead(time=0.5, end=1.0))
    assert sent.messages == []


def test_at_rest_only_what_moves_is_sent_again(canvas: Canvas, sent: Sent) -> None:
    canvas.draw(STATE, Playhead(end=1.0))
    canvas.settle(STATE, Playhead(end=1.0))
    sent.clear()
    canvas.draw(replace(STATE, view=View(color="speed")), Playhead(end=1.0))
    assert sent.buffers() == []
    canvas.settle(replace(STATE, view=View(color="speed")), Playhead(end=1.0))
    assert sorted(sent.buffers()) == ["/moving/0/splats", "/moving/1/splats"]


def test_colours_of_everything_are_a_second_node_sent_once_and_shown_in_turn(
    canvas: Canvas, sent: Sent, server: viser.ViserServer
) -> None:
    by_time, real, here = replace(STATE, view=View(color="time")), STATE, Playhead(end=1.0)
    canvas.draw(real, here)
    canvas.settle(real, here)
    sent.clear()
    canvas.draw(by_time, here)
    assert sent.buffers() == []
    canvas.settle(by_time, here)
    assert sorted(sent.buffers()) == ["/moving/0/splats", "/moving/1/splats", "/static_tinted"]
    own, tinted = (server.scene.get_handle_by_name(name) for name in ("/static", "/static_tinted"))
    assert own is not None
    assert tinted is not None
    assert (own.visible, tinted.visible) == (False, True)
    sent.clear()
    canvas.draw(real, here)
    assert (own.visible, tinted.visible) == (True, False)
    assert sent.buffers() == []


def test_the_red_car_is_sent_five_metres_ahead_in_half_a_second(canvas: Canvas, server: viser.ViserServer) -> None:
    red = next(i for i, node in enumerate(DRAWABLE.moving) if node.motion.velocity[0] > 0)
    canvas.draw(STATE, Playhead(time=0.0, end=1.0))
    handle = server.scene.get_handle_by_name(f"/moving/{red}")
    assert handle is not None
    before = handle.position.copy()
    canvas.draw(STATE, Playhead(time=0.5, end=1.0))
    assert (handle.position - before) / SCALE == pytest.approx([0.5 * RED_SPEED, 0, 0], abs=1e-4)


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        (View(), {"/static", "/moving/0/splats", "/moving/1/splats", "/sky/up"}),
        (View(show="static"), {"/static", "/sky/up"}),
        (View(show="dynamic"), {"/moving/0/splats", "/moving/1/splats"}),
        (View(show="static", threshold=15.0), {"/static", "/moving/0/splats", "/moving/1/splats", "/sky/up"}),
    ],
)
def test_what_stands_and_what_moves_are_shown_apart(
    canvas: Canvas, server: viser.ViserServer, view: View, shown: set[str]
) -> None:
    canvas.draw(replace(STATE, view=view), Playhead(end=1.0))
    names = ("/static", "/moving/0/splats", "/moving/1/splats", "/sky/up")
    assert {name for name in names if (h := server.scene.get_handle_by_name(name)) is not None and h.visible} == shown


def test_between_the_cars_speeds_the_threshold_parts_them(canvas: Canvas, server: viser.ViserServer) -> None:
    canvas.draw(replace(STATE, view=View(show="dynamic", threshold=8.0)), Playhead(end=1.0))
    visible = []
    for index in range(2):
        handle = server.scene.get_handle_by_name(f"/moving/{index}/splats")
        visible += [DRAWABLE.moving[index].motion.speed] if handle is not None and handle.visible else []
    assert visible == pytest.approx([RED_SPEED])


def test_boxes_and_arrows_are_shown_on_what_moves_only(canvas: Canvas, server: viser.ViserServer) -> None:
    def visible(view: View) -> set[str]:
        canvas.draw(replace(STATE, view=view), Playhead(end=1.0))
        names = ("box", "label", "arrows")
        handles = {name: server.scene.get_handle_by_name(f"/moving/0/{name}") for name in names}
        return {name for name, handle in handles.items() if handle is not None and handle.visible}

    assert visible(View()) == set()
    assert visible(View(boxes=True)) == {"box", "label"}
    assert visible(View(arrows="cell")) == {"arrows"}
    assert visible(View(arrows="actor", boxes=True, show="static")) == set()


def test_the_frustum_at_the_playhead_is_shown_and_all_on_demand(canvas: Canvas, server: viser.ViserServer) -> None:
    def visible(frusta: Any, time: float) -> list[int]:
        canvas.draw(replace(STATE, view=View(frusta=frusta)), Playhead(time=time, end=1.0))
        handles = [server.scene.get_handle_by_name(f"/recorded/cameras/{i}") for i in range(11)]
        return [i for i, handle in enumerate(handles) if handle is not None and handle.visible]

    assert visible("playhead", 0.31) == [3]
    assert visible("all", 0.31) == list(range(11))
    assert visible("none", 0.31) == []


def test_while_there_is_no_scene_the_recording_is_shown(canvas: Canvas, server: viser.ViserServer) -> None:
    canvas.draw(State(recording=RECORDING, view=View(lidar="all")), Playhead(end=1.0))
    cloud = server.scene.get_handle_by_name("/recorded/sweeps/0")
    assert cloud is not None
    assert cloud.visible
    assert server.scene.get_handle_by_name("/static") is None


def test_a_new_scene_leaves_nothing_of_the_old_one(canvas: Canvas, server: viser.ViserServer) -> None:
    canvas.draw(STATE, Playhead(end=1.0))
    empty = replace(DRAWABLE, moving=(), arrows=())
    canvas.draw(replace(STATE, drawable=empty), Playhead(end=1.0))
    assert server.scene.get_handle_by_name("/moving/0/splats") is None
    canvas.draw(replace(STATE, drawable=None, scene=None), Playhead(end=1.0))
    assert server.scene.get_handle_by_name("/static") is None
    assert server.scene.get_handle_by_name("/sky/up") is None


def test_the_first_view_is_behind_and_above_the_vehicle_and_looks_along_the_road() -> None:
    pose = overview_pose(RECORDING)
    assert pose[0, 3] < 0 < pose[2, 3]
    assert pose[0, 2] > 0.9
    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3))
    assert np.isclose(np.linalg.det(pose[:3, :3]), 1.0)
    assert pose[2, 1] < -0.9


def edited(*operations: Operation) -> State:
    """The street after edits, worked out as the viewer does it."""
    edits = Edits(operations)
    return replace(STATE, history=History(edits), staged=work_out(STATE, edits))


def red_node() -> tuple[str, str]:
    """The red car's id, and its name on the page."""
    red = next(i for i, node in enumerate(DRAWABLE.moving) if node.motion.velocity[0] > 0)
    return DRAWABLE.moving[red].id, f"/moving/{red}"


@pytest.mark.parametrize("operation", [Remove, Hide])
def test_a_car_that_goes_costs_one_visibility_and_undo_another(
    canvas: Canvas, sent: Sent, server: viser.ViserServer, operation: Any
) -> None:
    red, name = red_node()
    canvas.draw(STATE, Playhead(end=1.0))
    canvas.settle(STATE, Playhead(end=1.0))
    for state, visible in ((edited(operation(red)), False), (STATE, True)):
        sent.clear()
        canvas.draw(state, Playhead(end=1.0))
        canvas.settle(state, Playhead(end=1.0))
        assert sent.kinds() == {"SetSceneNodeVisibilityMessage"}
        assert {message.name for message in sent.messages} == {f"{name}/splats"}
        handle = server.scene.get_handle_by_name(f"{name}/splats")
        assert handle is not None
        assert handle.visible is visible


def test_a_moved_car_costs_one_position_and_no_splats(canvas: Canvas, sent: Sent, server: viser.ViserServer) -> None:
    red, name = red_node()
    canvas.draw(STATE, Playhead(end=1.0))
    canvas.settle(STATE, Playhead(end=1.0))
    handle = server.scene.get_handle_by_name(name)
    assert handle is not None
    before = handle.position.copy()
    sent.clear()
    moved = edited(Move(red, 0.0, (5.0, 0.0, 0.0)))
    canvas.draw(moved, Playhead(end=1.0))
    canvas.settle(moved, Playhead(end=1.0))
    assert sent.buffers() == []
    assert {message.name for message in sent.messages} == {name}
    assert (handle.position - before) / SCALE == pytest.approx([5.0, 0.0, 0.0], abs=1e-4)
    canvas.draw(STATE, Playhead(end=1.0))
    assert handle.position == pytest.approx(before)
    assert handle.wxyz == pytest.approx([1.0, 0.0, 0.0, 0.0])


def test_paint_sends_the_painted_car_alone_and_undo_sends_it_back(canvas: Canvas, sent: Sent) -> None:
    red, name = red_node()
    canvas.draw(STATE, Playhead(end=1.0))
    canvas.settle(STATE, Playhead(end=1.0))
    for state in (edited(Recolor(red, (0.1, 0.8, 0.1))), STATE):
        sent.clear()
        canvas.draw(state, Playhead(end=1.0))
        canvas.settle(state, Playhead(end=1.0))
        assert set(sent.buffers()) == {f"{name}/splats"}


def test_erasing_sends_what_stands_again_and_no_car(canvas: Canvas, sent: Sent) -> None:
    canvas.draw(STATE, Playhead(end=1.0))
    canvas.settle(STATE, Playhead(end=1.0))
    sent.clear()
    state = edited(Erase(Region((20.0, 8.0, 3.0), (10.0, 1.0, 8.0), 0.0, 0.0)))
    canvas.draw(state, Playhead(end=1.0))
    canvas.settle(state, Playhead(end=1.0))
    assert sent.buffers() == ["/static"]


def test_a_second_car_is_sent_alone_and_goes_with_undo(canvas: Canvas, sent: Sent, server: viser.ViserServer) -> None:
    red, _ = red_node()
    canvas.draw(STATE, Playhead(end=1.0))
    canvas.settle(STATE, Playhead(end=1.0))
    sent.clear()
    state = edited(Duplicate(red, "twin", (0.0, 4.0, 0.0)))
    canvas.draw(state, Playhead(end=1.0))
    canvas.settle(state, Playhead(end=1.0))
    assert set(sent.buffers()) == {"/moving/new-twin-0/splats"}
    canvas.draw(STATE, Playhead(end=1.0))
    assert server.scene.get_handle_by_name("/moving/new-twin-0/splats") is None


def test_a_dragged_car_is_carried_before_anything_is_worked_out(
    canvas: Canvas, sent: Sent, server: viser.ViserServer
) -> None:
    red, name = red_node()
    canvas.draw(STATE, Playhead(end=1.0))
    handle = server.scene.get_handle_by_name(name)
    assert handle is not None
    before = handle.position.copy()
    sent.clear()
    dragged = replace(STATE, editing=Editing(drag=Drag(red, 0.0, (12.0, -2.0, 0.8), (0.0, 3.0, 0.0))))
    canvas.draw(dragged, Playhead(end=1.0))
    assert sent.buffers() == []
    assert (handle.position - before) / SCALE == pytest.approx([0.0, 3.0, 0.0], abs=1e-4)


def test_before_shows_the_scene_without_its_edits(canvas: Canvas, server: viser.ViserServer) -> None:
    red, name = red_node()
    removed = edited(Remove(red))
    for shows_before in (False, True, False):
        canvas.draw(replace(removed, editing=Editing(shows_before=shows_before)), Playhead(end=1.0))
        handle = server.scene.get_handle_by_name(f"{name}/splats")
        assert handle is not None
        assert handle.visible is shows_before
