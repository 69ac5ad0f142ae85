import brute_force
import numpy as np
import pytest
import torch
from splat_scenes import crowd, forward_camera

from flux4d_core.geometry import invert
from flux4d_core.rendering.cpu.projection import (
    CONIC_XX,
    CONIC_YY,
    DEPTH,
    TILE,
    Arrays,
    View,
    X,
    Y,
    cull,
    project,
)
from flux4d_core.rendering.layers import BLUR, FAR, NEAR
from flux4d_core.types import Camera, Snapshot


def kernels(snapshot: Snapshot, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which Gaussians are kept, their splats and their rectangles."""
    arrays = Arrays(
        *(getattr(snapshot, name).numpy() for name in ("means", "quats", "scales", "opacities", "colors", "velocities"))
    )
    fx, fy, cx, cy = (np.float32(camera.K[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    pose = invert(camera.camera_to_world)[:3].contiguous().numpy()
    view = View(pose, fx, fy, cx, cy, camera.width, camera.height, np.float32(NEAR), np.float32(FAR))
    kept = np.empty(len(snapshot), np.bool_)
    cull(arrays, view, kept)
    ids = np.flatnonzero(kept)
    splats, rectangles = np.empty((len(ids), 16), np.float32), np.empty((len(ids), 4), np.int32)
    project(ids, arrays, view, splats, rectangles)
    return ids, splats, rectangles


def test_splats_are_those_of_gsplats_own_projection_in_torch() -> None:
    reference = pytest.importorskip("gsplat.cuda._torch_impl", reason="gsplat is not installed")
    snapshot, camera = crowd(2000, seed=0), forward_camera(130, 100)
    ids, splats, _ = kernels(snapshot, camera)
    quats = torch.nn.functional.normalize(snapshot.quats, dim=1)
    covariances, _ = reference._quat_scale_to_covar_preci(quats, snapshot.scales, True, False)
    viewmats = invert(camera.camera_to_world)[None]
    radii, centers, depths, conics, _ = reference._fully_fused_projection(
        snapshot.means, covariances, viewmats, camera.K[None], 130, 100, eps2d=BLUR, near_plane=NEAR, far_plane=FAR
    )
    seen_by_gsplat = (radii[0] > 0).all(-1).nonzero().squeeze(1).numpy()
    assert np.isin(seen_by_gsplat, ids).all()
    ours, theirs = splats[np.isin(ids, seen_by_gsplat)], seen_by_gsplat
    np.testing.assert_allclose(ours[:, [X, Y]], centers[0][theirs], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(ours[:, DEPTH], depths[0][theirs], rtol=1e-5)
    difference = np.linalg.norm(ours[:, CONIC_XX : CONIC_YY + 1] - conics[0][theirs].numpy(), axis=1)
    # gsplat's determinant cancels for thin splats; ours does not.
    assert np.median(difference / np.linalg.norm(conics[0][theirs], axis=1)) < 1e-6
    assert np.mean(difference > 1e-3 * np.linalg.norm(conics[0][theirs], axis=1)) < 0.01


def test_no_pixel_that_a_gaussian_reaches_lies_outside_its_tiles() -> None:
    snapshot, camera = crowd(500, seed=1), forward_camera(130, 100)
    ids, _, rectangles = kernels(snapshot, camera)
    left_out = np.setdiff1d(np.arange(500), ids)
    for i in range(500):
        alphas = brute_force.rasterize(snapshot[i : i + 1], camera)[..., 7]
        rows, columns = alphas.nonzero().T.numpy()
        if i in left_out:
            assert len(rows) == 0
            continue
        x0, y0, x1, y1 = rectangles[np.searchsorted(ids, i)]
        assert ((columns // TILE >= x0) & (columns // TILE < x1) & (rows // TILE >= y0) & (rows // TILE < y1)).all()


def test_a_needle_before_the_camera_keeps_a_sound_inverse_covariance() -> None:
    needle = Snapshot(
        torch.tensor([[1.0, 0.1, 0.2]]),
        torch.tensor([[0.9, 0.3, 0.2, 0.1]]),
        torch.tensor([[500.0, 0.001, 0.001]]),
        torch.ones(1),
        torch.ones(1, 3),
        torch.zeros(1, 3),
    )
    _, splats, _ = kernels(needle, forward_camera(1920, 1080))
    xx, xy, yy = splats[0, CONIC_XX : CONIC_YY + 1].astype(np.float64)
    _, covariances, _ = brute_force.project(needle, forward_camera(1920, 1080))
    expected = torch.linalg.inv(covariances[0])
    np.testing.assert_allclose([xx, xy, yy], [expected[0, 0], expected[0, 1], expected[1, 1]], rtol=1e-3)
