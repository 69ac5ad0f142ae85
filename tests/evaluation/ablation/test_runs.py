"""Two streets in stamps of images, a tiny network, one step."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.ablation import runs as module
from flux4d_core.evaluation.ablation.judging import COLUMNS
from flux4d_core.evaluation.ablation.runs import Ablation, run_reconstruction, run_trainings
from flux4d_core.evaluation.ablation.streets import Streets
from flux4d_core.evaluation.ablation.variants import RECONSTRUCTION, TRAINING, Variant
from flux4d_core.learning.example import Example
from flux4d_core.learning.split import SplitConfig
from flux4d_core.learning.stream import StreamConfig
from flux4d_core.learning.train import TrainConfig
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.model.checkpoint import WeightsOrigin, checkpoint_of, load_checkpoint
from flux4d_core.model.reconstructor import Reconstructor, ReconstructorConfig
from flux4d_core.model.unet import UNetConfig
from flux4d_core.progress import silent
from flux4d_core.simulation.config import SimulationConfig

SMALL = UNetConfig(channels=(8, 16))
TRAIN = TrainConfig(
    steps=1,
    batch=1,
    views=1,
    refine_views=1,
    warmup=1,
    model=ReconstructorConfig(unet=SMALL, refine_unet=SMALL, refinements=1, head_width=16),
    stream=StreamConfig(
        simulation=SimulationConfig(rate=None, width=64, height=36, beams=8),
        lift=LiftConfig(panorama_height=32),
        beside=1,
    ),
)


def variants(family: tuple[Variant, ...], *names: str) -> list[Variant]:
    return [variant for variant in family if variant.name in names]


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> Ablation:
    split = SplitConfig(stride=1, inputs=2, future=1)
    streets = Streets(TRAIN.stream, count=1, held_out=(9000,), split=split)
    return Ablation(tmp_path_factory.mktemp("ablation"), TRAIN, streets, None, True, torch.device("cpu"))


def test_finished_runs_are_not_done_again(ablation: Ablation, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    train_on = module.train_on

    def counted(pool: list[Example], *rest: object) -> object:
        given.append(len(pool[0].views))
        return train_on(pool, *rest)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(module, "train_on", counted)
    (first,) = run_trainings(ablation, variants(TRAINING, "whole"), [0], silent)
    assert (first.variant, first.seed, first.steps) == ("whole", 0, 1)
    assert [one.reconstruction for one in first.judged] == ["whole", "network alone"]
    assert set(first.judged[0].figures) == {column.title for column in COLUMNS}
    assert 5 < first.judged[0].figures["future"] < 40
    names = ["no views from beside", "two per point", "whole"]
    all_three = run_trainings(ablation, variants(TRAINING, *names), [0], silent)
    assert [run.variant for run in all_three] == names
    assert all_three[-1] == first
    assert given[1] == given[0] - 1  # one view from beside, which the second training does not see
    assert len(given) == 3
    config = json.loads((ablation.folder / "runs" / "no-views-from-beside-0.json").read_text())["config"]
    assert config["stream"]["beside"] == 0
    weights = load_checkpoint(ablation.folder / "runs" / "whole-0.safetensors")
    assert (weights.origin.name, weights.origin.steps) == ("whole, seed 0", 1)


def test_a_reconstruction_without_sky_is_judged_on_the_same_street(ablation: Ablation) -> None:
    torch.manual_seed(0)
    weights = checkpoint_of(Reconstructor(TRAIN.model), WeightsOrigin("tiny", "nothing", "CC0"))
    found = run_reconstruction(ablation, variants(RECONSTRUCTION, "whole", "no sky"), weights, silent)
    assert [(one.reconstruction, one.street) for one in found] == [
        ("no sky", "simulated-9000"),
        ("whole", "simulated-9000"),
    ]
    assert found[0].figures["future"] != found[1].figures["future"]
    assert found[0].figures["moving error"] == found[1].figures["moving error"]


def test_runs_of_other_settings_are_refused(ablation: Ablation) -> None:
    run_trainings(ablation, [], [], silent)
    other = replace(ablation, whole=replace(TRAIN, steps=2))
    with pytest.raises(Flux4dError, match="holds runs of other settings"):
        run_trainings(other, [], [], silent)


def test_a_damaged_run_is_named(ablation: Ablation) -> None:
    path = ablation.folder / "runs" / "whole-7.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    with pytest.raises(Flux4dError, match=r"whole-7\.json: this result is damaged"):
        run_trainings(ablation, [], [], silent)
    path.unlink()


def test_what_is_learned_from_is_not_judged_on(tmp_path: Path) -> None:
    streets = Streets(TRAIN.stream, count=3, held_out=(100_002,), split=SplitConfig())
    assert streets.numbers == [100_000, 100_001, 100_002]
    with pytest.raises(Flux4dError, match="--held-out 100002: this street is learned from"):
        streets.check()
    near = Streets(replace(TRAIN.stream, first_seed=8999), count=2, held_out=(9000,), split=SplitConfig())
    assert near.numbers == [8999, 9040]  # the evaluation set lies between
