"""Gaussians that cover a patch of an image and lie on the surface."""

import torch

from flux4d_core.geometry import quats_to_rotations
from flux4d_core.lifting.surfels import THICKNESS, surfels


def _covariance(quats: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    rotations = quats_to_rotations(quats)
    return rotations @ torch.diag_embed(scales**2) @ rotations.transpose(-1, -2)


def test_a_wall_at_ten_metres_facing_the_camera_gets_a_flat_round_gaussian_of_its_pixels_size() -> None:
    rays, normals = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.0, 0.0, -1.0]])
    quats, scales = surfels(rays, torch.tensor([10.0]), normals, torch.tensor([0.02, 0.02]), torch.eye(4))
    assert torch.allclose(scales, torch.tensor([[0.2, 0.2, 0.2 * THICKNESS]]), atol=1e-5)
    normal = quats_to_rotations(quats)[0, :, 2]
    assert abs(float(normal[2])) > 0.999


def test_the_image_of_a_slanted_gaussian_still_has_the_wanted_size() -> None:
    rays = torch.tensor([[0.3, 0.2, 1.0]])
    normals = torch.nn.functional.normalize(torch.tensor([[0.4, -0.8, -0.6]]), dim=-1)
    depths = torch.tensor([8.0])
    quats, scales = surfels(rays, depths, normals, torch.tensor([0.01, 0.03]), torch.eye(4))
    u, v, z = 0.3 * 8, 0.2 * 8, 8.0
    jacobian = torch.tensor([[1 / z, 0, -u / z**2], [0, 1 / z, -v / z**2]])
    flat = scales.clone()
    flat[:, 2] = 0
    image = jacobian @ _covariance(quats, flat)[0] @ jacobian.T
    assert torch.allclose(image, torch.diag(torch.tensor([0.01**2, 0.03**2])), atol=2e-6)


def test_a_surface_seen_edge_on_gives_no_needle() -> None:
    rays, normals = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.0, -1.0, -1e-4]])
    _, scales = surfels(rays, torch.tensor([20.0]), normals, torch.tensor([0.01, 0.01]), torch.eye(4))
    assert scales.max() < 0.2 * 5


def test_the_cameras_pose_turns_the_gaussians_with_it() -> None:
    turn = torch.eye(4)
    turn[:3, :3] = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    rays, normals = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.0, 0.0, -1.0]])
    quats, _ = surfels(rays, torch.tensor([10.0]), normals, torch.tensor([0.02, 0.02]), turn)
    assert abs(float(quats_to_rotations(quats)[0, 0, 2])) > 0.999  # the camera's z is the world's x
