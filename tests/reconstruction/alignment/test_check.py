"""Clocks that are swept, and what a curve says."""

from dataclasses import replace

import numpy as np
import pytest
from swaying_street import Errors, recorded

from flux4d_core.reconstruction.alignment.cameras import CameraConfig
from flux4d_core.reconstruction.alignment.check import OFFSETS, ClockSweep, check

QUICK = CameraConfig(widths=(320,), points=3000)


def swept(errors: list[float]) -> ClockSweep:
    return ClockSweep("top", "map", np.array([-0.02, -0.01, 0.0, 0.01, 0.02]), np.array(errors))


def test_a_valley_at_no_offset_is_the_optimum() -> None:
    assert swept([3.0, 2.0, 1.0, 2.0, 3.0]).verdict == "at the optimum"
    assert swept([3.0, 2.0, 1.0, 2.0, 3.0]).best == pytest.approx(0.0, abs=1e-9)


def test_a_valley_beside_it_is_found_between_the_offsets() -> None:
    sweep = swept([9.0, 6.0, 3.5, 1.0, 1.0])
    assert sweep.best == pytest.approx(0.015, abs=0.001)
    assert sweep.present == 3.5
    assert sweep.verdict == "best +15 ms later"


def test_a_flat_curve_says_nothing() -> None:
    assert swept([1.0, 1.01, 1.0, 1.005, 1.0]).verdict.startswith("cannot be told")


def test_a_slope_without_a_valley_is_not_a_clock() -> None:
    assert swept([5.0, 4.0, 3.0, 2.0, 1.0]).verdict.startswith("no optimum")


def test_a_good_log_is_at_its_optimum_and_a_late_lidar_is_told_by_its_map() -> None:
    good, late = check(recorded(Errors()), config=QUICK), check(recorded(Errors(lidar_delay=0.02)), config=QUICK)
    assert [sweep.sensor for sweep in good.sweeps] == ["top", "front"]
    assert good.sweeps[0].verdict == "at the optimum"
    assert good.sweeps[1].verdict == "at the optimum"
    assert late.sweeps[0].best == pytest.approx(0.02, abs=0.005)
    assert late.sweeps[0].verdict.startswith("best +2")
    text = str(good)
    assert text.count("at the optimum") == 2
    assert all(f"{1000 * offset:+.0f} ms" in text for offset in OFFSETS)


def test_without_lidar_there_is_nothing_to_check() -> None:
    assert check(replace(recorded(Errors()), sweeps=())).sweeps == ()
