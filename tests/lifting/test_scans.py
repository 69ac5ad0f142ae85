"""Depth maps in the place of a LiDAR."""

from dataclasses import replace

import pytest
from toy_clip import GROUND, WALL, toy_clip, true_depths

from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.depth_maps import DepthWarning
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.scans import with_scans
from flux4d_core.types import Clip, DepthMap

SMALL = LiftConfig(panorama_height=256)


def _with_maps(factors: list[float], shift: float = 0.0, is_metric: bool = True) -> Clip:
    """The toy street without LiDAR; the map of image i is the true inverse depth times `factors[i]` plus a shift."""
    clip = toy_clip(frames=len(factors), speed=8.0)
    maps = [
        DepthMap(factor / true_depths(frame.camera) + shift, is_metric)
        for frame, factor in zip(clip.frames, factors, strict=True)
    ]
    return replace(clip, sweeps=(), frames=tuple(replace(f, depth=d) for f, d in zip(clip.frames, maps, strict=True)))


def test_a_true_map_is_a_sweep_of_points_on_the_ground_and_on_the_wall() -> None:
    clip = with_scans(_with_maps([1.0] * 3), SMALL)
    assert [sweep.time for sweep in clip.sweeps] == [frame.camera.time for frame in clip.frames]
    for sweep in clip.sweeps:
        on_ground = (sweep.points[:, 2] - GROUND).abs() < 0.03  # in the corner before the wall not quite
        on_wall = (sweep.points[:, 0] - WALL).abs() < 1e-3
        assert len(sweep.points) > 200
        near = sweep.points[:, 0] < 30  # farther out a pixel of the ground is many metres long
        assert (on_ground | on_wall)[near].float().mean() > 0.99
        assert on_wall.sum() > 20


def test_scans_are_lifted_as_lidar_returns_and_the_list_of_sensors_does_not_change() -> None:
    bare = _with_maps([1.0] * 3)
    clip = with_scans(bare, SMALL)
    lifted = lift(clip, SMALL)
    assert clip.sensors == bare.sensors
    assert lifted.measured.float().mean() > 0.8
    ground = lifted.measured & ((lifted.gaussians.means[:, 2] - GROUND).abs() < 0.01)
    assert lifted.heights[ground].abs().median() < 0.05


def test_maps_without_scale_get_it_from_parallax() -> None:
    clip = with_scans(_with_maps([30.0] * 4, shift=5.0, is_metric=False), SMALL)
    for frame in clip.frames[1:3]:
        assert frame.depth is not None
        assert frame.depth.is_metric
        rows, columns = frame.depth.inverse.shape
        truth = true_depths(frame.camera.resized(columns, rows))
        near = truth < 15
        assert (frame.depth.inverse[near] * truth[near] - 1).abs().median() < 0.15


def test_maps_without_scale_are_left_out_where_the_camera_stood_still() -> None:
    clip = toy_clip(frames=3, speed=0.0)
    maps = tuple(replace(f, depth=DepthMap(5 - 1 / true_depths(f.camera), is_metric=False)) for f in clip.frames)
    with pytest.warns(DepthWarning, match="3 of 3"):
        clip = with_scans(replace(clip, sweeps=(), frames=maps), SMALL)
    assert clip.sweeps == ()


def test_maps_that_contradict_each_other_are_no_measurement() -> None:
    with pytest.warns(DepthWarning, match="differ by"):
        clip = with_scans(_with_maps([1.0, 1.3, 1.0]), SMALL)
    assert clip.sweeps == ()
    lifted = lift(clip, SMALL)
    assert len(lifted.gaussians) > 0
    assert not lifted.measured.any()


def test_a_clip_with_lidar_and_one_without_maps_stay_as_they_are() -> None:
    clip = toy_clip(frames=2)
    assert with_scans(clip, SMALL) is clip
    blind = replace(clip, sweeps=())
    assert with_scans(blind, SMALL) is blind
