from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_street import make_clip

from flux4d_core.scene.edit.operations import Edits
from flux4d_viewer.clock import Clock, Playhead
from flux4d_viewer.controls.bench import Bench
from flux4d_viewer.controls.controls import Controls
from flux4d_viewer.controls.time import nearest_index
from flux4d_viewer.jobs.comparing import Compare
from flux4d_viewer.jobs.exporting import Delivery, ExportFilm, ExportScene, Moments, RecordedWay, SaveScene
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.messages import Compared, Opened
from flux4d_viewer.recording import recording_of_clip
from flux4d_viewer.state import Store, Work

RECORDING = recording_of_clip(make_clip())
SCENE: Any = object()
FOLDER = Path("out")


class Desk:
    """Controls with nobody behind them: jobs are only written down."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.cancelled = 0
        self.clock = Clock(lambda _: None, lambda _: None)
        self.store = Store(lambda: None)
        self.controls = Controls(Bench(self.store, self.clock, self.jobs.append, self._cancel, FOLDER))
        self.store.receive(Opened(RECORDING))
        self.clock.change(lambda _: Playhead(start=0.0, end=1.0))

    def _cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(("count", "time"), [(1, 0.4), (-1, 0.2), (0, 0.3), (10, 1.0), (-10, 0.0)])
def test_stepping_goes_by_recorded_frames_from_the_nearest(desk: Desk, count: int, time: float) -> None:
    desk.clock.seek(0.33)
    desk.controls.time.step(count)
    assert desk.clock.playhead.time == pytest.approx(time, abs=1e-6)
    assert not desk.clock.playhead.playing


def test_home_and_end_go_to_the_ends(desk: Desk) -> None:
    desk.controls.time.go_to_end(last=True)
    assert desk.clock.playhead.time == 1.0
    desk.controls.time.go_to_end(last=False)
    assert desk.clock.playhead.time == 0.0


def test_home_and_end_go_to_the_ranges_ends_and_from_there_to_those_of_all(desk: Desk) -> None:
    desk.clock.change(lambda p: replace(p, mark_in=0.2, mark_out=0.6))
    seen = []
    for last in (True, True, False, False):
        desk.controls.time.go_to_end(last)
        seen.append(desk.clock.playhead.time)
    assert seen == [0.6, 1.0, 0.2, 0.0]


def test_steps_go_on_into_the_future_only_if_that_is_played(desk: Desk) -> None:
    desk.clock.change(lambda p: replace(p, ahead=0.5))
    desk.clock.seek(1.0)
    desk.controls.time.step(1)
    assert desk.clock.playhead.time == pytest.approx(1.0)
    desk.controls.time.set_predict()
    desk.controls.time.step(1)
    assert desk.clock.playhead.time == pytest.approx(1.1)
    desk.controls.time.step(10)
    assert desk.clock.playhead.time == pytest.approx(1.5)


def test_the_range_is_set_at_the_playhead_and_cleared(desk: Desk) -> None:
    for time, mark in ((0.25, desk.controls.time.mark_in), (0.75, desk.controls.time.mark_out)):
        desk.clock.seek(time)
        mark()
    assert desk.clock.playhead.range == (0.25, 0.75)
    desk.controls.time.clear_marks()
    assert desk.clock.playhead.range == (0.0, 1.0)


def test_the_key_for_show_goes_round(desk: Desk) -> None:
    seen = []
    for _ in range(4):
        desk.controls.look.cycle_show()
        seen.append(desk.store.state.view.show)
    assert seen == ["static", "dynamic", "everything", "static"]


def test_the_key_for_velocity_goes_from_nothing_over_arrows_to_colours_and_back(desk: Desk) -> None:
    seen = []
    for _ in range(3):
        desk.controls.look.cycle_velocity()
        seen.append((desk.store.state.view.arrows, desk.store.state.view.color))
    assert seen == [("actor", "real"), ("actor", "speed"), (None, "real")]
    desk.controls.look.cycle_velocity(-1)
    assert desk.store.state.view.color == "speed"


def test_speed_and_loop_are_the_playheads(desk: Desk) -> None:
    desk.controls.time.set_speed(0.25)
    desk.controls.time.set_loop()
    assert (desk.clock.playhead.speed, desk.clock.playhead.loop) == (0.25, False)


def test_the_comparison_is_of_the_frame_nearest_to_the_playhead_and_is_asked_for_once(desk: Desk) -> None:
    desk.store.change(lambda state: replace(state, scene=SCENE))
    desk.clock.seek(0.52)
    desk.controls.cameras.compare()
    assert desk.jobs == [Compare(5)]
    picture: Any = None
    desk.store.receive(Compared(5, picture, picture, 30.0, 0.9, 0.0, Edits()))
    desk.controls.cameras.compare()
    assert desk.jobs == [Compare(5)]


def test_without_a_scene_nothing_is_compared(desk: Desk) -> None:
    desk.controls.cameras.compare()
    assert desk.jobs == []


def test_the_files_asked_for_are_the_workers_jobs(desk: Desk) -> None:
    desk.clock.seek(0.4)
    way = RecordedWay("front", 2.0, 30.0, 3.0, 640)
    desk.controls.files.export_film(way, None, private=True)
    desk.controls.files.save_scene(None)
    desk.controls.files.export_scene("ply", None)
    assert desk.jobs == [
        ExportFilm(way, Delivery(FOLDER, private=True)),
        SaveScene(Delivery(FOLDER)),
        ExportScene("ply", Moments(0.4, *desk.clock.playhead.range), Delivery(FOLDER)),
    ]


def test_cancelling_is_passed_on_and_said(desk: Desk) -> None:
    desk.store.change(lambda state: replace(state, work=Work("job")))
    desk.controls.cancel()
    assert desk.cancelled == 1
    assert desk.store.state.work is not None
    assert desk.store.state.work.cancelling


def test_without_a_job_there_is_nothing_to_cancel_on_screen(desk: Desk) -> None:
    desk.controls.cancel()
    assert desk.store.state.work is None


def test_nobodys_browser_is_not_moved(desk: Desk) -> None:
    desk.controls.cameras.jump(None)
    desk.controls.cameras.overview(None)
    assert desk.store.state.view.frusta == "playhead"


def test_the_nearest_of_three_stamps() -> None:
    assert nearest_index((0.0, 0.1, 0.2), 0.16) == 2
