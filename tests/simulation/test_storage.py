from __future__ import annotations

from pathlib import Path

import pytest
import torch

from flux4d_core.errors import LogError
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate
from flux4d_core.simulation.storage import TRUTH_FILE, read_truth, write_truth
from flux4d_core.types import Truth


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate(16, SimulationConfig(duration=0.1, width=96, height=54, beams=16))[1]


def test_truth_comes_back_to_less_than_a_thousandth(truth: Truth, tmp_path: Path) -> None:
    write_truth(truth, tmp_path)
    again = read_truth(tmp_path)
    assert again is not None
    for before, after in zip(truth.frames, again.frames, strict=True):
        finite = torch.isfinite(before.depths)
        assert torch.equal(finite, torch.isfinite(after.depths))
        assert torch.allclose(before.depths[finite], after.depths[finite], rtol=1e-3, atol=0)
        assert torch.allclose(before.velocities, after.velocities, rtol=1e-3, atol=1e-6)
        assert torch.equal(before.actor_ids, after.actor_ids)
    for before, after in zip(truth.sweeps, again.sweeps, strict=True):
        assert torch.allclose(before.velocities, after.velocities, rtol=1e-3, atol=1e-6)
        assert torch.allclose(before.accelerations, after.accelerations, rtol=1e-3, atol=1e-6)
        assert torch.equal(before.actor_ids, after.actor_ids)
        assert torch.equal(before.on_ground, after.on_ground)
    assert [(b.time, b.track_ids, b.classes) for b in truth.boxes] == [
        (b.time, b.track_ids, b.classes) for b in again.boxes
    ]
    assert torch.equal(truth.boxes[1].box_to_world, again.boxes[1].box_to_world)
    assert float(truth.sweeps[0].velocities.abs().max()) > 1


def test_a_truth_file_is_smaller_than_ten_bytes_a_pixel_or_point_and_leaves_nothing_else_behind(
    truth: Truth, tmp_path: Path
) -> None:
    write_truth(truth, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [TRUTH_FILE]
    numbers = sum(f.depths.numel() for f in truth.frames) + sum(len(s.actor_ids) for s in truth.sweeps)
    assert (tmp_path / TRUTH_FILE).stat().st_size < 10 * numbers


def test_a_folder_without_truth_has_none(tmp_path: Path) -> None:
    assert read_truth(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"not a truth file at all", b"\xff" * 4096])
def test_a_broken_truth_file_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / TRUTH_FILE).write_bytes(content)
    with pytest.raises(LogError, match=TRUTH_FILE):
        read_truth(tmp_path)


def test_a_truth_file_cut_short_is_refused(truth: Truth, tmp_path: Path) -> None:
    write_truth(truth, tmp_path)
    whole = (tmp_path / TRUTH_FILE).read_bytes()
    (tmp_path / TRUTH_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LogError, match="broken"):
        read_truth(tmp_path)
