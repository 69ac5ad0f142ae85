from dataclasses import replace

import numpy as np
import torch
from small_street import make_gaussians

from flux4d_core.motion import advance
from flux4d_viewer.canvas.splats import (
    MAX_SIGMA,
    MIN_SIGMA_PIXELS,
    SCREEN_FOCAL,
    condition,
    distances,
    most_visible,
    pack,
)

ORIGIN = torch.zeros(1, 3)
STREET = make_gaussians(0.1)


def test_a_long_gaussian_turned_to_the_left_is_long_to_the_left() -> None:
    quarter_turn = torch.tensor([0.5**0.5, 0, 0, 0.5**0.5]).repeat(len(STREET), 1)
    long = replace(STREET, quats=quarter_turn, scales=torch.tensor([2.0, 1.0, 0.5]).repeat(len(STREET), 1))
    covariances = pack(advance(long, 0.0)).covariances
    assert np.allclose(covariances[0], np.diag([1.0, 4.0, 0.25]), atol=1e-5)


def test_packed_colours_and_opacities_are_the_gaussians_own() -> None:
    cloud = pack(advance(STREET, 0.0))
    assert np.abs(cloud.colors / 255 - STREET.colors.numpy()).max() <= 0.5 / 255 + 1e-6
    assert np.allclose(cloud.opacities[:, 0], STREET.opacities.numpy())


def test_no_gaussian_is_smaller_than_a_page_draws_nor_larger_than_it_can_hold() -> None:
    sizes = torch.tensor([1e-5, 400.0]).repeat_interleave(len(STREET) // 2 + 1)[: len(STREET)]
    strange = replace(STREET, scales=sizes[:, None].repeat(1, 3))
    scales = condition(strange, ORIGIN).scales
    pixels = scales.amin(-1) / distances(strange.means, ORIGIN) * SCREEN_FOCAL
    assert float(pixels.min()) >= MIN_SIGMA_PIXELS - 1e-4
    assert float(scales.max()) == MAX_SIGMA
    assert np.isfinite((scales.max() ** 2).half().item())


def test_gaussians_of_a_good_size_are_left_as_they_are() -> None:
    assert torch.equal(condition(STREET, ORIGIN).scales, STREET.scales)


def test_the_faintest_are_left_out_first() -> None:
    alike = replace(STREET, means=torch.ones(len(STREET), 3), scales=torch.ones(len(STREET), 3))
    faint = replace(alike, opacities=torch.linspace(0.01, 1, len(STREET)))
    kept = most_visible(faint, ORIGIN, 10)
    assert kept.tolist() == list(range(len(STREET) - 10, len(STREET)))


def test_within_the_budget_everything_is_kept() -> None:
    assert most_visible(STREET, ORIGIN, len(STREET)).tolist() == list(range(len(STREET)))


def test_distance_is_to_the_nearest_vantage_and_never_below_one_metre() -> None:
    vantages = torch.tensor([[0.0, 0, 0], [10.0, 0, 0]])
    found = distances(torch.tensor([[8.0, 0, 0], [0.0, 0.1, 0]]), vantages)
    assert found.tolist() == [2.0, 1.0]
