"""`flux4d train`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from ended import Flux4d

import flux4d_core
from flux4d_core.model.checkpoint import load_checkpoint

TINY = [
    *("--device", "cpu", "--batch", "1", "--views", "1", "--refine-views", "1", "--warmup", "1"),
    *("--model.unet.channels", "8", "16", "--model.refine-unet.channels", "8", "16", "--model.head-width", "16"),
    *("--stream.lift.panorama-height", "64", "--simulated", "0"),
]


def steps_in_log(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]


def weights(folder: Path) -> torch.Tensor:
    model = load_checkpoint(folder / "weights.safetensors").model
    return torch.cat([parameter.flatten() for parameter in model.parameters()])


def test_a_training_goes_on_where_it_ended(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "training"
    base = ["train", "--output", folder, *TINY, "--logs", toy_log, "--save-every", 1]
    ended = flux4d(*base, "--steps", 2)
    assert ended.code == 0
    assert ended.out.startswith(f"{folder / 'weights.safetensors'}: ")
    assert "Waited for streets " in ended.out
    assert ended.err.count("before you share them") == 1
    assert steps_in_log(folder) == [1, 2]
    assert load_checkpoint(folder / "weights.safetensors").origin.steps == 2
    before = weights(folder)
    assert flux4d(*base, "--steps", 3).code == 0
    assert steps_in_log(folder) == [1, 2, 3]
    assert load_checkpoint(folder / "weights.safetensors").origin.steps == 3
    assert not torch.equal(before, weights(folder))


def test_a_training_that_is_done_is_left_as_it_is(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    base = ["train", "--output", tmp_path, *TINY, "--logs", toy_log, "--steps", 1]
    flux4d(*base)
    before = weights(tmp_path)
    assert flux4d(*base).code == 0
    assert torch.equal(before, weights(tmp_path))


def test_training_starts_from_given_weights(flux4d: Flux4d, toy_log: Path, tiny_weights: Path, tmp_path: Path) -> None:
    options = [*TINY, "--logs", toy_log, "--steps", 1, "--init", tiny_weights, "--rate", 1e-6]
    assert flux4d("train", "--output", tmp_path, *options).code == 0
    trained = load_checkpoint(tmp_path / "weights.safetensors")
    assert trained.origin.parent == "tiny"
    assert trained.origin.licence == "unknown: as its owner allows + CC0"
    given = load_checkpoint(tiny_weights).model.state_dict()
    for name, value in trained.model.state_dict().items():
        torch.testing.assert_close(value, given[name], atol=1e-3, rtol=0)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent to a process group")
def test_a_training_stopped_by_ctrl_c_is_saved_and_goes_on(flux4d: Flux4d, toy_log: Path, tmp_path: Path) -> None:
    code = "from flux4d_core.cli import main; main()"
    options = ["--output", str(tmp_path), *TINY, "--logs", str(toy_log), "--save-every", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "train", *options],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(flux4d_core.__file__).parents[1])},
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "log.jsonl").is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("flux4d: cancelled")
    assert "Traceback" not in said
    reached = load_checkpoint(tmp_path / "weights.safetensors").origin.steps
    assert reached >= 2
    assert flux4d("train", *options, "--steps", reached + 1).code == 0
    assert load_checkpoint(tmp_path / "weights.safetensors").origin.steps == reached + 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--steps", "0"], ["--steps 0"]),
        (["--batch", "0"], ["--batch 0"]),
        (["--warmup", "0"], ["--warmup 0"]),
        (["--save-every", "0"], ["--save-every 0"]),
        (["--minutes", "nan"], ["--minutes nan"]),
        (["--rate", "-1"], ["--rate -1"]),
        (["--simulated", "2"], ["--simulated 2"]),
        (["--logs", "a", "b", "--log-weights", "1"], ["--log-weights", "2 logs", "found 1"]),
        (["--logs", "a", "--log-weights", "0"], ["--log-weights 0"]),
        (["--stream.simulation.width", "7"], ["width is 7"]),
        (["--model.unet.channels", "0"], ["--model.unet", "at least one"]),
        (["--output", "file"], ["file", "expected a folder"]),
        (["--output", "file/training"], ["nothing can be written"]),
        (["--init", "none.safetensors"], ["none.safetensors"]),
        (["--simulated", "0", "--logs", "nowhere"], ["nowhere", "no such"]),
    ],
)
def test_what_cannot_be_trained_is_refused(
    flux4d: Flux4d, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert flux4d("train", "--output", "training", "--device", "cpu", *options).is_refusal(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 half of a file"])
def test_a_damaged_training_is_refused(flux4d: Flux4d, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.pt").write_bytes(content)
    assert flux4d("train", "--output", tmp_path, *TINY).is_refusal("state.pt", "another folder")
    assert (tmp_path / "state.pt").read_bytes() == content
