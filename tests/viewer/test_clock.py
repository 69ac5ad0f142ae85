import threading
import time
from collections.abc import Callable
from dataclasses import replace

from flux4d_viewer.clock import REST, Clock, Playhead

TWO_SECONDS = Playhead(start=0.0, end=2.0)


def test_half_a_second_on_the_wall_at_double_speed_is_one_second_of_the_drive() -> None:
    assert replace(TWO_SECONDS, playing=True, speed=2.0).after(0.5).time == 1.0


def test_a_paused_playhead_stays() -> None:
    assert TWO_SECONDS.at(0.7).after(5.0).time == 0.7


def test_a_loop_goes_on_at_the_start_by_what_it_went_beyond_the_end() -> None:
    assert replace(TWO_SECONDS, time=1.5, playing=True).after(1.0).time == 0.5


def test_without_a_loop_playing_stops_at_the_end() -> None:
    ended = replace(TWO_SECONDS, time=1.5, playing=True, loop=False).after(1.0)
    assert ended.time == 2.0
    assert not ended.playing


def test_play_at_the_end_without_a_loop_begins_again() -> None:
    again = replace(TWO_SECONDS, time=2.0, loop=False).toggled()
    assert again.playing
    assert again.time == 0.0


def test_a_playhead_stays_within_what_was_recorded() -> None:
    assert TWO_SECONDS.at(-1.0).time == 0.0
    assert TWO_SECONDS.at(9.0).time == 2.0


def test_a_recording_of_one_moment_can_be_played() -> None:
    assert replace(Playhead(start=1.0, end=1.0, time=1.0), playing=True).after(1.0).time == 1.0


RECORDED_TWO_PREDICTED_ONE = replace(TWO_SECONDS, ahead=1.0)


def test_one_can_go_a_second_beyond_the_recording_and_no_further() -> None:
    beyond = RECORDED_TWO_PREDICTED_ONE.at(9.0)
    assert beyond.time == 3.0
    assert beyond.is_predicted
    assert not RECORDED_TWO_PREDICTED_ONE.at(2.0).is_predicted


def test_playing_turns_round_where_recording_ends_unless_the_future_is_asked_for() -> None:
    playing = replace(RECORDED_TWO_PREDICTED_ONE, time=1.5, playing=True)
    assert playing.after(1.0).time == 0.5
    assert replace(playing, predict=True).after(1.0).time == 2.5
    assert replace(playing, predict=True).after(1.75).time == 0.25


def test_playing_runs_round_between_the_marks() -> None:
    marked = RECORDED_TWO_PREDICTED_ONE.at(0.5).marked_in().at(1.5).marked_out()
    assert marked.range == (0.5, 1.5)
    playing = replace(marked.at(1.25), playing=True)
    assert playing.after(0.5).time == 0.75
    assert replace(playing, loop=False).after(0.5) == replace(marked.at(1.5), loop=False)
    assert marked.unmarked().range == (0.0, 2.0)


def test_play_pressed_outside_the_range_begins_at_its_start() -> None:
    marked = TWO_SECONDS.at(0.5).marked_in().at(1.5).marked_out()
    for outside in (0.2, 1.5, 1.8):
        assert marked.at(outside).toggled().time == 0.5
    assert marked.at(0.7).toggled().time == 0.7


def test_a_mark_on_the_wrong_side_of_the_other_takes_its_place() -> None:
    assert TWO_SECONDS.at(1.0).marked_out().at(1.5).marked_in().range == (1.5, 2.0)
    assert TWO_SECONDS.at(1.0).marked_in().at(0.5).marked_out().range == (0.0, 0.5)
    assert TWO_SECONDS.at(0.0).marked_out().range == (0.0, 2.0)


def test_a_range_marked_in_the_future_is_played_there_as_long_as_the_future_is() -> None:
    marked = RECORDED_TWO_PREDICTED_ONE.at(1.5).marked_in().at(2.5).marked_out()
    assert marked.predict
    assert marked.range == (1.5, 2.5)
    assert replace(marked, predict=False).range == (1.5, 2.0)
    assert RECORDED_TWO_PREDICTED_ONE.at(2.5).marked_in().range == (2.5, 3.0)


def test_another_recording_begins_at_its_start_without_the_marks_of_the_last() -> None:
    other = replace(TWO_SECONDS.at(0.5).marked_in(), playing=True).over(5.0, 9.0)
    assert (other.time, other.range, other.playing) == (5.0, (5.0, 9.0), False)


def test_what_can_no_longer_be_predicted_is_left() -> None:
    assert RECORDED_TWO_PREDICTED_ONE.at(2.7).predicting(0.0).time == 2.0


def test_a_value_overtaken_by_a_newer_one_never_comes_back() -> None:
    """A late callback reads what the slider shows now, not what it showed when it was called."""
    clock = Clock(lambda _: None, lambda _: None)
    clock.change(lambda _: TWO_SECONDS)
    shown = [0.5]
    late = threading.Thread(target=lambda: clock.follow(lambda: shown[0]))
    shown[0] = 1.5
    clock.follow(lambda: shown[0])
    late.start()
    late.join()
    assert clock.playhead.time == 1.5


def test_of_many_targets_only_the_newest_is_drawn_when_drawing_is_slow() -> None:
    drawn: list[float] = []
    busy, go_on = threading.Event(), threading.Event()

    def draw(playhead: Playhead) -> None:
        drawn.append(playhead.time)
        busy.set()
        go_on.wait(10)

    clock = Clock(draw, lambda _: None)
    clock.change(lambda _: replace(TWO_SECONDS, time=0.0))
    clock.start()
    assert busy.wait(10)
    for target in (0.1, 0.2, 0.3, 0.4, 1.7):
        clock.seek(target)
    go_on.set()
    _wait_until(lambda: len(drawn) >= 2)
    clock.stop()
    assert drawn == [0.0, 1.7]


def test_settling_comes_once_after_the_playhead_has_rested() -> None:
    settled: list[float] = []
    clock = Clock(lambda _: None, lambda playhead: settled.append(playhead.time))
    clock.change(lambda _: TWO_SECONDS)
    clock.start()
    for target in (0.5, 1.0, 1.5):
        clock.seek(target)
    _wait_until(lambda: bool(settled))
    time.sleep(2 * REST)
    clock.stop()
    assert settled == [1.5]


def test_a_change_of_the_state_is_drawn_though_the_playhead_rests() -> None:
    drawn: list[float] = []
    clock = Clock(lambda playhead: drawn.append(playhead.time), lambda _: None)
    clock.start()
    clock.wake()
    _wait_until(lambda: len(drawn) == 1)
    time.sleep(2 * REST)
    clock.wake()
    _wait_until(lambda: len(drawn) == 2)
    clock.stop()
    assert drawn == [0.0, 0.0]


def test_scrubbing_pauses() -> None:
    clock = Clock(lambda _: None, lambda _: None)
    clock.change(lambda _: replace(TWO_SECONDS, playing=True))
    clock.seek(1.0)
    assert clock.playhead == replace(TWO_SECONDS, time=1.0, playing=False)


def test_playing_draws_ever_later_times() -> None:
    drawn: list[float] = []
    clock = Clock(lambda playhead: drawn.append(playhead.time), lambda _: None)
    clock.change(lambda _: replace(Playhead(end=1000.0), playing=True))
    clock.start()
    _wait_until(lambda: len(drawn) >= 5)
    clock.stop()
    assert drawn == sorted(drawn)
    assert drawn[-1] > 0


def _wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
