"""Which frames are shown and which are predicted."""

import pytest
from toy_clip import toy_clip

from flux4d_core.errors import LogError
from flux4d_core.learning.split import SplitConfig, split_clip


def test_the_papers_protocol_shows_every_second_frame_and_predicts_the_rest() -> None:
    split = split_clip(toy_clip(frames=16, width=16, height=12), SplitConfig())

    def numbers(frames: tuple) -> list[int]:
        return [round(frame.camera.time * 10) for frame in frames]

    assert numbers(split.inputs.frames) == [0, 2, 4, 6, 8, 10]
    assert numbers(split.interpolated) == [1, 3, 5, 7, 9]
    assert numbers(split.future) == [11, 12, 13, 14, 15]
    assert [round(sweep.time * 10) for sweep in split.inputs.sweeps] == [0, 2, 4, 6, 8, 10]


def test_a_method_sees_no_sweep_and_no_frame_that_it_must_predict() -> None:
    clip = toy_clip(frames=8, width=16, height=12)
    split = split_clip(clip, SplitConfig(stride=3, inputs=2, future=2))
    shown = {id(frame) for frame in split.inputs.frames}
    assert not shown & {id(frame) for frame in (*split.interpolated, *split.future)}
    assert len(split.inputs.frames) + len(split.interpolated) + len(split.future) == 2 + 2 + 2


def test_a_clip_that_is_too_short_is_refused() -> None:
    with pytest.raises(LogError, match="expected at least 11 sweeps"):
        split_clip(toy_clip(frames=6, width=16, height=12), SplitConfig())
