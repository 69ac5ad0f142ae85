import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from miniature_logs import CAMERA_DELAY, FRAMES, HEIGHT, SPEED, WALL_AHEAD, WIDTH, write_dgp

from flux4d_core import geometry
from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import box_velocities, boxes_at, boxes_in_clip, inside_boxes
from flux4d_core.data.lens import brown
from flux4d_core.data.log import LogWarning
from flux4d_core.data.readers.dgp import open_dgp
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

SCENE = Path(__file__).parents[3].parent / "shared" / "logs" / "ddad_dgp" / "test_scene" / "scene_02"
real_scene = pytest.mark.skipif(not SCENE.exists(), reason="the DGP test scene is not on this machine")


def edit(scene: Path, change: Callable[[Any], None], file: str = "scene_0123456789abcdef.json") -> None:
    document = json.loads((scene / file).read_text())
    change(document)
    (scene / file).write_text(json.dumps(document))


def test_a_miniature_scene_opens_with_its_sensors_and_boxes(tmp_path: Path) -> None:
    log = open_dgp(write_dgp(tmp_path))
    assert (log.name, log.format) == ("scene_07", "DGP")
    assert [camera.name for camera in log.cameras] == ["CAMERA_01"] and [lidar.name for lidar in log.lidars] == [
        "LIDAR"
    ]
    assert (log.cameras[0].width, log.cameras[0].height) == (WIDTH, HEIGHT)
    assert len(log.labels) == FRAMES and log.labels[0].classes == ("Car",)


def test_stamps_in_the_25th_century_are_divided_by_ten(tmp_path: Path) -> None:
    log = open_dgp(write_dgp(tmp_path))
    assert log.lidars[0].times_ns[0] == 1_500_000_000 * 1_000_000_000
    assert np.diff(log.lidars[0].times_ns).tolist() == [100_000_000] * (FRAMES - 1)
    assert (log.cameras[0].times_ns - log.lidars[0].times_ns).tolist() == [10_000_000] * FRAMES


def test_stamps_of_this_century_are_taken_as_they_are(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)

    def restamp(document: Any) -> None:
        for datum in document["data"]:
            number = int(datum["key"][1:])
            datum["id"]["timestamp"] = f"2019-06-27T14:30:2{number}.5Z"

    edit(scene, restamp)
    assert np.diff(open_dgp(scene).lidars[0].times_ns).tolist() == [1_000_000_000] * (FRAMES - 1)


def test_points_and_cameras_are_placed_by_their_own_poses(tmp_path: Path) -> None:
    clip = cut(open_dgp(write_dgp(tmp_path)), Window(duration=0.4))
    for sweep in clip.sweeps:
        torch.testing.assert_close(sweep.points, torch.from_numpy(WALL_AHEAD).float(), atol=1e-4, rtol=0)
        assert bool((sweep.intensities == 0.25).all()) and bool((sweep.times == sweep.time).all())
    camera = clip.frames[2].camera
    pixels, depths = geometry.project(torch.tensor([[12.1, 0.0, 0.0]]), camera.K, camera.camera_to_world)
    torch.testing.assert_close(pixels, torch.tensor([[32.0, 24.0]]), atol=1e-3, rtol=0)
    assert float(depths) == pytest.approx(12.1 - SPEED * (0.2 + CAMERA_DELAY), abs=1e-4)


def test_the_vehicle_is_where_the_lidars_mounting_puts_it(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)

    def mount_two_metres_up(document: Any) -> None:
        document["extrinsics"][0]["translation"]["z"] = 2.0

    edit(scene, mount_two_metres_up, "calibration/abc.json")
    clip = cut(open_dgp(scene), Window(duration=0.4))
    assert float(clip.sweeps[0].lidar_to_world[2, 3]) == pytest.approx(2.0)
    assert float(clip.ego_to_world[0, 2, 3]) == pytest.approx(0.0, abs=1e-6)


def test_a_box_half_a_metre_further_on_in_each_cloud_belongs_to_a_car_at_15_metres_a_second(tmp_path: Path) -> None:
    log = open_dgp(write_dgp(tmp_path))
    boxes = boxes_in_clip(log, cut(log, Window(duration=0.4)).start_ns)
    torch.testing.assert_close(boxes_at(boxes, 0.2).box_to_world[0, :3, 3], torch.tensor([23.0, 0.0, 0.0]))
    assert float(box_velocities(boxes, 0.2).linear[0, 0]) == pytest.approx(15.0, abs=1e-3)


@pytest.mark.parametrize("place", ["scene_07", "scene_07/scene_0123456789abcdef.json", "."])
def test_the_folder_the_file_or_the_folder_above_may_be_named(place: str, tmp_path: Path) -> None:
    write_dgp(tmp_path)
    assert open_log(tmp_path / place).name == "scene_07"


def test_a_folder_with_two_scenes_is_an_error_that_lists_them(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)
    (tmp_path / "scene_08").symlink_to(scene)
    with pytest.raises(LogError, match=r"found 2 \(scene_07, scene_08\)"):
        open_log(tmp_path)


def test_lens_coefficients_are_passed_on_and_unknown_lenses_refused(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)

    def add(key: str) -> Callable[[Any], None]:
        return lambda document: document["intrinsics"][1].update({key: 0.1})

    edit(scene, add("k1"), "calibration/abc.json")
    assert open_dgp(scene).cameras[0].lens == brown(open_dgp(scene).cameras[0].K, 0.1, 0.0, 0.0, 0.0)
    edit(scene, add("fisheye"), "calibration/abc.json")
    with pytest.raises(LogError, match="'fisheye' cannot be undone"):
        open_dgp(scene)


def test_files_outside_the_scene_are_not_opened(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)
    edit(scene, lambda document: document["data"][1]["datum"]["image"].update(filename="../../secret.png"))
    with pytest.raises(LogError, match=r"'../../secret.png' leads out of the log's folder"):
        open_dgp(scene)


@pytest.mark.parametrize("length", [0.0, 1e308])
def test_a_camera_without_a_focal_length_is_refused(length: float, tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)
    edit(scene, lambda document: document["intrinsics"][1].update(fx=length), "calibration/abc.json")
    with pytest.raises(LogError, match=r"abc\.json: CAMERA_01 has no focal length"):
        open_dgp(scene)


def test_a_lens_of_absurd_numbers_is_refused(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)
    edit(scene, lambda document: document["intrinsics"][1].update(k3=1e308), "calibration/abc.json")
    with pytest.raises(LogError, match=r"abc\.json: intrinsics\[1\]: expected a camera with focal lengths above 0"):
        open_dgp(scene)


def test_a_broken_file_of_boxes_is_a_note(tmp_path: Path) -> None:
    scene = write_dgp(tmp_path)
    (scene / "bounding_box_3d/LIDAR/2.json").write_text("{")
    log = open_dgp(scene)
    assert len(log.labels) == FRAMES - 1 and any("Labels left out" in note for note in log.notes)


def test_labels_from_elsewhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="brings its own labels"):
        open_log(write_dgp(tmp_path), LogChoice(labels=tmp_path / "labels.txt"))


@real_scene
def test_scene_02_has_six_cameras_three_sweeps_and_drives_12_6_metres_a_second() -> None:
    log = open_log(SCENE)
    assert [camera.name for camera in log.cameras] == [f"CAMERA_0{i}" for i in (1, 5, 6, 7, 8, 9)]
    assert all(len(camera.times_ns) == 3 for camera in log.cameras)
    metres = np.linalg.norm(np.diff(log.ego_to_global[:, :3, 3], axis=0), axis=-1)
    np.testing.assert_allclose(metres / (np.diff(log.ego_times_ns) / 1e9), 12.65, atol=0.1)
    with pytest.warns(LogWarning, match=r"the log ends at 0\.20 s"):
        clip = cut(log, Window())
    assert len(clip.frames) == 18 and len(clip.sweeps) == 3


@real_scene
def test_scene_02s_parked_car_holds_hundreds_of_points_and_stands_still() -> None:
    log = open_log(SCENE)
    clip = cut(log, Window(duration=0.2))
    boxes = boxes_in_clip(log, clip.start_ns)
    for sweep in clip.sweeps:
        now, motion = boxes_at(boxes, sweep.time), box_velocities(boxes, sweep.time)
        car = now.track_ids.index("1740587446")
        assert int(inside_boxes(sweep.points, now)[car].sum()) > 500
        assert float(motion.linear[car].norm()) < 0.1


@real_scene
def test_scene_02s_boxes_are_drawn_in_its_images_where_its_own_2d_boxes_are() -> None:
    log = open_log(SCENE)
    clip = cut(log, Window(duration=0.2))
    boxes = boxes_in_clip(log, clip.start_ns)
    corners = torch.tensor([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    compared = 0
    for sensor in ("CAMERA_01", "CAMERA_06", "CAMERA_09"):
        files = sorted((SCENE / "bounding_box_2d" / sensor).iterdir())
        frames = [frame for frame in clip.frames if frame.sensor == sensor]
        for file, frame, sweep in zip(files, frames, clip.sweeps, strict=True):
            now = boxes_at(boxes, sweep.time)
            for annotation in json.loads(file.read_text())["annotations"]:
                i = now.track_ids.index(str(annotation["instance_id"]))
                corners_of_box = geometry.transform(now.box_to_world[i], corners * now.sizes[i])
                pixels, _ = geometry.project(corners_of_box, frame.camera.K, frame.camera.camera_to_world)
                drawn = torch.cat([pixels.amin(0), pixels.amax(0)])
                u, v, width, height = (float(annotation["box"][key]) for key in ("x", "y", "w", "h"))
                # They cut to whole pixels, and count from the first one's centre: half a pixel more for us.
                torch.testing.assert_close(drawn, torch.tensor([u, v, u + width, v + height]) + 1, atol=1.0, rtol=0)
                compared += 1
    assert compared == 21
