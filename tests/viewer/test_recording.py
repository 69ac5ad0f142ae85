from dataclasses import replace

import numpy as np
import pytest
import torch
from small_street import FRAMES, make_clip, make_scene

from flux4d_viewer import recording as module
from flux4d_viewer.recording import recording_of_clip, recording_of_scene, shrink


def test_a_clip_gives_its_images_sweeps_and_way() -> None:
    recorded = recording_of_clip(make_clip())
    assert recorded.sensors == ("front",)
    assert len(recorded.frames) == len(recorded.sweeps) == FRAMES
    assert recorded.span == (0.0, 1.0)
    assert recorded.stamps == pytest.approx(np.arange(FRAMES) / 10)


def test_a_saved_scene_gives_images_and_way_but_no_sweeps() -> None:
    recorded = recording_of_scene(make_scene())
    assert len(recorded.frames) == FRAMES
    assert recorded.sweeps == ()


def test_the_nearest_frame_to_0_56_seconds_is_the_seventh() -> None:
    recorded = recording_of_clip(make_clip())
    frame = recorded.nearest_frame("front", 0.56)
    assert frame is not None
    assert frame.index == 6
    assert recorded.nearest_sweep(0.56) == 6
    assert recorded.nearest_frame("rear", 0.5) is None


def test_a_horizontal_view_of_90_degrees_at_16_to_9_is_58_degrees_high() -> None:
    assert np.degrees(recording_of_clip(make_clip()).frames[0].fov) == pytest.approx(58.7, abs=0.1)


def test_points_take_the_colour_of_the_pixel_that_sees_them() -> None:
    clip = make_clip()
    sweep = clip.sweeps[0]
    ahead = torch.tensor([[10.0, 0.0, 1.5], [-10.0, 0.0, 1.5]])
    two = replace(sweep, points=ahead, times=torch.zeros(2), intensities=torch.ones(2))
    image = clip.frames[0].image.clone()
    image[36, 64] = torch.tensor([1, 2, 3], dtype=torch.uint8)
    frame = replace(clip.frames[0], image=image)
    colors = recording_of_clip(replace(clip, sweeps=(two,), frames=(frame,))).sweeps[0].colors
    assert colors[0].tolist() == [1, 2, 3]
    assert colors[1].tolist() == list(module.UNSEEN_COLOR)


def test_points_are_thinned_to_what_a_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_POINTS", 1000)
    recorded = recording_of_clip(make_clip())
    count = sum(len(sweep.points) for sweep in recorded.sweeps)
    assert 900 < count <= 1000


def test_a_picture_is_shrunk_but_never_enlarged() -> None:
    image = np.zeros((100, 400, 3), dtype=np.uint8)
    assert shrink(image, 200).shape == (50, 200, 3)
    assert shrink(image, 800) is image


def test_a_recording_without_images_steps_by_its_sweeps() -> None:
    recorded = recording_of_clip(replace(make_clip(), frames=()))
    assert recorded.sensors == ()
    assert len(recorded.stamps) == FRAMES
