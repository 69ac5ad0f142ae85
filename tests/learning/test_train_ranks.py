"""Two training processes are one training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy_clip import toy_clip

import flux4d_core
from flux4d_core.data.folder_writer import clip_as_log, write_log

WORKER = Path(__file__).with_name("rank_worker.py")


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes left their weights after each of three steps."""
    folder = tmp_path_factory.mktemp("ranks")
    write_log(clip_as_log(toy_clip(frames=17)), folder / "log")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launcher, str(WORKER), str(folder / "log"), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(Path(flux4d_core.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=folder, env=environment
    )
    assert finished.returncode == 0, finished.stderr
    return folder


def weights(folder: Path, rank: int, step: int) -> torch.Tensor:
    tensors = load_file(folder / f"rank{rank}_step{step}.safetensors")
    return torch.cat([tensors[str(i)].flatten() for i in range(len(tensors))])


@pytest.mark.parametrize("step", [1, 2, 3])
def test_both_processes_have_the_same_weights_after_every_step(two_ranks: Path, step: int) -> None:
    assert torch.equal(weights(two_ranks, 0, step), weights(two_ranks, 1, step))


def test_every_step_changes_the_weights(two_ranks: Path) -> None:
    assert not torch.equal(weights(two_ranks, 0, 1), weights(two_ranks, 0, 2))


def test_a_process_on_another_disk_goes_on_from_what_the_first_one_saved(two_ranks: Path) -> None:
    """Its third step changes the weights of the second, not those of a new network."""
    saved = torch.load(two_ranks / "training" / "state.pt", weights_only=True)
    assert saved["step"] == 3
    assert not (two_ranks / "elsewhere").exists()
    change = (weights(two_ranks, 1, 3) - weights(two_ranks, 1, 2)).abs().max()
    assert 0 < float(change) < 0.05


def test_one_process_saves_for_both(two_ranks: Path) -> None:
    assert (two_ranks / "training" / "weights.safetensors").is_file()
    assert (two_ranks / "training" / "state.pt").is_file()
