"""One street through the formats that were read first."""

from pathlib import Path

from same_log import Tolerance, check_same_log
from street import street
from write_dgp_street import write_dgp_street
from write_kitti_raw import one_camera, write_kitti_raw

from flux4d_core.data.formats import open_log


def test_the_street_comes_back_from_kitti_raw(tmp_path: Path) -> None:
    log = one_camera(street())
    tolerance = Tolerance(point_time_ns=100_000, boxes=None, cameras={"front": "image_02"})
    check_same_log(open_log(write_kitti_raw(log, tmp_path)), log, tolerance)


def test_the_street_comes_back_from_dgp_without_the_points_times(tmp_path: Path) -> None:
    read = open_log(write_dgp_street(street(), tmp_path))
    check_same_log(read, street(), Tolerance(points=1e-4, point_time_ns=None, intensity=1e-6))
    assert sorted(set(read.labels[0].classes)) == sorted(set(street().labels[0].classes))
