"""How far the picture can be trusted: comparisons with what was recorded, seen through the page."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from eye import Eye
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image
from small_street import make_scene

from flux4d_core.scene.scene_file import write_scene
from flux4d_viewer.canvas.units import look
from flux4d_viewer.comparison import Comparing
from flux4d_viewer.jobs.opening import OpenSceneFile
from flux4d_viewer.state import State


@pytest.fixture(scope="module")
def opened(open_viewer: Callable[..., Eye], tmp_path_factory: pytest.TempPathFactory) -> Eye:
    path = tmp_path_factory.mktemp("scene") / "street.f4d"
    write_scene(make_scene(), path)
    eye = open_viewer(OpenSceneFile(path))
    eye.wait_until(lambda: eye.viewer.store.state.comparison is not None, "the first comparison")
    return eye


@pytest.fixture
def eye(opened: Eye) -> Eye:
    opened.reset()
    opened.viewer.store.change(lambda state: replace(state, comparing=Comparing()))
    return opened


def compared(eye: Eye) -> tuple[UInt8[ndarray, "h w 3"], UInt8[ndarray, "h w 3"]]:
    """The recorded image and the render that are shown."""
    comparison = eye.viewer.store.state.comparison
    assert comparison is not None
    return comparison.recorded, comparison.rendered


def card(eye: Eye, size: tuple[int, int]) -> UInt8[ndarray, "h w 3"]:
    """What the page shows in front of the camera, at the size of the recorded image."""
    picture = eye.picture()
    height, width = picture.shape[:2]
    rows = round(width * size[1] / size[0])
    top = (height - rows) // 2
    return np.asarray(Image.fromarray(picture[top : top + rows]).resize(size, Image.Resampling.BOX))


def error(a: ndarray, b: ndarray) -> float:
    """Mean absolute difference, 0 to 1."""
    return float(np.abs(a.astype(float) - b.astype(float)).mean() / 255)


def test_the_split_shows_the_recorded_image_left_of_it_and_the_render_right_of_it(eye: Eye) -> None:
    eye.page.get_by_role("tab", name="Cameras").click()
    eye.viewer.controls.quality.show_in_view(True, eye.client)
    eye.viewer.clock.seek(0.5)
    eye.wait_until(lambda: is_of(eye.viewer.store.state, 5), "the comparison at half a second")
    recorded, rendered = compared(eye)
    rows = slice(8, 50)  # the timeline's panel lies below
    for split, columns in ((0.5, 64), (0.25, 32), (0.75, 96)):
        eye.viewer.controls.quality.set_comparing(split=split)
        left, right = slice(2, columns - 3), slice(columns + 3, 126)

        def is_split(left: slice = left, right: slice = right) -> bool:
            shown = card(eye, (128, 72))
            ours, theirs = (shown[rows, left], recorded[rows, left]), (shown[rows, right], rendered[rows, right])
            return error(*ours) < 0.03 and error(*theirs) < 0.03

        eye.wait_until(is_split, f"the split at {split}")
        shown = card(eye, (128, 72))
        assert error(shown[rows, left], rendered[rows, left]) > 0.035
        assert error(shown[rows, right], recorded[rows, right]) > 0.035


def is_of(state: State, frame: int) -> bool:
    return state.comparison is not None and state.comparison.frame == frame


def test_whoever_leaves_the_camera_sees_the_scene_again(eye: Eye) -> None:
    before = eye.picture()
    eye.viewer.controls.quality.show_in_view(True, eye.client)
    eye.picture()
    eye.viewer.controls.cameras.overview(eye.client)
    eye.viewer.store.set_view(frusta="none")
    assert error(eye.picture(), before) < 0.02


def test_choosing_minus_on_the_page_shows_the_difference_and_its_gain(eye: Eye) -> None:
    eye.page.get_by_role("tab", name="Cameras").click()
    eye.page.get_by_label("Compare", exact=True).click()
    eye.page.get_by_role("option", name="Minus").click()
    eye.wait_until(lambda: eye.viewer.store.state.comparing.mode == "minus", "the mode to change")
    eye.page.get_by_text("Gain", exact=True).wait_for(timeout=10_000)
    eye.page.get_by_text("Difference", exact=True).wait_for(timeout=10_000)


def test_every_frame_is_scored_in_the_background_and_the_worst_is_a_click_away(eye: Eye) -> None:
    eye.wait_until(lambda: len(eye.viewer.store.state.scores) == 11, "all scores")
    scores = eye.viewer.store.state.scores
    lowest = min(scores, key=lambda score: score.psnr)
    eye.page.get_by_role("tab", name="Cameras").click()
    eye.page.get_by_text("All frames of this camera").click()
    eye.page.get_by_role("button", name="Worst frame").click()
    eye.wait_until(lambda: eye.viewer.clock.playhead.time == pytest.approx(lowest.time), "the playhead to go there")


def test_a_warning_appears_when_the_view_leaves_what_was_recorded_and_goes_when_it_comes_back(eye: Eye) -> None:
    eye.wait_until(lambda: eye.viewer.store.state.surveyed == 1.0, "the recorded cameras to be looked through")
    warning = eye.page.get_by_text("of this view was never recorded")
    eye.viewer.controls.cameras.jump(eye.client)
    warning.wait_for(state="detached", timeout=30_000)
    fly_far_off(eye)
    warning.wait_for(timeout=30_000)
    eye.viewer.controls.cameras.jump(eye.client)
    warning.wait_for(state="detached", timeout=30_000)


def test_stripes_lie_over_what_was_never_recorded_only_if_wanted(eye: Eye) -> None:
    fly_far_off(eye)
    eye.page.get_by_text("of this view was never recorded").wait_for(timeout=30_000)
    before = eye.picture()
    eye.page.get_by_role("tab", name="Cameras").click()
    eye.page.get_by_label("Mark what was never recorded").click()
    eye.wait_until(lambda: eye.viewer.store.state.comparing.hatch, "the mark to be set")
    assert error(eye.picture(), before) > 0.05
    eye.viewer.controls.quality.mark_unseen(False)
    assert error(eye.picture(), before) < 0.01


def fly_far_off(eye: Eye) -> None:
    """Beyond the left wall, looking at its outside."""
    pose = np.eye(4)
    pose[:3, :3] = [[-1, 0, 0], [0, 0, -1], [0, -1, 0]]
    pose[:3, 3] = (30.0, 40.0, 10.0)
    look(eye.client, pose, 1.0)
