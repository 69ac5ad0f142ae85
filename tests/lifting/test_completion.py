"""Depth of every cell of an image."""

from dataclasses import replace

import torch
from toy_clip import toy_clip, true_depths

from flux4d_core.lifting.completion import CompletedDepth, complete_depths
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.visibility import VisiblePoints, visible_points
from flux4d_core.types import DepthMap


def _complete(with_lidar: bool) -> list[CompletedDepth]:
    clip = toy_clip(frames=5, speed=8.0)
    nothing = VisiblePoints(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2), torch.zeros(0))
    seen = [
        visible_points(sweep.points, frame.camera) if with_lidar else nothing
        for frame, sweep in zip(clip.frames, clip.sweeps, strict=True)
    ]
    return complete_depths(list(clip.frames), seen, LiftConfig())


def test_cells_with_a_lidar_return_have_its_depth() -> None:
    completed = _complete(with_lidar=True)
    middle = completed[2]
    truth = true_depths(middle.camera)
    assert middle.measured.float().mean() > 0.2
    error = (middle.depths - truth).abs()[middle.measured]
    assert error.median() < 0.3


def test_the_wall_above_the_topmost_beam_is_found_and_the_sky_is_infinitely_far() -> None:
    completed = _complete(with_lidar=True)
    middle = completed[2]
    truth = true_depths(middle.camera)
    above = truth.isfinite() & ~middle.measured & (torch.arange(len(truth))[:, None] < len(truth) // 2)
    assert above.sum() > 20
    relative = (middle.depths / truth - 1).abs()[above]
    assert relative.median() < 0.1
    sky = truth.isinf()
    # all but one cell around the wall, by which matching windows fatten what is near
    assert middle.depths[sky].isinf().float().mean() > 0.75


def test_parallax_alone_finds_depth_without_any_lidar() -> None:
    completed = _complete(with_lidar=False)
    middle = completed[2]
    truth = true_depths(middle.camera)
    columns = torch.arange(truth.shape[1])
    aside = (columns - truth.shape[1] / 2).abs() > 8  # straight ahead there is no parallax to see
    near = (truth < 15) & aside
    relative = (middle.depths / truth - 1).abs()[near]
    assert near.sum() > 50
    assert relative.median() < 0.15


def test_the_ground_faces_up_and_the_wall_faces_the_camera() -> None:
    completed = _complete(with_lidar=True)
    middle = completed[2]
    truth = true_depths(middle.camera)
    rows, columns = truth.shape
    assert middle.normals[rows - 3, columns // 2, 1] < -0.9  # camera y points down
    assert middle.normals[rows // 2 - 2, columns // 2, 2] < -0.9  # and z away


def test_a_depth_map_of_wrong_scale_helps_where_no_lidar_is_and_overrules_no_return() -> None:
    clip = toy_clip(frames=3, speed=0.0)  # standing still: no parallax
    frame = clip.frames[1]
    truth = true_depths(frame.camera)
    guessed = [replace(f, depth=DepthMap(0.5 / truth + 0.01)) for f in clip.frames]
    low = []
    for sweep in clip.sweeps:  # a LiDAR that sees the ground alone
        points = visible_points(sweep.points[sweep.points[:, 2] < -1.4], frame.camera)
        low.append(points)
    alone = complete_depths(list(clip.frames), low, LiftConfig())[1]
    helped = complete_depths(guessed, low, LiftConfig())[1]
    exact = true_depths(helped.camera)
    wall = exact.isfinite() & ~helped.measured & (torch.arange(len(exact))[:, None] < len(exact) // 2)
    error = [(completed.depths / exact - 1).abs()[wall].median() for completed in (alone, helped)]
    assert error[1] < 0.05
    assert error[1] < error[0]
    assert torch.equal(helped.measured, alone.measured)
    assert torch.equal(helped.depths[helped.measured], alone.depths[alone.measured])


def test_a_depth_map_that_knows_nothing_changes_nothing() -> None:
    clip = toy_clip(frames=2)
    seen = [visible_points(s.points, f.camera) for f, s in zip(clip.frames, clip.sweeps, strict=True)]
    unknown = [replace(f, depth=DepthMap(torch.full((9, 16), torch.nan))) for f in clip.frames]
    before, after = (complete_depths(frames, seen, LiftConfig())[0] for frames in (list(clip.frames), unknown))
    assert torch.equal(before.depths, after.depths)
