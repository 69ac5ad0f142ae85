"""Views that have come to rest are examined, each once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from test_comparison import opened
from test_controls import Desk

from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.examined import Examined
from flux4d_viewer.jobs.quality import ExamineView
from flux4d_viewer.messages import ViewExamined
from flux4d_viewer.watch import Watch


class Browser:
    """One browser, 800 x 600, at (x, 0, 0) in viser's units."""

    def __init__(self) -> None:
        self.camera = SimpleNamespace(
            wxyz=np.array([1.0, 0, 0, 0]), position=np.zeros(3), fov=1.0, image_width=800, image_height=600
        )


def watching() -> tuple[Desk, Browser, Watch]:
    desk, browser = opened(), Browser()
    server: Any = SimpleNamespace(get_clients=lambda: {3: browser})
    return desk, browser, Watch(server, desk.controls.bench)


def look(watch: Watch, times: int = 2) -> None:
    for _ in range(times):
        watch.look()


def answer(desk: Desk) -> None:
    pose = Pose(np.eye(4), 1.0, 200, 150)
    found = Examined(3, pose, 0.0, 0.5, 0.0, 0.0, 0.0, np.zeros((4, 4, 4), np.uint8))
    desk.store.receive(ViewExamined(found, desk.store.state.history.edits))


def asked(desk: Desk) -> list[ExamineView]:
    return [job for job in desk.jobs if isinstance(job, ExamineView)]


def test_a_view_at_rest_is_examined_once_at_low_resolution() -> None:
    desk, _, watch = watching()
    look(watch, 3)
    answer(desk)
    look(watch, 3)
    (job,) = asked(desk)
    assert (job.client, job.pose.width, job.pose.height) == (3, 200, 150)


def test_a_view_that_moves_on_is_not_examined_before_it_rests() -> None:
    desk, browser, watch = watching()
    for x in range(5):
        browser.camera.position = np.array([x, 0.0, 0.0])
        watch.look()
    assert asked(desk) == []
    watch.look()
    assert asked(desk)[0].pose.camera_to_world[0, 3] == 40.0  # metres


def test_while_one_examination_is_to_be_answered_no_other_is_asked_for() -> None:
    desk, browser, watch = watching()
    look(watch)
    browser.camera.position = np.array([1.0, 0.0, 0.0])
    look(watch)
    assert len(asked(desk)) == 1
    answer(desk)
    look(watch)
    assert len(asked(desk)) == 2


def test_nothing_is_examined_while_the_drive_plays() -> None:
    desk, _, watch = watching()
    desk.clock.change(lambda playhead: replace(playhead, playing=True))
    look(watch, 3)
    assert asked(desk) == []


def test_browsers_that_have_gone_are_forgotten() -> None:
    desk, browsers = opened(), {number: Browser() for number in range(50)}
    server: Any = SimpleNamespace(get_clients=lambda: browsers)
    watch = Watch(server, desk.controls.bench)
    for _ in range(60):
        watch.look()
        answer(desk)
    assert len(watch._last) == len(watch._asked) == 50
    for number in range(1, 50):
        del browsers[number]
    watch.look()
    assert watch._last.keys() == watch._asked.keys() == {0}
