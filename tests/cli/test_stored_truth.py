"""The simulator's truth, cut as its log is cut."""

import shutil
from pathlib import Path

import pytest
import torch

from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.evaluation.stored_truth import stored_truth
from flux4d_core.geometry import transform
from flux4d_core.simulation.storage import read_truth
from flux4d_core.types import Clip, Truth


def window(folder: Path, start: float, duration: float, cameras: tuple[str, ...] = ()) -> tuple[Clip, Truth]:
    log = open_log(folder)
    clip = cut(log, Window(start, duration, cameras))
    truth = stored_truth(log, clip)
    assert truth is not None
    return clip, truth


def test_the_whole_log_has_the_truth_as_it_is_stored(street_log: Path) -> None:
    _, truth = window(street_log, 0.0, 0.4)
    stored = read_truth(street_log)
    assert stored is not None
    assert len(truth.frames) == len(stored.frames) == 10
    for own, other in zip(truth.frames, stored.frames, strict=True):
        assert torch.equal(own.depths, other.depths)
        torch.testing.assert_close(own.velocities, other.velocities)
    for own, other in zip(truth.sweeps, stored.sweeps, strict=True):
        torch.testing.assert_close(own.velocities, other.velocities)


def test_a_window_of_one_camera_has_its_own_frames_and_sweeps(street_log: Path) -> None:
    whole, _ = window(street_log, 0.0, 0.4)
    name = whole.sensors[2]  # after the LiDAR and the first camera
    clip, truth = window(street_log, 0.2, 0.1, (name,))
    stored = read_truth(street_log)
    assert stored is not None
    second = [i for i, frame in enumerate(whole.frames) if frame.sensor == name]
    assert len(clip.frames) == len(truth.frames) == 2
    for own, i in zip(truth.frames, second[2:4], strict=True):
        assert torch.equal(own.depths, stored.frames[i].depths)
    for sweep, own, i in zip(clip.sweeps, truth.sweeps, (2, 3), strict=True):
        assert torch.equal(own.actor_ids, stored.sweeps[i].actor_ids)
        assert len(own.velocities) == len(sweep.points)
    assert [boxes.time for boxes in truth.boxes] == [sweep.time for sweep in clip.sweeps]


def test_velocities_and_boxes_turn_with_the_world_of_the_window(street_log: Path) -> None:
    """A return carried on by its velocity is the same place in both worlds."""
    whole, before = window(street_log, 0.0, 0.4)
    clip, after = window(street_log, 0.3, 0.1)
    moved_world = clip.sweeps[0].lidar_to_world @ torch.linalg.inv(whole.sweeps[3].lidar_to_world)
    moving = before.sweeps[3].velocities.norm(dim=-1) > 0.5
    assert bool(moving.any())
    there = transform(moved_world, whole.sweeps[3].points[moving] + before.sweeps[3].velocities[moving])
    here = clip.sweeps[0].points[moving] + after.sweeps[0].velocities[moving]
    torch.testing.assert_close(here, there, atol=2e-3, rtol=0)
    torch.testing.assert_close(
        after.boxes[0].box_to_world[:, :3, 3],
        transform(moved_world, before.boxes[3].box_to_world[:, :3, 3]),
        atol=2e-3,
        rtol=0,
    )


def test_a_log_without_truth_has_none(toy_log: Path) -> None:
    log = open_log(toy_log)
    assert stored_truth(log, cut(log, Window(duration=0.1))) is None


def test_the_truth_about_another_log_is_refused(street_log: Path, toy_log: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_log, tmp_path / "log")
    shutil.copy(street_log / "truth.safetensors", tmp_path / "log")
    log = open_log(tmp_path / "log")
    with pytest.raises(LogError, match="17 images and 17 sweeps, found 10 and 5"):
        stored_truth(log, cut(log, Window(duration=0.1)))
