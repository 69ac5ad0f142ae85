"""What weights have learned from, and under which terms, is handed on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.learning.saving import save_training
from flux4d_core.learning.sources import Sources, with_stream
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.learning.train import TrainConfig, _start
from flux4d_core.licences import OWN, UNKNOWN, is_free
from flux4d_core.model.checkpoint import WeightsOrigin, load_checkpoint
from flux4d_core.model.reconstructor import ReconstructorConfig
from flux4d_core.model.unet import UNetConfig

CPU = torch.device("cpu")
SMALL = UNetConfig(channels=(8, 16))
CONFIG = TrainConfig(model=ReconstructorConfig(unet=SMALL, refine_unet=SMALL, head_width=8))


def log(folder: Path, name: str, licence: str = "") -> Path:
    """A short drive under these terms."""
    write_log(replace(clip_as_log(toy_clip(frames=4, width=32, height=20)), name=name, licence=licence), folder / name)
    return folder / name


def test_the_simulator_alone_leaves_weights_free() -> None:
    origin = with_stream(Sources(), StreamConfig()).origin("w", 5)
    assert origin == WeightsOrigin("w", "flux4d simulator", OWN, 5)
    assert is_free(origin.licence)


@pytest.mark.parametrize(("licence", "said"), [("CC BY-NC 4.0", "CC BY-NC 4.0"), ("", UNKNOWN)])
def test_a_restricted_log_and_one_that_says_nothing_restrict_the_weights(
    tmp_path: Path, licence: str, said: str
) -> None:
    stream = StreamConfig(logs=(log(tmp_path, "drive", licence),))
    origin = with_stream(Sources(), stream).origin("w", 5)
    assert origin.data == "flux4d simulator, drive"
    assert origin.licence == f"{said} + {OWN}"
    assert not is_free(origin.licence)
    alone = with_stream(Sources(), replace(stream, simulated=0.0)).origin("w", 5)
    assert (alone.data, alone.licence) == ("drive", said)


def test_a_free_log_does_not(tmp_path: Path) -> None:
    stream = StreamConfig(logs=(log(tmp_path, "drive", "CC BY 4.0"),))
    assert is_free(with_stream(Sources(), stream).origin("w", 5).licence)


def test_what_restricts_the_parent_restricts_the_child_and_the_childs_child(tmp_path: Path) -> None:
    stream = StreamConfig(logs=(log(tmp_path, "drive", "CC BY-NC 4.0"),))
    generations = [tmp_path / name for name in ("first", "second", "third")]
    init = None
    for folder in generations:
        config = replace(CONFIG, stream=stream if init is None else StreamConfig())
        training = _start(config, folder, CPU, init)
        training.step = 10
        save_training(training, folder)
        init = folder / "weights.safetensors"
    origin = load_checkpoint(generations[-1] / "weights.safetensors").origin
    assert origin.licence == f"CC BY-NC 4.0 + {OWN}"
    assert "drive" in origin.data
    assert (origin.steps, origin.parent) == (30, "flux4d-10")


def test_a_resumed_training_remembers_its_parent_and_its_earlier_logs(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    training = _start(replace(CONFIG, stream=StreamConfig(logs=(log(tmp_path, "old", "my own"),))), parent, CPU, None)
    save_training(training, parent)
    first = replace(CONFIG, stream=StreamConfig(logs=(log(tmp_path, "drive", "CC BY-NC 4.0"),), simulated=0.0))
    save_training(_start(first, tmp_path / "run", CPU, parent / "weights.safetensors"), tmp_path / "run")
    resumed = _start(CONFIG, tmp_path / "run", CPU, None)  # neither --init nor --logs is said again
    origin = resumed.sources.origin("w", 1)
    assert origin.data == "drive, flux4d simulator; started from flux4d-0 (flux4d simulator, old)"
    assert origin.licence == f"CC BY-NC 4.0 + my own + {OWN}"


def test_sources_survive_being_saved_as_plain_values() -> None:
    parent = WeightsOrigin("p", "d", "CC0", 7)
    sources = Sources(("a", "b"), ("MIT", "CC0"), parent).and_these(["a", "c"], ["MIT", "CC0"])
    assert sources.data == ("a", "b", "c")
    assert Sources.of_state(json.loads(json.dumps(sources.as_state()))) == sources
    assert Sources.of_state(json.loads(json.dumps(Sources().as_state()))) == Sources()
