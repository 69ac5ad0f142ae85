"""The street through the layout of the Waymo Open Dataset v2, and what is particular about it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from same_log import Tolerance, check_same_log
from street import street
from upright import upright
from write_waymo import CONTEXT, HALF_A_TURN_NS, write_lidar, write_table, write_waymo

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import list_logs, open_log
from flux4d_core.data.lens import Brown
from flux4d_core.data.log import Log
from flux4d_core.data.poses import interpolate, invert
from flux4d_core.data.readers.waymo import recognises
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

CAMERAS = {"front": "FRONT", "front_left": "FRONT_LEFT", "front_right": "FRONT_RIGHT"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waymo(street(), tmp_path_factory.mktemp("waymo"))


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    """A log that may be changed."""
    for file in written.rglob("*.parquet"):
        target = tmp_path / "copy" / file.relative_to(written)
        target.parent.mkdir(parents=True)
        target.write_bytes(file.read_bytes())
    return tmp_path / "copy"


def file_of(folder: Path, component: str) -> Path:
    return folder / component / f"{CONTEXT}.parquet"


def change(folder: Path, component: str, column: str, value: Callable[[list[object]], list[object]]) -> None:
    path = file_of(folder, component)
    table = parquet.read_table(path)
    place = table.schema.get_field_index(column)
    changed = pyarrow.array(value(table.column(column).to_pylist()), table.schema.field(place).type)
    parquet.write_table(table.set_column(place, column, changed), path)


def test_the_street_comes_back_from_waymo(written: Path) -> None:
    log = open_log(written)
    middles = street().ego_to_global[1:-1]
    expected = replace(
        street(), labels=tuple(upright(boxes, ego) for boxes, ego in zip(street().labels, middles, strict=True))
    )
    tolerance = Tolerance(points=0.001, point_time_ns=None, image=3.0, keeps_order=False, cameras=CAMERAS)
    check_same_log(log, expected, tolerance)
    assert (log.name, log.lidars[0].name, log.labels[0].classes[0]) == (CONTEXT, "TOP", "vehicle")


def test_a_clip_of_it_holds_the_streets_images_and_points(written: Path) -> None:
    clip, expected = cut(open_log(written), Window(duration=0.3)), cut(street(), Window(duration=0.3))
    assert (len(clip.frames), len(clip.sweeps)) == (len(expected.frames), len(expected.sweeps))
    assert "non-commercial" in clip.licence


def test_the_pose_at_the_end_of_the_read_out_is_twelve_milliseconds_later(written: Path) -> None:
    camera = open_log(written).cameras[0]
    assert camera.camera_to_global_end is not None
    moved = np.linalg.norm((camera.camera_to_global_end - camera.camera_to_global)[:, :3, 3], axis=-1)
    ego = street()
    before, after = (
        interpolate(ego.ego_times_ns, ego.ego_to_global, camera.times_ns + late) for late in (0, 12_000_000)
    )
    assert moved == pytest.approx(np.linalg.norm((after - before)[:, :3, 3], axis=-1), rel=0.05)


def write_turns(folder: Path, *, both: bool) -> None:
    """TOP and REAR, one row of four columns, 10 m all round; the second return, if there is one, is at 20 m."""
    frames = [1_000_000, 1_100_000]
    write_table(
        folder,
        "vehicle_pose",
        {
            "key.frame_timestamp_micros": frames,
            "[VehiclePoseComponent].world_from_vehicle.transform": pyarrow.array(
                [np.eye(4).ravel().tolist()] * 2, pyarrow.list_(pyarrow.float64(), 16)
            ),
        },
    )
    first = np.tile(np.array([10.0, 0.5, 0, 0], np.float32), (1, 4, 1))
    image = np.stack([first, first * [2, 4, 1, 1]]).astype(np.float32) if both else first
    poses = np.zeros((1, 4, 6), np.float32)
    poses[0, :, 3] = [1, 2, 3, 4]
    calibrations = {1: (np.eye(4), np.zeros(1), [image, first]), 5: (np.eye(4), None, [first, first])}
    write_lidar(folder, frames, calibrations, {1: [poses, poses]})


def test_top_is_placed_and_timed_pixel_by_pixel_and_the_others_by_the_middle_of_the_turn(tmp_path: Path) -> None:
    write_turns(tmp_path, both=False)
    top, rear = open_log(tmp_path).lidars
    scan = top.read_scan(0)
    assert scan.points[:, 0] == pytest.approx([1 - 7.0711, 2 + 7.0711, 3 + 7.0711, 4 - 7.0711], abs=1e-3)
    assert ((scan.times_ns - 1_000_000_000) / 1e6).tolist() == [12.5, 37.5, 62.5, 87.5]
    scan = rear.read_scan(1)
    assert scan.points[:, 0] == pytest.approx([-7.0711, 7.0711, 7.0711, -7.0711], abs=1e-3)
    assert set(scan.times_ns.tolist()) == {1_150_000_000}
    assert rear.times_ns.tolist() == [1_050_000_000, 1_150_000_000]


def test_both_returns_are_points_of_one_scan_with_intensities_below_one(tmp_path: Path) -> None:
    write_turns(tmp_path, both=True)
    top, rear = open_log(tmp_path).lidars
    scan = top.read_scan(0)
    assert len(scan.points) == 8
    assert np.linalg.norm(scan.points[4:] - [[1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 0, 0]], axis=-1) == pytest.approx(
        [20.0] * 4
    )
    assert scan.intensities.tolist() == pytest.approx([np.tanh(0.5)] * 4 + [np.tanh(2.0)] * 4)
    assert len(rear.read_scan(0).points) == 4, "no second return there"


def test_the_lens_is_opencvs_with_the_origin_in_the_corner(copy: Path) -> None:
    change(copy, "camera_calibration", "[CameraCalibrationComponent].intrinsic.k1", lambda _: [0.04, 0.0, 0.0])
    change(copy, "camera_calibration", "[CameraCalibrationComponent].intrinsic.p2", lambda _: [0.002, 0.0, 0.0])
    front, left, _ = open_log(copy).cameras
    assert isinstance(front.lens, Brown)
    assert (front.lens.k1, front.lens.p2, front.lens.cx) == (0.04, 0.002, pytest.approx(street().cameras[0].K[0, 2]))
    assert left.lens is None


def test_segments_of_all_splits_are_listed_and_opened_by_the_beginning_of_their_name(copy: Path) -> None:
    other = file_of(copy, "vehicle_pose").with_name("2.parquet")
    other.write_bytes(file_of(copy, "vehicle_pose").read_bytes())
    for path in (copy, copy.parent):
        assert recognises(path)
        assert list_logs(path) == (CONTEXT, "2")
        assert open_log(path, LogChoice(name="1002")).name == CONTEXT
        with pytest.raises(LogError, match="expected one Waymo segment, found 2"):
            open_log(path)
    assert open_log(file_of(copy, "lidar")).name == CONTEXT


def test_no_image_and_no_range_image_is_read_on_opening(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    whole = parquet.ParquetFile.iter_batches

    def spied(self: parquet.ParquetFile, *args: Any, columns: list[str], **options: Any) -> object:
        asked.extend(columns)
        return whole(self, *args, columns=columns, **options)

    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", spied)
    log = open_log(copy)
    assert asked
    assert not any(name.endswith((".values", ".image")) and "inclination" not in name for name in asked)
    log.cameras[0].read_image(0)
    assert asked[-1] == "[CameraImageComponent].image"


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def another_table(path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": [1]}), path)


def a_text(path: Path) -> None:
    path.write_text("nothing")


@pytest.mark.parametrize("damage", [missing, empty, cut_in_half, another_table, a_text])
@pytest.mark.parametrize(
    "component", ["camera_calibration", "camera_image", "lidar_calibration", "lidar", "lidar_pose", "lidar_box"]
)
def test_a_broken_table_costs_what_is_in_it_and_no_more(
    component: str, damage: Callable[[Path], None], copy: Path
) -> None:
    damage(file_of(copy, component))
    log = open_log(copy)
    assert component in " ".join(log.notes) or component == "lidar_box"
    assert read_everything(log) > 0


def read_everything(log: Log) -> int:
    """How many images and scans can be read; no other exception than LogError may come out of the others."""
    count = 0
    for stream in (*log.cameras, *log.lidars):
        for i in range(len(stream.times_ns)):
            try:
                stream.read_image(i) if hasattr(stream, "read_image") else stream.read_scan(i)  # pyright: ignore
                count += 1
            except LogError:
                continue
    return count


@pytest.mark.parametrize("damage", [empty, cut_in_half, another_table, a_text])
def test_without_the_vehicles_poses_nothing_is_opened(damage: Callable[[Path], None], copy: Path) -> None:
    damage(file_of(copy, "vehicle_pose"))
    with pytest.raises(LogError, match="vehicle's poses"):
        open_log(copy)


@pytest.mark.parametrize(
    ("component", "column", "value", "sentence"),
    [
        ("camera_calibration", "[CameraCalibrationComponent].width", lambda v: [-1] * len(v), "that no camera has"),
        (
            "camera_calibration",
            "[CameraCalibrationComponent].intrinsic.f_u",
            lambda v: [0.0] * len(v),
            "that no camera has",
        ),
        ("camera_calibration", "[CameraCalibrationComponent].intrinsic.c_u", lambda v: [np.nan] * len(v), "finite"),
        (
            "camera_calibration",
            "[CameraCalibrationComponent].extrinsic.transform",
            lambda v: [[0.0] * 16] * len(v),
            "rigid",
        ),
        ("camera_image", "[CameraImageComponent].pose.transform", lambda v: [[np.nan] * 16] * len(v), "rigid"),
        ("camera_image", "[CameraImageComponent].pose_timestamp", lambda v: [1e300] * len(v), "no sane time"),
        ("camera_image", "[CameraImageComponent].velocity.linear_velocity.x", lambda v: [1e9] * len(v), "velocities"),
        ("lidar_box", "[LiDARBoxComponent].box.size.x", lambda v: [0.0] * len(v), "sizes above 0"),
        ("lidar", "key.frame_timestamp_micros", lambda v: [-5] * len(v), "microseconds since 1970"),
        ("lidar_pose", "key.frame_timestamp_micros", lambda v: [-5] * len(v), "TOP is not de-skewed"),
    ],
)
def test_values_that_cannot_be_are_said_in_one_sentence(
    component: str, column: str, value: Callable[[list[object]], list[object]], sentence: str, copy: Path
) -> None:
    change(copy, component, column, value)
    log = open_log(copy)
    assert sentence in " ".join(log.notes)


@pytest.mark.parametrize(
    ("component", "column", "value", "sentence"),
    [
        ("lidar", "[LiDARComponent].range_image_return1.shape", lambda v: [[99, 99, 4]] * len(v), "rows x columns x 4"),
        ("lidar", "[LiDARComponent].range_image_return1.values", lambda v: [[]] * len(v), "has no returns"),
        (
            "lidar",
            "[LiDARComponent].range_image_return1.values",
            lambda v: [[np.nan] * len(v[0])] * len(v),
            "has no returns",
        ),
        (
            "lidar_pose",
            "[LiDARPoseComponent].range_image_return1.values",
            lambda v: [[np.nan] * len(v[0])] * len(v),
            "nowhere",
        ),
        (
            "lidar_calibration",
            "[LiDARCalibrationComponent].beam_inclination.values",
            lambda v: [[0.1]] * len(v),
            "1 beams",
        ),
    ],
)
def test_a_turn_that_cannot_be_is_one_sentence(
    component: str, column: str, value: Callable[[list[object]], list[object]], sentence: str, copy: Path
) -> None:
    change(copy, component, column, value)
    with pytest.raises(LogError, match=sentence):
        open_log(copy).lidars[0].read_scan(1)


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0" + bytes(50)])
def test_an_image_that_cannot_be_decoded_is_one_sentence_with_its_row(content: bytes, copy: Path) -> None:
    change(copy, "camera_image", "[CameraImageComponent].image", lambda v: [content] * len(v))
    with pytest.raises(LogError, match="row 3: "):
        open_log(copy).cameras[0].read_image(1)


def test_the_middle_of_a_turn_is_fifty_milliseconds_after_the_frames_stamp(written: Path) -> None:
    stamps = parquet.read_table(file_of(written, "vehicle_pose")).column("key.frame_timestamp_micros").to_pylist()
    log = open_log(written)
    assert log.ego_times_ns.tolist() == [stamp * 1000 + HALF_A_TURN_NS for stamp in stamps]
    between = invert(log.ego_to_global[0]) @ log.lidars[0].lidar_to_global[0]
    assert 1.0 < between[2, 3] < 3.0
