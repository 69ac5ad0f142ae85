"""What a film will be, said before it is drawn."""

from small_street import make_clip

from flux4d_viewer.files import in_bytes
from flux4d_viewer.film_plan import FilmPlan, plan_film
from flux4d_viewer.jobs.exporting import RecordedWay
from flux4d_viewer.recording import recording_of_clip


def test_a_second_slowed_three_times_at_30_pictures_a_second_is_91_pictures() -> None:
    plan = plan_film(recording_of_clip(make_clip()), RecordedWay("front", fps=30.0, slow=3.0, width=65), "mp4", 8)
    assert plan is not None
    assert (plan.pictures, plan.width, plan.height) == (91, 64, 36)
    assert plan.sentence.startswith("91 pictures of 64 x 36, 3.0 s, about ")


def test_without_such_a_camera_there_is_no_plan() -> None:
    assert plan_film(recording_of_clip(make_clip()), RecordedWay("nose"), "mp4", 8) is None
    assert plan_film(None, RecordedWay("front"), "mp4", 8) is None


def test_only_a_large_gif_is_warned_of() -> None:
    assert "smaller width" in FilmPlan(200, 1280, 720, 6.7, 90e6, "gif").warning
    assert FilmPlan(200, 1280, 720, 6.7, 90e6, "png").warning == ""
    assert FilmPlan(20, 640, 360, 0.7, 2e6, "gif").warning == ""


def test_sizes_are_said_in_words() -> None:
    assert [in_bytes(size) for size in (0, 640_000, 3_200_000, 48_000_000, 2_500_000_000)] == [
        "0.1 kB",
        "640 kB",
        "3.2 MB",
        "48 MB",
        "2.5 GB",
    ]
