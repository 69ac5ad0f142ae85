from dataclasses import replace

import pytest
import torch
from scipy import ndimage
from splat_scenes import forward_camera

from flux4d_core.rendering import photometric
from flux4d_core.rendering.photometric import PhotometricConfig, depth_loss, l1, photometric_loss, ssim
from flux4d_core.types import Frame, Rendering

RANDOM = torch.rand(40, 50, 3, generator=torch.Generator().manual_seed(0))
OTHER = torch.rand(40, 50, 3, generator=torch.Generator().manual_seed(1))


def rendering_of(colors: torch.Tensor, depth: float = 10.0, alpha: float = 1.0) -> Rendering:
    plane = torch.ones(colors.shape[:2])
    return Rendering(colors, depth * plane, alpha * plane, None)


def frame_of(level: int, valid: torch.Tensor | None = None) -> Frame:
    return Frame(torch.full((40, 50, 3), level, dtype=torch.uint8), forward_camera(50, 40), "front", valid)


def test_l1_is_the_mean_difference_of_the_three_colours() -> None:
    image, target = torch.zeros(1, 1, 3), torch.tensor([[[0.3, 0.6, 0.0]]])
    assert l1(image, target).item() == pytest.approx(0.3)


def test_alike_images_have_a_similarity_of_one() -> None:
    torch.testing.assert_close(ssim(RANDOM, RANDOM), torch.ones(40, 50))


def test_plain_grey_images_differ_by_luminance_alone() -> None:
    half, quarter = torch.full((40, 50, 3), 0.5), torch.full((40, 50, 3), 0.25)
    expected = (2 * 0.5 * 0.25 + 1e-4) / (0.5**2 + 0.25**2 + 1e-4)
    torch.testing.assert_close(ssim(half, quarter, padding="valid"), torch.full((30, 40), expected), atol=1e-4, rtol=0)


def test_similarity_is_that_of_its_definition_by_another_library() -> None:
    def blur(values: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(
            ndimage.gaussian_filter(values.numpy(), (1.5, 1.5, 0), radius=(5, 5, 0), mode="constant")
        )

    x, y = RANDOM.double(), OTHER.double()
    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y, cov = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
    expected = (2 * mean_x * mean_y + 1e-4) * (2 * cov + 9e-4)
    expected = expected / ((mean_x**2 + mean_y**2 + 1e-4) * (var_x + var_y + 9e-4))
    torch.testing.assert_close(ssim(RANDOM, OTHER), expected.mean(-1).float(), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        ssim(RANDOM, OTHER, padding="valid"), expected.mean(-1)[5:-5, 5:-5].float(), atol=1e-4, rtol=0
    )


def test_the_loss_of_the_photograph_itself_is_zero() -> None:
    loss = photometric_loss(rendering_of(torch.full((40, 50, 3), 51 / 255)), frame_of(51), PhotometricConfig())
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


def test_with_l1_alone_the_loss_is_the_difference() -> None:
    config = PhotometricConfig(l1=1.0, ssim=0.0)
    loss = photometric_loss(rendering_of(torch.full((40, 50, 3), 0.5)), frame_of(51), config)
    assert loss.item() == pytest.approx(0.3, abs=1e-6)


def test_pixels_that_do_not_show_the_world_do_not_count() -> None:
    valid = torch.ones(40, 50, dtype=torch.bool)
    valid[20:] = False
    colors = torch.full((40, 50, 3), 51 / 255)
    colors[20:] = 1.0
    colors.requires_grad_()
    loss = photometric_loss(rendering_of(colors), frame_of(51, valid), PhotometricConfig())
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    loss.backward()
    assert colors.grad is not None
    assert (colors.grad[20:] == 0).all()


def test_a_frame_without_any_valid_pixel_costs_nothing() -> None:
    nowhere = torch.zeros(40, 50, dtype=torch.bool)
    assert photometric_loss(rendering_of(RANDOM), frame_of(51, nowhere), PhotometricConfig()).item() == 0


def test_twice_the_weight_on_every_pixel_doubles_the_l1_term() -> None:
    config, rendering = PhotometricConfig(l1=1.0, ssim=0.0), rendering_of(RANDOM)
    once = photometric_loss(rendering, frame_of(51), config)
    twice = photometric_loss(rendering, frame_of(51), config, pixel_weights=torch.full((40, 50), 2.0))
    torch.testing.assert_close(twice, 2 * once)


def test_depths_three_metres_wrong_cost_three_and_a_hundred_metres_wrong_cost_ten() -> None:
    pixels = torch.tensor([[10.5, 20.5]])
    rendering = rendering_of(RANDOM, depth=10.0)
    assert depth_loss(rendering, pixels, torch.tensor([13.0])).item() == pytest.approx(3.0)
    assert depth_loss(rendering, pixels, torch.tensor([110.0])).item() == pytest.approx(10.0)


def test_returns_outside_the_image_or_where_nothing_is_drawn_do_not_count() -> None:
    pixels = torch.tensor([[10.5, 20.5], [-0.5, 3.0], [50.5, 3.0], [3.0, 41.0]])
    rendering = rendering_of(RANDOM, depth=10.0)
    assert depth_loss(rendering, pixels, torch.full((4,), 12.0)).item() == pytest.approx(2.0)
    thin = replace(rendering, alphas=torch.full((40, 50), 0.04))
    assert depth_loss(thin, pixels, torch.full((4,), 12.0)).item() == 0
    assert depth_loss(rendering, pixels[:0], torch.zeros(0)).item() == 0


def test_the_depth_of_a_return_pulls_on_the_pixel_it_falls_in() -> None:
    depths = torch.full((40, 50), 10.0, requires_grad=True)
    rendering = replace(rendering_of(RANDOM), depths=depths)
    depth_loss(rendering, torch.tensor([[10.9, 20.1]]), torch.tensor([12.0])).backward()
    assert depths.grad is not None
    assert depths.grad.nonzero().tolist() == [[20, 10]]
    assert depths.grad[20, 10].item() == pytest.approx(-1.0)


def test_the_quick_blur_of_the_cpu_and_its_gradient_are_those_of_a_convolution() -> None:
    planes = torch.rand(2, 3, 20, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = torch.rand(2, 3, 20, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    results = []
    for blur in (photometric._ShiftedSum.apply, photometric._convolved):
        own = planes.clone().requires_grad_(True)
        blurred = blur(own)
        results.append((blurred, *torch.autograd.grad((blurred * weights).sum(), own)))
    for quick, convolved in zip(*results, strict=True):
        torch.testing.assert_close(quick, convolved)
