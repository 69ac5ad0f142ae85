"""Numbers by which reconstructions are judged."""

import pytest
import torch

from flux4d_core.evaluation.metrics import psnr


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
