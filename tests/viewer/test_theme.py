import numpy as np

from flux4d_viewer import theme


def test_slow_is_blue_and_fast_is_red() -> None:
    slow, fast, faster = theme.speed_colors(np.array([0.0, 20.0, 50.0]), 20.0)
    assert slow.argmax() == 2
    assert fast.argmax() == 0
    assert (fast == faster).all()


def test_opposite_headings_have_opposite_colours() -> None:
    ahead, left, back = theme.heading_colors(np.array([[1.0, 0, 0], [0, 1.0, 0], [-1.0, 0, 0]])).astype(int)
    assert ahead.tolist() == [255, 38, 38]
    assert back.tolist() == [38, 255, 255]
    assert left[1] == 255


def test_a_legend_ends_at_a_round_number_above_the_speed() -> None:
    assert [theme.nice_top(speed) for speed in (0.0, 5.0, 5.1, 14.0, 99.0)] == [5.0, 5.0, 10.0, 15.0, 40.0]
    assert "20+ m/s" in theme.speed_legend(20.0)


def test_black_and_white_stay_and_grey_becomes_linear_for_viser() -> None:
    black, grey, white = theme.for_viser(np.array([[0, 0, 0], [188, 188, 188], [255, 255, 255]], dtype=np.uint8))
    assert black.tolist() == [0, 0, 0]
    assert white.tolist() == [255, 255, 255]
    assert abs(int(grey[0]) - 128) <= 1


def test_nothing_from_a_file_becomes_part_of_the_page() -> None:
    evil = "<img src=x onerror=alert(1)>"
    for piece in (
        theme.banner(evil, "error"),
        theme.line(evil),
        theme.readout(evil, evil),
        theme.table([(evil, evil)]),
    ):
        assert "<img" not in piece
        assert "&lt;img" in piece
