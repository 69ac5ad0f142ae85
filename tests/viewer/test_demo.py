"""The demo that ships with the viewer: it opens, it is complete, and it is what its recipe makes."""

import json
from pathlib import Path

import numpy as np
import pytest

from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import build
from flux4d_core.types import Clip
from flux4d_viewer import demo
from flux4d_viewer.demo import demo_log

SEED = 36
LARGEST = 8_000_000
"""Bytes: every clone and every wheel carries the demo."""


@pytest.fixture(scope="module")
def log() -> Log:
    return open_log(demo_log())


@pytest.fixture(scope="module")
def clip(log: Log) -> Clip:
    return cut(log, Window(0.0, 1.0))


def test_the_demo_is_one_second_of_one_camera_and_one_lidar_at_ten_hertz(clip: Clip) -> None:
    assert [round(sweep.time, 6) for sweep in clip.sweeps] == [round(0.1 * i, 6) for i in range(11)]
    assert len(clip.frames) == 11
    assert {frame.sensor for frame in clip.frames} == {"front"}
    assert {frame.image.shape for frame in clip.frames} == {(360, 640, 3)}


def test_the_demo_says_where_it_comes_from_and_what_may_be_done_with_it(log: Log) -> None:
    notes = " ".join(log.notes)
    assert "Apache-2.0" in notes
    assert f"number {SEED} " in notes and "make_demo.py" in notes


def test_the_demo_is_small_and_holds_nothing_that_its_log_does_not_name() -> None:
    files = {path for path in demo_log().rglob("*") if path.is_file()}
    assert sum(path.stat().st_size for path in files) < LARGEST
    document = json.loads((demo_log() / "log.json").read_text(encoding="utf-8"))
    named = {
        demo_log() / entry["file"]
        for stream, entries in (("cameras", "images"), ("lidars", "sweeps"))
        for sensor in document[stream]
        for entry in sensor[entries]
    }
    assert files == named | {demo_log() / "log.json"}


def test_the_demo_is_what_the_simulator_makes_of_its_seed(clip: Clip) -> None:
    simulation = build(SEED, SimulationConfig(duration=1.0))
    sweep, _ = simulation.sweep(0)
    stored = clip.sweeps[0]
    assert len(stored.points) == len(sweep.points)
    distances = (stored.points - sweep.points).norm(dim=-1)
    assert distances.max() < 0.01  # the grid of 8 mm that it is stored on
    assert (stored.times - sweep.times).abs().max() < 1e-5
    assert (stored.intensities - sweep.intensities).abs().max() < 0.003
    assert (stored.lidar_to_world - sweep.lidar_to_world).abs().max() < 1e-4
    mount = simulation.rig.cameras[0]
    image, _ = simulation.picture(simulation.camera(mount, mount.delay), mount)
    error = (clip.frames[0].image.float() - image.float()).square().mean()
    assert 10 * np.log10(255**2 / float(error)) > 40  # JPEG
    assert (clip.frames[0].camera.K - simulation.camera(mount, mount.delay).K).abs().max() < 1e-3


def test_an_installation_without_the_demo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "flux4d_viewer" / "demo.py"))
    with pytest.raises(LogError, match="install flux4d again"):
        demo_log()
