import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from flux4d_core import geometry
from flux4d_core.data.lens import brown
from flux4d_core.data.log import CameraStream, LidarStream, Log, LogWarning, Scan
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.progress import Cancelled

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
CAMERA_TO_CAR = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
TREE = np.array([[25.0, 3.0, 1.0]])


def poses_at(seconds: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """A car that drives 10 m/s along its x axis, from `origin`."""
    poses = np.tile(np.eye(4), (len(seconds), 1, 1))
    poses[:, :3, 3] = origin + np.stack([10 * seconds, 0 * seconds, 0 * seconds], -1)
    return poses


def make_log(rate: float = 10.0, seconds: float = 3.0, origin: tuple[float, float, float] = (0.0, 0, 0)) -> Log:
    """A LiDAR, a camera 10 ms behind it and a tree that stands at (25, 3, 1) from where the car starts."""
    sweeps = np.arange(0, seconds, 1 / rate)
    place = np.array(origin)
    times_ns = START + np.round(sweeps * SECOND).astype(np.int64)

    def read_scan(i: int) -> Scan:
        return Scan(TREE + place, np.full(1, times_ns[i], np.int64), np.ones(1, np.float32))

    def read_image(i: int) -> np.ndarray:
        return np.full((48, 64, 3), i, np.uint8)

    camera = CameraStream(
        name="front",
        times_ns=times_ns + SECOND // 100,
        camera_to_global=poses_at(sweeps + 0.01, place) @ CAMERA_TO_CAR,
        K=np.array([[40.0, 0, 32], [0, 40, 24], [0, 0, 1]]),
        width=64,
        height=48,
        read_image=read_image,
    )
    ego = poses_at(sweeps, place)
    return Log("log", "test", Path("log"), (camera,), (LidarStream("top", times_ns, ego, read_scan),), times_ns, ego)


def test_the_world_is_the_car_at_the_first_sweep_of_the_window() -> None:
    clip = cut(make_log(), Window(start=1.0, duration=0.5))
    assert clip.start_ns == START + SECOND
    assert clip.sweeps[0].time == 0.0
    torch.testing.assert_close(clip.sweeps[0].lidar_to_world, torch.eye(4))
    # The car has driven 10 m towards the tree.
    torch.testing.assert_close(clip.sweeps[0].points, torch.tensor([[15.0, 3.0, 1.0]]))


def test_an_ego_pose_between_two_stamps_is_interpolated_for_the_world() -> None:
    log = make_log()
    shifted = replace(log, ego_times_ns=log.ego_times_ns - SECOND // 20)
    clip = cut(shifted, Window(duration=0.2))
    # Half a period later than the pose that says 0, the car is half a metre on: the world lies there.
    torch.testing.assert_close(clip.sweeps[0].points, torch.tensor([[24.5, 3.0, 1.0]]))


def test_a_city_frame_of_4000_kilometres_keeps_millimetres() -> None:
    near = cut(make_log(), Window(duration=1.0))
    far = cut(make_log(origin=(4e6, -4e6, 100.0)), Window(duration=1.0))
    for a, b in zip(near.sweeps, far.sweeps, strict=True):
        torch.testing.assert_close(a.points, b.points, atol=1e-4, rtol=0)
    for a, b in zip(near.frames, far.frames, strict=True):
        torch.testing.assert_close(a.camera.camera_to_world, b.camera.camera_to_world, atol=1e-4, rtol=0)


def test_a_standing_tree_stays_where_it_is_in_the_world() -> None:
    clip = cut(make_log(), Window(duration=1.0))
    for sweep in clip.sweeps:
        torch.testing.assert_close(sweep.points, torch.tensor([[25.0, 3.0, 1.0]]), atol=1e-4, rtol=0)


def test_a_point_straight_ahead_is_seen_in_the_middle_of_the_image() -> None:
    clip = cut(make_log(), Window(duration=0.1))
    camera = clip.frames[0].camera
    pixels, depths = geometry.project(torch.tensor([[20.1, 0.0, 0.0]]), camera.K, camera.camera_to_world)
    torch.testing.assert_close(pixels, torch.tensor([[32.0, 24.0]]))
    torch.testing.assert_close(depths, torch.tensor([20.0]))
    assert camera.time == pytest.approx(0.01)


@pytest.mark.parametrize(("rate", "sweeps"), [(10.0, 11), (9.66, 10), (20.0, 21), (2.0, 3)])
def test_one_second_holds_every_sweep_up_to_one_second_later(rate: float, sweeps: int) -> None:
    clip = cut(make_log(rate), Window(duration=1.0))
    assert len(clip.sweeps) == len(clip.frames) == sweeps


def test_stamps_that_jitter_by_a_tenth_of_a_period_change_nothing() -> None:
    log = make_log()
    jitter = np.random.default_rng(0).integers(-SECOND // 100, SECOND // 100, len(log.lidars[0].times_ns))
    lidar = replace(log.lidars[0], times_ns=log.lidars[0].times_ns + jitter)
    clip = cut(replace(log, lidars=(lidar,)), Window(start=1.0, duration=1.0))
    assert len(clip.sweeps) == len(clip.frames) == 11


def test_a_frame_belongs_to_the_window_of_its_nearest_sweep() -> None:
    log = make_log()
    camera = replace(log.cameras[0], times_ns=log.lidars[0].times_ns - SECOND // 50)
    clip = cut(replace(log, cameras=(camera,)), Window(start=1.0, duration=0.5))
    assert [frame.camera.time for frame in clip.frames] == pytest.approx([-0.02, 0.08, 0.18, 0.28, 0.38, 0.48])


def test_images_of_a_camera_that_ran_longer_than_the_lidar_are_not_near_any_sweep() -> None:
    log = make_log(seconds=1.0)
    times_ns = START + np.arange(-20, 40) * (SECOND // 10)
    poses = poses_at(np.arange(-20, 40) / 10, np.zeros(3)) @ CAMERA_TO_CAR
    camera = replace(log.cameras[0], times_ns=times_ns, camera_to_global=poses)
    clip = cut(replace(log, cameras=(camera,)), Window(duration=0.9))
    assert [round(frame.camera.time, 3) for frame in clip.frames] == [round(0.1 * i, 3) for i in range(-1, 11)]


def test_without_a_lidar_the_first_camera_counts_the_time() -> None:
    clip = cut(replace(make_log(), lidars=()), Window(start=1.0, duration=0.3))
    assert clip.sweeps == () and [frame.camera.time for frame in clip.frames] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_without_a_camera_the_clip_has_sweeps_only() -> None:
    clip = cut(replace(make_log(), cameras=()), Window(duration=0.3))
    assert clip.frames == () and len(clip.sweeps) == 4


def test_only_the_named_cameras_are_read() -> None:
    log = make_log()
    both = replace(log, cameras=(log.cameras[0], replace(log.cameras[0], name="rear")))
    assert {frame.sensor for frame in cut(both, Window(duration=0.2)).frames} == {"front", "rear"}
    assert {frame.sensor for frame in cut(both, Window(duration=0.2, cameras=("rear",))).frames} == {"rear"}


def test_frames_and_sweeps_are_in_order_of_time() -> None:
    log = make_log()
    rear = replace(log.cameras[0], name="rear", times_ns=log.cameras[0].times_ns + SECOND // 50)
    frames = cut(replace(log, cameras=(rear, log.cameras[0])), Window(duration=0.5)).frames
    assert [frame.sensor for frame in frames[:4]] == ["front", "rear", "front", "rear"]


def test_a_lens_is_undone_and_its_border_marked() -> None:
    log = make_log()
    clip = cut(
        replace(log, cameras=(replace(log.cameras[0], lens=brown(log.cameras[0].K, 0.3, 0.0, 0.0, 0.0)),)),
        Window(duration=0.1),
    )
    frame = clip.frames[0]
    assert frame.valid is not None and not frame.valid[0, 0] and frame.valid[24, 32]
    assert frame.camera.distortion is None
    torch.testing.assert_close(frame.camera.K, torch.tensor([[40.0, 0, 32], [0, 40, 24], [0, 0, 1]]))


def test_the_own_vehicles_mask_comes_with_each_frame() -> None:
    log = make_log()
    mask = np.ones((48, 64), bool)
    mask[40:] = False
    clip = cut(replace(log, cameras=(replace(log.cameras[0], valid=mask),)), Window(duration=0.1))
    assert all(frame.valid is not None and int(frame.valid.sum()) == 40 * 64 for frame in clip.frames)


def test_a_frame_without_any_masked_pixel_has_no_mask() -> None:
    assert all(frame.valid is None for frame in cut(make_log(), Window(duration=0.1)).frames)


def test_the_pose_at_the_end_of_read_out_is_rebased_too() -> None:
    log = make_log(origin=(4e6, 0.0, 0.0))
    end = log.cameras[0].camera_to_global.copy()
    end[:, 0, 3] += 0.3
    clip = cut(replace(log, cameras=(replace(log.cameras[0], camera_to_global_end=end),)), Window(duration=0.1))
    moved = clip.frames[0].camera.camera_to_world_end
    assert moved is not None
    assert float(moved[0, 3] - clip.frames[0].camera.camera_to_world[0, 3]) == pytest.approx(0.3, abs=1e-4)


def test_one_scan_that_cannot_be_read_is_left_out_with_a_warning() -> None:
    log = make_log()
    read = log.lidars[0].read_scan

    def broken(i: int) -> Scan:
        if i == 2:
            raise LogError("scan 2: broken")
        return read(i)

    with pytest.warns(LogWarning, match="top: 1 of 11 left out: scan 2: broken"):
        clip = cut(replace(log, lidars=(replace(log.lidars[0], read_scan=broken),)), Window())
    assert len(clip.sweeps) == 10 and len(clip.frames) == 11


def test_one_camera_that_is_all_broken_leaves_the_other() -> None:
    def broken(i: int) -> np.ndarray:
        raise LogError(f"image {i}: broken")

    log = make_log()
    cameras = (replace(log.cameras[0], name="rear", read_image=broken), log.cameras[0])
    with pytest.warns(LogWarning, match="rear: 11 of 11 left out: image 0: broken"):
        assert len(cut(replace(log, cameras=cameras), Window()).frames) == 11


def test_a_log_that_ends_before_the_window_is_read_to_its_end_with_a_warning() -> None:
    with pytest.warns(LogWarning, match=r"the log ends at 2\.90 s, so 0\.90 s are read"):
        assert len(cut(make_log(), Window(start=2.0, duration=5.0)).sweeps) == 10


def test_a_window_without_end_reads_the_whole_log() -> None:
    with pytest.warns(LogWarning, match=r"the log ends at 2\.90 s, so 2\.90 s are read"):
        assert len(cut(make_log(), Window(duration=1e300)).sweeps) == 30


def test_a_camera_that_started_after_the_window_is_said() -> None:
    log = make_log()
    front = log.cameras[0]
    late = replace(front, name="late", times_ns=front.times_ns[20:], camera_to_global=front.camera_to_global[20:])
    with pytest.warns(LogWarning, match="late: has nothing in the window"):
        assert len(cut(replace(log, cameras=(front, late)), Window()).frames) == 11


@pytest.mark.parametrize("window", [Window(start=3.5), Window(start=-1.0), Window(start=1e300)])
def test_a_window_outside_the_log_is_an_error_that_says_how_long_the_log_is(window: Window) -> None:
    with pytest.raises(LogError, match=r"the log runs from 0 to 2\.90 s"):
        cut(make_log(), window)


@pytest.mark.parametrize("window", [Window(duration=-1.0), Window(start=float("nan")), Window(duration=float("inf"))])
def test_a_window_that_is_no_window_is_an_error(window: Window) -> None:
    with pytest.raises(LogError, match="expected a start and a duration"):
        cut(make_log(), window)


def test_a_camera_that_does_not_exist_is_an_error_that_names_those_that_do() -> None:
    with pytest.raises(LogError, match="no camera 'rear'; the log has front"):
        cut(make_log(), Window(cameras=("rear",)))


def test_a_log_with_nothing_in_it_is_an_error() -> None:
    with pytest.raises(LogError, match="neither a LiDAR nor a camera"):
        cut(replace(make_log(), cameras=(), lidars=()), Window())


def test_ego_poses_that_begin_after_the_window_are_an_error() -> None:
    log = make_log()
    late = replace(log, ego_times_ns=log.ego_times_ns[20:], ego_to_global=log.ego_to_global[20:])
    with pytest.raises(LogError, match="pose at the start of the window is unknown"):
        cut(late, Window())


def test_cancelling_stops_the_reading() -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage == "reading images" and fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        cut(make_log(), Window(), cancel)


def test_progress_runs_from_0_to_1_in_both_stages() -> None:
    seen: dict[str, list[float]] = {}
    cut(make_log(), Window(), lambda stage, fraction: seen.setdefault(stage, []).append(fraction))
    assert list(seen) == ["reading sweeps", "reading images"]
    assert all(
        fractions[0] == 0 and fractions[-1] == 1 and fractions == sorted(fractions) for fractions in seen.values()
    )


def test_a_sound_log_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cut(make_log(), Window())
