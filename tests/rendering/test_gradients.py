from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from splat_scenes import ball, crowd, forward_camera, moving

from flux4d_core.rendering.gradients import image_gradients
from flux4d_core.rendering.photometric import PhotometricConfig, photometric_loss
from flux4d_core.rendering.render import render
from flux4d_core.types import Frame, Sky

CONFIG = PhotometricConfig()


def frame(level: int, time: float = 0.0) -> Frame:
    return Frame(torch.full((49, 65, 3), level, dtype=torch.uint8), forward_camera(time=time), "front")


def test_before_a_grey_sky_a_ball_that_is_too_red_is_told_to_be_less_red() -> None:
    grey = Sky(torch.full((8, 16, 3), 128 / 255))
    reddish = moving(ball(color=(1.0, 128 / 255, 128 / 255)))
    gradients = image_gradients(reddish, grey, [frame(128)], PhotometricConfig(l1=1.0, ssim=0.0))
    assert gradients.values.shape == (1, 14)
    red, green, blue = gradients.values[0, 11:].tolist()
    assert red > 0.005
    assert red > 10 * (abs(green) + abs(blue))


def test_a_gaussian_that_no_frame_sees_has_no_gradient() -> None:
    gradients = image_gradients(moving(ball((-10.0, 0.0, 0.0))), None, [frame(128)], CONFIG)
    assert (gradients.values == 0).all()
    assert gradients.loss > 0


def test_columns_are_the_gradients_of_means_quats_log_scales_logits_and_colors() -> None:
    scene = moving(crowd(30, seed=0))
    sky = Sky(torch.rand(8, 16, 3, generator=torch.Generator().manual_seed(0)))
    frames = [frame(128, time=0.0), frame(60, time=0.2)]
    means, quats, colors = (t.clone().requires_grad_() for t in (scene.means, scene.quats, scene.colors))
    log_scales, logits = scene.scales.log().requires_grad_(), scene.opacities.logit().requires_grad_()
    own = replace(scene, means=means, quats=quats, scales=log_scales.exp(), opacities=logits.sigmoid(), colors=colors)
    loss = torch.stack([photometric_loss(render(own, sky, f.camera), f, CONFIG) for f in frames]).mean()
    loss.backward()
    expected = [leaf.grad for leaf in (means, quats, log_scales, logits, colors)]
    assert all(part is not None for part in expected)
    expected[3] = logits.grad[:, None]  # pyright: ignore[reportOptionalSubscript]
    gradients = image_gradients(scene, sky, frames, CONFIG)
    torch.testing.assert_close(gradients.values, torch.cat(expected, 1), atol=1e-7, rtol=1e-3)  # pyright: ignore
    assert abs(gradients.loss - loss.item()) < 1e-6


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_switched_off_and_leaves_no_graph(mode: Callable) -> None:
    scene = moving(crowd(30, seed=0))
    expected = image_gradients(scene, None, [frame(128)], CONFIG)
    with mode():
        inside = moving(crowd(30, seed=0))
        gradients = image_gradients(inside, None, [frame(128)], CONFIG)
    assert not gradients.values.requires_grad
    assert gradients.values.abs().sum() > 0
    torch.testing.assert_close(gradients.values, expected.values)


def test_gradients_that_the_caller_collects_are_left_alone() -> None:
    scene = moving(crowd(30, seed=0))
    scene.means.requires_grad_()
    gradients = image_gradients(scene, None, [frame(128)], CONFIG)
    assert not gradients.values.requires_grad
    assert scene.means.grad is None
