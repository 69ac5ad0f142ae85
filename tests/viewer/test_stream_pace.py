from flux4d_viewer.canvas.stream import MIN_SCALE, STEP_SECONDS, Pace


def settled(seconds_at_full: float) -> float:
    """The size that comes out when a full picture costs so long and cost grows with the pixels."""
    pace = Pace()
    for _ in range(50):
        pace = pace.after(seconds_at_full * pace.scale**2)
    return pace.scale


def test_a_quick_renderer_gives_full_pictures() -> None:
    assert settled(0.01) == 1.0


def test_a_renderer_four_times_too_slow_gives_half_the_width() -> None:
    assert abs(settled(4 * STEP_SECONDS) - 0.5) < 0.01


def test_pictures_never_become_too_small_to_see() -> None:
    assert settled(100.0) == MIN_SCALE
