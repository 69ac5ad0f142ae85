"""Adapting to a log, as a user does it: the folder, its button, the progress, the result."""

import threading
from collections.abc import Callable

from eye import Eye
from small_street import make_clip, make_scene

from flux4d_core.progress import Report
from flux4d_viewer.jobs.adapting import AdaptToLog
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenDemo
from flux4d_viewer.messages import Adapted, Opened, Reconstructed
from flux4d_viewer.worker import Perform, Post

BUTTON = "Adapt the network"


class Slow:
    """An adaptation that waits to be told to end, of a log or of what only looks like one."""

    def __init__(self, is_log: bool) -> None:
        self.is_log = is_log
        self.asked: list[float] = []
        self.end = threading.Event()

    def prepare(self) -> Perform:
        from flux4d_viewer.canvas.drawable import prepare_for_browser
        from flux4d_viewer.recording import recording_of_clip

        def perform(job: Job, report: Report, post: Post) -> None:
            made = Reconstructed(make_scene(), prepare_for_browser(make_scene()))
            if isinstance(job, OpenDemo):
                post(Opened(recording_of_clip(make_clip()), is_log=self.is_log))
                post(made)
            if isinstance(job, AdaptToLog):
                self.asked.append(job.seconds)
                while not self.end.is_set():
                    report("Adapting to this drive, step 7", 0.4)
                    self.end.wait(0.05)
                post(Adapted("held-out PSNR 17.30 -> 18.10 dB after 12 steps, kept", True))
                post(made)

        return perform


def test_a_log_is_adapted_to_with_progress_and_a_result_and_can_be_cancelled(open_viewer: Callable[..., Eye]) -> None:
    slow = Slow(is_log=True)
    eye = open_viewer(OpenDemo(), prepare=slow.prepare)
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene")
    button = eye.page.get_by_role("button", name=BUTTON)
    button.click()
    eye.page.get_by_text("Adapting to this drive, step 7").wait_for(timeout=20_000)
    assert button.is_disabled()
    eye.page.get_by_role("button", name="Cancel").click()
    eye.page.get_by_text("Adapting to this log was cancelled.").wait_for(timeout=20_000)
    assert eye.viewer.store.state.adapted is None
    slow.end.set()
    button.click()
    eye.page.get_by_text("Held-out PSNR 17.30 -> 18.10 dB after 12 steps, kept.").wait_for(timeout=20_000)
    assert slow.asked == [60.0, 60.0]
    assert eye.viewer.store.state.scene is not None


def test_a_saved_scene_offers_no_adapting(open_viewer: Callable[..., Eye]) -> None:
    eye = open_viewer(OpenDemo(), prepare=Slow(is_log=False).prepare)
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene")
    eye.page.get_by_text("Own path").wait_for(timeout=20_000)
    assert not eye.page.get_by_role("button", name=BUTTON).is_visible()
