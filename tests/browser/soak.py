"""Random valid actions of several pages against one viewer, and what must stay true meanwhile.

All that a page can do is found on the page itself: every control that the server describes, every command of the
palette, clicks and rectangles in the 3D view, pages that come, go and vanish. What is added to the viewer is so soaked
without a line here; `soak_actions.ACTIONS` says how often each kind of thing is done, and what is left alone.

An hour with a real page and two without a browser:
    python tests/browser/soak.py --minutes 60 [--seed 1] [--scene scene.f4d] [--renderer gpu] [--no-chromium]
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import math
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[2]), str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from soak_actions import PAGES, Soak

from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.jobs.opening import OpenSceneFile
from flux4d_viewer.state import State

EXCEPTION = re.compile(r"Traceback|\b\w+(?:Error|Exception): ")
SLACK = 20.0
"""Seconds that threads and pages may take to agree."""
NO_DRAWING = "WebGL2RenderingContext.prototype.drawElementsInstanced = function () {};"
"""Run in the real page first: splats are the part that software WebGL cannot draw in time."""


def faults(viewer: Viewer) -> list[str]:
    """What is not as it should be, at any time."""
    state, playhead = viewer.store.state, viewer.clock.playhead
    first, last = playhead.range
    checks = {
        "the playhead is beside the drive": playhead.start <= playhead.time <= playhead.limit,
        "the range is beside the drive": playhead.start <= first <= last <= playhead.limit,
        "undo and redo do not end where they began": not state.history.past
        or state.history.undo().redo() == state.history,
        "the chosen camera does not exist": state.recording is not None and state.camera in state.recording.sensors,
        f"an error nobody foresaw: {state.problem}": not EXCEPTION.search(state.problem)
        and not state.problem.startswith("Drawing failed"),
        "the drawing thread has died": any(t.name == "drawing" and t.is_alive() for t in threading.enumerate()),
        "the worker has died": any(t.name == "worker" and t.is_alive() for t in threading.enumerate()),
    }
    return [sentence for sentence, holds in checks.items() if not holds]


def unsettled(soak: Soak) -> list[str]:
    """What the threads have not agreed on yet; empty once nobody acts any more."""
    viewer, state = soak.viewer, soak.viewer.store.state
    present = PAGES + (soak.eye is not None)
    staged = state.staged
    ids = {actor.id for actor in staged.stage.actors} if staged is not None else set()
    edits = state.history.edits
    checks = {
        f"{len(viewer.server.get_clients())} pages are counted, {present} are there": len(viewer.server.get_clients())
        == present,
        "the edits are not worked out": staged is None or staged.edits == edits or state.editing.drag is not None,
        "an actor is selected that does not exist": staged is None or set(state.editing.selection) <= ids,
    }
    return [sentence for sentence, holds in checks.items() if not holds]


@dataclass
class Report:
    """What a soak came to."""

    actions: Counter[str]
    faults: list[str]
    problems: Counter[str]
    """Sentences that the viewer said, and how often; they are for the user, not faults."""
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start and MB of this process."""

    @property
    def growth(self) -> float:
        """MB a minute over the second half: the slope of a straight line through the samples."""
        half = self.memory[len(self.memory) // 2 :]
        if len(half) < 3:
            return 0.0
        times, sizes = [t / 60 for t, _ in half], [mb for _, mb in half]
        mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
        spread = sum((t - mean_time) ** 2 for t in times)
        return sum((t - mean_time) * (mb - mean_size) for t, mb in zip(times, sizes, strict=True)) / max(spread, 1e-9)


def resident() -> float:
    """MB of this process in memory; NaN where the system does not say."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return math.nan


class Listener(io.TextIOBase):
    """Passes text on and keeps what looks like an exception."""

    def __init__(self, passed_on: Any) -> None:
        self._passed_on, self.heard = passed_on, list[str]()

    def write(self, text: str) -> int:
        if EXCEPTION.search(text):
            self.heard.append(text.strip())
        return self._passed_on.write(text)

    def flush(self) -> None:
        self._passed_on.flush()


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Exceptions of all threads, as they die of them or print them."""
    listener, hook = Listener(sys.stderr), threading.excepthook
    fallen: list[str] = listener.heard
    threading.excepthook = lambda args: fallen.append(f"{args.thread}: {args.exc_type}: {args.exc_value}")
    try:
        with contextlib.redirect_stderr(listener):
            yield fallen
    finally:
        threading.excepthook = hook


def run(soak: Soak, seconds: float, pause: float, tell: Callable[[str], None] = lambda words: None) -> Report:
    """Act for so long, look after everything now and then, and at the end wait until all have agreed."""
    report = Report(soak.done, [], Counter())
    began, looked, told = time.monotonic(), 0.0, 0.0
    with listening() as heard:
        while (now := time.monotonic() - began) < seconds and not report.faults:
            soak.act()
            _rest(soak, pause)
            if problem := soak.viewer.store.state.problem:
                report.problems[problem[:160]] += 1
                soak.viewer.store.change(_without_problem)
            if now - looked > 1.0:
                looked = now
                report.faults += [f"{fault} (after: {list(soak.last)[-5:]})" for fault in faults(soak.viewer)] + heard
            if now - told > max(2.0, seconds / 120):
                told = now
                report.memory.append((now, resident()))
                tell(f"{now:7.0f} s  {sum(soak.done.values()):7d} actions  {report.memory[-1][1]:7.1f} MB")
        end = time.monotonic() + SLACK
        while unsettled(soak) and time.monotonic() < end:
            _rest(soak, 0.1)
        report.faults += [
            fault for fault in unsettled(soak) + faults(soak.viewer) + heard if fault not in report.faults
        ]
    return report


def _without_problem(state: State) -> State:
    return replace(state, problem="")


def _rest(soak: Soak, seconds: float) -> None:
    """A real page needs its events pumped."""
    if soak.eye is not None:
        soak.eye.page.wait_for_timeout(1000 * seconds)
    else:
        time.sleep(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between actions")
    parser.add_argument("--scene", type=Path)
    parser.add_argument("--renderer", default="browser")
    parser.add_argument("--no-chromium", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    scene = asked.scene or folder / "street.f4d"
    if asked.scene is None:
        from small_street import make_scene

        from flux4d_core.scene.scene_file import write_scene

        write_scene(make_scene(), scene)
    viewer = Viewer(Settings(port=0, device="cpu", renderer=asked.renderer, folder=folder))
    viewer.start(OpenSceneFile(scene))
    while viewer.store.state.drawable is None:
        time.sleep(0.1)
    with contextlib.ExitStack() as stack:
        eye = None if asked.no_chromium else stack.enter_context(_real_page(viewer, folder))
        soak = Soak(viewer, asked.seed, eye)
        report = run(soak, 60 * asked.minutes, asked.pause, lambda words: print(words, flush=True))
        soak.close()
    viewer.stop()
    print(f"seed {asked.seed}: {sum(report.actions.values())} actions {dict(report.actions)}")
    first, last = report.memory[0][1], report.memory[-1][1]
    print(f"memory {first:.0f} MB at first, {last:.0f} MB at last, {report.growth:+.2f} MB/min in the second half")
    for problem, count in report.problems.most_common(20):
        print(f"said {count} times: {problem}")
    for fault in report.faults:
        print(f"FAULT {fault}")
    sys.exit(1 if report.faults else 0)


@contextlib.contextmanager
def _real_page(viewer: Viewer, folder: Path) -> Iterator[Any]:
    """Headless Chromium on the viewer."""
    from eye import CHROMIUM, FLAGS, HEIGHT, WIDTH, Eye
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        context = running.chromium.launch_persistent_context(
            str(folder / "chromium"),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": WIDTH, "height": HEIGHT},
            ignore_default_args=["--headless", "--enable-automation"],
        )
        page = context.new_page()
        page.add_init_script(NO_DRAWING)
        yield Eye(viewer, page)
        context.close()


if __name__ == "__main__":
    main()
