"""nerfstudio's folders as logs."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cloud_street import cloud_street, write_street_points
from PIL import Image
from same_log import Tolerance, check_same_log
from sound_or_refused import DAMAGES, outcome_of
from write_nerfstudio import write_nerfstudio, write_ply

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.lens import Brown, Fisheye
from flux4d_core.data.log import Log
from flux4d_core.data.readers.nerfstudio import list_logs, open_nerfstudio, recognises
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

TOLERANCE = Tolerance(points=1e-6, time_ns=1000, point_time_ns=1000, intensity=None, boxes=None)


@pytest.mark.parametrize("applied", [False, True], ids=["as it is", "turned and scaled"])
def test_the_street_comes_back_from_nerfstudios_folder(applied: bool, tmp_path: Path) -> None:
    expected = cloud_street()
    path = write_nerfstudio(write_street_points(expected), tmp_path / "street", applied)
    assert recognises(path) and recognises(path / "transforms.json") and list_logs(path) == ("street",)
    check_same_log(open_nerfstudio(path, LogChoice()), expected, TOLERANCE)


AHEAD = [[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
"""Looks along the world's y axis, with z up."""


def small(root: Path, times: list[float] | None = None, **more: object) -> Path:
    """Three images of one camera, 1 m apart along its view."""
    frames = []
    for i in range(3):
        matrix = np.array(AHEAD, float)
        matrix[1, 3] = i
        frame: dict[str, object] = {"file_path": f"images/{i}.png", "transform_matrix": matrix.tolist()}
        frames.append(frame | ({"time": times[i]} if times else {}))
        (root / "images").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(root / "images" / f"{i}.png")
    write_ply(root / "points.ply", np.array([[0.0, 5.0, 0.0]]))
    document = {"fl_x": 40, "fl_y": 41, "cx": 32, "cy": 24, "w": 64, "h": 48, "ply_file_path": "points.ply"}
    (root / "transforms.json").write_text(json.dumps(document | {"frames": frames} | more))
    return root


def changed(root: Path, place: str, value: object) -> Path:
    """The small folder with one entry of its file changed; `place`: keys and numbers with dots between."""
    file = small(root) / "transforms.json"
    document = json.loads(file.read_text())
    *above, last = [int(key) if key.isdigit() else key for key in place.split(".")]
    holder = document
    for key in above:
        holder = holder[key]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    file.write_text(json.dumps(document))
    return root


def opened(root: Path) -> Log:
    return open_nerfstudio(root, LogChoice())


def test_the_vehicle_goes_where_the_camera_looks_and_z_is_up(tmp_path: Path) -> None:
    log = opened(small(tmp_path))
    assert np.allclose(log.ego_to_global[0, :3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    assert np.allclose(log.ego_to_global[:, :3, 3], [[0, 0, 0], [0, 1, 0], [0, 2, 0]])
    sweep = cut(log, Window(duration=0.2)).sweeps[1]
    assert np.allclose(sweep.points.numpy(), [[5, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("times", "stamps", "words"),
    [
        ([5.0, 5.25, 6.0], [5.0, 5.25, 6.0], None),
        ([0.0, 0.1, 0.2], [0.0, 0.1, 0.2], None),
        ([0.0, 0.5, 1.0], [0.0, 0.1, 0.2], "shares of the recording"),
        ([0.0, 0.002, 0.004], [0.0, 0.1, 0.2], "shares of the recording"),
        (None, [0.0, 0.1, 0.2], "Times are unknown"),
    ],
)
def test_times_are_seconds_or_shares_or_the_order(
    times: list[float] | None, stamps: list[float], words: str | None, tmp_path: Path
) -> None:
    log = opened(small(tmp_path, times))
    assert np.allclose(log.cameras[0].times_ns / 1e9, stamps)
    assert words is None or any(words in note for note in log.notes)


def test_images_of_one_folder_at_one_time_are_of_different_cameras(tmp_path: Path) -> None:
    log = opened(small(tmp_path, [1.0, 1.0, 1.5]))
    assert [(camera.name, camera.names) for camera in log.cameras] == [("camera-1", ("0", "2")), ("camera-2", ("1",))]
    assert log.lidars[0].times_ns.tolist() == [1_000_000_000, 1_500_000_000]


def test_images_of_different_lenses_are_of_different_cameras(tmp_path: Path) -> None:
    log = opened(changed(tmp_path, "frames.1.fl_x", 50))
    assert [(camera.names, camera.K[0, 0]) for camera in log.cameras] == [(("0", "2"), 40), (("1",), 50)]
    assert log.cameras[1].times_ns.tolist() == [100_000_000]


@pytest.mark.parametrize(
    ("keys", "lens"),
    [
        ({"k1": 0.1, "k2": 0.2, "p1": 0.3, "p2": 0.4, "k3": 0.5}, Brown(40, 41, 32, 24, 0.1, 0.2, 0.3, 0.4, 0.5)),
        ({"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k4": 0.4}, Fisheye(40, 41, 32, 24, 0.1, 0, 0, 0.4)),
        ({"is_fisheye": True, "k1": 0.1}, Fisheye(40, 41, 32, 24, 0.1)),
        ({"camera_model": "PINHOLE"}, None),
    ],
)
def test_the_camera_model_says_which_lens(keys: dict[str, Any], lens: object, tmp_path: Path) -> None:
    assert opened(small(tmp_path, **keys)).cameras[0].lens == lens


def test_a_blender_scene_has_an_angle_for_a_focal_length_and_names_without_suffix(tmp_path: Path) -> None:
    file = small(tmp_path) / "transforms.json"
    document = json.loads(file.read_text())
    frames = [frame | {"file_path": frame["file_path"].removesuffix(".png")} for frame in document["frames"]]
    (tmp_path / "transforms_train.json").write_text(json.dumps({"camera_angle_x": np.pi / 2, "frames": frames}))
    file.unlink()
    log = opened(tmp_path)
    assert (log.cameras[0].width, log.cameras[0].height) == (64, 48)
    assert np.allclose(log.cameras[0].K, [[32, 0, 32], [0, 32, 24], [0, 0, 1]])
    assert len(cut(log, Window(duration=0.2)).frames) == 3


def test_a_mask_that_is_black_leaves_its_image_out(tmp_path: Path) -> None:
    path = changed(tmp_path, "frames.0.mask_path", "black.png")
    Image.new("L", (64, 48), 0).save(path / "black.png")
    frames = cut(opened(path), Window(duration=0.2)).frames
    assert frames[0].valid is not None and not frames[0].valid.any() and frames[1].valid is None


def test_many_points_are_dealt_out_over_the_sweeps(tmp_path: Path) -> None:
    path = small(tmp_path)
    write_ply(path / "points.ply", np.random.default_rng(0).normal(size=(450_000, 3)))
    lidar = opened(path).lidars[0]
    scans = [lidar.read_scan(i).points for i in range(3)]
    assert [len(scan) for scan in scans] == [150_000] * 3
    assert len(np.unique(np.concatenate(scans), axis=0)) == 450_000


BROKEN = {
    "no frames": ("frames", None, "lacks 'frames'"),
    "frames that are none": ("frames", 7, "expected a list, found 7"),
    "an empty list": ("frames", [], "expected 1 to 1000000 frames, found 0"),
    "a frame without a pose": ("frames.1.transform_matrix", None, r"frames\[1\] lacks 'transform_matrix'"),
    "a pose of zeros": ("frames.1.transform_matrix", np.zeros((4, 4)).tolist(), "expected a rigid pose"),
    "a mirror": ("frames.1.transform_matrix", np.diag([-1, 1, 1, 1]).tolist(), "expected a rigid pose"),
    "a short pose": ("frames.1.transform_matrix", [[1, 0]], "expected 4x4 finite numbers"),
    "a file elsewhere": ("frames.1.file_path", "../x.png", "leads out of the log's folder"),
    "a mask elsewhere": ("frames.1.mask_path", "/etc/passwd", "leads out of the log's folder"),
    "a number for a file": ("frames.1.file_path", 7, "expected a text, found 7"),
    "a text for a time": ("frames.1.time", "soon", "expected a number"),
    "no focal length": ("fl_x", None, "expected fl_x and fl_y above 0"),
    "a focal length below 0": ("fl_x", -1, "expected fl_x and fl_y above 0"),
    "a focal length that overflows": ("fl_x", 1e300, "a lens of finite numbers"),
    "an unknown model": ("camera_model", "EQUIRECTANGULAR", "found 'EQUIRECTANGULAR'"),
    "a fourth radial number": ("k4", 0.1, "k4 is 0.1, which is not read"),
    "half a pixel": ("w", 63.5, "not 63.5x48"),
    "a huge size": ("w", 1e9, "not 1e"),
    "a scale of zero": ("applied_scale", 0, "expected a scale above 0"),
    "a transform that is none": ("applied_transform", [1, 2], "expected 4x4"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_one_sentence(case: str, tmp_path: Path) -> None:
    place, value, words = BROKEN[case]
    with pytest.raises(LogError, match=words):
        opened(changed(tmp_path, place, value))


def test_times_that_are_no_seconds_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"count in seconds, or from 0 to 1, found 1\.7e"):
        opened(small(tmp_path, [1.7e18, 1.7e18 + 1e8, 1.7e18 + 2e8]))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cloud_is_left_out_with_a_note(damage: str, tmp_path: Path) -> None:
    DAMAGES[damage](small(tmp_path) / "points.ply")
    log = outcome_of(lambda: opened(tmp_path))
    assert not isinstance(log, LogError)
    assert log.lidars == () and any("The points are left out: " in note for note in log.notes)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["transforms.json", "images/1.png"])
def test_each_file_damaged_leaves_a_sound_log_or_one_sentence(name: str, damage: str, tmp_path: Path) -> None:
    DAMAGES[damage](small(tmp_path) / name)
    assert isinstance(outcome_of(lambda: opened(tmp_path)), LogError) == (name == "transforms.json")
    shutil.rmtree(tmp_path)
