"""Depth maps, brought to cells and to metres."""

import torch

from flux4d_core.lifting.depth_maps import Fit, fit, in_cells
from flux4d_core.types import DepthMap


def _street(rows: int = 20, columns: int = 40) -> torch.Tensor:
    """Inverse depth of a road from 2 m at the bottom to 50 m at the top."""
    depths = torch.linspace(50, 2, rows)[:, None].expand(rows, columns)
    return 1 / depths


def test_a_factor_and_a_shift_are_undone_though_a_fifth_of_the_returns_is_wrong() -> None:
    truth = _street().flatten()
    measured = truth.clone()
    measured[::5] = 1 / 3
    found = fit(7 * truth + 2, measured)
    assert found is not None
    assert (found.inverse(7 * truth + 2) / truth - 1).abs().max() < 0.02


def test_what_is_unknown_stays_unknown_and_what_is_beyond_everything_is_infinitely_far() -> None:
    inverse = Fit(2.0, -0.1).inverse(torch.tensor([0.1, torch.nan, 0.01]))
    assert torch.allclose(inverse, torch.tensor([0.1, torch.nan, 0.0]), equal_nan=True)


def test_a_map_that_says_far_where_it_is_near_fits_nothing() -> None:
    truth = _street().flatten()
    assert fit(1 - truth, truth) is None


def test_a_handful_of_returns_fits_nothing() -> None:
    truth = _street().flatten()
    measured = torch.zeros_like(truth)
    measured[:20] = truth[:20]
    assert fit(truth, measured) is None


def test_a_cell_between_a_car_and_a_wall_is_one_of_both_and_nothing_between() -> None:
    inverse = torch.full((30, 60), 1 / 40)
    inverse[:, 31:] = 1 / 10
    cells = in_cells(DepthMap(inverse), 15, 10)
    assert cells.shape == (10, 15)
    assert torch.minimum((cells - 1 / 40).abs(), (cells - 1 / 10).abs()).max() < 1e-6


def test_a_road_is_interpolated_to_the_middle_of_the_cell() -> None:
    rows = torch.arange(30) + 0.5
    cells = in_cells(DepthMap((1 + 0.01 * rows)[:, None].expand(30, 60)), 15, 15)
    assert torch.allclose(cells[:, 7], 1 + 0.01 * (2 * torch.arange(15) + 1.0))


def test_a_coarse_map_is_spread_over_all_cells() -> None:
    cells = in_cells(DepthMap(torch.tensor([[0.1, 0.2], [0.3, torch.nan]])), 4, 4)
    assert torch.allclose(cells[0], torch.tensor([0.1, 0.1, 0.2, 0.2]))
    assert cells[2:, 2:].isnan().all()
