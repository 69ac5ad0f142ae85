from dataclasses import replace
from pathlib import Path

import pytest
from miniature_logs import FRAMES, HEIGHT, WALL_AHEAD, WIDTH, write_dgp, write_folder, write_kitti

from flux4d_core.data.describe import describe
from flux4d_core.data.formats import open_log


def test_a_miniature_drive_is_summed_up_in_round_numbers(tmp_path: Path) -> None:
    summary = describe(open_log(write_kitti(tmp_path)))
    assert summary.format == "KITTI raw" and summary.duration == pytest.approx(0.4)
    camera, lidar = summary.cameras[0], summary.lidars[0]
    assert (camera.name, camera.width, camera.height, camera.images) == ("image_02", WIDTH, HEIGHT, FRAMES)
    assert camera.rate == pytest.approx(10.0)
    # 64 pixels at a focal length of 40: twice the arc tangent of 0.8.
    assert camera.horizontal_view == pytest.approx(77.3, abs=0.1)
    assert (lidar.sweeps, lidar.points) == (FRAMES, len(WALL_AHEAD))
    assert summary.speeds == pytest.approx((10.0, 10.0, 10.0), abs=1e-3)
    assert summary.labelled_tracks == 0


def test_labels_are_counted_as_objects_and_sweeps(tmp_path: Path) -> None:
    summary = describe(open_log(write_dgp(tmp_path)))
    assert (summary.labelled_tracks, summary.labelled_instants) == (1, FRAMES)


def test_the_text_has_a_line_for_each_sensor_and_for_what_is_missing(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    (drive / "velodyne_points/data/0000000001.bin").unlink()
    text = str(describe(open_log(drive)))
    assert "camera image_02  5 images at 10.00 Hz, 64x48, 77 degrees wide" in text
    assert "lidar velodyne   4 sweeps at 10.00 Hz, about 123 points a sweep" in text
    assert "velodyne_points: 1 of 5 files are missing" in text and "Not in this copy: image_00" in text


def test_a_log_with_one_pose_has_no_speed(tmp_path: Path) -> None:
    log = open_log(write_folder(tmp_path))
    lone = replace(log, ego_times_ns=log.ego_times_ns[:1], ego_to_global=log.ego_to_global[:1])
    assert describe(lone).speeds is None and "own speed" not in str(describe(lone))


def test_scans_that_cannot_be_read_are_said_and_not_raised(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    for scan in (folder / "sweeps").iterdir():
        scan.write_bytes(b"")
    assert "no readable points" in str(describe(open_log(folder)))
