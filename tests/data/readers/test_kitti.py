import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from miniature_logs import (
    CAMERA_DELAY,
    FRAMES,
    HEIGHT,
    PERIOD,
    SECOND,
    SPEED,
    START_NS,
    WALL_AHEAD,
    WIDTH,
    write_kitti,
)
from PIL import Image

from flux4d_core import geometry
from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import box_velocities, boxes_at, boxes_in_clip, inside_boxes
from flux4d_core.data.readers.kitti import beam_delays_ns, open_kitti
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

LOGS = Path(__file__).parents[3].parent / "shared" / "logs"
DRIVE = LOGS / "kitti_raw" / "2011_09_26" / "2011_09_26_drive_0013_sync"
LABELS = LOGS / "kitti_tracking" / "training" / "label_02" / "0003.txt"
real_drive = pytest.mark.skipif(not DRIVE.exists(), reason="the KITTI drive 0013 is not on this machine")


def test_a_miniature_drive_opens_with_its_times_sizes_and_names(tmp_path: Path) -> None:
    log = open_kitti(write_kitti(tmp_path))
    assert (log.name, log.format) == ("2011_09_26_drive_0001_sync", "KITTI raw")
    assert [camera.name for camera in log.cameras] == ["image_02"]
    assert (log.cameras[0].width, log.cameras[0].height) == (WIDTH, HEIGHT)
    assert log.lidars[0].times_ns[0] == START_NS
    np.testing.assert_array_equal(np.diff(log.lidars[0].times_ns), round(PERIOD * SECOND))
    np.testing.assert_array_equal(log.cameras[0].times_ns - log.lidars[0].times_ns, round(CAMERA_DELAY * SECOND))


def test_a_wall_seen_from_a_moving_car_is_flat_and_where_it_stands(tmp_path: Path) -> None:
    clip = cut(open_kitti(write_kitti(tmp_path)), Window(duration=0.4))
    assert len(clip.sweeps) == FRAMES
    for sweep in clip.sweeps:
        torch.testing.assert_close(sweep.points, torch.from_numpy(WALL_AHEAD).float(), atol=1e-3, rtol=0)


def test_without_de_skewing_that_wall_would_be_bent_by_centimetres(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    skewed = np.fromfile(drive / "velodyne_points/data/0000000000.bin", np.float32).reshape(-1, 4)
    # The first sweep's middle is at the origin: the points as measured, in the world.
    off = skewed[:, 0] - 60.0
    assert off.max() > 0.05 and off.min() < -0.05


def test_the_scanner_turns_clockwise_and_looks_ahead_half_way() -> None:
    ahead, left, right = np.array([[1.0, 0, 0], [0, 1, 0], [0, -1, 0]])
    delays = beam_delays_ns(np.stack([ahead, left, right]), 100_000_000)
    assert delays.tolist() == [0, -25_000_000, 25_000_000]


def test_every_point_carries_the_time_of_its_beam(tmp_path: Path) -> None:
    sweep = cut(open_kitti(write_kitti(tmp_path)), Window(duration=0.4)).sweeps[1]
    lefts, rights = sweep.times[sweep.points[:, 1] > 30], sweep.times[sweep.points[:, 1] < -30]
    assert bool((lefts < 0.1).all()) and bool((rights > 0.1).all())
    assert float(sweep.times.min()) >= 0.05 and float(sweep.times.max()) <= 0.15


def test_a_point_on_the_optical_axis_is_seen_at_the_principal_point_half_a_pixel_on(tmp_path: Path) -> None:
    clip = cut(open_kitti(write_kitti(tmp_path)), Window(duration=0.4))
    camera = clip.frames[2].camera
    pixels, depths = geometry.project(torch.tensor([[12.1, 0.0, 0.0]]), camera.K, camera.camera_to_world)
    # The file says 31.5 with the first pixel's centre at 0. The camera took the picture at x = 10 m/s * 0.21 s.
    torch.testing.assert_close(pixels, torch.tensor([[32.0, 24.0]]), atol=1e-3, rtol=0)
    assert float(depths) == pytest.approx(12.1 - SPEED * (0.2 + CAMERA_DELAY), abs=1e-4)


def test_the_offset_in_p_rect_moves_the_camera_sideways(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    calibration = drive.parent / "calib_cam_to_cam.txt"
    # 40 * 0.5: the camera sees points of camera 0 half a metre further right, so it is half a metre to the left.
    calibration.write_text(calibration.read_text().replace("40.0 0 31.5 0 0", "40.0 0 31.5 20 0"))
    camera = cut(open_kitti(drive), Window(duration=0.4)).frames[0].camera
    assert float(camera.camera_to_world[1, 3]) == pytest.approx(0.5, abs=1e-6)


def test_files_are_matched_by_number_and_not_by_place_in_the_list(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    (drive / "velodyne_points/data/0000000001.bin").unlink()
    (drive / "image_02/data/0000000000.png").unlink()
    log = open_kitti(drive)
    clip = cut(log, Window(duration=0.4))
    assert [sweep.time for sweep in clip.sweeps] == pytest.approx([0.0, 0.2, 0.3, 0.4])
    assert [frame.camera.time for frame in clip.frames] == pytest.approx([0.11, 0.21, 0.31, 0.41])
    assert int(clip.frames[0].image[0, 0, 2]) == 40
    for sweep in clip.sweeps:
        torch.testing.assert_close(sweep.points, torch.from_numpy(WALL_AHEAD).float(), atol=1e-3, rtol=0)
    assert any("1 of 5 files are missing; the first is 0000000001" in note for note in log.notes)


def test_grey_cameras_are_read_where_there_is_no_colour_and_left_out_where_there_is(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    calibration = drive.parent / "calib_cam_to_cam.txt"
    text = calibration.read_text()
    calibration.write_text(text + "".join(line.replace("_02", "_00") for line in text.splitlines(True)[2:]))
    (drive / "image_00/data").mkdir(parents=True)
    (drive / "image_00/timestamps.txt").write_text((drive / "image_02/timestamps.txt").read_text())
    for i in range(FRAMES):
        Image.new("L", (WIDTH, HEIGHT), 90).save(drive / f"image_00/data/{i:010d}.png")
    both = open_kitti(drive)
    assert [camera.name for camera in both.cameras] == ["image_02"]
    assert any("grey image_00" in note for note in both.notes)
    (drive / "image_02").rename(drive / "kept_elsewhere")
    grey = open_kitti(drive)
    assert [camera.name for camera in grey.cameras] == ["image_00"]
    assert (grey.cameras[0].read_image(0) == 90).all()


@pytest.mark.parametrize("above", [0, 1, 2])
def test_the_drive_its_day_or_the_folder_above_may_be_named(above: int, tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    path = [drive, drive.parent, drive.parent.parent][above]
    assert open_log(path).name == drive.name


def test_a_folder_with_two_drives_is_an_error_that_lists_them(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    (drive.parent / "2011_09_26_drive_0002_sync").symlink_to(drive)
    with pytest.raises(LogError, match=r"found 2 \(2011_09_26_drive_0001_sync, 2011_09_26_drive_0002_sync\)"):
        open_log(drive.parent)


def test_a_calibration_beside_the_sensors_does_too(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    for file in drive.parent.glob("calib*"):
        file.rename(drive / file.name)
    assert len(open_kitti(drive).cameras) == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("calib_cam_to_cam.txt", "P_rect_02: 40.0", "P_rect_02: 0", "P_rect_02 is not a camera's projection"),
        ("calib_cam_to_cam.txt", "P_rect_02: 40.0", "P_rect_02: 1e308", "P_rect_02 is not a camera's projection"),
        ("calib_cam_to_cam.txt", "P_rect_02: 40.0", "P_rect_02: nan", "expected 12 numbers after 'P_rect_02:'"),
        ("calib_cam_to_cam.txt", f"S_rect_02: {WIDTH}", "S_rect_02: 99999", "S_rect_02 is not the size of an image"),
        ("calib_cam_to_cam.txt", "R_rect_00", "R_rect_09", "expected 9 numbers after 'R_rect_00:'"),
        ("calib_velo_to_cam.txt", "R: 0 -1", "R: 0 -2", "R is not a rotation"),
        ("calib_imu_to_velo.txt", "T: 0 0 0", "T: 0 0", "expected 3 numbers after 'T:'"),
    ],
)
def test_a_wrong_calibration_is_an_error_that_names_file_and_entry(
    file: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    drive = write_kitti(tmp_path)
    path = drive.parent / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(LogError, match=f"{file}.*{message}"):
        open_kitti(drive)


def test_images_of_another_size_than_the_calibrations_are_an_error_that_names_both(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    for image in (drive / "image_02/data").iterdir():
        Image.new("RGB", (100, 50)).save(image)
    with pytest.raises(LogError, match="for images of 64x48 pixels, this one has 100x50"):
        cut(open_kitti(drive), Window(duration=0.4))


def test_stamps_out_of_order_are_an_error_and_a_single_one_a_note(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    stamps = drive / "oxts/timestamps.txt"
    lines = stamps.read_text().splitlines()
    stamps.write_text("\n".join([lines[0], lines[1], lines[3], lines[2], lines[4]]))
    assert any("1 time stamps are out of order" in note for note in open_kitti(drive).notes)
    stamps.write_text("\n".join(reversed(lines)))
    with pytest.raises(LogError, match="out of order"):
        open_kitti(drive)


def test_a_scan_of_other_numbers_is_not_taken_for_one(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    for value, message in ((1e6, "no returns of a Velodyne"), (float("nan"), "no returns of a Velodyne")):
        np.full((50, 4), value, np.float32).tofile(drive / "velodyne_points/data/0000000000.bin")
        with pytest.raises(LogError, match=message):
            open_kitti(drive).lidars[0].read_scan(0)


def test_a_few_points_that_are_not_finite_are_dropped(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    path = drive / "velodyne_points/data/0000000000.bin"
    points = np.fromfile(path, np.float32).reshape(-1, 4)
    points[:3] = np.nan
    points.tofile(path)
    assert len(open_kitti(drive).lidars[0].read_scan(0).points) == len(points) - 3


@real_drive
def test_drive_0013_has_34_images_and_sweeps_at_9_66_hz() -> None:
    log = open_log(DRIVE)
    assert len(log.cameras[0].times_ns) == len(log.lidars[0].times_ns) == 34
    assert np.median(np.diff(log.lidars[0].times_ns)) == pytest.approx(103.5e6, abs=0.2e6)
    # The camera fires 10.5 ms after the middle of the turn.
    assert np.median(log.cameras[0].times_ns - log.lidars[0].times_ns) == pytest.approx(10.5e6, abs=0.2e6)


@real_drive
def test_the_own_car_drives_10_8_to_12_metres_a_second() -> None:
    log = open_log(DRIVE)
    metres = np.linalg.norm(np.diff(log.ego_to_global[:, :3, 3], axis=0), axis=-1)
    speeds = metres / (np.diff(log.ego_times_ns) / SECOND)
    assert speeds.min() > 10.8 and speeds.max() < 12.0
    # And forwards: along its own x axis.
    ahead = np.einsum("pij,pi->pj", log.ego_to_global[:-1, :3, :3], np.diff(log.ego_to_global[:, :3, 3], axis=0))
    assert (ahead[:, 0] > 0.99 * metres).all()


@real_drive
def test_the_overtaking_car_fills_its_box_and_drives_14_6_metres_a_second() -> None:
    log = open_log(DRIVE, LogChoice(labels=LABELS))
    clip = cut(log, Window(start=0.5))
    boxes = boxes_in_clip(log, clip.start_ns)
    for sweep in clip.sweeps:
        now, motion = boxes_at(boxes, sweep.time), box_velocities(boxes, sweep.time)
        car = now.track_ids.index("0")
        assert now.classes[car] == "Car"
        assert int(inside_boxes(sweep.points, now, 0.1)[car].sum()) > 500
        assert float(motion.linear[car].norm()) == pytest.approx(14.55, abs=0.4)


@real_drive
def test_de_skewing_sharpens_the_map_and_the_other_sense_of_turning_blurs_it() -> None:
    log = open_log(DRIVE)
    lidar = log.lidars[0]
    voxels: dict[str, set[tuple[int, ...]]] = {"as read": set(), "skewed": set(), "the other way": set()}
    for i in range(4, 16, 3):
        scan = lidar.read_scan(i)
        near = np.linalg.norm(scan.points - lidar.lidar_to_global[i][:3, 3], axis=-1) < 25
        velocity = (lidar.lidar_to_global[i + 1] - lidar.lidar_to_global[i - 1])[:3, 3]
        velocity /= (lidar.times_ns[i + 1] - lidar.times_ns[i - 1]) / SECOND
        late = (scan.times_ns[near] - lidar.times_ns[i])[:, None] / SECOND
        for name, turns in (("as read", 0), ("skewed", 1), ("the other way", 2)):
            places = np.floor((scan.points[near] - turns * velocity * late) / 0.2).astype(int)
            voxels[name].update(map(tuple, places.tolist()))
    assert len(voxels["as read"]) < len(voxels["skewed"]) < len(voxels["the other way"])


@real_drive
def test_one_second_of_drive_0013_is_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = cut(open_log(DRIVE), Window(start=1.0))
    assert len(clip.frames) == len(clip.sweeps) == 10
    assert 100_000 < len(clip.sweeps[0].points) < 130_000
    assert float(clip.sweeps[0].intensities.min()) >= 0 and float(clip.sweeps[0].intensities.max()) <= 1
