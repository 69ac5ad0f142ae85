import numpy as np

from flux4d_core.rendering.cpu.compositing import falloff
from flux4d_core.rendering.cpu.projection import MIN_ALPHA


def test_the_falloff_is_the_exponential_to_six_digits_wherever_a_splat_is_seen() -> None:
    powers = np.linspace(0, 6, 20_001).astype(np.float32)
    values = np.array([falloff(power) for power in powers], np.float64)
    np.testing.assert_allclose(values, np.exp(-powers.astype(np.float64)), rtol=1.5e-6)


def test_beyond_that_the_falloff_stays_too_small_to_see() -> None:
    for power in (6.0, 7.0, 1e3, 1e30, np.inf):
        assert 0 < falloff(np.float32(power)) < MIN_ALPHA
