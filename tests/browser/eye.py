"""A viewer seen through headless Chromium, and what a test wants to know of it."""

from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import viser
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from flux4d_viewer.app import Viewer
from flux4d_viewer.canvas.units import SCALE, pose_of
from flux4d_viewer.state import View

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
"""WebGL in software, and timers at full rate though nobody looks."""
WIDTH, HEIGHT = 1280, 720
WAIT = 120.0
"""Longest wait for anything (s)."""
NO_NOTICES = ".mantine-Notification-root { visibility: hidden !important }"
"""They come when something is found out in the background, and lie over the view."""


class Eye:
    """A viewer, a page that shows it, and what a test wants to know of them."""

    def __init__(self, viewer: Viewer, page: Any) -> None:
        self.viewer, self.page = viewer, page
        self.url = f"{viewer.site.url}?fixedDpr=1&hideViserLogo"
        page.add_init_script("localStorage.setItem('viser-user:hint', 'seen')")
        page.goto(self.url, wait_until="domcontentloaded")
        self.wait_until(lambda: bool(viewer.server.get_clients()), "the page to connect")
        self._close_the_warning()

    def reload(self) -> None:
        """Load the page again, as by F5."""
        old = self.client.client_id
        self.page.reload(wait_until="domcontentloaded")
        self.wait_until(lambda: {*self.viewer.server.get_clients()} - {old} != set(), "the page to connect again")
        self.wait_until(lambda: old not in self.viewer.server.get_clients(), "the old page to go")
        self._close_the_warning()

    def _close_the_warning(self) -> None:
        warning = self.page.locator(".mantine-Notification-closeButton").first
        warning.wait_for(timeout=20_000)  # that WebGL runs in software, which we know
        warning.click()

    @property
    def client(self) -> viser.ClientHandle:
        return next(iter(self.viewer.server.get_clients().values()))

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}; {self.situation()}"
            self.page.wait_for_timeout(30)

    def situation(self) -> str:
        """What the viewer is at, for those who waited in vain."""
        state, streams = self.viewer.store.state, [t.name for t in threading.enumerate() if "stream" in t.name]
        return (
            f"{state.view.show} by {state.view.color} at {self.viewer.clock.playhead.time:.3f} s, work {state.work}, "
            f"problem {state.problem!r}, from {np.round(self.eye_position(), 2)}, drawn by {streams}"
        )

    def reset(self) -> None:
        """The first view at the start, everything shown and no frusta in the way."""
        viewer = self.viewer
        viewer.store.change(lambda state: replace(state, view=View(frusta="none"), problem=""))
        viewer.clock.change(lambda p: replace(p, time=p.start, playing=False, speed=1.0, loop=True))
        viewer.controls.cameras.overview(self.client)
        viewer.store.set_view(frusta="none")
        self.page.get_by_role("tab", name="View").click()
        self.page.locator("body").click(position={"x": 400, "y": 60})

    def picture(self) -> UInt8[ndarray, "h w 3"]:
        """The 3D view without the notices that lie over it, once it has stopped changing."""
        self.page.wait_for_timeout(400)
        end = time.monotonic() + WAIT
        last, now = None, self.shot()
        while last is None or np.abs(now.astype(int) - last.astype(int)).max() > 2:
            assert time.monotonic() < end, "the picture never came to rest"
            self.page.wait_for_timeout(250)
            last, now = now, self.shot()
        return now

    def shot(self) -> UInt8[ndarray, "h w 3"]:
        """The 3D view as it is now."""
        box = self.page.locator("canvas").first.bounding_box()
        png = self.page.screenshot(clip=box, style=NO_NOTICES, timeout=60_000)
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    def pixel_of(self, point: tuple[float, float, float]) -> tuple[int, int]:
        """Row and column in the picture of a point in the world (m)."""
        pose = pose_of(self.client.camera)
        x, y, z = pose.camera_to_world[:3, :3].T @ (np.array(point) - pose.camera_to_world[:3, 3])
        focal = 0.5 * pose.height / np.tan(0.5 * pose.fov)
        return round(pose.height / 2 + focal * y / z), round(pose.width / 2 + focal * x / z)

    def color_at(self, picture: UInt8[ndarray, "h w 3"], point: tuple[float, float, float]) -> np.ndarray:
        """Mean colour (0 to 1) of the few pixels round a point in the world."""
        row, column = self.pixel_of(point)
        return picture[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 3).mean(0) / 255

    def eye_position(self) -> np.ndarray:
        """Where the browser looks from (m)."""
        return np.asarray(self.client.camera.position) / SCALE
