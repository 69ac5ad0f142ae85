"""nuScenes: a street written in its layout comes back; broken files; tables read row by row."""

from __future__ import annotations

import json
import random
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from same_log import Tolerance, check_same_log
from street import street
from write_nuscenes import SCENE, VERSION, channel_of, write_nuscenes

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.json_rows import read_rows
from flux4d_core.data.log import LidarStream, Log, world_to_global
from flux4d_core.data.nuscenes import list_logs, open_nuscenes, recognises
from flux4d_core.data.poses import transform
from flux4d_core.errors import LogError

TOLERANCE = Tolerance(
    points=0.0001,
    image=3.0,
    point_time_ns=None,
    keeps_order=False,
    cameras={camera: channel_of(camera) for camera in ("front", "front_left", "front_right")},
)
"""Points are float32 in the LiDAR's frame, without times of their own. Images are JPEG."""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nuscenes(street(), tmp_path_factory.mktemp("nuscenes"))


@pytest.fixture
def copy(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "nuscenes"))


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


def test_the_street_comes_back_from_nuscenes(pristine: Path) -> None:
    check_same_log(open_nuscenes(pristine), street(), TOLERANCE)


def test_the_sweeps_between_key_frames_are_read_too_and_boxes_only_where_there_are_some(tmp_path: Path) -> None:
    rarely = replace(street(), labels=street().labels[::2])
    log = open_nuscenes(write_nuscenes(rarely, tmp_path))
    assert len(list((tmp_path / "sweeps/LIDAR_TOP").iterdir())) == 3
    check_same_log(log, rarely, TOLERANCE)


def test_points_differ_from_the_street_by_the_rounding_of_float32_and_nothing_else(pristine: Path) -> None:
    log, truth = open_nuscenes(pristine), street()
    written = truth.lidars[0].read_scan(2)
    order = np.argsort(written.times_ns, kind="stable")
    off = np.abs(log.lidars[0].read_scan(2).points - written.points[order]).max()
    print(f"difference from the street: {off:.2e} m")
    assert off < 1e-5


def test_columns_of_32_points_follow_each_other_evenly_through_the_turn_that_ends_at_the_stamp(copy: Path) -> None:
    sweep = sorted((copy / "samples/LIDAR_TOP").iterdir())[0]
    table = np.zeros((32 * 10, 5), np.float32)
    table[:, 0], table[:, 4] = 20.0, np.arange(320) % 32
    table.tofile(sweep)
    scan, middle = open_nuscenes(copy).lidars[0].read_scan(0), open_nuscenes(copy).lidars[0].times_ns[0]
    assert np.unique(scan.times_ns - middle).tolist() == [-22_500_000 + 5_000_000 * k for k in range(10)]
    table[7, 4] = 0
    table.tofile(sweep)
    scan = open_nuscenes(copy).lidars[0].read_scan(0)
    assert (scan.times_ns == middle).all()


def test_a_sweep_whose_turn_began_before_the_first_pose_is_left_out(tmp_path: Path) -> None:
    write_nuscenes(street(), tmp_path)
    path = tmp_path / VERSION / "sample_data.json"
    path.write_text(json.dumps([row for row in json.loads(path.read_text()) if "RADAR" not in row["filename"]]))
    log = open_nuscenes(tmp_path)
    assert len(log.lidars[0].times_ns) == 5 and any(note.startswith("LIDAR_TOP: 1 of 6") for note in log.notes)
    assert world_to_global(log, int(log.lidars[0].times_ns[0])).shape == (4, 4)


def test_returns_of_the_roof_are_left_out(copy: Path) -> None:
    sweep = sorted((copy / "samples/LIDAR_TOP").iterdir())[0]
    table = np.zeros((32, 5), np.float32)
    table[:, 0], table[:, 4] = 0.9, np.arange(32)
    table[3:5, 1] = 1.5
    table.tofile(sweep)
    assert len(open_nuscenes(copy).lidars[0].read_scan(0).points) == 2
    table[:, 1] = 0
    table.tofile(sweep)
    with pytest.raises(LogError, match="no points but on the car"):
        open_nuscenes(copy).lidars[0].read_scan(0)


def test_one_of_several_scenes_is_named_by_its_name_or_its_number(copy: Path) -> None:
    path = copy / VERSION / "scene.json"
    scenes = json.loads(path.read_text())
    path.write_text(json.dumps([*scenes, scenes[0] | {"name": "scene-0103", "token": "other"}]))
    assert recognises(copy) and recognises(copy / VERSION) and not recognises(copy / "samples")
    assert list_logs(copy) == list_logs(copy / VERSION) == (SCENE, "scene-0103")
    assert open_nuscenes(copy, LogChoice(name="0061")).name == open_nuscenes(copy, LogChoice(name=SCENE)).name == SCENE
    with pytest.raises(LogError, match=r"one scene of nuScenes, found 2 \(scene-0061, scene-0103\)"):
        open_nuscenes(copy)
    with pytest.raises(LogError, match="expected key frames of the scene"):
        open_nuscenes(copy, LogChoice(name="scene-0103"))


def test_the_bumper_is_left_out_of_full_images_of_the_rear(copy: Path) -> None:
    for name, change in (
        ("sensor", lambda row: row | {"channel": row["channel"].replace("CAM_FRONT_LEFT", "CAM_BACK")}),
        ("sample_data", lambda row: row | {"width": 1600, "height": 900} if "FRONT_LEFT" in row["filename"] else row),
    ):
        path = copy / VERSION / f"{name}.json"
        path.write_text(json.dumps([change(row) for row in json.loads(path.read_text())]))
    back = {camera.name: camera for camera in open_nuscenes(copy).cameras}["CAM_BACK"]
    assert back.valid is not None and back.valid[:820].all() and not back.valid[820:].any()


def test_files_that_are_not_in_this_copy_are_counted(copy: Path) -> None:
    shutil.rmtree(copy / "samples/CAM_FRONT")
    sorted((copy / "samples/LIDAR_TOP").iterdir())[0].unlink()
    log = open_nuscenes(copy)
    assert len(log.cameras) == 2 and len(log.lidars[0].times_ns) == 5
    assert any(note.startswith("CAM_FRONT: 6 of 6 files are not") for note in log.notes)
    shutil.rmtree(copy / "samples")
    with pytest.raises(LogError, match="none of the images and sweeps of scene-0061 are there"):
        open_nuscenes(copy)


def test_samples_may_be_a_link_but_names_in_tables_may_not_lead_out(copy: Path, tmp_path: Path) -> None:
    (copy / "samples").rename(tmp_path / "elsewhere")
    (copy / "samples").symlink_to(tmp_path / "elsewhere")
    assert not read_all_of(open_nuscenes(copy))
    path = copy / VERSION / "sample_data.json"
    text = path.read_text()
    for name, said in (("samples/../../x.jpg", "leads out"), ("/etc/passwd", "samples/ or sweeps/")):
        rows = json.loads(text)
        rows[0]["filename"] = name
        path.write_text(json.dumps(rows))
        with pytest.raises(LogError, match=said):
            open_nuscenes(copy)


def changed(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """A damage that changes every row of a table."""

    def damage(path: Path) -> None:
        rows = json.loads(path.read_text())
        for row in rows:
            change(row)
        path.write_text(json.dumps(rows))

    return damage


def sets(key: str, value: object) -> Callable[[Path], None]:
    return changed(lambda row: row.update({key: value}))


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


REFUSED = [
    ("scene", lambda path: path.write_bytes(b""), "is empty"),
    ("scene", cut_in_half, "not a readable JSON list"),
    ("scene", sets("name", 61), "expected a text"),
    ("sample", lambda path: path.unlink(), "is missing"),
    ("sample", sets("timestamp", "now"), "expected an integer"),
    ("sample", sets("timestamp", -1), "expected a time in microseconds"),
    ("sample", sets("timestamp", 10**17), "expected a time in microseconds"),
    ("sample_data", cut_in_half, "not a readable JSON list"),
    ("sample_data", lambda path: path.write_text("[]"), "expected images and sweeps of scene-0061"),
    ("sample_data", lambda path: path.write_text("{}"), "it begins with"),
    ("sample_data", lambda path: path.write_text("[1, 2]"), "expected a list of objects"),
    ("sample_data", sets("sample_token", ["x"]), "expected images and sweeps of scene-0061"),
    ("sample_data", sets("width", 10**9), "images have 1 to 10000 pixels a side"),
    ("sample_data", sets("filename", None), "lacks 'filename'"),
    ("ego_pose", sets("translation", [0, 0]), "expected 3 finite numbers"),
    ("ego_pose", lambda path: path.write_text('[{"token": "x", "translation": [NaN, 0, 0]}]'), "NaN is not a number"),
    ("ego_pose", sets("rotation", [0, 0, 0, 0]), "expected a pose"),
    ("ego_pose", sets("token", "x"), "is not in the table that it speaks of"),
    ("calibrated_sensor", changed(lambda row: row["camera_intrinsic"] and row.update(camera_intrinsic=[[0] * 3] * 3)),
     "expected a camera matrix"),
    ("calibrated_sensor", sets("sensor_token", "x"), "is not in the table"),
    ("sensor", sets("channel", None), "lacks 'channel'"),
]  # fmt: skip
NOTED = [
    ("sample_annotation", cut_in_half, "not a readable JSON list"),
    ("sample_annotation", sets("size", [1, -1, 1]), "expected the width, length and height"),
    ("instance", lambda path: path.unlink(), "is missing"),
    ("category", sets("name", {}), "expected a text"),
]


@pytest.mark.parametrize(("table", "damage", "said"), REFUSED)
def test_a_broken_table_is_refused_in_one_sentence(
    copy: Path, table: str, damage: Callable[[Path], object], said: str
) -> None:
    damage(copy / VERSION / f"{table}.json")
    with pytest.raises(LogError, match=said) as problem:
        open_nuscenes(copy)
    assert str(copy / VERSION) in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize(("table", "damage", "said"), NOTED)
def test_broken_boxes_cost_only_themselves(copy: Path, table: str, damage: Callable[[Path], object], said: str) -> None:
    damage(copy / VERSION / f"{table}.json")
    log = open_nuscenes(copy)
    assert log.labels == () and any("Labels left out" in note and said in note for note in log.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\0" * 41, "expected five float32 a point"),
        (np.full((32, 5), np.nan, "<f4").tobytes(), "32 of 32 points are no returns"),
        (np.full((32, 5), 1e30, "<f4").tobytes(), "32 of 32 points are no returns"),
    ],
)
def test_a_broken_sweep_costs_only_itself(copy: Path, content: bytes, said: str) -> None:
    sweep = sorted((copy / "samples/LIDAR_TOP").iterdir())[0]
    sweep.write_bytes(content)
    problems = read_all_of(open_nuscenes(copy))
    assert len(problems) == 1 and said in str(problems[0]) and str(sweep) in str(problems[0])


def test_whatever_bytes_change_only_one_kind_of_error_comes_out(pristine: Path, tmp_path: Path) -> None:
    chance = random.Random(0)
    names = [path.relative_to(pristine) for path in sorted(pristine.rglob("*.json"))]
    names += [path.relative_to(pristine) for path in sorted(pristine.rglob("*")) if path.suffix in (".jpg", ".bin")][:4]
    root = tmp_path / "nuscenes"
    shutil.copytree(pristine, root)
    for _ in range(25):
        path = root / chance.choice(names)
        whole = path.read_bytes()
        content = bytearray(whole)
        for _ in range(chance.choice((1, 3))):
            content[chance.randrange(len(content))] = chance.choice(b'\0[]{},":1-eN\xff')
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                read_all_of(open_nuscenes(root))
            except LogError as problem:
                assert "\n" not in str(problem)
        path.write_bytes(whole)


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', ' \n[ {"a":1}\n,{"a":2}\n]\n', "[]", '\ufeff[{"a": "é"}]'])
def test_rows_are_what_json_says(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text, encoding="utf-8")
    assert [row.value for row in read_rows(path, "the table", lambda row: True)] == json.loads(text.strip("\ufeff"))


def test_rows_longer_than_what_is_read_at_once_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    rows = [{"number": i, "text": "x" * 300_000} for i in range(8)]
    path.write_text(json.dumps(rows))
    assert [row["number"].integer() for row in read_rows(path, "the table", lambda row: True)] == list(range(8))
    path.write_text('[{"text": "' + "x" * 10_000_000)
    with pytest.raises(LogError, match="not a readable JSON list"):
        read_rows(path, "the table", lambda row: True)


@pytest.mark.parametrize("text", ["", "[", '[{"a": 1},]', '[{"a": 1} {"a": 2}]', '[{"a": 1}] 5', "[" * 100_000, "null"])
def test_what_is_no_list_of_rows_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(LogError):
        read_rows(path, "the table", lambda row: True)


def test_points_of_the_boxes_lie_where_the_boxes_are(pristine: Path) -> None:
    """Width and length exchanged, or a frame too many, would put the returns of cars outside of their boxes."""
    log = open_nuscenes(pristine)
    labels, points = log.labels[2], log.lidars[0].read_scan(2).points
    inside = 0
    for pose, size in zip(labels.box_to_global, labels.sizes, strict=True):
        local = transform(np.linalg.inv(pose), points)
        inside += int((np.abs(local) <= size / 2 + 0.05).all(-1).sum())
    assert inside > 30
