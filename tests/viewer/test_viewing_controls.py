"""Looking down, following, views as text, measuring: what the controls make of the state and of a browser's camera."""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_street import make_clip, make_scene

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.units import SCALE, to_units
from flux4d_viewer.clock import Clock, Playhead
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.controls.look import LookControls
from flux4d_viewer.controls.measuring import MeasureControls
from flux4d_viewer.controls.viewing import ViewControls
from flux4d_viewer.looking import EGO, Vector
from flux4d_viewer.recording import recording_of_clip
from flux4d_viewer.staged import work_out
from flux4d_viewer.state import Store


class Camera:
    def __init__(self) -> None:
        self.position, self.look_at = np.array([-0.7, 0.0, 0.4]), np.array([1.8, 0.0, 0.0])
        self.fov, self.up_direction = 1.0, (0.0, 0.0, 1.0)


class Client:
    """A browser that does what it is told."""

    def __init__(self) -> None:
        self.camera = Camera()

    def flush(self) -> None: ...

    def atomic(self) -> Any:
        return contextlib.nullcontext()


@pytest.fixture(scope="module")
def bench() -> Bench:
    clock = Clock(lambda _: None, lambda _: None)
    clock.change(lambda _: Playhead(end=1.0))
    store = Store(lambda: None)
    recording, scene = recording_of_clip(make_clip()), make_scene()
    store.change(lambda s: replace(s, recording=recording, scene=scene, drawable=prepare_for_browser(scene)))
    store.change(lambda s: replace(s, staged=work_out(s, Edits())))
    return Bench(store, clock, lambda job: None, lambda: None, Path("out"))


@pytest.fixture
def client() -> Any:
    return Client()


def ray_to(target: Vector) -> tuple[Vector, Vector]:
    """A click's ray from the middle of the street, in viser's units."""
    eye = np.array([30.0, 0.0, 3.0])
    x, y, z = (np.array(target) - eye).tolist()
    return to_units(eye), (x, y, z)


def test_from_above_one_looks_straight_down_on_what_was_looked_at(bench: Bench, client: Any) -> None:
    ViewControls(bench).look_down(client)
    eye, at = np.array(client.camera.position) / SCALE, np.array(client.camera.look_at) / SCALE
    assert at == pytest.approx([18.0, 0.0, 0.0])
    assert eye[2] == 40.0
    assert abs(eye[0] - 18.0) < 1.0
    assert eye[0] < at[0]  # so that ahead stays up on the screen


def test_a_view_goes_to_text_and_back(bench: Bench, client: Any) -> None:
    controls = ViewControls(bench)
    text = controls.describe(client)
    assert text == "eye -7.00 0.00 4.00 look 18.00 0.00 0.00 fov 57.3 time 0.000"
    assert controls.go(client, "eye 1 2 3 look 4 5 6 fov 60 time 0.5") == ""
    assert np.array(client.camera.position) / SCALE == pytest.approx([1, 2, 3])
    assert bench.clock.playhead.time == 0.5
    assert "eye x y z" in controls.go(client, "nowhere")


def test_following_goes_from_nobody_over_the_own_vehicle_and_the_selected_actor_to_nobody(bench: Bench) -> None:
    controls = ViewControls(bench)
    editing = bench.store.state.editing
    bench.store.change(lambda s: replace(s, editing=replace(editing, selection=("actor-1",))))
    seen = []
    for _ in range(3):
        controls.follow_next()
        seen.append(bench.store.state.following)
    assert seen == [EGO, "actor-1", ""]


def test_two_clicks_from_wall_to_wall_measure_sixteen_metres_and_a_third_begins_anew(bench: Bench) -> None:
    controls = MeasureControls(bench)
    controls.toggle()
    for target in ((34.0, 8.0, 3.0), (34.0, -8.0, 3.0)):
        controls.click(*ray_to(target))
    left, right = bench.store.state.measuring.ends
    assert np.linalg.norm(np.array(left) - right) == pytest.approx(16.0, abs=0.05)
    controls.click(*ray_to((30.0, 8.0, 2.0)))
    assert len(bench.store.state.measuring.ends) == 1
    controls.click(*ray_to((30.0, 0.0, 100.0)))
    assert bench.store.state.measuring.missed
    controls.clear()
    ViewControls(bench).let_go()
    assert bench.store.state.measuring.ends == ()
    assert not bench.store.state.measuring.is_on


def test_a_range_that_ends_before_it_begins_is_not_taken(bench: Bench) -> None:
    look = LookControls(bench)
    look.set_range((2.0, 5.0))
    look.set_range((7.0, 5.0))
    assert bench.store.state.view.range == (2.0, 5.0)
    look.set_color("time")
    assert bench.store.state.view.range is None
