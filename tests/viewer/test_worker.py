import threading
from collections.abc import Callable
from pathlib import Path

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Report
from flux4d_viewer.jobs.comparing import Compare, ScoreFrame
from flux4d_viewer.jobs.exporting import Delivery, ExportScene, Moments, SaveScene
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenSceneFile
from flux4d_viewer.messages import Failed, Finished, Message, Progressed, Started, Stopped
from flux4d_viewer.worker import Perform, Post, Worker

FOLDER = Path()
PLY = ExportScene("ply", Moments(0.0), Delivery(FOLDER))


class Messages:
    """What a worker said, and a way to wait for it."""

    def __init__(self) -> None:
        self.all: list[Message] = []
        self._new = threading.Condition()

    def __call__(self, message: Message) -> None:
        with self._new:
            self.all.append(message)
            self._new.notify_all()

    def wait_for(self, kind: type, count: int = 1) -> list[Message]:
        with self._new:
            assert self._new.wait_for(lambda: sum(isinstance(m, kind) for m in self.all) >= count, timeout=20)
            return [message for message in self.all if isinstance(message, kind)]


def working(perform: Callable[[Job, Report, Post], None]) -> tuple[Worker, Messages]:
    def prepare() -> Perform:
        return perform

    messages = Messages()
    worker = Worker(prepare, messages)
    worker.start()
    return worker, messages


def test_jobs_are_done_in_the_order_in_which_they_come() -> None:
    done: list[str] = []
    worker, messages = working(lambda job, report, post: done.append(job.title))
    worker.put(SaveScene(Delivery(FOLDER)))
    worker.put(PLY)
    messages.wait_for(Finished, 2)
    worker.stop()
    assert done == ["Saving the scene", "Exporting a PLY"]


def test_after_a_job_that_fails_the_next_one_is_done() -> None:
    def perform(job: Job, report: Report, post: Post) -> None:
        if isinstance(job, SaveScene):
            raise Flux4dError("out.f4d: the disk is full")

    worker, messages = working(perform)
    worker.put(SaveScene(Delivery(FOLDER)))
    worker.put(PLY)
    messages.wait_for(Finished)
    worker.stop()
    assert messages.wait_for(Failed) == [Failed("Saving the scene", "out.f4d: the disk is full")]


def test_a_fault_in_the_program_is_said_too_and_ends_nothing() -> None:
    def perform(job: Job, report: Report, post: Post) -> None:
        if isinstance(job, SaveScene):
            raise ZeroDivisionError("a fault")

    worker, messages = working(perform)
    worker.put(SaveScene(Delivery(FOLDER)))
    worker.put(PLY)
    messages.wait_for(Finished)
    worker.stop()
    (failed,) = messages.wait_for(Failed)
    assert isinstance(failed, Failed)
    assert "a fault" in failed.sentence


def test_cancelling_stops_the_job_at_its_next_report_and_only_that_one() -> None:
    begun = threading.Event()

    def perform(job: Job, report: Report, post: Post) -> None:
        if isinstance(job, SaveScene):
            begun.set()
            for _ in range(2000):
                report("Saving", 0.5)
                threading.Event().wait(0.005)
            raise AssertionError("was not cancelled")

    worker, messages = working(perform)
    worker.put(SaveScene(Delivery(FOLDER)))
    worker.put(PLY)
    assert begun.wait(20)
    worker.cancel()
    assert messages.wait_for(Stopped) == [Stopped("Saving the scene")]
    assert messages.wait_for(Finished) == [Finished("Exporting a PLY")]
    worker.stop()


def test_progress_never_goes_back_and_names_the_stage() -> None:
    def perform(job: Job, report: Report, post: Post) -> None:
        for fraction in (0.0, 0.5, 0.2, 1.0):
            report("rendering video", fraction)

    worker, messages = working(perform)
    worker.put(SaveScene(Delivery(FOLDER)))
    messages.wait_for(Finished)
    worker.stop()
    progress = [m for m in messages.all if isinstance(m, Progressed) and m.stage == "Rendering video"]
    assert progress
    assert [m.fraction for m in progress] == sorted(m.fraction for m in progress)
    assert progress[-1].fraction == 1.0


def test_of_waiting_comparisons_only_the_newest_is_made() -> None:
    compared: list[int] = []
    go_on = threading.Event()

    def perform(job: Job, report: Report, post: Post) -> None:
        if isinstance(job, Compare):
            compared.append(job.frame)
        else:
            go_on.wait(20)

    worker, messages = working(perform)
    worker.put(SaveScene(Delivery(FOLDER)))
    messages.wait_for(Started)
    for frame in (1, 2, 3):
        worker.put(Compare(frame))
    go_on.set()
    messages.wait_for(Finished, 2)
    worker.stop()
    assert compared == [3]


def test_idle_jobs_wait_for_all_others_and_only_the_newest_is_done_without_a_word() -> None:
    done: list[str] = []
    go_on, scored = threading.Event(), threading.Event()

    def perform(job: Job, report: Report, post: Post) -> None:
        report("working", 0.5)
        done.append(f"{job.title} {job.frame}" if isinstance(job, ScoreFrame) else job.title)
        if len(done) == 1:
            go_on.wait(20)
        if isinstance(job, ScoreFrame):
            scored.set()

    worker, messages = working(perform)
    worker.put(SaveScene(Delivery(FOLDER)))
    messages.wait_for(Started)
    worker.put(ScoreFrame(1))
    worker.put(ScoreFrame(2))
    worker.put(PLY)
    go_on.set()
    assert scored.wait(20)
    worker.stop()
    assert done == ["Saving the scene", "Exporting a PLY", "Scoring a recorded frame 2"]
    assert not any("Scoring" in message.title for message in messages.all if isinstance(message, Started | Progressed))


def test_what_cannot_be_loaded_is_said_and_tried_again_with_the_next_job() -> None:
    attempts: list[int] = []

    def prepare() -> Perform:
        attempts.append(1)
        if len(attempts) == 1:
            raise Flux4dError("--device cuda: there is none")
        return lambda job, report, post: None

    messages = Messages()
    worker = Worker(prepare, messages)
    worker.start()
    worker.put(OpenSceneFile(Path("a.f4d")))
    messages.wait_for(Failed)
    worker.put(OpenSceneFile(Path("a.f4d")))
    messages.wait_for(Finished)
    worker.stop()
    assert messages.wait_for(Failed) == [Failed("Opening a.f4d", "--device cuda: there is none")]


def test_a_worker_can_be_stopped_while_it_waits() -> None:
    worker, _ = working(lambda job, report, post: None)
    assert worker.stop()
