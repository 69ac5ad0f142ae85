from dataclasses import replace

import numpy as np

from flux4d_core.data.lens import Brown, brown, pinhole
from flux4d_core.data.undistort import undistort, undistortion

WIDTH, HEIGHT = 100, 80
K = np.array([[50.0, 0, 50], [0, 50, 40], [0, 0, 1]])


def lens(k1: float = 0.0) -> Brown:
    return replace(pinhole(K), k1=k1)


def distorted_pixel(u: float, v: float, k1: float, k2: float, p1: float, p2: float, k3: float) -> tuple[float, float]:
    """OpenCV's model, written out for one pixel."""
    x, y = (u - 50) / 50, (v - 40) / 50
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    return (
        50 * (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) + 50,
        50 * (y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y) + 40,
    )


def gradient_image() -> np.ndarray:
    """Red says the column, green the row: 2 grey levels a pixel, 1 at the first pixel's centre."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return np.stack([2 * u + 1, 2 * v + 1, 0 * u], -1).astype(np.uint8)


def test_without_distortion_the_image_stays_the_same_to_the_last_bit() -> None:
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    result, valid = undistort(image, undistortion(K, lens(), WIDTH, HEIGHT))
    assert (result == image).all() and valid.all()


def test_every_pixel_shows_what_the_lens_had_moved_away_from_it() -> None:
    coefficients = (-0.1, 0.01, 0.002, -0.003, 0.001)
    bent = brown(K, *coefficients)
    assert bent is not None
    result, valid = undistort(gradient_image(), undistortion(K, bent, WIDTH, HEIGHT))
    for u, v in ((50.5, 40.5), (20.5, 30.5), (80.5, 10.5), (5.5, 70.5)):
        expected_u, expected_v = distorted_pixel(u, v, *coefficients)
        assert valid[int(v), int(u)]
        assert abs(result[int(v), int(u), 0] - 2 * expected_u) <= 0.6
        assert abs(result[int(v), int(u), 1] - 2 * expected_v) <= 0.6


def test_pixels_that_the_stored_image_does_not_reach_are_black_and_not_valid() -> None:
    # A pincushion lens moves the corners outwards, out of the stored image.
    result, valid = undistort(np.full((HEIGHT, WIDTH, 3), 200, np.uint8), undistortion(K, lens(0.2), WIDTH, HEIGHT))
    assert not valid[0, 0] and (result[0, 0] == 0).all()
    assert valid[40, 50] and (result[40, 50] == 200).all()


def test_beyond_the_radius_where_the_polynomial_folds_back_nothing_is_valid() -> None:
    # r (1 - r^2) grows only up to r = 1 / sqrt(3) = 0.577, that is 28.9 pixels from the centre.
    valid = undistortion(K, lens(-1.0), WIDTH, HEIGHT).valid
    assert valid[40, 50 + 28] and not valid[40, 50 + 30]


def test_a_pixel_made_of_masked_ones_is_masked() -> None:
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[60:] = False
    _, valid = undistort(gradient_image(), undistortion(K, lens(), WIDTH, HEIGHT), mask)
    assert (valid == mask).all()
