"""Why a view is blurred, and the stripes over what was never seen."""

import numpy as np
import pytest

from flux4d_viewer.canvas.units import Pose
from flux4d_viewer.examined import Examined, hatched, rank

POSE = Pose(np.eye(4), 1.0, 200, 120)


def examined(unseen: float = 0.0, guessed: float = 0.0, moving: float = 0.0, speed: float = 0.0) -> Examined:
    return Examined(0, POSE, 0.0, unseen, guessed, moving, speed, np.zeros((4, 4, 4), np.uint8))


def test_the_worst_cause_comes_first() -> None:
    assert rank(examined(unseen=0.9), 0.4, 100, 100)[0].name == "Unseen area"
    assert rank(examined(unseen=0.1), 4.0, 100, 100)[0].name == "Alignment"
    assert rank(examined(), 0.0, 20, 100)[0].name == "Point cap"


def test_every_cause_says_a_number_with_its_unit() -> None:
    numbers = {c.name: c.number for c in rank(examined(0.25, 0.5, 0.1, 12.0), 1.5, 50, 100)}
    assert numbers == {
        "Alignment": "1.5 px",
        "Point cap": "50 %",
        "Unseen area": "25 %",
        "LiDAR gaps": "50 %",
        "Speed of motion": "10 % at 12.0 m/s",
    }


def test_what_is_not_known_is_not_ranked() -> None:
    assert [cause.name for cause in rank(None, None, 100, 100)] == ["Point cap"]


def test_severities_stay_between_none_and_all() -> None:
    assert all(0 <= cause.severity <= 1 for cause in rank(examined(1.0, 1.0, 1.0, 99.0), 99.0, 0, 100))


@pytest.mark.parametrize(("share", "warning"), [(0.1, ""), (0.4, "40 % of this view was never recorded")])
def test_the_page_warns_of_much_that_was_never_seen(share: float, warning: str) -> None:
    assert examined(unseen=share).warning == warning


def test_stripes_lie_where_nothing_was_seen_and_nowhere_else() -> None:
    seen = np.ones((12, 20), dtype=bool)
    seen[:, 10:] = False
    image = hatched(seen)
    assert image.shape == (12 * 32, 640, 4)
    assert (image[:, :320, 3] == 0).all()
    assert (image[:, 320:, 3] > 0).all()
    assert len(np.unique(image[:, 320:, 0])) == 2
