"""The street through PandaSet's layout, and what is particular about it."""

import gzip
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import same_log
from same_log import Tolerance, check_same_log
from street import street
from upright import upright
from write_pandaset import CAMERAS, cuboids, write_pandaset

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.log import LabelledBoxes, Log
from flux4d_core.data.poses import invert, pose_from_quat, transform
from flux4d_core.data.readers.pandaset import list_logs, open_pandaset, recognises
from flux4d_core.data.readers.pandaset_calibration import EGO_TO_PANDAR64, pandar64_to_camera
from flux4d_core.data.readers.pandaset_tables import read_cuboids, read_points
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

NAMES: dict[str, str] = dict(zip((camera.name for camera in street().cameras), CAMERAS, strict=False))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pandaset(street(), tmp_path_factory.mktemp("pandaset"))


def opened(path: Path) -> Log:
    return open_pandaset(path, LogChoice())


@pytest.mark.parametrize("suffix", [".pkl.gz", ".pkl"])
def test_the_street_comes_back_from_pandaset(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Images' poses are known 10 ms from the middle of their exposure; a straight line to there cuts the street's bend.
    monkeypatch.setattr(same_log, "POSE_METERS", 0.004)
    monkeypatch.setattr(same_log, "POSE_DEGREES", 0.02)
    monkeypatch.setattr(same_log, "PIXELS", 0.1)
    log = opened(write_pandaset(street(), tmp_path, suffix))
    world = street().ego_to_global[0]
    expected = replace(street(), labels=tuple(upright(boxes, world) for boxes in street().labels))
    # All else is compared as the first image's camera sees it, 70 m away.
    check_same_log(log, expected, Tolerance(points=0.02, point_time_ns=1_000, image=3.0, boxes=0.02, cameras=NAMES))
    assert (log.name, log.format, log.licence) == ("001", "PandaSet", "CC BY 4.0")
    assert log.cameras[0].camera_to_global_end is not None


def test_points_and_boxes_stand_in_the_world_as_they_were_written(written: Path) -> None:
    log, to_world = opened(written), invert(street().ego_to_global[0])
    scan, expected = log.lidars[0].read_scan(3), street().lidars[0].read_scan(3)
    assert np.abs(scan.points - transform(to_world, expected.points)).max() < 1e-9
    centers = (to_world @ street().labels[3].box_to_global)[:, :3, 3]
    assert np.abs(log.labels[3].box_to_global[:, :3, 3] - centers).max() < 1e-9


def test_two_lidars_share_their_files_and_come_apart(tmp_path: Path) -> None:
    log = street()
    other = replace(log.lidars[0], name="other")
    read = opened(write_pandaset(replace(log, lidars=(log.lidars[0], other)), tmp_path))
    assert [lidar.name for lidar in read.lidars] == ["main_pandar64", "front_gt"]
    first, second = (lidar.read_scan(2).points for lidar in read.lidars)
    assert len(first) == len(log.lidars[0].read_scan(2).points)
    assert np.abs(first - second).max() < 1e-9
    between = np.linalg.inv(read.lidars[0].lidar_to_global[0]) @ read.lidars[1].lidar_to_global[0]
    assert between[:3, 3] == pytest.approx([0.0, -0.606, -0.302], abs=1e-3), "ahead is -y, and below"


def test_a_clip_of_it_holds_the_streets_images_and_points(written: Path) -> None:
    clip = cut(opened(written), Window(duration=0.3))
    expected = cut(street(), Window(duration=0.3))
    assert (len(clip.sweeps), len(clip.frames)) == (len(expected.sweeps), len(expected.frames))
    assert clip.licence == "CC BY 4.0"


def test_the_vehicles_frame_is_the_one_that_pandaset_calls_the_lidars() -> None:
    """Log 002, frame 0, in which the car stands: camera/front_camera/poses.json and lidar/poses.json."""
    camera = pose_from_quat(
        np.array([0.6548767857613946, -0.6514903276121121, 0.27678883380008457, -0.26473513174921903]),
        np.array([0.6558286953029124, 0.555863909647736, 1.8011768068489773]),
    )
    given = pose_from_quat(
        np.array([0.9227878803693977, 0.004463029824737836, 0.017858463809403605, -0.3848683989086472]), np.zeros(3)
    )
    ego = camera @ pandar64_to_camera("front_camera") @ EGO_TO_PANDAR64
    assert np.linalg.norm(ego[:3, 3] - given[:3, 3]) < 0.1
    # PandaSet's axes are x right, y forward.
    assert ego[:3, 0] @ given[:3, 1] > np.cos(np.radians(3))
    assert ego[:3, 2] @ given[:3, 2] > np.cos(np.radians(3))


def one_box(x: float, heading_degrees: float) -> LabelledBoxes:
    turn, pose = np.radians(heading_degrees), np.eye(4)
    pose[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    pose[0, 3] = x
    return LabelledBoxes(0, pose[None], np.array([[4.0, 2.0, 1.5]]), ("a",), ("Car",))


@pytest.mark.parametrize(
    ("yaw", "forward"), [(0.0, (0, 1)), (np.pi / 2, (-1, 0)), (np.pi, (0, -1)), (-np.pi / 2, (1, 0))]
)
def test_yaw_is_counted_from_the_worlds_y_counter_clockwise(
    yaw: float, forward: tuple[int, int], tmp_path: Path
) -> None:
    table = cuboids(one_box(20.0, 0.0), np.eye(4)).assign(yaw=yaw)
    table.to_pickle(tmp_path / "00.pkl.gz")
    boxes = read_cuboids(tmp_path / "00.pkl.gz", 7)
    assert boxes.box_to_global[0, :2, 0] == pytest.approx(forward, abs=1e-9)
    assert boxes.sizes[0].tolist() == [4.0, 2.0, 1.5]
    assert boxes.time_ns == 7


def test_an_object_that_both_lidars_see_is_boxed_once(tmp_path: Path) -> None:
    tables = [cuboids(one_box(20.0 + i, 0.0), np.eye(4)) for i in range(4)]
    tables[0] = tables[0].assign(**{"uuid": "a", "cuboids.sensor_id": 0, "cuboids.sibling_id": "b"})
    tables[1] = tables[1].assign(**{"uuid": "b", "cuboids.sensor_id": 1, "cuboids.sibling_id": "a"})
    tables[2] = tables[2].assign(**{"uuid": "c", "cuboids.sensor_id": 1, "cuboids.sibling_id": "gone"})
    tables[3] = tables[3].assign(uuid="d")
    pandas.concat(tables).to_pickle(tmp_path / "00.pkl")
    assert read_cuboids(tmp_path / "00.pkl", 0).track_ids == ("a", "c", "d")


def test_a_data_set_is_listed_and_one_of_its_logs_is_opened_by_name(written: Path, tmp_path: Path) -> None:
    for name in ("001", "002", "158"):
        (tmp_path / "pandaset").mkdir(exist_ok=True)
        (tmp_path / "pandaset" / name).symlink_to(written)
    assert recognises(written)
    assert list_logs(written.parent) == ("001",)
    assert not recognises(tmp_path / "nothing")


def test_logs_of_a_data_set_are_told_apart(tmp_path: Path) -> None:
    for name in ("001", "002", "158"):
        (tmp_path / "pandaset" / name / "camera" / "front_camera").mkdir(parents=True)
        (tmp_path / "pandaset" / name / "camera" / "front_camera" / "poses.json").write_text("[]")
    for path in (tmp_path, tmp_path / "pandaset"):
        assert list_logs(path) == ("001", "002", "158")
        with pytest.raises(LogError, match=r"expected one PandaSet log, found 3 \(001, 002, 158\)"):
            opened(path)
        with pytest.raises(LogError, match="no camera has times and poses"):
            open_pandaset(path, LogChoice(name="158"))


def test_the_back_cameras_view_of_the_car_is_masked(tmp_path: Path) -> None:
    camera = street().cameras[0]
    log = replace(street(), cameras=(camera,) * 6)
    cameras = {camera.name: camera for camera in opened(write_pandaset(log, tmp_path)).cameras}
    assert cameras["front_camera"].valid is None
    valid = cameras["back_camera"].valid
    assert valid is not None
    assert valid.mean(axis=1).tolist() == [1.0] * (96 - 23) + [0.0] * 23


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_another_type(path: Path) -> None:
    path.write_text('{"x": [1, 2]}')


def not_numbers(path: Path) -> None:
    path.write_text('[NaN, {"position": {"x": 1e999}}]')


LEFT_OUT = {
    "lidar/00.pkl.gz": "00.pkl.gz",
    "lidar/timestamps.json": "The LiDARs are left out",
    "camera/front_camera/poses.json": "front_camera is left out",
    "camera/front_camera/timestamps.json": "front_camera is left out",
    "camera/front_camera/intrinsics.json": "front_camera is left out",
    "camera/front_camera/00.jpg": "00.jpg",
    "annotations/cuboids/03.pkl.gz": "Labels left out",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("damage", [missing, empty, cut_in_half, of_another_type, not_numbers])
@pytest.mark.parametrize("file", LEFT_OUT)
def test_a_broken_file_costs_what_is_in_it_and_no_more(
    file: str, damage: Callable[[Path], None], written: Path, tmp_path: Path
) -> None:
    folder = copied(written, tmp_path)
    damage(folder / file)
    log = opened(folder)
    clip = cut(log, Window(duration=0.3))
    assert len(clip.sweeps) + len(clip.frames) >= 3
    if file.endswith("json") and not (damage is missing and file.startswith("lidar")):
        assert LEFT_OUT[file] in " ".join(log.notes)


def copied(folder: Path, to: Path) -> Path:
    """A copy that shares its files' content until they are rewritten."""
    for file in folder.rglob("*"):
        if file.is_file():
            target = to / file.relative_to(folder.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return to / folder.name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.drop(columns="t"), "expected the column 't', found x, y, z, i, d"),
        (lambda table: table.assign(x=np.nan), r"\d+ of \d+ have none"),
        (lambda table: table.assign(y=np.inf), r"\d+ of \d+ have none"),
        (lambda table: table.assign(t=0.0), r"\d+ of \d+ have none"),
        (lambda table: table.assign(z="high"), "column 'z': expected numbers"),
        (lambda table: table.assign(d=5), "the sweep has no points of the main_pandar64"),
        (lambda table: table[:0], "the sweep has no points of the main_pandar64"),
    ],
)
def test_a_sweep_with_wrong_columns_is_one_sentence(
    change: Callable[[pandas.DataFrame], pandas.DataFrame], sentence: str, written: Path, tmp_path: Path
) -> None:
    time_ns = int(street().lidars[0].times_ns[0])
    table = pandas.read_pickle(written / "lidar" / "00.pkl.gz")  # noqa: S301  (written a moment ago)
    change(pandas.DataFrame(table)).to_pickle(tmp_path / "00.pkl")
    with pytest.raises(LogError, match=sentence):
        read_points(tmp_path / "00.pkl", "main_pandar64", time_ns)


class Command:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def test_a_sweep_that_would_run_a_command_is_left_out_and_nothing_is_run(written: Path, tmp_path: Path) -> None:
    folder, trace = copied(written, tmp_path), tmp_path / "ran"
    (folder / "lidar" / "01.pkl.gz").write_bytes(gzip.compress(pickle.dumps(Command(f"touch {trace}"))))
    with pytest.warns(UserWarning, match=r"01.pkl.gz: the file of points is a pickle with a call of 'posix.system'"):
        clip = cut(opened(folder), Window(duration=0.3))
    assert len(clip.sweeps) == 3
    assert not trace.exists()


def test_stamps_that_run_backwards_are_an_error_of_that_camera(written: Path, tmp_path: Path) -> None:
    folder = copied(written, tmp_path)
    path = folder / "camera" / "front_camera" / "timestamps.json"
    path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
    assert any(note.startswith("front_camera is left out: ") for note in opened(folder).notes)
