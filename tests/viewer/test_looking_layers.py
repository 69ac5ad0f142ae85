"""Layers that belong to looking: trails, the own vehicle, sweeps, following."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import viser
from small_street import EGO_SPEED, RED_SPEED, RED_START, make_clip, make_scene

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Delay, Edits, scene_actor_id
from flux4d_core.types import Boxes
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.ego import ego_pose
from flux4d_viewer.canvas.follow import FollowLayer, followed_pose
from flux4d_viewer.canvas.labelled import LabelledLayer, edges_at
from flux4d_viewer.canvas.measure import MeasureLayer, length_of
from flux4d_viewer.canvas.sky_nodes import SkyNodes
from flux4d_viewer.canvas.sweeps import colors_of
from flux4d_viewer.canvas.trails import TrailLayer, trail_of, trail_times
from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.canvas.vehicle import VehicleLayer, body
from flux4d_viewer.clock import Playhead
from flux4d_viewer.colormaps import mapped, stops_of
from flux4d_viewer.looking import EGO, Measuring
from flux4d_viewer.recording import HEIGHTS, recording_of_clip
from flux4d_viewer.server import start_server, stop_server
from flux4d_viewer.staged import work_out
from flux4d_viewer.state import State, View

SCENE = make_scene()
RECORDING = recording_of_clip(make_clip())
OPENED = State(recording=RECORDING, scene=SCENE, drawable=prepare_for_browser(SCENE), camera="front")
RED = next(scene_actor_id(i) for i, actor in enumerate(SCENE.grouping.actors) if actor.velocity[0] > 0)


@pytest.fixture(scope="module")
def state() -> State:
    return replace(OPENED, staged=work_out(OPENED, Edits()))


@pytest.fixture
def server() -> Iterator[viser.ViserServer]:
    running = start_server("127.0.0.1", 0)
    yield running
    stop_server(running)


def test_labelled_boxes_are_drawn_where_they_are_between_two_labels(server: viser.ViserServer) -> None:
    """A car of 4 x 2 x 1 m, labelled at 10 m and half a second later at 15 m."""

    def at(place: float, time: float) -> Boxes:
        pose = torch.eye(4)[None].clone()
        pose[0, 0, 3] = place
        return Boxes(time, pose, torch.tensor([[4.0, 2.0, 1.0]]), ("7",), ("car",))

    recording = recording_of_clip(make_clip(), (at(-90.0, -9.5), at(10.0, 0.0), at(15.0, 0.5)))
    assert len(recording.labels) == 2
    edges = edges_at(recording, 0.25)
    assert edges.shape == (12, 2, 3)
    assert edges.reshape(-1, 3).min(0) == pytest.approx([10.5, -1.0, -0.5])
    assert edges.reshape(-1, 3).max(0) == pytest.approx([14.5, 1.0, 0.5])
    layer = LabelledLayer(server)
    for shown, count in ((True, 1), (False, 0)):
        layer.draw(replace(OPENED, recording=recording, view=View(labels=shown)), Playhead(0.25, 0.0, 1.0))
        assert len([name for name in server.scene._handle_from_node_name if name == "/labelled"]) == count


def red_trail(edits: Edits, start: float, end: float) -> np.ndarray:
    actor = stage(SCENE, edits).actor(RED)
    assert actor is not None
    return trail_of(actor, trail_times(start, end))


def test_the_red_cars_trail_runs_ten_metres_along_its_lane() -> None:
    trail = red_trail(Edits(), 0.0, 1.0)
    assert len(trail) == 10
    assert trail[0, 0, :2] == pytest.approx([RED_START, -2.0], abs=0.1)
    assert trail[-1, 1] - trail[0, 0] == pytest.approx([RED_SPEED, 0.0, 0.0], abs=1e-3)
    assert (trail[1:, 0] == trail[:-1, 1]).all()
    assert abs(trail[0, 0, 2] - 0.45) < 0.15  # just above the road


def test_the_trail_of_half_a_second_is_five_metres_long() -> None:
    trail = red_trail(Edits(), 0.5, 1.0)
    assert np.linalg.norm(trail[-1, 1] - trail[0, 0]) == pytest.approx(RED_SPEED / 2, abs=1e-3)


def test_a_delayed_car_leaves_its_trail_behind() -> None:
    late = red_trail(Edits().then(Delay(RED, 0.5)), 0.0, 1.0)
    assert late[0, 0, 0] == pytest.approx(RED_START - RED_SPEED / 2, abs=0.1)


def test_trails_are_shown_and_hidden_and_follow_the_playhead(server: viser.ViserServer, state: State) -> None:
    layer = TrailLayer(server)
    wanted = replace(state, view=View(trail="last", trail_seconds=0.5))
    layer.draw(wanted, Playhead(time=0.5, end=1.0))
    handle: Any = server.scene.get_handle_by_name("/trails")
    assert handle.points.shape == (10, 2, 3)
    before = handle.points.copy()
    layer.draw(wanted, Playhead(time=0.7, end=1.0))
    moved = np.linalg.norm(handle.points - before, axis=-1) / SCALE
    assert sorted(set(moved.round(2).ravel().tolist())) == pytest.approx([1.2, 2.0], abs=0.02)
    layer.draw(state, Playhead(end=1.0))
    assert not handle.visible


def test_between_two_poses_the_own_vehicle_is_between_them() -> None:
    assert ego_pose(RECORDING, 0.25)[0, 3] == pytest.approx(0.25 * EGO_SPEED, abs=1e-4)
    assert ego_pose(RECORDING, -5.0)[0, 3] == 0.0
    assert ego_pose(RECORDING, 9.0)[0, 3] == pytest.approx(EGO_SPEED, abs=1e-4)


def test_half_way_through_a_turn_it_has_turned_half_way() -> None:
    turned = np.eye(4, dtype=np.float32)
    turned[:2, :2] = [[0, -1], [1, 0]]
    recording = replace(RECORDING, ego_to_world=np.stack([np.eye(4, dtype=np.float32), turned]))
    pose = ego_pose(replace(recording, ego_times=np.array([0.0, 1.0], dtype=np.float32)), 0.5)
    assert np.degrees(np.arctan2(pose[1, 0], pose[0, 0])) == pytest.approx(45.0, abs=1e-3)


def test_the_own_vehicle_moves_with_the_playhead(server: viser.ViserServer, state: State) -> None:
    layer = VehicleLayer(server)
    layer.draw(state, Playhead(end=1.0))
    assert server.scene.get_handle_by_name("/vehicle") is None
    wanted = replace(state, view=View(vehicle=True))
    layer.draw(wanted, Playhead(time=0.5, end=1.0))
    handle = server.scene.get_handle_by_name("/vehicle")
    assert handle is not None
    assert handle.position[0] / SCALE == pytest.approx(0.5 * EGO_SPEED, abs=1e-3)
    vertices, faces = body()
    assert faces.max() == len(vertices) - 1
    assert np.ptp(vertices, axis=0) == pytest.approx([4.4, 1.8, 1.1])


def test_points_are_coloured_by_height_strength_and_time() -> None:
    sweep = RECORDING.sweeps[5]
    heights = colors_of(sweep, "height", (0.0, 1.0))
    on_road = np.abs(sweep.points[:, 2]) < 1e-6
    wanted = mapped(np.array([-HEIGHTS[0] / (HEIGHTS[1] - HEIGHTS[0])]), stops_of("rainbow"))
    assert (heights[on_road] == wanted).all()
    assert (colors_of(sweep, "intensity", (0.0, 1.0)) == mapped(np.array([0.5]), stops_of("viridis"))).all()
    assert (colors_of(sweep, "time", (0.0, 1.0)) == mapped(np.array([0.5]), stops_of("rainbow"))).all()


class Camera:
    """As viser's, without a browser."""

    def __init__(self) -> None:
        self.position, self.look_at = np.array([-0.7, 0.0, 0.4]), np.array([1.8, 0.0, 0.0])


class Client:
    def __init__(self, client_id: int = 1) -> None:
        self.client_id, self.camera = client_id, Camera()

    def flush(self) -> None: ...

    def atomic(self) -> Any:
        import contextlib

        return contextlib.nullcontext()


class Clients:
    def __init__(self, client: Client) -> None:
        self._client = client

    def get_clients(self) -> dict[int, Client]:
        return {1: self._client}


def follow(client: Client) -> FollowLayer:
    server: Any = Clients(client)
    return FollowLayer(server)


def test_the_view_keeps_its_place_beside_the_own_vehicle(state: State) -> None:
    client = Client()
    layer, wanted = follow(client), replace(state, following=EGO)
    layer.draw(wanted, Playhead(time=0.0, end=1.0))
    layer.draw(wanted, Playhead(time=1.0, end=1.0))
    assert client.camera.position / SCALE == pytest.approx([-7.0 + EGO_SPEED, 0.0, 4.0], abs=1e-3)
    assert client.camera.look_at / SCALE == pytest.approx([18.0 + EGO_SPEED, 0.0, 0.0], abs=1e-3)


def test_of_a_browser_that_has_gone_no_view_is_kept(state: State) -> None:
    clients = {number: Client(number) for number in range(50)}
    server: Any = SimpleNamespace(get_clients=lambda: clients)
    layer, wanted = FollowLayer(server), replace(state, following=EGO)
    layer.draw(wanted, Playhead(time=0.0, end=1.0))
    assert len(layer._held) == 50
    for number in range(1, 50):
        del clients[number]
    layer.draw(wanted, Playhead(time=0.5, end=1.0))
    assert layer._held.keys() == {0}


def test_a_view_that_its_user_moves_is_kept_from_there_on(state: State) -> None:
    client = Client()
    layer, wanted = follow(client), replace(state, following=EGO)
    layer.draw(wanted, Playhead(time=0.0, end=1.0))
    layer.draw(wanted, Playhead(time=0.4, end=1.0))
    client.camera.position = client.camera.position + np.array([0.0, 0.5, 0.0])
    layer.draw(wanted, Playhead(time=0.8, end=1.0))
    assert client.camera.position / SCALE == pytest.approx([-7.0 + 0.8 * EGO_SPEED, 5.0, 4.0], abs=1e-3)


def test_a_late_word_from_the_browser_is_not_taken_for_its_users_wish(state: State) -> None:
    client = Client()
    layer, wanted = follow(client), replace(state, following=EGO)
    layer.draw(wanted, Playhead(time=0.0, end=1.0))
    layer.draw(wanted, Playhead(time=0.2, end=1.0))
    late = client.camera.position, client.camera.look_at
    layer.draw(wanted, Playhead(time=0.4, end=1.0))
    client.camera.position, client.camera.look_at = late
    layer.draw(wanted, Playhead(time=0.6, end=1.0))
    assert client.camera.position[0] / SCALE == pytest.approx(-7.0 + 0.6 * EGO_SPEED, abs=1e-3)


def test_who_follows_nobody_stays(state: State) -> None:
    client = Client()
    layer = follow(client)
    layer.draw(state, Playhead(time=0.0, end=1.0))
    layer.draw(state, Playhead(time=1.0, end=1.0))
    assert client.camera.position.tolist() == [-0.7, 0.0, 0.4]


def test_an_actor_is_followed_by_its_id(state: State) -> None:
    poses = [followed_pose(replace(state, following=RED), time) for time in (0.0, 1.0)]
    assert poses[0] is not None and poses[1] is not None
    assert (poses[1] - poses[0])[:3, 3] == pytest.approx([RED_SPEED, 0.0, 0.0], abs=1e-3)
    assert followed_pose(replace(state, following="gone"), 0.0) is None


def test_what_is_measured_stands_in_the_scene_with_its_length(server: viser.ViserServer, state: State) -> None:
    layer = MeasureLayer(server)
    ends = ((10.0, 8.0, 3.0), (10.0, -8.0, 3.0))
    layer.draw(replace(state, measuring=Measuring(ends=ends)), Playhead())
    label: Any = server.scene.get_handle_by_name("/measure/label")
    assert label.text == "16.00 m"
    assert length_of(ends) == 16.0
    layer.draw(state, Playhead())
    assert server.scene.get_handle_by_name("/measure/line") is None


def test_a_chosen_background_takes_the_skys_place_and_gives_it_back(server: viser.ViserServer) -> None:
    drawable = OPENED.drawable
    assert drawable is not None
    sky = SkyNodes(server)
    sky.replace(drawable.sky)
    handle: Any = server.scene.get_handle_by_name("/sky/up")
    sky.show(View(backdrop=(255, 255, 255), show="dynamic"))
    assert handle.visible
    assert handle.image.min() == 255
    sky.show(View())
    assert (handle.image == next(face.image for face in drawable.sky if face.name == "up")).all()
    sky.show(View(show="dynamic"))
    assert not handle.visible
