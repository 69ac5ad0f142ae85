from __future__ import annotations

import numpy as np
import pytest

from flux4d_core.simulation.dice import Dice

FIRST = [0.270553969964786, 0.24240755984427964, 0.4237345368929327]


def test_the_first_throws_of_a_seed_never_change() -> None:
    """Pinned: every simulated street hangs on them."""
    assert Dice(9000, "roads").uniforms(3).tolist() == pytest.approx(FIRST, abs=1e-15)


def test_single_throws_and_throws_by_the_dozen_are_the_same_stream() -> None:
    single, many = Dice(1, "a"), Dice(1, "a")
    assert [single.uniform(0, 1) for _ in range(12)] == many.uniforms(12).tolist()


def test_another_purpose_or_seed_is_another_stream() -> None:
    streams = [Dice(1, "a"), Dice(1, "b"), Dice(2, "a")]
    assert len({round(stream.uniform(0, 1), 9) for stream in streams}) == 3


def test_choices_keep_to_their_shares() -> None:
    dice = Dice(3, "shares")
    drawn = [dice.choice("abc", (1, 2, 1)) for _ in range(4000)]
    assert [drawn.count(letter) / 4000 for letter in "abc"] == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert {dice.integer(2, 4) for _ in range(200)} == {2, 3, 4}
    assert 0.25 < sum(dice.chance(0.3) for _ in range(2000)) / 2000 < 0.35


def test_normals_have_mean_0_and_deviation_1() -> None:
    values = Dice(4, "normals").normals(20000)
    assert abs(float(values.mean())) < 0.03 and abs(float(values.std()) - 1) < 0.03
    assert bool(np.isfinite(values).all())
