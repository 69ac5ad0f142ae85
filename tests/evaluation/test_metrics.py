"""Numbers by which reconstructions are judged."""

import pytest
import torch

from flux4d_core.evaluation.metrics import gmsd, psnr, velocity_rmse


def test_an_error_of_a_tenth_everywhere_is_twenty_decibels() -> None:
    target = torch.full((4, 5, 3), 0.5)
    assert psnr(target + 0.1, target) == pytest.approx(20.0, abs=1e-4)
    assert psnr(target, target) > 90


def test_only_masked_pixels_count() -> None:
    target = torch.full((4, 5, 3), 0.5)
    image = target.clone()
    image[0] += 0.1
    mask = torch.zeros(4, 5, dtype=torch.bool)
    mask[0] = True
    assert psnr(image, target, mask) == pytest.approx(20.0, abs=1e-4)
    assert psnr(image, target, ~mask) > 90


def checkers(height: int = 32, width: int = 48) -> torch.Tensor:
    """Squares of 8 pixels, grey and white."""
    v, u = torch.meshgrid(torch.arange(height) // 8, torch.arange(width) // 8, indexing="ij")
    return (0.5 + 0.5 * ((u + v) % 2))[..., None].expand(-1, -1, 3).clone()


def test_an_image_has_no_gradient_deviation_from_itself_nor_from_itself_a_little_brighter() -> None:
    target = checkers() * 0.9
    assert gmsd(target, target) == 0
    assert gmsd(target + 0.1, target) == pytest.approx(0.0, abs=1e-5)


def test_lost_edges_deviate_as_far_as_they_are_common() -> None:
    """Without its gradients an image is unlike at edges, alike elsewhere: a share p of edges gives sqrt(p(1-p))."""
    target = torch.zeros(40, 40, 3)
    target[:, 20:] = 1.0  # one edge, two of the twenty columns at half the size
    share = 2 / 20
    assert gmsd(torch.full_like(target, 0.5), target) == pytest.approx((share * (1 - share)) ** 0.5, abs=0.01)


def test_gradient_deviation_outside_of_the_mask_does_not_count() -> None:
    target = checkers()
    image = target.clone()
    image[:, :24] = 0.5
    mask = torch.zeros(32, 48, dtype=torch.bool)
    mask[:, 28:] = True
    assert gmsd(image, target, mask) == 0
    assert gmsd(image, target, ~mask) > 0.1


def test_saying_that_a_car_at_ten_metres_per_second_stands_in_a_quarter_of_the_pixels_is_five_wrong() -> None:
    true = torch.zeros(2, 2, 3)
    true[0, 0, 0] = 10.0
    assert velocity_rmse(torch.zeros(2, 2, 3), true) == pytest.approx(5.0)
    assert velocity_rmse(torch.zeros(2, 2, 3), true, true[..., 0] > 0) == pytest.approx(10.0)
    assert velocity_rmse(true, true) == 0
