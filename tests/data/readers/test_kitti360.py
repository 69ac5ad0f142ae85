"""KITTI-360: the street through its layout, its axes and joins, and what is broken."""

import re
from pathlib import Path

import numpy as np
import pytest
from damages import Damage, a_folder, changed, cut_in_half, empty, garbage, missing, outcome_of_damage, thinned, written
from same_log import Tolerance, check_same_log
from street import street
from write_kitti360 import DRIVE, FIRST, in_step, write_kitti360

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.lens import Mei
from flux4d_core.data.readers.kitti360 import list_logs, open_kitti360, recognises
from flux4d_core.errors import LogError

AS_WRITTEN = Tolerance(
    point_time_ns=100_000,
    cameras={"front": "image_00", "front_left": "image_01", "front_right": "image_02"},
)
IMAGES, SCANS, BOXES = (
    f"data_2d_raw/{DRIVE}",
    f"data_3d_raw/{DRIVE}/velodyne_points",
    f"data_3d_bboxes/train/{DRIVE}.xml",
)
POSES = f"data_poses/{DRIVE}/poses.txt"
NUMBER = f"{FIRST:010d}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_kitti360(in_step(thinned(street())), tmp_path_factory.mktemp("kitti360"))


def test_the_street_comes_back_from_kitti_360(tmp_path: Path) -> None:
    log = open_log(write_kitti360(in_step(street()), tmp_path))
    check_same_log(log, in_step(street()), AS_WRITTEN)
    assert (log.format, log.licence) == ("KITTI-360", "CC BY-NC-SA 3.0")


def test_a_drive_is_found_from_the_root_and_from_each_of_its_folders(whole: Path) -> None:
    for path in (whole, whole / POSES.rpartition("/")[0], whole / IMAGES, whole / f"data_3d_raw/{DRIVE}"):
        assert list_logs(path) == (DRIVE,)
        assert open_kitti360(path).name == DRIVE
    assert not recognises(whole / "data_2d_raw") and not recognises(whole / "calibration")


def test_of_several_drives_one_is_named(whole: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "root"
    shutil.copytree(whole, root)
    for folder in ("data_poses", "data_2d_raw", "data_3d_raw"):
        shutil.copytree(root / folder / DRIVE, root / folder / DRIVE.replace("0003", "0010"))
    assert list_logs(root) == (DRIVE, DRIVE.replace("0003", "0010"))
    assert open_kitti360(root, LogChoice(name=DRIVE.replace("0003", "0010"))).name.endswith("0010_sync")
    with pytest.raises(LogError, match=r"expected one KITTI-360 drive, found 2"):
        open_kitti360(root)


def test_a_fisheye_has_the_numbers_of_its_file_and_half_a_pixel_more(whole: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "root"
    shutil.copytree(whole, root)
    file = root / "calibration" / "image_02.yaml"
    text = re.sub(
        r"xi: .*", "xi: 2.25", re.sub(r"k1: .*", "k1: 0.015625", re.sub(r"p2: .*", "p2:-5e-1", file.read_text()))
    )
    file.write_text(re.sub(r"gamma1: .*", "gamma1: 64.", re.sub(r"u0: .*", "u0: 21.5", text)))
    camera = next(camera for camera in open_kitti360(root).cameras if camera.name == "image_02")
    assert isinstance(camera.lens, Mei)
    assert (camera.lens.fx, camera.lens.cx, camera.lens.xi) == (64.0, 22.0, 2.25)
    assert (camera.lens.k1, camera.lens.p1, camera.lens.p2) == (0.015625, 0.0, -0.5)


def test_while_the_car_stands_frames_without_a_pose_are_where_it_stands(whole: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "root"
    shutil.copytree(whole, root)
    lines = (root / POSES).read_text().splitlines()
    # A hundred seconds later the car is 0.2 m further on; the images of the frame after the gap have that number.
    pose = np.array(lines[-1].split()[1:], float).reshape(3, 4)
    pose[:, 3] += 0.2 * pose[:, 0]
    later = FIRST + 1000
    (root / POSES).write_text("\n".join([*lines, f"{later} " + " ".join(map(str, pose.ravel()))]))
    folder = root / IMAGES / "image_00"
    stamps = (folder / "timestamps.txt").read_text().splitlines()
    last = np.datetime64(stamps[-1].replace(" ", "T"), "ns")
    more = [str(last + np.timedelta64(100_000_000 * (i + 1), "ns")).replace("T", " ") for i in range(1000)]
    (folder / "timestamps.txt").write_text("\n".join([*stamps, *more]))
    halfway = FIRST + 5 + (1000 - 5) // 2
    shutil.copy(folder / "data_rect" / f"{NUMBER}.png", folder / "data_rect" / f"{halfway:010d}.png")
    log = open_kitti360(root)
    front = log.cameras[0]
    assert len(front.times_ns) == 7
    moved = np.linalg.norm(front.camera_to_global[6, :3, 3] - front.camera_to_global[5, :3, 3])
    assert moved == pytest.approx(0.1, abs=0.001)


def test_where_the_car_drove_on_frames_without_a_pose_are_left_out(whole: Path, tmp_path: Path) -> None:
    lines = (whole / POSES).read_text().splitlines()
    far = [f"{FIRST + 1000} " + lines[-1].split(" ", 1)[1].replace(lines[-1].split()[4], "9999.0")]
    outcome = outcome_of_damage(whole, POSES, written("\n".join(lines[:3] + far)), tmp_path)
    assert not outcome.error
    assert "3 of 6 files are of frames without a pose" in outcome.remarks


def test_boxes_that_are_mirrored_or_upside_down_are_the_same_boxes(whole: Path, tmp_path: Path) -> None:
    from flux4d_core.data.readers.kitti360_labels import _placed

    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    pose = np.eye(4)
    pose[:3, 3] = 1.0, 2.0, 3.0
    for signs in ([1, 1, 1], [1, -1, -1], [1, -1, 1], [-1, -1, 1]):
        pose[:3, :3] = np.diag([4.0, 2.0, 1.5]) @ np.diag(signs)
        placed, size = _placed(pose, corners, "here")
        assert size == pytest.approx((4.0, 2.0, 1.5))
        assert placed[:3, 3] == pytest.approx([1.0, 2.0, 3.0]) and placed[2, 2] == pytest.approx(1.0)
        assert np.linalg.det(placed[:3, :3]) == pytest.approx(1.0)


def focal_lengths(line: str) -> Damage:
    """Another first number in a line of perspective.txt."""
    return lambda path: path.write_text(re.sub(rf"{line.split()[0]} \S+", line, path.read_text()))


@pytest.mark.parametrize(
    ("file", "damage", "sentence"),
    [
        (POSES, empty, "poses.txt: the file of poses is empty"),
        (POSES, garbage, "poses.txt: the file of poses is not text"),
        (POSES, written("1 2 3\n4 5 6\n"), "expected lines of a frame number and a pose of twelve numbers, found 0"),
        (POSES, written("30 " + "nan " * 12 + "\n31 " + "inf " * 12), "a pose of twelve numbers, found 0"),
        ("calibration/calib_cam_to_pose.txt", missing, "calib_cam_to_pose.txt: the KITTI-360 calibration is missing"),
        ("calibration/calib_cam_to_pose.txt", written("image_00: 1 2 3"), "the pose of image_00 as twelve numbers"),
        ("calibration/calib_cam_to_velo.txt", empty, "calib_cam_to_velo.txt: the KITTI-360 calibration is empty"),
        ("calibration/calib_cam_to_velo.txt", written("0 " * 12), "the pose of camera 0 as twelve numbers"),
        ("calibration/calib_cam_to_velo.txt", cut_in_half, "the pose of camera 0 as twelve numbers"),
    ],
)
def test_without_poses_or_places_there_is_no_log(file: str, damage, sentence: str, whole: Path, tmp_path: Path) -> None:
    assert sentence in outcome_of_damage(whole, file, damage, tmp_path).error


@pytest.mark.parametrize(
    ("file", "damage", "remark"),
    [
        (POSES, cut_in_half, "3 of 6 files are of frames without a pose"),
        ("calibration/perspective.txt", missing, "image_00: left out: .*perspective.txt: .*missing"),
        ("calibration/perspective.txt", changed("P_rect_00: ", "P_rect_00: nan "), "image_00: left out: .*12 numbers"),
        (
            "calibration/perspective.txt",
            focal_lengths("P_rect_00: 1e308"),
            "image_00: left out: .*P_rect_00 is not a camera's projection",
        ),
        (
            "calibration/perspective.txt",
            changed("S_rect_01: ", "S_rect_01: 1e9 1e9 #"),
            "image_01: left out: .*2 numbers",
        ),
        ("calibration/image_02.yaml", empty, "image_02: left out: .*image_02.yaml: .*empty"),
        ("calibration/image_02.yaml", changed("xi: ", "xi: nan #"), "image_02: left out: .*sane number after 'xi:'"),
        ("calibration/image_02.yaml", changed("gamma1: ", "gamma1: -"), "image_02: left out: .*'gamma1:'"),
        ("calibration/image_02.yaml", changed("image_width: ", "image_width: 9999999"), "the size of its images"),
        (f"{IMAGES}/image_00/timestamps.txt", missing, "image_00: .*timestamps.txt: .*missing"),
        (f"{IMAGES}/image_00/data_rect/{NUMBER}.png", missing, "image_00: 31 of 36 files are missing"),
        (f"{IMAGES}/image_00/data_rect/{NUMBER}.png", empty, "image_00: 1 of 4 left out: .*the image is empty"),
        (f"{IMAGES}/image_00/data_rect/{NUMBER}.png", cut_in_half, "image_00: 1 of 4 left out: .*cannot be decoded"),
        (f"{IMAGES}/image_00/data_rect/{NUMBER}.png", a_folder, "image_00: 1 of 4 left out: .*missing"),
        (f"{SCANS}/timestamps.txt", empty, "velodyne_points: .*timestamps.txt: .*empty"),
        (f"{SCANS}/data/{NUMBER}.bin", empty, "velodyne: 1 of 4 left out: .*the Velodyne scan is empty"),
        (f"{SCANS}/data/{NUMBER}.bin", cut_in_half, "velodyne: 1 of 4 left out: .*four float32 a point"),
        (f"{SCANS}/data/{NUMBER}.bin", garbage, "velodyne: 1 of 4 left out: "),
        (BOXES, cut_in_half, "Labels left out: .*not a readable XML file"),
        (BOXES, empty, "Labels left out: .*empty"),
        (BOXES, written("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "Labels left out: .*defines XML entities"),
        (
            BOXES,
            changed("<rows>4</rows>", "<rows>4</rows><data>1 2 nan</data>"),
            "Labels left out: .*rows of 4 numbers",
        ),
        (BOXES, changed("<timestamp>", "<timestamp>x"), "Labels left out: .*an integer in <timestamp>"),
    ],
)
def test_what_is_broken_costs_itself_and_is_named(file: str, damage, remark: str, whole: Path, tmp_path: Path) -> None:
    outcome = outcome_of_damage(whole, file, damage, tmp_path)
    assert not outcome.error and re.search(remark, outcome.remarks), outcome
