"""A preview of a camera path."""

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe, View
from flux4d_viewer.canvas.units import SCALE
from flux4d_viewer.controls.flight import Flight


@dataclass(frozen=True)
class Watched(CameraPath):
    """Remembers how many views were asked for at a time."""

    asked: tuple[list[int]] = ([],)

    def views(self, moments: Float64[ndarray, "M"]) -> tuple[View, ...]:
        self.asked[0].append(len(moments))
        return super().views(moments)


def path(seconds: float, loop: bool = False) -> Watched:
    """Ten metres along x while the scene goes on by a second."""
    poses = [np.eye(4), np.eye(4)]
    poses[1][0, 3] = 10.0
    keyframes = tuple(Keyframe(pose, 1.0, float(time), seconds) for time, pose in enumerate(poses))
    return Watched(keyframes, loop, asked=([],))


def browser() -> Any:
    return SimpleNamespace(camera=SimpleNamespace(), atomic=nullcontext, flush=lambda: None)


def fly(way: CameraPath, seconds: float) -> tuple[Any, list[float]]:
    """The browser, and the scene's times that it was shown, after so long or at the end."""
    client, seen, ended = browser(), list[float](), threading.Event()
    clock: Any = SimpleNamespace(seek=seen.append)
    flight = Flight(client, way, clock, ended.set)
    ended.wait(seconds)
    flight.stop()
    assert ended.wait(5)
    return client, seen


def test_a_flight_ends_at_the_last_keyframe() -> None:
    client, seen = fly(path(0.5), 20.0)
    assert client.camera.position[0] / SCALE == pytest.approx(10.0)
    assert seen[-1] == pytest.approx(1.0)
    assert seen == sorted(seen)


def test_a_loop_goes_round_until_it_is_stopped() -> None:
    _, seen = fly(path(0.2, loop=True), 1.0)
    assert any(later < earlier for earlier, later in pairwise(seen))


def test_a_flight_of_ten_hours_works_out_a_second_at_a_time() -> None:
    way = path(36_000.0)
    began = time.monotonic()
    client, _ = fly(way, 1.3)
    assert max(way.asked[0]) == 30
    assert 0 < client.camera.position[0] / SCALE < 10.0 * (time.monotonic() - began) / 1000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_flight_that_fails_has_ended() -> None:
    ended = threading.Event()

    def seek(moment: float) -> None:
        raise RuntimeError("the clock has stopped")

    clock: Any = SimpleNamespace(seek=seek)
    Flight(browser(), path(1.0), clock, ended.set)
    assert ended.wait(5)
