"""Two pictures in one, and the scores of all frames."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_street import make_clip
from test_controls import Desk

from flux4d_core.scene.edit.operations import Edits, Hide
from flux4d_viewer.comparison import Comparing, Score, combine, worst
from flux4d_viewer.jobs.comparing import ScoreFrame
from flux4d_viewer.jobs.quality import SurveySeen
from flux4d_viewer.messages import Compared, Reconstructed, Scored, Surveyed
from flux4d_viewer.recording import recording_of_clip
from flux4d_viewer.state import State

RECORDED, RENDERED = np.full((4, 10, 3), 100, np.uint8), np.full((4, 10, 3), 110, np.uint8)
RECORDING = recording_of_clip(make_clip())
SCENE: Any = object()
PICTURE: Any = None
HIDDEN = Edits((Hide("actor-1"),))


def test_beside_shows_the_recorded_image_on_the_left() -> None:
    both = combine(RECORDED, RENDERED, Comparing("beside"))
    assert both.shape == (4, 20, 3)
    assert (both[:, :10] == 100).all() and (both[:, 10:] == 110).all()


def test_a_split_at_thirty_per_cent_has_three_columns_of_ten_recorded() -> None:
    image = combine(RECORDED, RENDERED, Comparing("over", split=0.3))
    assert (image[:, :2] == 100).all() and (image[:, 4:] == 110).all()
    assert (image[:, 2:4] == 255).all()  # the split itself


@pytest.mark.parametrize(("split", "value"), [(0.0, 110), (1.0, 100)])
def test_a_split_at_an_end_shows_one_picture_alone(split: float, value: int) -> None:
    assert (combine(RECORDED, RENDERED, Comparing("over", split=split)) == value).all()


def test_a_difference_of_ten_shows_as_forty_at_a_gain_of_four_whichever_is_brighter() -> None:
    assert (combine(RECORDED, RENDERED, Comparing("minus", gain=4.0)) == 40).all()
    assert (combine(RENDERED, RECORDED, Comparing("minus", gain=4.0)) == 40).all()


def test_blinking_shows_them_by_turns() -> None:
    assert combine(RECORDED, RENDERED, Comparing("blink")) is RECORDED
    assert combine(RECORDED, RENDERED, Comparing("blink", flipped=True)) is RENDERED


def test_the_worst_frame_is_the_cameras_own() -> None:
    scores = tuple(Score(i, 0.1 * i, s, p, 0.9) for i, (s, p) in enumerate([("a", 30), ("a", 25), ("b", 20)]))
    assert worst(scores, "a") == scores[1]
    assert worst(scores, "c") is None


def scored(frame: int, edits: Edits | None = None) -> Scored:
    return Scored(Score(frame, frame / 10, "front", 30.0 - frame, 0.9), edits or Edits())


def opened() -> Desk:
    desk = Desk()
    desk.store.receive(Reconstructed(SCENE, PICTURE))
    desk.store.receive(Compared(0, PICTURE, PICTURE, 30.0, 0.9, 0.0, Edits()))
    desk.store.receive(Surveyed(1.0))
    return desk


def test_at_rest_frames_are_scored_one_after_the_other_and_none_twice() -> None:
    desk = opened()
    desk.controls.quality.settle()
    desk.controls.quality.settle()
    assert desk.jobs == [ScoreFrame(0)]
    desk.store.receive(scored(0))
    desk.controls.quality.settle()
    assert desk.jobs == [ScoreFrame(0), ScoreFrame(1)]


def test_at_rest_what_was_ever_seen_is_looked_at_before_all_is_known() -> None:
    desk = opened()
    desk.store.receive(Surveyed(0.5))
    desk.controls.quality.settle()
    assert desk.jobs == [SurveySeen(), ScoreFrame(0)]


def test_when_all_frames_have_scores_no_more_is_asked_for() -> None:
    desk = opened()
    for frame in range(len(RECORDING.frames)):
        desk.store.receive(scored(frame))
    desk.controls.quality.settle()
    assert desk.jobs == []


def test_scores_are_kept_in_the_order_of_the_frames() -> None:
    desk = opened()
    for frame in (3, 1, 2, 1):
        desk.store.receive(scored(frame))
    assert [score.frame for score in desk.store.state.scores] == [1, 2, 3]


def test_scores_of_other_edits_than_the_present_ones_do_not_count() -> None:
    desk = opened()
    desk.store.receive(scored(0))
    desk.store.receive(scored(1, HIDDEN))
    assert [score.frame for score in desk.store.state.scores] == [0]


def test_after_an_edit_scoring_begins_anew() -> None:
    desk = opened()
    desk.store.receive(scored(0))
    desk.store.change(with_edit)
    desk.controls.quality.settle()
    assert desk.jobs == [ScoreFrame(0, HIDDEN)]
    desk.store.receive(scored(0, HIDDEN))
    assert len(desk.store.state.scores) == 1


def with_edit(state: State) -> State:
    return replace(state, history=state.history.do(*HIDDEN.operations))


def test_the_worst_frame_is_where_the_playhead_goes() -> None:
    desk = opened()
    for frame in (0, 7, 2):
        desk.store.receive(scored(frame))
    desk.controls.quality.go_to_worst(None)
    assert desk.clock.playhead.time == pytest.approx(0.7)
