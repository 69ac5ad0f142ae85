"""One street through recordings of ROS: every container, every kind of image, every source of poses."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from same_log import Tolerance, check_same_log, pose_difference
from street import street
from write_ros import Make, RosOptions, type_store, write_messages, write_ros

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import Log
from flux4d_core.data.poses import invert
from flux4d_core.data.ros import odometry
from flux4d_core.data.ros.open import list_logs, open_ros, recognises
from flux4d_core.data.ros.topics import describe_topics
from flux4d_core.data.ros.video import has_key_frame
from flux4d_core.errors import LogError


def unlabelled() -> Log:
    """The street without boxes, which recordings do not hold."""
    return replace(street(), labels=())


def written(root: Path, options: RosOptions) -> Log:
    return open_ros(write_ros(unlabelled(), root, options), LogChoice())


CONTAINERS = [
    RosOptions(container="sqlite3"),
    RosOptions(container="sqlite3", compression="zstd"),
    RosOptions(container="mcap"),
    RosOptions(container="mcap", compression="zstd"),
    RosOptions(container="mcap file"),
    RosOptions(container="mcap file", compression="lz4"),
    RosOptions(container="mcap file", compression="zstd"),
    RosOptions(container="ros1"),
    RosOptions(container="ros1", compression="bz2"),
    RosOptions(container="ros1", compression="lz4"),
]


@pytest.mark.parametrize("options", CONTAINERS, ids=lambda options: f"{options.container} {options.compression}")
def test_the_street_comes_back_from_every_container(options: RosOptions, tmp_path: Path) -> None:
    path = write_ros(unlabelled(), tmp_path, options)
    assert recognises(path) and len(list_logs(path)) == 1
    log = open_ros(path, LogChoice())
    check_same_log(log, unlabelled(), Tolerance())
    assert log.name == "drive" and not any("left out" in note or "differ" in note for note in log.notes)


@pytest.mark.parametrize("encoding", ["bgr8", "rgba8", "bgra8", "png"])
def test_colour_images_come_back_exactly(encoding: str, tmp_path: Path) -> None:
    check_same_log(written(tmp_path, RosOptions(container="mcap file", images=encoding)), unlabelled())


@pytest.mark.parametrize(
    ("kind", "grey_levels"),
    [("jpeg", 3.0), ("h264", 1.5), ("hevc", 1.5), ("ffmpeg h264", 1.5), ("yuyv", 3), ("uyvy", 3)],
)
def test_lossy_images_come_back_nearly(kind: str, grey_levels: float, tmp_path: Path) -> None:
    log = written(tmp_path, RosOptions(container="mcap file", images=kind))
    check_same_log(log, unlabelled(), Tolerance(image=grey_levels))


@pytest.mark.parametrize("encoding", ["mono8", "mono16"])
def test_grey_images_repeat_their_value(encoding: str, tmp_path: Path) -> None:
    image = written(tmp_path, RosOptions(container="mcap file", images=encoding)).cameras[0].read_image(2)
    grey = unlabelled().cameras[0].read_image(2).mean(-1).round()
    assert np.abs(image.astype(float) - grey[..., None]).max() <= 1


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_a_mosaic_of_one_colour_is_that_colour_everywhere(pattern: str, tmp_path: Path) -> None:
    plain = np.full((48, 64, 3), (200, 120, 40), np.uint8)
    first = unlabelled().cameras[0]
    camera = replace(first, width=64, height=48, read_image=lambda i: plain)
    log = replace(unlabelled(), cameras=(camera,))
    path = write_ros(log, tmp_path, RosOptions(container="mcap file", images=f"bayer_{pattern}8"))
    image = open_ros(path, LogChoice()).cameras[0].read_image(0)
    assert np.abs(image.astype(int) - (200, 120, 40)).max() <= 2


def test_images_of_a_video_are_the_same_in_any_order_and_from_any_thread(tmp_path: Path) -> None:
    camera = written(tmp_path, RosOptions(container="mcap file", images="h264")).cameras[0]
    in_order = [camera.read_image(i).copy() for i in range(6)]
    shuffled: dict[int, np.ndarray] = {}
    path = next(tmp_path.glob("*.mcap"))
    again = open_ros(path, LogChoice()).cameras[0]
    threads = [
        threading.Thread(target=lambda i=i: shuffled.update({i: again.read_image(i)})) for i in (5, 0, 3, 1, 4, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((shuffled[i] == in_order[i]).all() for i in range(6))


def test_key_frames_are_told_by_their_nal_units() -> None:
    assert has_key_frame(b"\0\0\0\1\x67abc\0\0\1\x65abc", "h264") and not has_key_frame(b"\0\0\1\x41abc", "h264")
    assert has_key_frame(b"\0\0\1\x26\x01abc", "hevc") and not has_key_frame(b"\0\0\1\x02\x01abc", "hevc")


def test_poses_of_odometry_are_taken_where_tf_has_only_the_sensors(tmp_path: Path) -> None:
    log = written(tmp_path, RosOptions(poses="odometry", container="ros1"))
    check_same_log(log, unlabelled())
    assert any("/odometry" in note for note in log.notes)


def test_without_poses_kiss_icp_finds_them_in_the_scans_and_keeps_them(tmp_path: Path) -> None:
    pytest.importorskip("kiss_icp", reason="KISS-ICP is not installed")
    log = written(tmp_path, RosOptions(poses="none", container="mcap file"))
    ours, theirs = log.lidars[0].lidar_to_global, unlabelled().lidars[0].lidar_to_global
    meters, degrees = pose_difference(invert(ours[0]) @ ours, invert(theirs[0]) @ theirs)
    driven = np.linalg.norm((invert(theirs[0]) @ theirs[-1])[:3, 3])
    # Six scans of 16 beams are few; what is asked for is the motion, not its last per cent.
    assert driven > 5 and meters < 0.15 * driven and degrees < 2
    assert any("KISS-ICP" in note for note in log.notes)
    again = open_ros(next(tmp_path.glob("*.mcap")), LogChoice())
    assert (again.ego_to_global == log.ego_to_global).all()


def test_kiss_icp_finds_poses_in_scans_without_times_too(tmp_path: Path) -> None:
    pytest.importorskip("kiss_icp", reason="KISS-ICP is not installed")
    log = written(tmp_path, RosOptions(poses="none", time_field=None, stamp_at=0.5, container="mcap file"))
    ours, theirs = log.lidars[0].lidar_to_global, unlabelled().lidars[0].lidar_to_global
    driven = np.linalg.norm((invert(theirs[0]) @ theirs[-1])[:3, 3])
    assert abs(np.linalg.norm((invert(ours[0]) @ ours[-1])[:3, 3]) - driven) < 0.25 * driven


@pytest.mark.parametrize("ending", ["os.abort()", "sys.stdout.buffer.write(bytes(100))"])
def test_a_library_that_ends_its_process_costs_a_sentence_and_not_ours(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("kiss_icp", reason="KISS-ICP is not installed")
    broken = tmp_path / "broken.py"
    broken.write_text(f"import os, sys\nsys.stdin.buffer.read(1)\n{ending}\n")
    monkeypatch.setattr(odometry, "_PROCESS", broken)
    scan = np.ones((100_000, 3)), np.arange(100_000)
    with pytest.raises(LogError, match=r"could not align|gave up"):
        odometry.track_by_kiss_icp(str(tmp_path), 20, lambda i: scan)


def test_a_moving_mount_is_followed(tmp_path: Path) -> None:
    """A frame that turns against the vehicle while that one drives: both are looked up at the image's stamp."""
    store = type_store(False)
    make, messages = Make(store, False), []
    camera = unlabelled().cameras[0]
    for i in range(21):
        time_ns, angle = i * 50_000_000, 0.1 * i
        vehicle, mount = np.eye(4), np.eye(4)
        vehicle[0, 3] = i
        mount[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        moving = [make.transform(time_ns, "map", "base_link", vehicle)]
        moving += [make.transform(time_ns + 10_000_000, "base_link", "mast", mount)]
        messages.append(("/tf", "tf2_msgs/msg/TFMessage", time_ns + 1, make.tf(moving)))
    eye = np.eye(4)
    eye[2, 3] = 3.0
    static = make.tf([make.transform(0, "mast", "eye", eye)])
    messages.append(("/tf_static", "tf2_msgs/msg/TFMessage", 0, static))
    stamp = 510_000_000
    messages.append(("/eye/camera_info", "sensor_msgs/msg/CameraInfo", stamp, make.camera_info(stamp, camera)))
    image = np.zeros((camera.height, 3 * camera.width), np.uint8)
    messages.append(("/eye/image_raw", "sensor_msgs/msg/Image", stamp, make.image(stamp, "eye", "rgb8", image)))
    path = write_messages(messages, tmp_path, "mcap file", store, "")
    pose = open_ros(path, LogChoice()).cameras[0].camera_to_global[0]
    # At 0.51 s the vehicle is at 10.2 m, and the mast, stamped 10 ms later than its turn, has turned by 1 rad.
    assert np.allclose(pose[:3, 3], [10.2, 0, 3]) and np.allclose(pose[0, 0], np.cos(1.0), atol=1e-6)


def test_stamps_count_and_not_the_time_of_recording(tmp_path: Path) -> None:
    log = written(tmp_path, RosOptions(container="mcap file", received_late=3_000_000_000))
    check_same_log(log, unlabelled())
    assert sum("differ by 3" in note for note in log.notes) == 4


def test_the_topics_of_a_recording_are_listed_with_their_roles(tmp_path: Path) -> None:
    path = write_ros(unlabelled(), tmp_path, RosOptions(container="mcap file"))
    lines = {line.split()[0]: line for line in describe_topics(path, LogChoice()).splitlines()}
    assert lines["/front/image_raw"].endswith("camera front")
    assert lines["/lidar/points"].endswith("LiDAR lidar")
    assert lines["/front/camera_info"].endswith("calibration of camera front")
    assert lines["/tf"].endswith("frames and poses")


def test_of_several_recordings_in_a_folder_one_is_chosen_by_name(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        (tmp_path / name).mkdir()
        write_ros(unlabelled(), tmp_path / name, RosOptions(container="mcap file")).rename(tmp_path / f"{name}.mcap")
    assert list_logs(tmp_path) == ("monday", "tuesday")
    assert open_ros(tmp_path, LogChoice(name="tue")).name == "tuesday"
    with pytest.raises(LogError, match="monday, tuesday"):
        open_ros(tmp_path, LogChoice())
