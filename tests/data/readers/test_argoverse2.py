"""Argoverse 2: a street written in its layout comes back; a real log; broken files."""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from same_log import Tolerance, check_same_log
from street import street
from write_argoverse2 import NAME, write_argoverse2

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import LidarStream, Log, Scan
from flux4d_core.data.poses import SECOND_NS, interpolate, invert, transform
from flux4d_core.data.readers.argoverse2 import list_logs, open_argoverse2, recognises
from flux4d_core.errors import LogError
from flux4d_core.evaluation.flow import Returns, flow_metrics

pyarrow = pytest.importorskip("pyarrow")
REAL = Path(__file__).parents[4] / "shared/logs/argoverse2"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL}: the published log is not here")
TOLERANCE = Tolerance(points=0.06, image=3.0, point_time_ns=1)
"""Points are float16: at 64 to 128 m, half a step is 0.03 m along each axis. Images are JPEG."""


def read_all_of(log: Log) -> list[LogError]:
    """Read every image and scan; returns what was refused."""
    problems = []
    for stream in (*log.cameras, *log.lidars):
        read: Callable[[int], object] = stream.read_scan if isinstance(stream, LidarStream) else stream.read_image
        for i in range(len(stream.times_ns)):
            try:
                read(i)
            except LogError as problem:
                problems.append(problem)
    return problems


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("av2")
    write_argoverse2(short_street(), root)
    return root


@lru_cache(maxsize=1)
def short_street() -> Log:
    """Two sweeps and two images a camera."""
    log = street()
    cameras = tuple(
        replace(camera, times_ns=camera.times_ns[:2], camera_to_global=camera.camera_to_global[:2])
        for camera in log.cameras
    )
    lidar = log.lidars[0]
    lidar = replace(lidar, times_ns=lidar.times_ns[:2], lidar_to_global=lidar.lidar_to_global[:2])
    return replace(log, cameras=cameras, lidars=(lidar,), labels=log.labels[:2])


def test_the_street_comes_back_from_argoverse_2(tmp_path: Path) -> None:
    write_argoverse2(street(), tmp_path)
    check_same_log(open_argoverse2(tmp_path), street(), TOLERANCE)


def test_points_differ_from_the_street_by_the_rounding_of_float16_and_nothing_else(pristine: Path) -> None:
    log, truth = open_argoverse2(pristine), short_street()
    i, stamp = 1, int(truth.lidars[0].times_ns[1]) - 54_000_000
    at = int(np.flatnonzero(log.ego_times_ns == stamp)[0])
    to_ego = invert(log.ego_to_global[at])
    stored = transform(to_ego, truth.lidars[0].read_scan(i).points).astype(np.float16).astype(np.float64)
    read = transform(to_ego, log.lidars[0].read_scan(i).points)
    print(f"difference from the rounded street: {np.abs(read - stored).max():.2e} m")
    assert np.abs(read - stored).max() < 1e-9


def test_two_lidars_in_one_file_are_two_sensors_with_their_own_points(tmp_path: Path) -> None:
    truth = short_street()
    lidar = truth.lidars[0]
    halves = [replace(lidar, read_scan=lambda i, k=k: _every_second(lidar.read_scan(i), k)) for k in (0, 1)]
    two = replace(truth, lidars=tuple(halves))
    log = open_argoverse2(write_argoverse2(two, tmp_path))
    assert [stream.name for stream in log.lidars] == ["up_lidar", "down_lidar"]
    check_same_log(log, two, TOLERANCE)


def _every_second(scan: Scan, first: int) -> Scan:
    return Scan(scan.points[first::2], scan.times_ns[first::2], scan.intensities[first::2])


def test_logs_are_found_in_the_root_the_split_and_themselves_and_one_of_several_is_named(
    pristine: Path, tmp_path: Path
) -> None:
    log = pristine / "val" / NAME
    for path in (pristine, pristine / "val", log, log / "city_SE3_egovehicle.feather"):
        assert recognises(path) and list_logs(path) == (NAME,)
    assert not recognises(tmp_path) and not recognises(tmp_path / "absent")
    shutil.copytree(log, tmp_path / "sensor" / "train" / "9f")
    shutil.copytree(log, tmp_path / "sensor" / "val" / NAME)
    assert list_logs(tmp_path) == (NAME, "9f")
    assert open_argoverse2(tmp_path, LogChoice(name="01bb")).name == NAME
    with pytest.raises(LogError, match=f"one Argoverse 2 log, found 2 .{NAME}, 9f"):
        open_argoverse2(tmp_path)


def test_the_bonnet_is_left_out_of_full_images_of_the_front_and_the_rear(pristine: Path, tmp_path: Path) -> None:
    import pyarrow.feather as feather

    root = tmp_path / "av2"
    shutil.copytree(pristine, root)
    path = root / "val" / NAME / "calibration/intrinsics.feather"
    table = feather.read_table(path, memory_map=False).to_pydict()
    table["sensor_name"][0], table["width_px"][0], table["height_px"][0] = "ring_front_center", 1550, 2048
    feather.write_feather(pyarrow.table(table), str(path))
    mounts = path.with_name("egovehicle_SE3_sensor.feather")
    table = feather.read_table(mounts, memory_map=False).to_pydict()
    table["sensor_name"][0] = "ring_front_center"
    feather.write_feather(pyarrow.table(table), str(mounts))
    cameras = root / "val" / NAME / "sensors/cameras"
    (cameras / short_street().cameras[0].name).rename(cameras / "ring_front_center")
    valid = {camera.name: camera.valid for camera in open_argoverse2(root).cameras}
    hood = valid.pop("ring_front_center")
    assert hood is not None and hood[:1798].all() and not hood[1798:].any()
    assert list(valid.values()) == [None, None]


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def text(path: Path) -> None:
    path.write_text("1,2,3\n")


def rewritten(change: Callable[[dict[str, list]], object]) -> Callable[[Path], None]:
    """A damage that changes a table's columns."""

    def damage(path: Path) -> None:
        import pyarrow.feather as feather

        columns = feather.read_table(path, memory_map=False).to_pydict()
        change(columns)
        feather.write_feather(pyarrow.table(columns), str(path))

    return damage


def no_rows(columns: dict[str, list]) -> None:
    for name in columns:
        columns[name] = []


def without(name: str) -> Callable[[dict[str, list]], None]:
    return lambda columns: columns.__delitem__(name)


def every(name: str, value: object) -> Callable[[dict[str, list]], None]:
    return lambda columns: columns.__setitem__(name, [value] * len(columns[name]))


def no_rotation(columns: dict[str, list]) -> None:
    for name in ("qw", "qx", "qy", "qz"):
        columns[name] = [0.0] * len(columns[name])


POSES, LENSES = "city_SE3_egovehicle.feather", "calibration/intrinsics.feather"
MOUNTS, BOXES = "calibration/egovehicle_SE3_sensor.feather", "annotations.feather"
REFUSED = [
    (POSES, empty, "the file of poses is empty"),
    (POSES, cut_in_half, "not a readable Feather"),
    (POSES, text, "not a Feather or Parquet file"),
    (POSES, rewritten(no_rows), "has no rows"),
    (POSES, rewritten(without("qw")), "lacks the column 'qw'"),
    (POSES, rewritten(every("tx_m", float("nan"))), "column 'tx_m': expected finite numbers"),
    (POSES, rewritten(every("tx_m", 1e12)), "row 0: expected a pose"),
    (POSES, rewritten(every("tx_m", "here")), "expected numbers, found string"),
    (POSES, rewritten(every("timestamp_ns", -5)), "expected times in nanoseconds"),
    (LENSES, missing, "the calibration of cameras is missing"),
    (LENSES, cut_in_half, "not a readable Feather"),
    (LENSES, rewritten(every("fx_px", 0.0)), "expected a camera's calibration, found fx 0"),
    (LENSES, rewritten(every("width_px", 2_000_000)), "2000000x"),
    (LENSES, rewritten(every("sensor_name", "a\nb")), "expected a row for the camera 'a.*nb'"),
    (LENSES, rewritten(lambda columns: [every("sensor_name", "a\nb")(columns), every("fx_px", 0.0)(columns)]), "fx 0"),
    (MOUNTS, missing, "the calibration of mounts is missing"),
    (MOUNTS, rewritten(every("sensor_name", "x")), "expected a row for the camera"),
    (MOUNTS, rewritten(no_rotation), "row 0: expected a pose"),
]
NOTED = [
    (BOXES, cut_in_half, "Labels left out"),
    (BOXES, rewritten(every("length_m", -1.0)), "expected boxes with a length"),
    (BOXES, rewritten(every("length_m", float("inf"))), "expected finite numbers"),
    (BOXES, rewritten(every("timestamp_ns", 5)), "have no pose of the car"),
]
SWEEPS = [
    (empty, "the sweep is empty"),
    (cut_in_half, "not a readable Feather"),
    (rewritten(without("offset_ns")), "lacks the column 'offset_ns'"),
    (rewritten(every("x", float("nan"))), "are no returns"),
    (rewritten(every("laser_number", 64)), "are no returns"),
    (rewritten(every("offset_ns", 2_000_000_000)), "are no returns"),
    (rewritten(every("intensity", "bright")), "expected numbers, found string"),
]


@pytest.mark.parametrize(("name", "damage", "said"), REFUSED)
def test_a_broken_table_is_refused_in_one_sentence(
    pristine: Path, tmp_path: Path, name: str, damage: Callable[[Path], None], said: str
) -> None:
    root = tmp_path / "av2"
    shutil.copytree(pristine, root)
    damage(root / "val" / NAME / name)
    with pytest.raises(LogError, match=said) as problem:
        open_argoverse2(root)
    assert name.split("/")[-1] in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize(("name", "damage", "said"), NOTED)
def test_broken_boxes_cost_only_themselves(
    pristine: Path, tmp_path: Path, name: str, damage: Callable[[Path], None], said: str
) -> None:
    root = tmp_path / "av2"
    shutil.copytree(pristine, root)
    damage(root / "val" / NAME / name)
    log = open_argoverse2(root)
    assert log.labels == () and any(said in note for note in log.notes) and not read_all_of(log)


@pytest.mark.parametrize(("damage", "said"), SWEEPS)
def test_a_broken_sweep_costs_only_itself(
    pristine: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    root = tmp_path / "av2"
    shutil.copytree(pristine, root)
    sweep = sorted((root / "val" / NAME / "sensors/lidar").iterdir())[0]
    damage(sweep)
    problems = read_all_of(open_argoverse2(root))
    assert len(problems) == 1 and said in str(problems[0]) and str(sweep) in str(problems[0])


def test_a_log_without_images_opens_as_lidar_only_and_says_so(pristine: Path, tmp_path: Path) -> None:
    root = tmp_path / "av2"
    shutil.copytree(pristine, root)
    shutil.rmtree(root / "val" / NAME / "sensors/cameras")
    log = open_argoverse2(root)
    assert log.cameras == () and len(log.lidars) == 1 and any("no images" in note for note in log.notes)
    shutil.rmtree(root / "val" / NAME / "sensors/lidar")
    with pytest.raises(LogError, match="neither images nor sweeps"):
        open_argoverse2(root)


def test_whatever_bytes_change_only_one_kind_of_error_comes_out(pristine: Path, tmp_path: Path) -> None:
    chance = random.Random(0)
    names = [path.relative_to(pristine) for path in sorted(pristine.rglob("*.*")) if path.is_file()]
    for _ in range(40):
        root = tmp_path / "av2"
        shutil.copytree(pristine, root)
        path = root / chance.choice(names)
        content = bytearray(path.read_bytes())
        for _ in range(chance.choice((1, 3))):
            content[chance.randrange(len(content))] = chance.choice((0, 1, 127, 128, 255))
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                read_all_of(open_argoverse2(root))
            except LogError as problem:
                assert "\n" not in str(problem)
        shutil.rmtree(root)


@needs_real
def test_the_published_log_opens_as_lidar_only_with_its_poses_calibration_and_boxes() -> None:
    log = open_argoverse2(REAL)
    assert log.cameras == () and any("no images" in note for note in log.notes)
    assert [len(lidar.times_ns) for lidar in log.lidars] == [2, 2] and len(log.labels) == 156
    speed = np.linalg.norm(np.diff(log.ego_to_global[:, :3, 3], axis=0), axis=1) / np.diff(log.ego_times_ns) * 1e9
    assert np.median(speed) < 15 and speed.max() < 20
    ego_to_global = interpolate(log.ego_times_ns, log.ego_to_global, log.lidars[0].times_ns)
    mounts = [(invert(ego_to_global) @ lidar.lidar_to_global)[0] for lidar in log.lidars]
    # Both on the roof, the lower one upside down.
    assert np.allclose([mount[:3, 3] for mount in mounts], [[1.35, 0, 1.64], [1.347, 0.005, 1.525]], atol=1e-3)
    assert mounts[0][2, 2] > 0.99 and mounts[1][2, 2] < -0.99
    instant = log.labels[np.argmin([abs(boxes.time_ns - int(log.lidars[0].times_ns[0])) for boxes in log.labels])]
    assert len(instant.track_ids) == 81 and instant.time_ns == log.lidars[0].times_ns[0]


@needs_real
def test_in_the_published_sweeps_each_lidar_turns_once_and_static_things_stay_where_they_are() -> None:
    from scipy.spatial import KDTree

    log = open_argoverse2(REAL)
    for lidar in log.lidars:
        scans = [lidar.read_scan(i) for i in range(2)]
        assert 0.095 < np.ptp(scans[0].times_ns) / SECOND_NS < 0.11
        assert abs(int(np.median(scans[0].times_ns)) - int(lidar.times_ns[0])) < 10_000_000
        away = scans[0].points - lidar.lidar_to_global[0, :3, 3]
        azimuth = np.unwrap(np.arctan2(away[:, 1], away[:, 0])[np.argsort(scans[0].times_ns)], period=2 * np.pi)
        assert abs(np.median(azimuth[-500:]) - np.median(azimuth[:500])) > np.radians(330)
        gap = KDTree(scans[1].points).query(scans[0].points)[0]
        assert np.median(gap) < 0.12


@needs_real
def test_the_published_flow_follows_from_our_points_poses_and_boxes() -> None:
    """What av2-api calls flow, from the first sweep to the second, is what our boxes say that our points do.

    Its truth holds the car's own motion too: the flow's end, placed with the second pose, less its start, placed with
    the first, is what has moved in the world.
    """
    import pyarrow.feather as feather

    log = open_argoverse2(REAL)
    folder = log.path
    stamps = [int(lidar_ns) - 54_000_000 for lidar_ns in log.lidars[0].times_ns]
    flow = feather.read_table(folder / "flow_labels.feather", memory_map=False)
    sweep = feather.read_table(folder / f"sensors/lidar/{stamps[0]}.feather", memory_map=False)
    stored = np.stack([sweep[axis].to_numpy().astype(np.float64) for axis in "xyz"], -1)
    ends = stored + np.stack([flow[f"flow_t{axis}_m"].to_numpy() for axis in "xyz"], -1)
    up = sweep["laser_number"].to_numpy() < 32
    scan = log.lidars[0].read_scan(0)
    before, after = (_pose_at(log, stamp) for stamp in stamps)
    assert np.abs(transform(before, stored[up]) - scan.points).max() < 1e-3
    seconds = (stamps[1] - stamps[0]) / SECOND_NS
    true = (transform(after, ends[up]) - transform(before, stored[up])) / seconds
    ours = _velocities_of_boxes(log, scan.points, stamps, seconds)
    metrics = flow_metrics(
        torch.from_numpy(ours).float(), Returns(torch.from_numpy(true).float(), torch.ones(len(true)))
    )
    print(metrics)
    dynamic = flow["dynamic"].to_numpy(zero_copy_only=False)[up]
    assert abs(metrics.moving_returns - int(dynamic.sum())) < 20 and metrics.moving_returns > 500
    assert metrics.moving_error < 0.05 and metrics.nothing_moves_error > 1
    assert metrics.iou > 0.97 and metrics.epe3d < 0.005


def _pose_at(log: Log, stamp: int) -> np.ndarray:
    """Within a millisecond."""
    return log.ego_to_global[np.argmin(np.abs(log.ego_times_ns - stamp))]


def _velocities_of_boxes(log: Log, points: np.ndarray, stamps: list[int], seconds: float) -> np.ndarray:
    """How points inside the first sweep's boxes move, if they move with their box to the second sweep."""
    first, second = ({boxes.time_ns: boxes for boxes in log.labels}[stamp + 54_000_000] for stamp in stamps)
    later = dict(zip(second.track_ids, second.box_to_global, strict=True))
    velocities = np.zeros_like(points)
    for pose, size, track in zip(first.box_to_global, first.sizes, first.track_ids, strict=True):
        # av2-api grows boxes by 0.2 m in length and width.
        inside = (np.abs(transform(invert(pose), points)) <= (size + np.array([0.2, 0.2, 0])) / 2).all(-1)
        if track in later:
            moved = transform(later[track] @ invert(pose), points[inside])
            velocities[inside] = (moved - points[inside]) / seconds
    return velocities
