"""The timeline as a user works it: the slider, the keys, the range, the predicted future, the plots."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from eye import Eye
from small_street import RED, RED_SPEED, RED_START, make_scene

from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.clock import AHEAD
from flux4d_viewer.jobs.opening import OpenSceneFile


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.drawable is not None, "the scene to open")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.viewer.clock.change(lambda p: replace(p.unmarked(), predict=False))
    opened.reset()
    return opened


def is_red_at(eye: Eye, time: float) -> bool:
    """Whether the red car is drawn where it is at `time`."""
    place = (RED_START + RED_SPEED * time, -2.0, 0.8)
    return float(np.abs(eye.color_at(eye.picture(), place) - np.array(RED)).max()) < 0.12


def drag(eye: Eye, share: float) -> None:
    """Drag the playhead from the slider's start to a share of its length."""
    track = eye.page.locator(".mantine-Slider-track").last.bounding_box()
    y = track["y"] + track["height"] / 2
    eye.page.mouse.move(track["x"] + 2, y)
    eye.page.mouse.down()
    eye.page.mouse.move(track["x"] + share * track["width"], y, steps=20)
    eye.page.mouse.up()


def test_dragging_moves_the_playhead_and_the_car(eye: Eye) -> None:
    drag(eye, 0.5)
    eye.wait_until(lambda: abs(eye.viewer.clock.playhead.time - 1.0) < 0.02, "the playhead to follow")
    assert is_red_at(eye, 1.0)


def test_beyond_the_recording_the_car_drives_on_and_the_time_is_called_predicted(eye: Eye) -> None:
    assert eye.page.get_by_text("predicted ▸").is_visible()
    assert eye.page.get_by_text("frame 1 of 11").is_visible()
    drag(eye, 1.02)
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == 1.0 + AHEAD, "the playhead to follow")
    eye.page.get_by_text("predicted, 1.00 s after the last frame").wait_for(timeout=10_000)
    assert eye.page.get_by_text("2023-11-14 22:13:22.000 UTC").is_visible()
    assert is_red_at(eye, 2.0)


def test_playing_ends_with_the_recording_until_predict_is_on(eye: Eye) -> None:
    clock = eye.viewer.clock
    clock.change(lambda p: replace(p, loop=False))
    eye.page.keyboard.press("Space")
    eye.wait_until(lambda: not clock.playhead.playing and clock.playhead.time > 0, "the end")
    assert clock.playhead.time == 1.0
    eye.page.get_by_role("button", name="Predict: off").click()
    eye.page.get_by_role("button", name="Predict: on").wait_for(timeout=10_000)
    eye.page.keyboard.press("Space")
    eye.wait_until(lambda: not clock.playhead.playing and clock.playhead.time > 1, "the end of what is predicted")
    assert clock.playhead.time == 2.0


def test_the_range_is_marked_by_keys_shown_on_the_slider_played_and_cleared(eye: Eye) -> None:
    clock = eye.viewer.clock
    clock.seek(0.3)
    eye.page.keyboard.press("i")
    eye.wait_until(lambda: clock.playhead.mark_in == 0.3, "the key I")
    clock.seek(0.6)
    eye.page.keyboard.press("u")
    eye.wait_until(lambda: clock.playhead.mark_out == 0.6, "the key U")
    eye.page.locator(".mantine-Slider-markLabel", has_text="in").first.wait_for(timeout=10_000)
    eye.page.locator(".mantine-Slider-markLabel", has_text="out").first.wait_for(timeout=10_000)
    clock.change(lambda p: replace(p, speed=4.0))
    eye.page.keyboard.press("Space")
    seen = []
    for _ in range(20):
        eye.page.wait_for_timeout(30)
        seen.append(clock.playhead.time)
    assert clock.playhead.playing
    assert 0.3 <= min(seen) < max(seen) <= 0.6
    eye.page.get_by_role("button", name="Clear").click()
    eye.wait_until(lambda: clock.playhead.range == (0.0, 1.0), "the range to be all again")


def test_a_slider_dragged_while_it_plays_stays_where_it_was_left(eye: Eye) -> None:
    clock = eye.viewer.clock
    eye.page.keyboard.press("Space")
    eye.wait_until(lambda: clock.playhead.playing, "playing")
    drag(eye, 0.25)
    eye.page.wait_for_timeout(600)
    assert not clock.playhead.playing
    assert abs(clock.playhead.time - 0.5) < 0.02
    field = eye.page.locator(".mantine-NumberInput-input").last
    assert abs(float(field.input_value()) - clock.playhead.time) < 1e-6


def test_the_plots_show_speed_count_and_psnr_at_the_playhead_and_go_again(eye: Eye) -> None:
    eye.viewer.clock.seek(0.5)
    assert eye.page.locator(".uplot").count() == 0
    eye.page.get_by_role("button", name="Plots: off").click()
    eye.page.get_by_text("ego 5.0 m/s").wait_for(timeout=20_000)
    eye.page.get_by_text("440 Gaussians move", exact=True).wait_for(timeout=20_000)
    eye.page.get_by_text("dB, front").wait_for(timeout=50_000)
    assert eye.page.locator(".uplot").first.bounding_box()["height"] < 150
    eye.viewer.clock.seek(1.5)
    eye.page.get_by_text("ego speed not known here").wait_for(timeout=10_000)
    eye.page.keyboard.press("y")
    eye.page.locator(".uplot").wait_for(state="detached", timeout=10_000)
