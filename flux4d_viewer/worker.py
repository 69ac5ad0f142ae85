"""One thread that owns the device: jobs in, frozen messages out.

A job that fails or is cancelled is answered with a message, and the thread goes on with the next one.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Cancelled, Report
from flux4d_viewer.jobs.comparing import Compare
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.memory import Memory
from flux4d_viewer.messages import Failed, Finished, Message, Progressed, Started, Stopped
from flux4d_viewer.progress_plan import Plan, plan_of

Post = Callable[[Message], None]
Perform = Callable[[Job, Report, Post], None]
"""Does a job: reports how far it is, posts what comes of it, raises what goes wrong."""

REPORT_SECONDS = 0.1
"""Progress is passed on at most this often."""


class Worker:
    """Does jobs in order, on a thread of its own.

    `prepare` is called on that thread before the first job and returns what performs them: there all that is slow to
    load is loaded.
    """

    def __init__(self, prepare: Callable[[], Perform], post: Post) -> None:
        self._prepare, self._post = prepare, post
        self._jobs: deque[Job] = deque()
        self._idle: deque[Job] = deque()
        self._waiting = threading.Condition()
        self._cancel = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, job: Job) -> None:
        """Do this job after those before it. A comparison takes the place of those still waiting: the newest counts.

        An idle job is done once nothing else is waiting.
        """
        with self._waiting:
            if job.is_idle:
                self._idle = deque([*(other for other in self._idle if type(other) is not type(job)), job])
                self._waiting.notify()
                return
            if isinstance(job, Compare):
                self._jobs = deque(other for other in self._jobs if not isinstance(other, Compare))
            self._jobs.append(job)
            self._waiting.notify()

    def cancel(self) -> None:
        """Stop the job under way at its next report."""
        self._cancel.set()

    def stop(self) -> bool:
        """End the thread, after cancelling what it does; whether it has ended within two seconds."""
        self._stopped = True
        self._cancel.set()
        with self._waiting:
            self._waiting.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=2)
        return not self._thread.is_alive()

    def _run(self) -> None:
        perform: Perform | None = None
        memory = Memory()
        while (job := self._next()) is not None:
            self._cancel.clear()
            announce = _keep_quiet if job.is_idle else self._post
            if not isinstance(job, Compare):
                announce(Started(job.title))
            report = _Reporter(job.title, plan_of(job), announce, self._cancel)
            try:
                if perform is None:
                    report("Loading the libraries", 0.0)
                    perform = self._prepare()
                perform(job, report, self._post)
            except Cancelled:
                announce(Stopped(job.title))
            except Flux4dError as error:
                announce(Failed(job.title, str(error)))
            except Exception as error:  # whatever it was, the viewer must live and say so
                traceback.print_exc(file=sys.stderr)
                self._post(Failed(job.title, f"{type(error).__name__}: {error}"))
            else:
                announce(Finished(job.title))
            del job, report  # with the scene or the file that came in it
            memory.give_back()

    def _next(self) -> Job | None:
        with self._waiting:
            while not self._jobs and not self._idle and not self._stopped:
                self._waiting.wait()
            return None if self._stopped else (self._jobs or self._idle).popleft()


def _keep_quiet(message: Message) -> None:
    """Nobody asked for an idle job, so nobody hears of its course."""


class _Reporter:
    """The `Report` of one job: passes progress on, not too often, and raises `Cancelled` when asked to."""

    def __init__(self, title: str, plan: Plan, post: Post, cancel: threading.Event) -> None:
        self._title, self._plan, self._post, self._cancel = title, plan, post, cancel
        self._began = time.monotonic()
        self._stage = ""
        self._passed_on = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        if self._cancel.is_set():
            raise Cancelled
        overall = self._plan.reached(stage, fraction)
        now = time.monotonic()
        if stage == self._stage and now - self._passed_on < REPORT_SECONDS and fraction < 1:
            return
        self._stage, self._passed_on = stage, now
        words = stage[:1].upper() + stage[1:]
        self._post(Progressed(self._title, words, overall, now - self._began))
