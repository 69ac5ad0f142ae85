"""A training that was killed goes on as if it had not been."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_clip import toy_clip

import flux4d_core
from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.learning.example import Example, make_example
from flux4d_core.learning.saving import resume, save_training
from flux4d_core.learning.split import SplitConfig
from flux4d_core.learning.train import TrainConfig, _start, take_step
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.reconstructor import ReconstructorConfig
from flux4d_core.model.unet import UNetConfig

CPU = torch.device("cpu")
SMALL = UNetConfig(channels=(8, 16))
CONFIG = TrainConfig(
    batch=1,
    views=1,
    refine_views=1,
    warmup=2,
    model=ReconstructorConfig(unet=SMALL, refine_unet=SMALL, refinements=1, head_width=16),
)


def pool() -> list[Example]:
    """Two examples that are told apart by their speed."""
    split, lift = SplitConfig(stride=1, inputs=3, future=1), LiftConfig(panorama_height=64)
    return [make_example(toy_clip(frames=4, speed=speed, width=64, height=40), split, lift) for speed in (2.0, 6.0)]


def values(training: object) -> list[torch.Tensor]:
    return [p.detach().clone() for name in ("model", "average") for p in getattr(training, name).parameters()]


def test_three_steps_a_kill_and_three_more_are_the_same_as_six(tmp_path: Path) -> None:
    examples = pool()
    torch.manual_seed(0)
    whole = _start(CONFIG, tmp_path / "none", CPU, None)
    torch.manual_seed(0)
    first = _start(CONFIG, tmp_path / "none", CPU, None)
    for step in range(6):
        take_step(whole, examples, CONFIG, step / 6)
    for step in range(3):
        take_step(first, examples, CONFIG, step / 6)
    save_training(first, tmp_path)
    take_step(first, examples, CONFIG, 0.9)  # not saved: lost
    torch.manual_seed(99)  # a new process knows nothing of the old one's dice
    second = _start(CONFIG, tmp_path, CPU, None)
    assert second.step == 3
    for step in range(3, 6):
        take_step(second, examples, CONFIG, step / 6)
    for one, other in zip(values(whole), values(second), strict=True):
        assert torch.equal(one, other)


def test_another_seed_or_process_draws_other_things(tmp_path: Path) -> None:
    examples = pool()
    results = []
    for config, rank in ((CONFIG, 0), (CONFIG, 1), (replace(CONFIG, seed=5), 0)):
        torch.manual_seed(0)
        training = _start(config, tmp_path, CPU, None)
        for _ in range(3):
            take_step(training, examples, config, 0.0, rank)
        results.append(torch.cat([v.flatten() for v in values(training)]))
    assert not torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("broken", ["state.pt", "weights.safetensors"])
def test_a_disk_that_fails_while_saving_leaves_the_save_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    training = _start(CONFIG, tmp_path, CPU, None)
    save_training(training, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rename = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == broken:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    training.step = 7
    with pytest.raises(OSError, match="No space"):
        save_training(training, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before)
    assert (tmp_path / broken).read_bytes() == before[broken]
    resume(training, tmp_path, CPU)
    assert training.step == (0 if broken == "state.pt" else 7)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_a_training_killed_between_saves_goes_on_from_the_last_one(tmp_path: Path) -> None:
    write_log(clip_as_log(toy_clip(frames=17, width=64, height=40)), tmp_path / "log")
    code = "from flux4d_core.cli.main import main; main()"
    options = ["--device", "cpu", "--batch", "1", "--views", "1", "--refine-views", "1", "--save-every", "4"]
    options += ["--model.unet.channels", "8", "16", "--model.refine-unet.channels", "8", "16", "--simulated", "0"]
    options += ["--stream.lift.panorama-height", "64", "--pictures-every", "0", "--logs", str(tmp_path / "log")]
    command = [sys.executable, "-c", code, "train", "--output", str(tmp_path / "run"), *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(flux4d_core.__file__).parents[1]), *sys.path])}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    log = tmp_path / "run" / "log.jsonl"
    deadline = time.monotonic() + 120
    while not log.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    saved = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"]
    assert saved >= 4
    assert saved % 4 == 0
    ended = subprocess.run([*command, "--steps", str(saved + 4)], env=environment, check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps[-1] == saved + 4
    assert len(set(steps)) == len(steps)
    assert not [path for path in (tmp_path / "run").iterdir() if path.suffix == ".part"]
