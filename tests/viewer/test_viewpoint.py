import math

import pytest

from flux4d_core.errors import Flux4dError
from flux4d_viewer.viewpoint import Viewpoint, read_viewpoint

VIEW = Viewpoint((1.0, -2.5, 3.0), (4.0, 5.0, 0.25), math.radians(57.3), 0.5)


def test_a_view_is_one_line_that_is_read_back() -> None:
    assert str(VIEW) == "eye 1.00 -2.50 3.00 look 4.00 5.00 0.25 fov 57.3 time 0.500"
    assert read_viewpoint(str(VIEW)) == VIEW


def test_commas_and_capitals_do_no_harm() -> None:
    assert read_viewpoint("Eye 1, -2.5, 3  Look 4,5,0.25 FOV 57.3 time 0.5") == VIEW


@pytest.mark.parametrize("text", ["", "hello", "eye 1 2 look 3 4 5 fov 60 time 0", "eye 1 2 3 look 4 5 6 fov 60"])
def test_what_is_no_view_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(Flux4dError, match="eye x y z look x y z"):
        read_viewpoint(text)


def test_a_view_of_180_degrees_or_to_nowhere_is_refused() -> None:
    with pytest.raises(Flux4dError, match="1 to 170"):
        read_viewpoint("eye 1 2 3 look 4 5 6 fov 180 time 0")
    with pytest.raises(Flux4dError, match="another place"):
        read_viewpoint("eye 1 2 3 look 1 2 3 fov 60 time 0")
