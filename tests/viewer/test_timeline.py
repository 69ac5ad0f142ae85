"""The timeline's slider as the server sees it: no browser is faster than a page without one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from raw_page import RawPage, address_of
from small_street import make_clip

from flux4d_viewer.app import Settings, Viewer
from flux4d_viewer.clock import Playhead
from flux4d_viewer.jobs.opening import OpenDemo
from flux4d_viewer.messages import Opened
from flux4d_viewer.recording import recording_of_clip

SLIDER = "Time (s)"


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[Viewer]:
    """The street's recording, opened."""

    def perform(job: Any, report: Any, post: Callable[[Any], None]) -> None:
        if isinstance(job, OpenDemo):
            post(Opened(recording_of_clip(make_clip())))

    viewer = Viewer(Settings(port=0, folder=tmp_path), lambda: perform)
    viewer.start(OpenDemo())
    wait_until(lambda: viewer.clock.playhead.end == 1.0)
    yield viewer
    viewer.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def connect(viewer: Viewer) -> RawPage:
    return RawPage(address_of(viewer))


def test_of_a_thousand_values_the_last_is_drawn_and_few_of_the_others(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []
    draw = viewer.canvas.draw

    def watched(state: Any, playhead: Playhead) -> None:
        drawn.append(playhead.time)
        draw(state, playhead)

    monkeypatch.setattr(viewer.canvas, "draw", watched)
    page = connect(viewer)
    slider = page.widget(SLIDER)
    began = time.monotonic()
    for number in range(1000):
        page.set(slider, 0.999 - 0.000_5 * number)
    page.set(slider, 0.25)
    wait_until(lambda: bool(drawn) and drawn[-1] == 0.25)
    seconds = time.monotonic() - began
    assert viewer.clock.playhead.time == 0.25
    assert len(drawn) < 40 * seconds + 10  # thirty a second, however many were asked for
    page.close()


def test_what_one_page_scrubs_to_the_others_show(viewer: Viewer) -> None:
    one, other = connect(viewer), connect(viewer)
    seen = other.widget(SLIDER)
    one.set(one.widget(SLIDER), 0.625)
    wait_until(lambda: seen.value == 0.625)
    one.vanish()
    wait_until(lambda: len(viewer.server.get_clients()) == 1)
    other.set(seen, 0.125)
    wait_until(lambda: viewer.clock.playhead.time == 0.125)
    other.close()


def test_without_a_scene_nothing_can_be_predicted(viewer: Viewer) -> None:
    page = connect(viewer)
    slider = page.widget(SLIDER)
    wait_until(lambda: slider.props["max"] == 1.0)
    page.set(slider, 2.0)
    wait_until(lambda: viewer.clock.playhead.time == 1.0)
    assert not viewer.clock.playhead.is_predicted
    page.close()
