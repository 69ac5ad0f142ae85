"""One street through our own log folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from same_log import Tolerance, check_same_log
from street import street

from flux4d_core.data.folder import open_folder
from flux4d_core.data.folder_writer import write_log


def test_the_street_comes_back_from_our_own_folder(tmp_path: Path) -> None:
    write_log(street(), tmp_path / "street")
    check_same_log(open_folder(tmp_path / "street"), street(), Tolerance(points=1e-4, point_time_ns=10_000))


def test_the_street_turns_climbs_and_is_seen_by_cameras_of_three_sizes() -> None:
    log = street()
    forward = log.ego_to_global[:, :3, 0]
    assert np.degrees(np.arccos(forward[0] @ forward[-1])) > 5
    assert len({(camera.width, camera.height) for camera in log.cameras}) == 3
    assert len(log.lidars[0].read_scan(0).points) > 3000
    assert len(log.labels[0].track_ids) > 10


@pytest.mark.parametrize("pixels", [0.5, -0.5])
def test_half_a_pixel_is_caught(tmp_path: Path, pixels: float) -> None:
    log = street()
    shifted = replace(log.cameras[0], K=log.cameras[0].K + np.array([[0, 0, pixels], [0, 0, 0], [0, 0, 0]]))
    with pytest.raises(AssertionError, match="K is"):
        check_same_log(replace(log, cameras=(shifted, *log.cameras[1:])), log)
