"""Fitting the network to one drive."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_clip import toy_clip

from flux4d_core.data.folder import open_folder
from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.data.log import Log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.learning import adapt as module
from flux4d_core.learning.adapt import AdaptConfig, Adapted, adapt, random_split
from flux4d_core.learning.example import Example, make_example
from flux4d_core.licences import is_free
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.checkpoint import Checkpoint, WeightsOrigin, checkpoint_of
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.progress import Cancelled, silent
from flux4d_core.reconstruction.clip import ReconstructionConfig
from flux4d_core.types import Clip

CPU = torch.device("cpu")
CONFIG = AdaptConfig(
    seconds=1e-3,
    views=1,
    refine_views=1,
    reuse=1,
    reconstruction=ReconstructionConfig(lift=LiftConfig(panorama_height=64), settle_motion=False),
)
HELD_OUT = (0.2, 0.6)
"""Seconds: every fourth of the ticks 0.0, 0.1, ..., 1.0, but never the last."""


def checkpoint() -> Checkpoint:
    """A small network that knows nothing."""
    small = UNetConfig(channels=(8, 16))
    torch.manual_seed(0)
    model = Reconstructor(ReconstructorConfig(unet=small, refine_unet=small, refinements=1, head_width=16))
    return checkpoint_of(model, WeightsOrigin("small", "nothing", "Apache-2.0", steps=3))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Two seconds of the toy street; nothing is said of its terms."""
    folder = tmp_path_factory.mktemp("log")
    write_log(clip_as_log(toy_clip(frames=21, width=64, height=40)), folder)
    return open_folder(folder)


@pytest.fixture(scope="module")
def clip(log: Log) -> Clip:
    return cut(log, Window(0.0, 1.0))


def a_second_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is looked at once before the first step, and once after each."""
    clock = itertools.count()
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(clock)))


def test_no_example_shows_what_is_held_out_and_the_judge_sees_nothing_else(
    log: Log, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[set[float]] = []
    asked: list[float] = []

    def note(part: Clip, *rest: object) -> Example:
        offset = (part.start_ns - clip.start_ns) / 1e9
        times = {frame.camera.time for frame in part.frames} | {sweep.time for sweep in part.sweeps}
        given.append({round(time + offset, 3) for time in times})
        return make_example(part, *rest)  # pyright: ignore[reportArgumentType]

    def judge(colors: object, frame: object) -> float:
        asked.append(round(frame.camera.time, 3))  # pyright: ignore[reportAttributeAccessIssue]
        return 10.0

    monkeypatch.setattr(module, "make_example", note)
    monkeypatch.setattr(module, "psnr_of", judge)
    a_second_a_step(monkeypatch)
    adapted = adapt(checkpoint(), clip, log, replace(CONFIG, seconds=6.0), CPU)
    assert adapted.steps == len(given) == 6
    assert asked == [*HELD_OUT, *HELD_OUT]
    for times in given:
        assert not times & set(HELD_OUT)
    assert any(max(times) > 1.05 for times in given)  # some windows lie elsewhere in the log
    assert any(times == {0.0, 0.1, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9, 1.0} for times in given)


def judged_as(monkeypatch: pytest.MonkeyPatch, before: float, after: float) -> None:
    figures = iter([before, after])
    monkeypatch.setattr(module, "_judge", lambda *_: next(figures))


def test_weights_that_got_better_are_kept_and_carry_the_terms_of_the_log(
    log: Log, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = checkpoint()
    before = [p.clone() for p in given.model.parameters()]
    judged_as(monkeypatch, 17.3, 18.1)
    adapted = adapt(given, clip, log, replace(CONFIG, rate=1e-2), CPU)
    assert adapted.is_kept
    assert adapted.sentence == "held-out PSNR 17.30 -> 18.10 dB after 1 steps, kept"
    assert adapted.checkpoint.fingerprint != given.fingerprint
    origin = adapted.checkpoint.origin
    assert (origin.name, origin.parent, origin.steps) == (f"small, adapted to {log.name}", "small", 4)
    assert not is_free(origin.licence)
    assert origin.licence.endswith("Apache-2.0")
    assert all(torch.equal(old, now) for old, now in zip(before, given.model.parameters(), strict=True))
    changed = [not torch.equal(o, n) for o, n in zip(before, adapted.checkpoint.model.parameters(), strict=True)]
    assert any(changed)


def test_weights_that_got_worse_are_not(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    given = checkpoint()
    judged_as(monkeypatch, 17.3, 17.2)
    adapted = adapt(given, clip, None, CONFIG, CPU)
    assert not adapted.is_kept
    assert adapted.checkpoint is given
    assert adapted.sentence.endswith("17.30 -> 17.20 dB after 1 steps: no better, so the weights stay as they were")


def test_some_steps_on_a_clip_bring_held_out_images_closer(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    a_second_a_step(monkeypatch)
    adapted = adapt(checkpoint(), clip, None, replace(CONFIG, seconds=12.0, rate=3e-3, warmup=5, reuse=4), CPU)
    assert adapted.steps == 12
    assert adapted.after > adapted.before + 0.05


def test_adapting_can_be_cancelled(clip: Clip) -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage.startswith("Adapting"):
            raise Cancelled

    with pytest.raises(Cancelled):
        adapt(checkpoint(), clip, None, CONFIG, CPU, cancel)


def test_three_sweeps_are_too_few_to_learn_from_and_to_judge_by() -> None:
    with pytest.raises(LogError, match="at least 4 sweeps, found 3"):
        adapt(checkpoint(), toy_clip(frames=3), None, CONFIG, CPU, silent)


@pytest.mark.parametrize("ticks", range(3, 20))
def test_a_random_split_stays_within_its_ticks_and_leaves_something_to_predict(ticks: int) -> None:
    dice = np.random.default_rng(0)
    for _ in range(50):
        split = random_split(dice, ticks)
        assert split.first >= 0
        assert split.inputs >= 2
        assert split.last + split.future <= ticks - 1
        assert split.future >= 1


def test_the_sentence_says_whether_it_helped() -> None:
    weights = checkpoint()
    assert Adapted(weights, 17.0, 18.0, 5).sentence.endswith("kept")
    assert "no better" in Adapted(weights, 17.0, 17.0, 5).sentence
