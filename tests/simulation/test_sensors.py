from __future__ import annotations

import math

import pytest

from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.sensors import build_rig

OPEN = SimulationConfig(cameras=None, rate=None, beams=None)


def test_what_the_config_fixes_is_kept() -> None:
    config = SimulationConfig(cameras=6, rate=12.5, beams=40, width=800, field_of_view=90.0)
    rig = build_rig(1, config)
    assert len(rig.cameras) == 6 and rig.rate == 12.5 and len(rig.lidar.elevations) == 40
    for camera in rig.cameras:
        view = math.degrees(2 * math.atan(400 / camera.K[0][0]))
        assert view == pytest.approx(90, abs=3)


def test_what_it_leaves_open_differs_from_seed_to_seed() -> None:
    rigs = [build_rig(seed, OPEN) for seed in range(60)]
    assert {len(rig.cameras) for rig in rigs} == {1, 2, 3, 4, 5, 6}
    assert {len(rig.lidar.elevations) for rig in rigs} == {16, 32, 40, 64, 128}
    assert min(rig.rate for rig in rigs) < 7 and max(rig.rate for rig in rigs) > 17
    assert {rig.lidar.turn for rig in rigs} == {-1.0, 1.0}
    assert all(80 <= rig.lidar.max_range <= 200 for rig in rigs)
    assert all(0.01 <= rig.lidar.range_noise <= 0.05 for rig in rigs)


def test_fixing_one_thing_leaves_the_rest_as_the_seed_has_it() -> None:
    free, fixed = build_rig(5, OPEN), build_rig(5, SimulationConfig(cameras=None, rate=8.0, beams=None))
    assert fixed.rate == 8.0
    assert fixed.cameras == free.cameras and fixed.lidar == free.lidar


@pytest.mark.parametrize("beams", [16, 32, 40, 48, 64, 128])
def test_beams_rise_and_each_fires_once_a_column(beams: int) -> None:
    for seed in range(6):
        lidar = build_rig(seed, SimulationConfig(beams=beams)).lidar
        assert list(lidar.elevations) == sorted(set(lidar.elevations))
        assert sorted(lidar.order) == list(range(beams))
        assert len(lidar.azimuths) == beams


def test_without_noise_sensors_are_perfect() -> None:
    rig = build_rig(3, SimulationConfig(cameras=3, noise=0.0))
    assert rig.lidar.range_noise == 0 and rig.lidar.lost == 0
    assert all(camera.response.gains == (1.0, 1.0, 1.0) and camera.response.noise == 0 for camera in rig.cameras)
