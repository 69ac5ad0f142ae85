"""Examples as they reach the training."""

import time
from dataclasses import replace

import pytest
import torch

from flux4d_core.learning.example import Example
from flux4d_core.learning.stream import ExampleStream, StreamConfig, example_of, pack, unpack
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.evaluation_set import EVALUATION_SEEDS

CPU = torch.device("cpu")
SMALL = StreamConfig(
    simulation=SimulationConfig(rate=None, width=64, height=40, beams=16, antialias=False),
    lift=LiftConfig(panorama_height=32),
)


def _same(one: Example, other: Example) -> bool:
    return torch.equal(one.lifted.gaussians.means, other.lifted.gaussians.means) and all(
        torch.equal(a.frame.image, b.frame.image) for a, b in zip(one.views, other.views, strict=True)
    )


@pytest.fixture(scope="module")
def example() -> Example:
    return example_of(100_000, SMALL, CPU)


def test_an_example_has_inputs_and_frames_that_are_none(example: Example) -> None:
    assert 3 <= len(example.inputs) <= 8
    assert len(example.views) > len(example.inputs)
    assert len(example.voters) > 0


def test_the_same_number_gives_the_same_example_and_another_another(example: Example) -> None:
    assert _same(example, example_of(100_000, SMALL, CPU))
    other = example_of(100_001, SMALL, CPU)
    assert other.lifted.gaussians.means.shape != example.lifted.gaussians.means.shape or not _same(example, other)


def test_an_example_survives_being_packed(example: Example) -> None:
    packed = pack(example)
    assert isinstance(packed, bytes)
    unpacked = unpack(packed)
    assert _same(example, unpacked)
    assert unpacked.clouds[0].time == example.clouds[0].time


def test_streets_kept_for_evaluation_are_passed_over() -> None:
    first = EVALUATION_SEEDS[-1]
    stream = ExampleStream(replace(SMALL, first_seed=first), 0, 1, CPU)
    assert _same(stream.make(), example_of(first + 1, SMALL, CPU))


def test_two_processes_see_different_streets() -> None:
    second = ExampleStream(SMALL, 1, 2, CPU)
    assert _same(second.make(), example_of(100_001, SMALL, CPU))


def test_a_worker_makes_examples_beside_and_nobody_waits() -> None:
    stream = ExampleStream(replace(SMALL, workers=1), 0, 1, CPU)
    began = time.monotonic()
    assert stream.take() is None, "the worker has only just been started"
    while (made := stream.take()) is None:
        assert time.monotonic() - began < 120, "the worker never delivered"
        time.sleep(0.1)
    assert len(made.lifted.gaussians) > 0
