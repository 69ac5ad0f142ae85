"""How far one picture lies beside another."""

import torch
import torch.nn.functional as F

from flux4d_core.evaluation.displacement import displacement


def _speckles() -> torch.Tensor:
    noise = torch.rand(1, 3, 60, 100, generator=torch.Generator().manual_seed(0))
    return F.interpolate(noise, (240, 400), mode="bicubic")[0].permute(1, 2, 0).clamp(0, 1)


def test_a_picture_does_not_lie_beside_itself() -> None:
    found = displacement(_speckles(), _speckles())
    assert found.blocks > 100
    assert found.pixels < 0.05


def test_a_picture_moved_two_to_the_right_and_one_down_is_found_there() -> None:
    moved = _speckles().roll((1, 2), (0, 1))
    found = displacement(moved, _speckles())
    assert abs(found.across - 2) < 0.1
    assert abs(found.down - 1) < 0.1
    assert abs(found.pixels - 5**0.5) < 0.1


def test_half_a_pixel_is_found_to_a_quarter() -> None:
    picture = _speckles()
    half = 0.5 * (picture + picture.roll(1, 1))
    assert abs(displacement(half, picture).across - 0.5) < 0.25


def test_where_nothing_is_to_be_seen_nothing_is_said() -> None:
    grey = torch.full((100, 100, 3), 0.5)
    assert displacement(grey, grey).blocks == 0


def test_masked_pixels_do_not_count() -> None:
    picture = _speckles()
    wrong = picture.clone()
    wrong[:, 200:] = picture[:, 200:].roll(3, 1)
    mask = torch.zeros(240, 400, dtype=torch.bool)
    mask[:, :198] = True
    assert displacement(wrong, picture, mask).pixels < 0.05
