"""The mapping file: written, edited, given back, and refused where it is wrong."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from same_log import check_same_log
from street import street
from write_ros import RosOptions, write_ros

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.poses import interpolate, invert
from flux4d_core.data.ros.open import open_ros
from flux4d_core.data.ros.topics import save_mapping
from flux4d_core.errors import LogError


def unlabelled() -> Log:
    return replace(street(), labels=())


def mapped(root: Path, options: RosOptions | None = None) -> tuple[Path, dict[str, Any]]:
    """A recording, and its mapping as it would be written."""
    path = write_ros(unlabelled(), root, options or RosOptions(container="mcap file"))
    save_mapping(path, LogChoice(), root / "mapping.json")
    return path, json.loads((root / "mapping.json").read_text())


def opened(path: Path, document: dict[str, Any]) -> Log:
    mapping = path.parent / "mapping.json"
    mapping.write_text(json.dumps(document))
    return open_ros(path, LogChoice(mapping=mapping))


def test_a_mapping_given_back_unchanged_opens_the_same_log(tmp_path: Path) -> None:
    path, document = mapped(tmp_path)
    check_same_log(opened(path, document), unlabelled())


def test_a_mapping_beside_the_recording_is_found(tmp_path: Path) -> None:
    path, document = mapped(tmp_path)
    document["lidars"][0]["name"] = "roof"
    (tmp_path / "flux4d-topics.json").write_text(json.dumps(document))
    log = open_ros(path, LogChoice())
    assert log.lidars[0].name == "roof" and "Topics as flux4d-topics.json says." in log.notes


def test_only_what_the_mapping_names_is_read(tmp_path: Path) -> None:
    path, document = mapped(tmp_path)
    document["cameras"] = document["cameras"][:1]
    assert [camera.name for camera in opened(path, document).cameras] == ["front"]


def test_a_clock_offset_moves_one_sensor_and_not_the_others(tmp_path: Path) -> None:
    path, document = mapped(tmp_path)
    document["cameras"][0]["clock_offset_s"] = 0.01
    log, before = opened(path, document), unlabelled()
    assert (log.cameras[0].times_ns - before.cameras[0].times_ns == 10_000_000).all()
    assert (log.cameras[1].times_ns == before.cameras[1].times_ns).all()
    # 12 m/s for 10 ms: the images are now placed 12 cm further on.
    moved = np.linalg.norm(
        log.cameras[0].camera_to_global[:, :3, 3] - before.cameras[0].camera_to_global[:, :3, 3], axis=-1
    )
    assert np.allclose(moved, 0.12, atol=0.01)


def test_mounts_and_intrinsics_of_the_mapping_replace_missing_tf_and_camera_info(tmp_path: Path) -> None:
    path, _ = mapped(tmp_path, RosOptions(container="mcap file", tf_static=False, camera_info=False))
    before = unlabelled()
    document: dict[str, Any] = {"format": "flux4d topics", "version": 1, "poses": {"ego_frame": "base_link"}}
    document["cameras"], document["lidars"] = [], []
    for camera in before.cameras:
        K = camera.K.copy()
        K[:2, 2] -= 0.5
        size = {"width": camera.width, "height": camera.height}
        mount = _mount(before, camera.times_ns, camera.camera_to_global)
        entry = {"topic": f"/{camera.name}/image_raw", "name": camera.name, "sensor_to_ego": mount}
        document["cameras"].append(entry | {"intrinsics": {**size, "K": K.tolist()}})
    lidar = before.lidars[0]
    mount = _mount(before, lidar.times_ns, lidar.lidar_to_global)
    document["lidars"].append({"topic": "/lidar/points", "name": "lidar", "sensor_to_ego": mount})
    log = opened(path, document)
    off = np.abs(log.lidars[0].lidar_to_global - lidar.lidar_to_global).max()
    assert off < 1e-3 and len(log.cameras) == 3
    assert all(np.abs(ours.K - theirs.K).max() < 1e-6 for ours, theirs in zip(log.cameras, before.cameras, strict=True))


def _mount(log: Log, times_ns: np.ndarray, poses: np.ndarray) -> list[list[float]]:
    ego = interpolate(log.ego_times_ns, log.ego_to_global, times_ns[:1])[0]
    return (invert(ego) @ poses[0]).tolist()


def test_the_azimuth_tells_beam_times_if_the_mapping_says_so(tmp_path: Path) -> None:
    path, document = mapped(tmp_path, RosOptions(container="mcap file", time_field=None, stamp_at=0.5))
    document["lidars"][0]["times"] = {"field": None, "zero": "azimuth clockwise", "sweep_s": 0.1}
    log = opened(path, document)
    assert any("azimuth clockwise" in note for note in log.notes)
    scan = log.lidars[0].read_scan(2)
    assert 90_000_000 < np.ptp(scan.times_ns) <= 100_000_000


def test_kiss_icp_can_be_asked_for_where_there_are_poses(tmp_path: Path) -> None:
    pytest.importorskip("kiss_icp", reason="KISS-ICP is not installed")
    path, document = mapped(tmp_path)
    document["poses"] = {"source": "kiss-icp"}
    assert any("KISS-ICP" in note for note in opened(path, document).notes)


WRONG: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "another format": (("format",), "x", 'expected "format"'),
    "a later version": (("version",), 2, "version"),
    "an unknown key": (("camera",), [], "'camera' is not a part"),
    "an unknown topic": (("cameras", 0, "topic"), "/no", r"cameras\[0\].topic: expected a topic of the recording"),
    "a topic of another kind": (("lidars", 0, "topic"), "/front/image_raw", "expected a topic of type"),
    "an unknown key inside": (("lidars", 0, "unit"), "s", "'unit' is not known here"),
    "an unknown unit": (("lidars", 0, "times", "unit"), "weeks", "expected one of s, ms, us, ns"),
    "an unknown zero": (("lidars", 0, "times", "zero"), "now", "expected one of stamp"),
    "an unknown field": (("lidars", 0, "times", "field"), "when", "expected the field 'when'"),
    "an absurd sweep": (("lidars", 0, "times", "sweep_s"), -1, "seconds that a sweep takes"),
    "an absurd offset": (("cameras", 0, "clock_offset_s"), 1e12, "seconds that are added"),
    "no rigid pose": (("lidars", 0, "sensor_to_ego"), np.zeros((4, 4)).tolist(), "a rigid pose"),
    "two of one name": (("lidars", 0, "name"), "front", "different names"),
    "an unknown source": (("poses", "source"), "gps", "tf, odometry or kiss-icp"),
    "a source that is not there": (("poses", "source"), "odometry", "no topic of odometry"),
    "an unknown ego frame": (("poses", "ego_frame"), "wheel", "does not say how 'wheel' moves|no poses"),
    "singular intrinsics": (
        ("cameras", 0, "intrinsics"),
        {"width": 4, "height": 4, "K": np.zeros((3, 3)).tolist()},
        "focal lengths above 0",
    ),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path, document = mapped(tmp_path_factory.mktemp("recorded"))
    return path, json.dumps(document)


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_mapping_is_refused_in_one_sentence(what: str, recorded: tuple[Path, str]) -> None:
    place, value, expected = WRONG[what]
    path, document = recorded[0], json.loads(recorded[1])
    document["poses"]["source"] = "tf"
    inner: Any = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    if what == "an unknown field":
        document["cameras"] = []
    with pytest.raises(LogError, match=expected) as problem:
        opened(path, document)
    assert "\n" not in str(problem.value)


def test_a_mapping_for_another_kind_of_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text("{}")
    with pytest.raises(LogError, match="only a robot recording has topics"):
        open_log(tmp_path, LogChoice(mapping=tmp_path / "m.json"))
