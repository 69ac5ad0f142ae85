"""ZOD sequences: the street through their layout, clocks and lens, and what is broken."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from damages import (
    a_folder,
    changed,
    cut_in_half,
    empty,
    garbage,
    missing,
    outcome_of_damage,
    overwritten,
    thinned,
    written,
)
from denser_track import denser
from same_log import Tolerance, check_same_log
from street import street
from write_zod import LIKE_A_PINHOLE, SEQUENCE, write_zod

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.lens import Fisheye
from flux4d_core.data.log import Log, Scan
from flux4d_core.data.readers.zod import list_logs, open_zod, recognises
from flux4d_core.errors import LogError

pytest.importorskip("h5py", reason="ZOD's poses are in HDF5 files: pip install h5py")

HERE = f"sequences/{SEQUENCE}"
AS_WRITTEN = Tolerance(point_time_ns=1_000, image=3.0, cameras={"front": "camera_front_blur"})


def what_zod_can_say(log: Log) -> Log:
    """One camera, a fisheye; and boxes at one instant."""
    front = log.cameras[0]
    fx, fy, cx, cy = (float(number) for number in (front.K[0, 0], front.K[1, 1], front.K[0, 2], front.K[1, 2]))
    k1, k2, k3, k4 = LIKE_A_PINHOLE
    camera = replace(front, lens=Fisheye(fx, fy, cx, cy, k1, k2, k3, k4))
    return replace(log, cameras=(camera,), labels=(log.labels[len(log.labels) // 2],))


def without_near_returns(log: Log) -> Log:
    """Beside the scanner, ZOD has the own car."""
    lidar = log.lidars[0]

    def read_scan(i: int) -> Scan:
        scan = lidar.read_scan(i)
        far = np.linalg.norm(scan.points - lidar.lidar_to_global[i, :3, 3], axis=-1) > 6
        return Scan(scan.points[far], scan.times_ns[far], scan.intensities[far])

    return replace(log, lidars=(replace(lidar, read_scan=read_scan),))


@pytest.mark.parametrize("compensated", [True, False])
def test_the_street_comes_back_from_zod(tmp_path: Path, compensated: bool) -> None:
    far = without_near_returns(denser(street()))
    log = open_log(write_zod(far, tmp_path, compensated))
    check_same_log(log, what_zod_can_say(far), AS_WRITTEN)
    assert (log.format, log.licence) == ("ZOD", "CC BY-SA 4.0")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zod(thinned(denser(street())), tmp_path_factory.mktemp("zod"))


def first(whole: Path, pattern: str) -> str:
    return str(min(whole.glob(f"{HERE}/{pattern}")).relative_to(whole))


def test_a_sequence_is_found_from_the_root_from_all_sequences_and_from_itself(whole: Path) -> None:
    for path in (whole, whole / "sequences", whole / HERE):
        assert list_logs(path) == (SEQUENCE,)
        assert open_zod(path).name == SEQUENCE
    assert not recognises(whole / HERE / "lidar_velodyne")


def test_of_several_sequences_one_is_named(whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(whole, root)
    shutil.copytree(root / HERE, root / "sequences" / "000002")
    assert list_logs(root) == ("000002", SEQUENCE)
    assert open_zod(root, LogChoice(name="000002")).name == "000002"
    with pytest.raises(LogError, match=r"expected one ZOD sequence, found 2 \(000002, 000581\)"):
        open_zod(root)
    with pytest.raises(LogError, match="a ZOD sequence brings its own labels"):
        open_zod(root / HERE, LogChoice(labels=Path("labels.json")))


def test_gps_time_and_leap_seconds_make_the_time_of_the_file_names(whole: Path) -> None:
    log = open_zod(whole)
    np.testing.assert_array_equal(log.lidars[0].times_ns, street().lidars[0].times_ns)
    assert np.abs(log.ego_times_ns - denser(street()).ego_times_ns).max() < 1000


def test_the_hood_of_a_full_image_is_masked(whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(whole, root)
    file = root / HERE / "calibration.json"
    document = json.loads(file.read_text())
    document["FC"]["image_dimensions"] = [3848, 2168]
    file.write_text(json.dumps(document))
    valid = open_zod(root).cameras[0].valid
    assert valid is not None and valid.shape == (2168, 3848)
    assert valid[:1418].all() and not valid[1418:].any()
    assert open_zod(whole).cameras[0].valid is None


def test_without_the_long_record_the_short_one_places_the_car(whole: Path, tmp_path: Path) -> None:
    outcome = outcome_of_damage(whole, f"{HERE}/oxts.hdf5", missing, tmp_path)
    assert not outcome.error and "is taken from ego_motion.json: " in outcome.remarks


def test_tables_outside_of_the_file_are_not_followed(whole: Path, tmp_path: Path) -> None:
    import h5py

    def lead_out(path: Path) -> None:
        shutil.copy(path, path.with_name("other.hdf5"))
        with h5py.File(path, "r+") as file:
            del file["poses"]
            file["poses"] = h5py.ExternalLink("other.hdf5", "poses")

    outcome = outcome_of_damage(whole, f"{HERE}/oxts.hdf5", lead_out, tmp_path)
    assert "lacks 'poses'" in outcome.remarks


def test_tables_of_absurd_sizes_are_refused_before_they_are_read(whole: Path, tmp_path: Path) -> None:
    import h5py

    def claim(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file["poses"]
            file.create_dataset("poses", (10**12, 4, 4), "f8", chunks=(1, 4, 4))

    outcome = outcome_of_damage(whole, f"{HERE}/oxts.hdf5", claim, tmp_path)
    assert "expected 'poses' as anyx4x4 numbers, found float64 of shape (1000000000000, 4, 4)" in outcome.remarks


@pytest.mark.parametrize("seed", range(12))
def test_a_few_wrong_bytes_in_the_record_never_do_more_than_cost_it(seed: int, whole: Path, tmp_path: Path) -> None:
    outcome = outcome_of_damage(whole, f"{HERE}/oxts.hdf5", overwritten(seed, 40), tmp_path)
    assert not outcome.error or "oxts" in outcome.error, outcome


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (empty, "calibration.json: the calibration is empty"),
        (cut_in_half, "calibration.json: the calibration is not readable JSON"),
        (garbage, "calibration.json: the calibration is not text"),
        (written("{}"), "calibration.json: the file lacks 'FC'"),
        (changed('"extrinsics": [[', '"extrinsics": [[9, '), "FC.extrinsics: expected 4x4 numbers"),
        (changed('"image_dimensions": [', '"image_dimensions": [1e300, 1], "x": ['), "1 to 10000 pixels a side"),
        (changed('"distortion": [', '"distortion": [NaN, '), "NaN is not a number in JSON"),
        (changed('"distortion": [', '"distortion": [1, '), "FC.distortion: expected 4 finite numbers"),
        (changed('"intrinsics": [[', '"intrinsics": [[-'), "a camera matrix with focal lengths above 0"),
    ],
)
def test_a_broken_calibration_is_one_sentence(damage, sentence: str, whole: Path, tmp_path: Path) -> None:
    outcome = outcome_of_damage(whole, f"{HERE}/calibration.json", damage, tmp_path)
    assert sentence in outcome.error, outcome


@pytest.mark.parametrize(
    ("pattern", "damage", "remark"),
    [
        ("oxts.hdf5", empty, "ego_motion.json: .*oxts.hdf5: the GPS/IMU record is empty"),
        ("oxts.hdf5", cut_in_half, "ego_motion.json: .*not a readable HDF5 file"),
        ("oxts.hdf5", garbage, "ego_motion.json: .*not a readable HDF5 file"),
        ("oxts.hdf5", a_folder, "ego_motion.json: .*oxts.hdf5: the GPS/IMU record is missing"),
        ("lidar_velodyne/*", empty, "velodyne: 1 of 4 left out: .*the point cloud is empty"),
        ("lidar_velodyne/*", cut_in_half, "velodyne: 1 of 4 left out: .*expected [0-9]+ points of 22 bytes"),
        ("lidar_velodyne/*", garbage, "velodyne: 1 of 4 left out: .*an .npy file of named columns of numbers"),
        ("lidar_velodyne/*", lambda path: np.save(path.open("wb"), np.zeros(3)), "left out: .*named columns"),
        (
            "lidar_velodyne/*",
            lambda path: np.save(path.open("wb"), np.array([{}, []], object), allow_pickle=True),
            "velodyne: 1 of 4 left out: .*named columns",
        ),
        (
            "lidar_velodyne/*",
            lambda path: np.save(path.open("wb"), np.full(9, np.nan, [(name, "<f4") for name in "xyz"])),
            "lacks the column 'timestamp'",
        ),
        ("camera_front_blur/*", empty, "camera_front_blur: 1 of 4 left out: .*the image is empty"),
        ("camera_front_blur/*", cut_in_half, "camera_front_blur: 1 of 4 left out: .*cannot be decoded"),
        (
            "camera_front_blur/*",
            lambda path: path.rename(path.with_name("a.jpg")),
            "1 of 6 files have no time of their",
        ),
        ("annotations/object_detection.json", cut_in_half, "Labels left out: .*not readable JSON"),
        ("annotations/object_detection.json", changed('"size_3d_width": ', '"size_3d_width": -'), "left out: .*a box"),
        ("annotations/object_detection.json", changed("orientation_3d_qw", "q"), "lacks 'orientation_3d_qw'"),
        ("info.json", missing, "Labels left out: .*info.json: .*missing"),
        ("info.json", changed('"keyframe_time": "', '"keyframe_time": "at '), "Labels left out: .*a time like 2022"),
        ("info.json", changed('"keyframe_time": "2', '"keyframe_time": "1'), "the key frame's time is not known"),
    ],
)
def test_what_is_broken_costs_itself_and_is_named(
    pattern: str, damage, remark: str, whole: Path, tmp_path: Path
) -> None:
    outcome = outcome_of_damage(whole, first(whole, pattern), damage, tmp_path)
    assert not outcome.error and re.search(remark, outcome.remarks), outcome


def test_without_any_record_of_its_way_there_is_no_log(whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(whole, root)
    (root / HERE / "oxts.hdf5").write_bytes(b"")
    outcome = outcome_of_damage(root, f"{HERE}/ego_motion.json", cut_in_half, tmp_path)
    assert re.search("record is empty; nor can its short form be used: .*not readable JSON", outcome.error)
