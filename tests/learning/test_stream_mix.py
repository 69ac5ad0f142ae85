"""Which log an example comes from, and which of its images are compared together."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.learning import stream as module
from flux4d_core.learning.example import make_example
from flux4d_core.learning.split import SplitConfig, tick_times, without_ticks
from flux4d_core.learning.stream import StreamConfig, example_of, of_one_size
from flux4d_core.lifting.config import LiftConfig

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("weights", "simulated", "shares"),
    [((), 0.0, (0.0, 0.5, 0.5)), ((3.0, 1.0), 0.0, (0.0, 0.75, 0.25)), ((3.0, 1.0), 0.5, (0.5, 0.375, 0.125))],
)
def test_logs_come_as_often_as_their_weights_say(
    weights: tuple[float, ...], simulated: float, shares: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    class Asked(Exception):
        pass

    def open_log(path: Path) -> None:
        asked[path.name] += 1
        raise Asked

    def simulate(*_: object) -> None:
        asked["street"] += 1
        raise Asked

    monkeypatch.setattr(module, "open_log", open_log)
    monkeypatch.setattr(module, "_simulated", simulate)
    config = StreamConfig(logs=(Path("a"), Path("b")), weights=weights, simulated=simulated)
    for seed in range(2000):
        with pytest.raises(Asked):
            example_of(seed, config, CPU)
    for name, share in zip(("street", "a", "b"), shares, strict=True):
        assert abs(asked[name] / 2000 - share) < 0.04


def test_views_of_another_size_than_most_are_left_out() -> None:
    clip = toy_clip(frames=4, width=32, height=20)
    odd = toy_clip(frames=4, width=20, height=32).frames[1]
    mixed = replace(clip, frames=(*clip.frames, replace(odd, sensor="side")))
    example = make_example(mixed, SplitConfig(stride=1, inputs=2, future=1), LiftConfig(panorama_height=64))
    assert len(example.views) == 4
    views = of_one_size(example).views
    assert {(view.frame.camera.width, view.frame.camera.height) for view in views} == {(32, 20)}
    assert len(views) == 3


def test_a_clip_without_its_third_tick_has_neither_its_image_nor_its_sweep() -> None:
    rest, left_out = without_ticks(toy_clip(frames=5, width=32, height=20), {2})
    assert [round(frame.camera.time, 1) for frame in left_out] == [0.2]
    assert [round(frame.camera.time, 1) for frame in rest.frames] == [0.0, 0.1, 0.3, 0.4]
    assert [round(time, 1) for time in tick_times(rest).tolist()] == [0.0, 0.1, 0.3, 0.4]
