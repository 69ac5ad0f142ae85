"""What a training says of itself."""

import json
import time
import warnings
from pathlib import Path

import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.errors import Flux4dWarning
from flux4d_core.learning.board import FOLDER, TOP_SPEED, open_board, speed_picture
from flux4d_core.learning.pace import Pace
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.learning.train import TrainConfig, train
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.reconstructor import ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.simulation.config import SimulationConfig


def test_one_second_of_waiting_in_four_is_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    pace = Pace()
    mark = pace.mark()
    for _ in range(2):
        with pace.waiting():
            now += 1.0
        now += 3.0
        pace.stepped()
    assert pace.overall.waiting == pace.since(mark).waiting == 0.25
    assert pace.overall.step_seconds == 4.0
    mark = pace.mark()
    now += 5.0
    pace.stepped()
    assert (pace.since(mark).waiting, pace.since(mark).step_seconds) == (0.0, 5.0)
    assert pace.overall.waiting == 2 / 13


def test_standing_is_dark_blue_and_fast_is_red() -> None:
    colors = speed_picture(torch.tensor([[0.0, TOP_SPEED, 100.0]]))
    assert colors[0, 0].argmax() == 2
    assert colors[0, 1].argmax() == 0
    assert torch.equal(colors[0, 1], colors[0, 2])


def test_without_tensorboard_training_goes_on_and_one_sentence_says_why_there_are_no_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard.writer", None)
    with pytest.warns(Flux4dWarning, match=r"flux4d\[train\]") as caught:
        assert open_board(tmp_path, 0) is None
    assert len(caught) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten steps, saved and drawn after each tenth."""
    folder = tmp_path_factory.mktemp("training")
    write_log(clip_as_log(toy_clip(frames=17, width=64, height=40)), folder / "log")
    small = UNetConfig(channels=(8, 16))
    config = TrainConfig(
        steps=10,
        batch=1,
        views=1,
        refine_views=1,
        warmup=1,
        reuse=100,
        save_every=10,
        pictures_every=10,
        model=ReconstructorConfig(unet=small, refine_unet=small, head_width=16),
        stream=StreamConfig(
            logs=(folder / "log",),
            simulated=0.0,
            simulation=SimulationConfig(width=64, height=36, beams=16),
            lift=LiftConfig(panorama_height=64),
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Flux4dWarning)
        train(config, folder / "run", torch.device("cpu"))
    return folder / "run"


def test_the_log_says_what_a_step_takes_and_what_is_waited_for(trained: Path) -> None:
    (line,) = (trained / "log.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert entry["step"] == 10
    assert 0 < entry["step_seconds"] < 60
    assert 0 <= entry["waiting"] < 1
    assert entry["gradient"] > 0
    assert 0 < entry["rate"] < 1e-3
    assert json.loads((trained / "config.json").read_text())["steps"] == 10


def test_tensorboard_has_a_curve_of_every_term_and_a_picture_of_the_held_out_street(trained: Path) -> None:
    reader = "tensorboard.backend.event_processing.event_accumulator"
    accumulator = pytest.importorskip(reader, reason='needs TensorBoard: pip install "flux4d[train]"')
    events = accumulator.EventAccumulator(str(trained / FOLDER))
    events.Reload()
    tags = events.Tags()
    entry = json.loads((trained / "log.jsonl").read_text())
    for curve in ("loss/photometric", "loss/total", "rate", "gradient length", "streets in pool"):
        assert [event.step for event in events.Scalars(curve)] == [10]
    assert events.Scalars("loss/photometric")[0].value == pytest.approx(entry["photometric"])
    assert 0 <= events.Scalars("time/share waiting for streets")[0].value <= 1
    assert 5 < events.Scalars("held-out street/psnr")[0].value < 50
    (tag,) = tags["images"]
    picture = events.Images(tag)[0]
    assert (picture.width, picture.height) == (2 * 64, 2 * 36)
