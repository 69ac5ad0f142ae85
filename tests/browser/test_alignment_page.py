"""The folder that says whether the sensors agree, in a real browser."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from eye import Eye

from flux4d_viewer.messages import AlignmentChecked

PICTURE = np.full((90, 160, 3), (200, 40, 40), np.uint8)


def test_what_a_check_found_is_shown_as_a_picture_and_a_table(open_viewer: Callable[..., Eye]) -> None:
    eye = open_viewer(None)
    verdicts = (("top", "+3 ms", "at the optimum"), ("front", "+21 ms", "best +21 ms later"))
    found = AlignmentChecked(PICTURE, 0.3088, verdicts)
    eye.viewer.store.change(lambda state: replace(state, is_log=True, checked=found))
    eye.page.get_by_role("tab", name="Cameras").click()
    eye.page.get_by_text("Do the sensors agree?").click()
    eye.page.get_by_role("button", name="Check alignment").wait_for()
    eye.page.get_by_text("best +21 ms later").wait_for()
    eye.page.get_by_text("0.309 cubes").wait_for()
    eye.page.get_by_text("LiDAR over images").wait_for()
    widths = eye.page.locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert 160 in widths
