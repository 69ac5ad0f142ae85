"""How fast the timeline can be scrubbed when the browser draws, and what a step costs on the wire.

The real viewer and a real page; only the drawing itself is stubbed out, since a browser with a GPU does that. Two ways
of moving the same scene: this viewer's (nodes moved, nothing sent again) and the plain one, for comparison (centres of
everything sent again). Run: python tests/benchmarks/bench_scrubbing.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import websockets.asyncio.server
from playwright.sync_api import sync_playwright

sys.path += [str(Path(__file__).parents[2]), str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "browser")]
from eye import CHROMIUM, FLAGS  # pyright: ignore[reportMissingImports]
from small_street import make_gaussians, make_scene

from flux4d_core.motion import advance
from flux4d_core.scene.actors import Actor, Grouping
from flux4d_core.scene.scene import Scene
from flux4d_core.types import concatenate
from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.canvas.drawable import prepare_for_browser
from flux4d_viewer.canvas.splats import pack
from flux4d_viewer.jobs.opening import OpenDemo
from flux4d_viewer.messages import Opened, Reconstructed
from flux4d_viewer.recording import recording_of_scene

PUSHED = 30.0
"""Steps a second that the hand asks for."""
SECONDS = 6.0
STUB = """
window.__steps = 0; window.__sorts = 0;
const OwnWorker = window.Worker;
window.Worker = class extends OwnWorker {
  constructor(...a) { super(...a); this.addEventListener('message', e => { if (e.data?.sortedIndices) __sorts++; }); }
  postMessage(m, ...rest) {
    if (m && (m.updateBuffer || m.setTz_camera_groups)) __steps++;
    return super.postMessage(m, ...rest);
  }
};
WebGL2RenderingContext.prototype.drawElementsInstanced = function () {};
"""


@dataclass(frozen=True)
class Result:
    steps: float
    """Steps a second that the page applied."""
    main_thread: float
    """Milliseconds of the page's main thread a step."""
    sent: float
    """Bytes on the wire a step."""
    load: float
    """Seconds from asking for the page until the splats are sorted."""


def big_street(static: int, cars: int) -> Scene:
    """A street of `static` standing Gaussians and `cars` cars of 220 each."""
    street = make_gaussians(static / 2800)
    standing = street[(street.velocities.norm(dim=-1) == 0).nonzero().squeeze(1)]
    red = make_gaussians()[-440:-220]
    fleet = [replace(red, means=red.means + torch.tensor([7.0 * (i % 40), 3.0 * (i // 40), 0])) for i in range(cars)]
    box = torch.eye(4)
    actor = Actor("car", 0.5, box, torch.tensor([4.0, 2.0, 1.5]), torch.tensor([10.0, 0, 0]), torch.zeros(3), 220)
    index = torch.cat([torch.full((len(standing),), -1), torch.arange(cars).repeat_interleave(220)])
    scene = make_scene()
    return replace(scene, gaussians=concatenate([standing, *fleet]), grouping=Grouping((actor,) * cars, index))


def measure(scene: Scene, page: Any, step_of: Callable[[Viewer], Callable[[float], None]]) -> Result:
    drawable = prepare_for_browser(scene)

    def perform(job: Any, report: Any, post: Callable[[Any], None]) -> None:
        if isinstance(job, OpenDemo):
            post(Opened(recording_of_scene(scene)))
            post(Reconstructed(scene, drawable))

    viewer = Viewer(Settings(port=0), lambda: perform)
    viewer.start(OpenDemo())
    while viewer.store.state.drawable is None:
        time.sleep(0.05)
    step = step_of(viewer)
    began = time.monotonic()
    page.goto(f"{viewer.site.url}?fixedDpr=1", wait_until="domcontentloaded")
    while page.evaluate("window.__sorts") < 1:
        page.wait_for_timeout(50)
    load = time.monotonic() - began
    page.wait_for_timeout(2500)
    result = replace(_scrub(page, step), load=load)
    viewer.stop()
    return result


def _scrub(page: Any, step: Callable[[float], None]) -> Result:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def task_seconds() -> float:
        return {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]

    stop = threading.Event()

    def hand() -> None:
        count = 0
        while not stop.wait(1 / PUSHED):
            count += 1
            step(abs((count * 0.02) % 2 - 1))

    steps, tasks, wire, began = page.evaluate("__steps"), task_seconds(), _Wire.sent, time.monotonic()
    thread = threading.Thread(target=hand)
    thread.start()
    page.wait_for_timeout(int(SECONDS * 1000))
    applied = page.evaluate("__steps") - steps
    seconds, cost, sent = time.monotonic() - began, task_seconds() - tasks, _Wire.sent - wire
    stop.set()
    thread.join()
    return Result(applied / seconds, 1000 * cost / max(applied, 1), sent / max(applied, 1), 0.0)


class _Wire:
    """Counts what the server sends."""

    sent = 0

    @classmethod
    def watch(cls) -> None:
        send = websockets.asyncio.server.ServerConnection.send

        async def counted(self: Any, message: Any, *rest: Any) -> None:
            cls.sent += len(message)
            await send(self, message, *rest)

        websockets.asyncio.server.ServerConnection.send = counted  # pyright: ignore[reportAttributeAccessIssue]


def by_nodes(viewer: Viewer) -> Callable[[float], None]:
    return viewer.clock.seek


def by_centers(viewer: Viewer) -> Callable[[float], None]:
    """The plain way: all splats in one node, their centres sent again at every step."""
    scene = viewer.store.state.scene
    assert scene is not None
    viewer.clock.stop()
    viewer.server.scene.remove_by_name("/static")
    viewer.server.scene.remove_by_name("/moving")
    cloud = pack(advance(scene.gaussians, 0.0))
    handle = viewer.server.scene.add_gaussian_splats(
        "/all", cloud.centers, cloud.covariances, cloud.colors, cloud.opacities, scale=0.1
    )

    def step(time: float) -> None:
        handle.centers = advance(scene.gaussians, time).means.numpy().astype(np.float32)

    return step


def main() -> None:
    _Wire.watch()
    folder = tempfile.mkdtemp()
    print(f"{PUSHED:g} steps/s asked for, drawing stubbed out, page and server on this machine")
    print(f"{'splats':>9} {'cars':>5} {'way':>8} {'steps/s':>8} {'main thread':>12} {'bytes/step':>11} {'load':>7}")
    with sync_playwright() as running:
        context = running.chromium.launch_persistent_context(
            folder,
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 640, "height": 360},
            ignore_default_args=["--headless", "--enable-automation"],
        )
        for static, cars in ((50_000, 10), (500_000, 50)):
            scene = big_street(static, cars)
            for name, way in (("nodes", by_nodes), ("centres", by_centers)):
                page = context.new_page()
                page.add_init_script(STUB)
                result = measure(scene, page, way)
                page.close()
                print(
                    f"{len(scene.gaussians):>9,} {cars:>5} {name:>8} {result.steps:>8.1f} {result.main_thread:>9.1f} ms"
                    f" {result.sent:>11,.0f} {result.load:>5.1f} s",
                    flush=True,
                )
        context.close()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
