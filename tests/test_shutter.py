"""A camera of 100x100 pixels, focal length 100, that looks along x."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from flux4d_core.geometry import project, unproject
from flux4d_core.rendering.render import draw
from flux4d_core.shutter import as_read_out, at_once, snapshot_at_once
from flux4d_core.types import Camera, Snapshot

K = torch.tensor([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])
AHEAD = torch.tensor([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def rolling(left: float = 0.0, yaw: float = 0.0) -> Camera:
    """By the last row it has gone to the left (m) and turned to the left (rad)."""
    c, s = torch.cos(torch.tensor(yaw)), torch.sin(torch.tensor(yaw))
    turn = torch.tensor([[c, -s, 0, 0], [s, c, 0, left], [0, 0, 1, 0], [0, 0, 0, 1]])
    return Camera(K, AHEAD, 100, 100, 0.0, turn @ AHEAD)


def seen(point: tuple[float, float, float], camera: Camera) -> tuple[float, float]:
    pixels, _ = project(at_once(torch.tensor([point]), camera), camera.K, camera.camera_to_world)
    return float(pixels[0, 0]), float(pixels[0, 1])


def test_a_point_in_the_middle_row_is_seen_as_by_a_global_shutter() -> None:
    assert seen((10.0, 1.0, 0.0), rolling(left=0.5)) == pytest.approx((40, 50))


def test_a_camera_that_goes_to_the_left_sees_low_things_further_right() -> None:
    """Row 90 is 0.8 of the way from the middle to the end: the camera is 0.8 * 0.5 m = 0.4 m further left there."""
    assert seen((10.0, 0.0, -4.0), rolling(left=0.5)) == pytest.approx((50 + 100 * 0.4 / 10, 90), abs=1e-3)
    assert seen((10.0, 0.0, 4.0), rolling(left=0.5)) == pytest.approx((50 - 100 * 0.4 / 10, 10), abs=1e-3)


def test_a_camera_that_turns_to_the_left_leans_what_is_upright() -> None:
    columns = [seen((10.0, 0.0, z), rolling(yaw=0.02))[0] for z in (4.0, 0.0, -4.0)]
    assert columns == pytest.approx([50 - 1.6, 50, 50 + 1.6], abs=0.02)


def test_reading_out_undoes_it() -> None:
    camera = rolling(0.3, 0.05)
    points = torch.tensor([[10.0, 2.0, 3.0], [20.0, -5.0, -6.0], [5.0, 0.0, 1.0]])
    pixels, depths = project(at_once(points, camera), camera.K, camera.camera_to_world)
    again = as_read_out(unproject(pixels, depths, camera.K, camera.camera_to_world), pixels[:, 1], camera)
    assert torch.allclose(again, points, atol=1e-3)


def test_what_is_behind_stays_and_nothing_is_not_finite() -> None:
    points = torch.tensor([[-10.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    assert torch.equal(at_once(points, rolling(0.3)), points)


def test_without_an_end_nothing_moves() -> None:
    points = torch.rand(5, 3)
    camera = replace(rolling(0.3), camera_to_world_end=None)
    assert at_once(points, camera) is points and as_read_out(points, points[:, 0], camera) is points


def test_gaussians_are_drawn_where_their_row_sees_them_and_gradients_pass() -> None:
    means = torch.tensor([[10.0, 0.0, -4.0]], requires_grad=True)
    one = torch.ones(1, 3)
    snapshot = Snapshot(means, torch.tensor([[1.0, 0, 0, 0]]), one * 0.2, one[:, 0] * 0.9, one, one * 0)
    picture = draw(snapshot, None, rolling(left=0.5), backend="cpu")
    row, column = divmod(int(picture.alphas.argmax()), 100)
    assert (row, column) in {(89, 53), (90, 53), (89, 54), (90, 54)}
    picture.colors.sum().backward()
    assert means.grad is not None and torch.isfinite(means.grad).all()


def test_gaussians_turn_with_the_camera() -> None:
    snapshot = Snapshot(
        torch.tensor([[10.0, 0.0, -5.0]]), torch.tensor([[1.0, 0, 0, 0]]), *(torch.ones(1, 3), torch.ones(1)),
        *(torch.ones(1, 3), torch.zeros(1, 3)),
    )  # fmt: skip
    quat = snapshot_at_once(snapshot, rolling(yaw=0.2)).quats[0]
    assert 2 * torch.asin(quat[3]) == pytest.approx(-0.2, abs=0.01)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
def test_on_a_gpu_the_shutter_rolls_as_on_a_cpu() -> None:
    dice = torch.Generator().manual_seed(0)
    means = torch.rand(200, 3, generator=dice) * torch.tensor([10.0, 8, 8]) + torch.tensor([8.0, -4, -4])
    quats = torch.nn.functional.normalize(torch.randn(200, 4, generator=dice), dim=-1)
    colors = torch.rand(200, 3, generator=dice)
    snapshot = Snapshot(means, quats, torch.full((200, 3), 0.2), torch.full((200,), 0.8), colors, means * 0)
    camera = rolling(0.4, 0.03)
    there = Snapshot(*(getattr(snapshot, field.name).cuda() for field in fields(snapshot)))
    ours = draw(snapshot, None, camera, backend="cpu").colors
    assert (draw(there, None, camera.to("cuda")).colors.cpu() - ours).abs().max() < 0.02
    assert (draw(snapshot, None, replace(camera, camera_to_world_end=None)).colors - ours).abs().max() > 0.1
