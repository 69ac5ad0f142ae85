"""The runs of an ablation: each is done once, and stored as soon as it is done."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.ablation.judging import Judged, judge
from flux4d_core.evaluation.ablation.sharing import claimed
from flux4d_core.evaluation.ablation.streets import Streets, held_out_streets, training_examples
from flux4d_core.evaluation.ablation.variants import NETWORK_ALONE, RECONSTRUCTION, WHOLE, Variant
from flux4d_core.evaluation.clips import Opened
from flux4d_core.evaluation.results import without_nan
from flux4d_core.learning.example import Example
from flux4d_core.learning.saving import Training
from flux4d_core.learning.sources import with_stream
from flux4d_core.learning.split import SplitConfig
from flux4d_core.learning.train import TrainConfig, train_on
from flux4d_core.model.checkpoint import Checkpoint, save_checkpoint
from flux4d_core.progress import Report
from flux4d_core.reconstruction.clip import ReconstructionConfig
from flux4d_core.rendering.render import compile_kernels
from flux4d_core.writing import written_whole

JUDGED_BY = tuple(variant for variant in RECONSTRUCTION if variant.name in (NETWORK_ALONE, WHOLE))
"""How the weights of each training are tried."""
EXAMPLES, HELD_OUT = "examples", "held_out"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Ablation:
    """What all runs of a folder have in common."""

    folder: Path
    whole: TrainConfig
    """How the whole is trained; its streets are those of `streets`."""
    streets: Streets
    init: Path | None
    """Weights that trainings start from, as far as they fit."""
    keep_weights: bool
    device: torch.device

    @property
    def reconstruction(self) -> ReconstructionConfig:
        """The whole reconstruction, lifted as in training."""
        return ReconstructionConfig(lift=self.whole.stream.lift)


@dataclass(frozen=True)
class _Training:
    """A variant that has been trained, and is to be judged."""

    variant: Variant
    config: TrainConfig
    training: Training


@dataclass(frozen=True)
class Trained:
    """One training, judged."""

    variant: str
    seed: int
    steps: int
    seconds: float
    """Of training alone."""
    judged: tuple[Judged, ...]


def run_reconstruction(
    ablation: Ablation, variants: Sequence[Variant], weights: Checkpoint, report: Report
) -> list[Judged]:
    """Reconstruct every held-out street in each of these ways; returns all that the folder holds then."""
    settings = {"weights": weights.fingerprint, "lift": asdict(ablation.reconstruction.lift)}
    _same(ablation, "reconstruction", settings)
    jobs = {
        _path(ablation, "reconstruction", variant, number): (variant, number)
        for number in ablation.streets.held_out
        for variant in variants
    }
    if not all(path.is_file() for path in jobs):
        compile_kernels(report, ablation.device)
        streets = held_out_streets(ablation.streets, ablation.folder / HELD_OUT, ablation.device, report)
        opened = dict(zip(ablation.streets.held_out, streets, strict=True))
        for done, (path, (variant, number)) in enumerate(jobs.items()):
            report(f"Reconstructing · {variant.name}, street {number}", done / len(jobs))
            with _still_to_do(path) as is_mine:
                if is_mine:
                    _write(path, asdict(judge(weights.model, opened[number], [variant], *_how(ablation))[0]))
    return [_read(path, _judged) for path in sorted((ablation.folder / "reconstruction").glob("*.json"))]


def run_trainings(
    ablation: Ablation, variants: Sequence[Variant], seeds: Sequence[int], report: Report
) -> list[Trained]:
    """Train every variant with every seed, and judge it; returns all that the folder holds then."""
    _same(ablation, "training", {"whole": asdict(ablation.whole), "init": str(ablation.init or "")})
    jobs = {_path(ablation, "runs", variant, seed): (variant, seed) for seed in seeds for variant in variants}
    if not all(path.is_file() for path in jobs):
        compile_kernels(report, ablation.device)
        device, folder = ablation.device, ablation.folder
        pool = training_examples(ablation.streets, folder / EXAMPLES, device, report)
        opened = held_out_streets(ablation.streets, folder / HELD_OUT, device, report)
        for path, (variant, seed) in jobs.items():
            with _still_to_do(path) as is_mine:
                if is_mine:
                    trained = _train(ablation, variant, seed, pool, report)
                    _keep(ablation, path, trained, _judge(ablation, trained, opened, report))
    return [_read(path, _trained) for path in sorted((ablation.folder / "runs").glob("*.json"))]


def _train(ablation: Ablation, variant: Variant, seed: int, pool: list[Example], report: Report) -> _Training:
    config = replace(variant.of(ablation.whole), seed=seed)
    examples = pool if config.stream.beside > 0 else [example.without_beside() for example in pool]

    def named(stage: str, fraction: float) -> None:
        report(f"Training '{variant.name}' with seed {seed} · {stage}", fraction)

    training = train_on(examples, config, ablation.device, ablation.init, named)
    training.average.eval()
    return _Training(variant, config, training)


def _judge(ablation: Ablation, trained: _Training, opened: list[Opened], report: Report) -> list[Judged]:
    judged = []
    for done, street in enumerate(opened):
        report(f"Judging · '{trained.variant.name}' with seed {trained.config.seed}", done / len(opened))
        judged += judge(trained.training.average, street, JUDGED_BY, *_how(ablation))
    return judged


def _keep(ablation: Ablation, path: Path, trained: _Training, judged: list[Judged]) -> None:
    """Store a finished run; its JSON comes last, and says that all is there."""
    config, training = trained.config, trained.training
    if ablation.keep_weights:
        sources = with_stream(training.sources, config.stream)
        origin = sources.origin(f"{trained.variant.name}, seed {config.seed}", training.step)
        save_checkpoint(training.average, origin, path.with_suffix(".safetensors"))
    run = Trained(trained.variant.name, config.seed, training.step, training.seconds, tuple(judged))
    _write(path, {**asdict(run), "config": asdict(config)})


def _how(ablation: Ablation) -> tuple[ReconstructionConfig, SplitConfig]:
    """The whole reconstruction, lifted as in training, and the frames that it is judged on."""
    return ablation.reconstruction, ablation.streets.split


# --- the folder ----------------------------------------------------------------------------------------------------


@contextmanager
def _still_to_do(path: Path) -> Iterator[bool]:
    """Whether this process is to make `path`: nobody has, and nobody else is at it."""
    with claimed(path) as is_mine:
        yield is_mine and not path.is_file()


def _path(ablation: Ablation, family: str, variant: Variant, number: int) -> Path:
    return ablation.folder / family / f"{variant.file_name}-{number}.json"


def _same(ablation: Ablation, family: str, settings: dict[str, Any]) -> None:
    """Runs of one folder must be comparable: store the settings of the first, and refuse others.

    Raises:
        Flux4dError: the folder holds runs of other settings.
    """
    path = ablation.folder / f"{family}.json"
    wanted = _plain({**settings, "streets": asdict(ablation.streets)})
    if path.is_file():
        found = _read(path, dict)
        different = [key for key in wanted if found.get(key) != wanted[key]]
        if different:
            raise Flux4dError(
                f"--output {ablation.folder}: holds runs of other settings (their {different[0]} differs); choose "
                "another folder"
            )
    else:
        _write(path, wanted)


def _plain(content: Any) -> Any:
    """As JSON gives it back; what JSON does not know becomes text, and nan null."""
    return json.loads(json.dumps(without_nan(content), default=str, allow_nan=False))


def _write(path: Path, content: Any) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(_plain(content), indent=1), encoding="utf-8")


def _read(path: Path, parse: Callable[[Any], _T]) -> _T:
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Flux4dError(f"{path}: this result is damaged ({error}); delete it to have it made again") from error


def _judged(content: dict[str, Any]) -> Judged:
    figures = {str(key): math.nan if value is None else float(value) for key, value in content["figures"].items()}
    return Judged(str(content["reconstruction"]), str(content["street"]), figures)


def _trained(content: dict[str, Any]) -> Trained:
    return Trained(
        variant=str(content["variant"]),
        seed=int(content["seed"]),
        steps=int(content["steps"]),
        seconds=float(content["seconds"]),
        judged=tuple(_judged(one) for one in content["judged"]),
    )
