"""From the first moment to the scene: what the page shows while a log is being reconstructed."""

import threading
from collections.abc import Callable

import numpy as np
from eye import Eye
from small_street import RED_START, make_clip, make_scene

from flux4d_core.errors import LogError
from flux4d_core.progress import Report
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenDemo
from flux4d_viewer.messages import Notice, Opened, Reconstructed
from flux4d_viewer.worker import Perform, Post


class Slow:
    """A reconstruction that waits to be told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def prepare(self) -> Perform:
        from flux4d_viewer.canvas.drawable import prepare_for_browser
        from flux4d_viewer.recording import recording_of_clip

        def perform(job: Job, report: Report, post: Post) -> None:
            if not isinstance(job, OpenDemo):
                return
            post(Opened(recording_of_clip(make_clip()), (Notice("A sentence to know.", "warning"),)))
            while not self.go_on.is_set():
                report("Lifting images and LiDAR into 3D", 0.25)
                self.go_on.wait(0.05)
            post(Reconstructed(make_scene(), prepare_for_browser(make_scene())))

        return perform


def test_the_recording_is_shown_with_progress_until_the_scene_takes_its_place(
    open_viewer: Callable[..., Eye],
) -> None:
    slow = Slow()
    eye = open_viewer(OpenDemo(), prepare=slow.prepare)
    eye.page.get_by_text("Lifting images and LiDAR into 3D").wait_for(timeout=20_000)
    assert eye.page.get_by_role("button", name="Cancel").is_visible()
    assert eye.page.get_by_text("A sentence to know.").is_visible()
    eye.viewer.store.set_view(frusta="none", path=False)
    points = eye.picture()
    red = (points[..., 0] > 150) & (points[..., 1] < 80) & (points[..., 2] < 80)
    assert red.sum() > 10  # LiDAR returns of the red car, in its colour
    rows, columns = np.nonzero(red)
    row, column = eye.pixel_of((RED_START + 4.0, -2.0, 0.8))  # the middle of its way in this second
    assert abs(rows.mean() - row) < 60
    assert abs(columns.mean() - column) < 60
    slow.go_on.set()
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene")
    eye.wait_until(lambda: not eye.page.get_by_role("button", name="Cancel").is_visible(), "the end of the job")
    scene = eye.picture()
    assert scene[300:, :600].mean() > 1.5 * points[300:, :600].mean()
    assert eye.viewer.store.state.view.lidar == "none"


def test_a_cancelled_reconstruction_leaves_the_recording(open_viewer: Callable[..., Eye]) -> None:
    eye = open_viewer(OpenDemo(), prepare=Slow().prepare)
    eye.page.get_by_role("button", name="Cancel").click()
    eye.page.get_by_text("Opening the demo was cancelled.").wait_for(timeout=20_000)
    assert eye.viewer.store.state.recording is not None
    assert eye.page.get_by_text("not reconstructed").is_visible()
    eye.page.keyboard.press("End")
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == 1.0, "the timeline to work")


def test_a_log_that_cannot_be_read_is_said_in_one_sentence(open_viewer: Callable[..., Eye]) -> None:
    def prepare() -> Perform:
        def perform(job: Job, report: Report, post: Post) -> None:
            raise LogError("drive/calib.txt: expected 12 numbers, found <b>3</b>; copy the file again")

        return perform

    eye = open_viewer(OpenDemo(), prepare=prepare)
    said = "Opening the demo failed. drive/calib.txt: expected 12 numbers, found <b>3</b>; copy the file again"
    eye.page.get_by_text(said).first.wait_for(timeout=20_000)
    assert eye.page.get_by_text("Nothing is open").is_visible()
