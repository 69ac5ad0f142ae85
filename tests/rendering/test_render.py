import subprocess
import sys
from dataclasses import fields, replace

import pytest
import torch
from splat_scenes import ball, crowd, forward_camera, moving

from flux4d_core.errors import Flux4dError
from flux4d_core.rendering import cuda
from flux4d_core.rendering.render import compile_kernels, describe_backend, draw, render, render_views
from flux4d_core.types import Camera, Gaussians, Sky, Snapshot, concatenate

CENTER = (24, 32)
"""Row and column of `forward_camera`'s middle pixel."""
CORNER = (0, 0)
GREEN_SKY = Sky(torch.tensor([0.0, 1.0, 0.0]).expand(8, 16, 3))


def both(first: Snapshot, second: Snapshot) -> Snapshot:
    return Snapshot(*(torch.cat([getattr(first, f.name), getattr(second, f.name)]) for f in fields(Snapshot)))


def test_a_red_ball_ten_metres_ahead_makes_the_middle_red_and_ten_metres_deep() -> None:
    rendering = draw(ball((10.0, 0.0, 0.0), color=(1.0, 0.0, 0.0)), None, forward_camera())
    torch.testing.assert_close(rendering.colors[CENTER], torch.tensor([0.999, 0.0, 0.0]))
    assert rendering.depths[CENTER].item() == pytest.approx(10.0)
    assert rendering.alphas[CENTER].item() == pytest.approx(0.999)


def test_where_nothing_is_the_picture_is_black_without_depth() -> None:
    rendering = draw(ball(), None, forward_camera())
    assert rendering.colors[CORNER].tolist() == [0, 0, 0]
    assert rendering.depths[CORNER] == 0
    assert rendering.alphas[CORNER] == 0


def test_where_nothing_is_the_sky_is_seen() -> None:
    rendering = draw(ball(), GREEN_SKY, forward_camera())
    torch.testing.assert_close(rendering.colors[CORNER], torch.tensor([0.0, 1.0, 0.0]))


def test_half_a_red_ball_before_a_green_sky_is_half_red_and_half_green() -> None:
    rendering = draw(ball(opacity=0.5), GREEN_SKY, forward_camera())
    torch.testing.assert_close(rendering.colors[CENTER], torch.tensor([0.5, 0.5, 0.0]))
    assert rendering.depths[CENTER].item() == pytest.approx(10.0)


def test_a_ball_behind_another_is_hidden_in_whichever_order_they_come() -> None:
    near, far = ball((10.0, 0.0, 0.0), color=(1.0, 0.0, 0.0)), ball((20.0, 0.0, 0.0), color=(0.0, 0.0, 1.0))
    for scene in (both(near, far), both(far, near)):
        rendering = draw(scene, None, forward_camera())
        torch.testing.assert_close(rendering.colors[CENTER], torch.tensor([0.999, 0.0, 0.0]), atol=2e-3, rtol=0)
        assert rendering.depths[CENTER].item() == pytest.approx(10.0, abs=0.02)


def test_a_ball_to_the_left_is_seen_on_the_left_and_one_above_at_the_top() -> None:
    left = draw(ball((10.0, 5.0, 0.0)), None, forward_camera()).alphas
    above = draw(ball((10.0, 0.0, 5.0)), None, forward_camera()).alphas
    assert left[24, 16] > 0.9 > 0.1 > left[24, 48]
    assert above[8, 32] > 0.9 > 0.1 > above[40, 32]


def test_a_ball_behind_the_camera_or_too_near_is_not_seen() -> None:
    for distance in (-10.0, 0.1):
        assert draw(ball((distance, 0.0, 0.0)), None, forward_camera()).alphas.max() == 0


def test_the_velocity_of_the_only_thing_seen_is_its_velocity() -> None:
    rendering = draw(ball(velocity=(3.0, -2.0, 1.0)), None, forward_camera())
    assert rendering.velocities is not None
    velocity = rendering.velocities[CENTER] / rendering.alphas[CENTER]
    torch.testing.assert_close(velocity, torch.tensor([3.0, -2.0, 1.0]))


def test_a_ball_is_drawn_where_it_is_at_the_cameras_time() -> None:
    gaussians = moving(ball((10.0, 10.0, 0.0), velocity=(0.0, -10.0, 0.0)), time=0.0)
    assert render(gaussians, None, forward_camera(time=0.0)).alphas[CENTER] < 0.01
    assert render(gaussians, None, forward_camera(time=1.0)).alphas[CENTER] > 0.99


def test_gradients_reach_every_number_of_a_moving_gaussian_and_the_sky() -> None:
    snapshot = ball((10.0, 0.3, 0.2), velocity=(0.0, 0.5, 0.1), opacity=0.7)
    snapshot = replace(snapshot, scales=torch.tensor([[1.0, 0.7, 0.4]]), quats=torch.tensor([[0.9, 0.1, 0.2, 0.3]]))
    gaussians = replace(moving(snapshot, time=0.5), lifespans=torch.tensor([1.0]))
    names = [f.name for f in fields(Gaussians) if getattr(gaussians, f.name).is_floating_point()]
    gaussians = replace(gaussians, **{name: getattr(gaussians, name).clone().requires_grad_() for name in names})
    sky = Sky(torch.rand(8, 16, 3).requires_grad_())
    rendering = render(gaussians, sky, forward_camera(time=0.0))
    assert rendering.velocities is not None
    (rendering.colors[20:30, 20:40].square().sum() + rendering.depths.sum() + rendering.velocities.sum()).backward()
    for name in names:
        gradient = getattr(gaussians, name).grad
        assert gradient is not None, name
        assert gradient.isfinite().all(), name
        assert (gradient != 0).all(), name
    assert sky.panorama.grad is not None
    assert sky.panorama.grad.abs().sum() > 0


@pytest.mark.parametrize("name", [f.name for f in fields(Snapshot)])
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_gaussian_with_a_number_that_is_not_finite_is_left_out(name: str, broken: float) -> None:
    whole = crowd(50, seed=0)
    values = getattr(whole, name).clone()
    values[7] = broken
    values.requires_grad_()
    rendering = draw(replace(whole, **{name: values}), None, forward_camera())
    others = draw(whole[torch.arange(50) != 7], None, forward_camera())
    torch.testing.assert_close(rendering.colors.detach(), others.colors)
    torch.testing.assert_close(rendering.depths.detach(), others.depths)
    (rendering.colors.sum() + rendering.depths.sum()).backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()
    assert (values.grad[7] == 0).all()


def test_a_quaternion_of_length_zero_is_left_out_and_other_lengths_do_not_matter() -> None:
    whole = crowd(50, seed=0)
    zero = whole.quats.clone()
    zero[7] = 0
    without = draw(whole[torch.arange(50) != 7], None, forward_camera()).colors
    torch.testing.assert_close(draw(replace(whole, quats=zero), None, forward_camera()).colors, without)
    longer = draw(replace(whole, quats=whole.quats * 3), None, forward_camera()).colors
    torch.testing.assert_close(longer, draw(whole, None, forward_camera()).colors)


def test_no_gaussians_at_all_leave_the_sky_and_gradients_of_no_length() -> None:
    nothing = ball()[torch.zeros(0, dtype=torch.long)]
    nothing = replace(nothing, means=nothing.means.requires_grad_())
    rendering = draw(nothing, GREEN_SKY, forward_camera())
    assert rendering.alphas.max() == 0
    torch.testing.assert_close(rendering.colors, GREEN_SKY.panorama[0, 0].expand(49, 65, 3))
    rendering.colors.sum().backward()
    assert nothing.means.grad is not None
    assert nothing.means.grad.shape == (0, 3)


def test_a_scene_of_which_nothing_is_in_view_can_be_differentiated() -> None:
    behind = ball((-10.0, 0.0, 0.0))
    behind.means.requires_grad_()
    draw(behind, None, forward_camera()).colors.sum().backward()
    assert behind.means.grad is not None
    assert (behind.means.grad == 0).all()


def test_a_picture_of_one_pixel_can_be_drawn() -> None:
    assert draw(ball(), None, forward_camera(1, 1)).alphas.item() == pytest.approx(0.999)


def test_all_gaussians_together_equal_their_parts_concatenated() -> None:
    scene = moving(crowd(40, seed=1))
    parts = concatenate([scene[:25], scene[25:]])
    first, second = render(scene, None, forward_camera()), render(parts, None, forward_camera())
    torch.testing.assert_close(first.colors, second.colors)


def test_a_camera_with_distortion_is_refused() -> None:
    camera = replace(forward_camera(), distortion=torch.tensor([0.1, 0.0, 0.0, 0.0, 0.0]))
    with pytest.raises(Flux4dError, match="undistort the image first"):
        draw(ball(), None, camera)


def test_a_rolling_shutter_is_ignored() -> None:
    camera = forward_camera()
    elsewhere = camera.camera_to_world + 1.0
    rolling = replace(camera, camera_to_world_end=elsewhere)
    torch.testing.assert_close(draw(ball(), None, rolling).colors, draw(ball(), None, camera).colors)


def test_tensors_on_different_devices_are_refused_by_name() -> None:
    camera = forward_camera()
    elsewhere = Camera(camera.K.to("meta"), camera.camera_to_world, 65, 49, 0.0)
    with pytest.raises(Flux4dError, match=r"means on cpu but the camera's K on meta"):
        draw(ball(), None, elsewhere)
    with pytest.raises(Flux4dError, match=r"but the sky's panorama on meta"):
        draw(ball(), GREEN_SKY.to("meta"), camera)
    with pytest.raises(Flux4dError, match=r"but the Gaussians' colors on meta"):
        draw(replace(ball(), colors=torch.ones(1, 3, device="meta")), None, camera)


def test_the_cuda_backend_refuses_gaussians_on_the_cpu() -> None:
    with pytest.raises(Flux4dError, match=r'found them on cpu: move them with \.to\("cuda"\)'):
        draw(ball(), None, forward_camera(), backend="cuda")


def test_on_the_cpu_nothing_is_amiss() -> None:
    status = describe_backend("cpu")
    assert (status.name, status.remedy) == ("cpu", "")


def test_a_gpu_without_gsplat_is_explained_in_one_line_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "find_fault", lambda: "gsplat failed (ImportError: no CUDA toolkit)")
    status = describe_backend("cuda")
    assert status.name == "cpu"
    assert status.reason == "gsplat failed (ImportError: no CUDA toolkit)"
    assert "nvcc" in status.remedy
    assert "\n" not in status.reason + status.remedy


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("No module named 'gsplat'"), "gsplat cannot be imported (No module named 'gsplat')"),
        (AttributeError("'NoneType' object has no attribute 'CameraModelType'"), "found no CUDA toolkit (nvcc)"),
        (
            RuntimeError("Error building extension\nnvcc fatal"),
            "gsplat failed (RuntimeError: Error building extension)",
        ),
        (RuntimeError(""), "gsplat failed (RuntimeError: no message)"),
    ],
)
def test_what_gsplat_says_when_it_fails_is_put_in_one_line(error: Exception, words: str) -> None:
    fault = cuda.name_fault(error)
    assert words in fault
    assert "\n" not in fault


def test_importing_the_renderer_compiles_nothing() -> None:
    loaded = "import sys, flux4d_core.rendering.gradients; print({'numba', 'gsplat'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_gpu_on_which_gsplat_works_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "find_fault", lambda: None)
    assert describe_backend("cuda").name == "cuda"


def test_compiling_reports_from_nothing_to_done() -> None:
    fractions: list[float] = []
    with torch.inference_mode():
        compile_kernels(lambda stage, fraction: fractions.append(fraction) if "CPU renderer" in stage else None)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)


def test_autocast_takes_no_digits_from_the_picture() -> None:
    scene, sky = crowd(50, seed=0), Sky(torch.rand(8, 16, 3, generator=torch.Generator().manual_seed(0)))
    expected = draw(scene, sky, forward_camera())
    with torch.autocast("cpu", torch.bfloat16):
        drawn = draw(scene, sky, forward_camera())
    assert drawn.colors.dtype == torch.float32
    torch.testing.assert_close(drawn.colors, expected.colors)


def test_several_views_at_once_are_the_same_pictures_as_one_by_one() -> None:
    scene = moving(ball((10.0, 0.0, 0.0), velocity=(0.0, 2.0, 0.0)))
    cameras = [replace(forward_camera(), time=time) for time in (0.0, 0.5, 1.0)]
    for together, camera in zip(render_views(scene, GREEN_SKY, cameras), cameras, strict=True):
        alone = render(scene, GREEN_SKY, camera)
        assert torch.equal(together.colors, alone.colors)
        assert torch.equal(together.alphas, alone.alphas)
