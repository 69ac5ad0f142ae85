"""What an ablation reads off one street: a handful of figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flux4d_core.evaluation.ablation.streets import ASIDE
from flux4d_core.evaluation.ablation.variants import Variant
from flux4d_core.evaluation.clips import Opened
from flux4d_core.evaluation.evaluate import EvaluationConfig, evaluate_clip
from flux4d_core.evaluation.frames import Judge
from flux4d_core.evaluation.methods import MethodsConfig
from flux4d_core.evaluation.results import Evaluation, figures
from flux4d_core.learning.split import SplitConfig
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.reconstruction.clip import ReconstructionConfig


@dataclass(frozen=True)
class Column:
    """One figure of the table, and where an evaluation has it."""

    title: str
    of: str
    figure: str


COLUMNS: tuple[Column, ...] = (
    Column("interpolated", "interpolated full", "psnr"),
    Column("dynamic", "interpolated dynamic", "psnr"),
    Column("future", "future full", "psnr"),
    Column("future dynamic", "future dynamic", "psnr"),
    Column(ASIDE, f"view {ASIDE}", "psnr"),
    Column("moving error", "motion", "moving_error"),
    Column("standing error", "motion", "standing_error"),
    Column("holes", "interpolated full", "holes"),
)
"""PSNR in dB, errors in m/s, holes as a share of the pixels with a LiDAR return."""


@dataclass(frozen=True)
class Judged:
    """One street, reconstructed in one way."""

    reconstruction: str
    """Name of the variant of reconstruction."""
    street: str
    figures: dict[str, float]
    """By the titles of the columns; nan where the street has no such figure."""


def judge(
    model: Reconstructor, opened: Opened, variants: Sequence[Variant], whole: ReconstructionConfig, split: SplitConfig
) -> list[Judged]:
    """One street, reconstructed in each of these ways with the same weights."""
    found = []
    for variant in variants:
        methods = MethodsConfig(("feed_forward",), reconstruction=variant.of(whole))
        evaluation = evaluate_clip(
            Judge(opened.clip, opened.truth, None), model, EvaluationConfig(split, methods), opened.views
        )
        found.append(Judged(variant.name, opened.clip.name, figures_of(evaluation)))
    return found


def figures_of(evaluation: Evaluation) -> dict[str, float]:
    """The columns' figures of the feed-forward rows."""
    known = {(f.of, f.name): f.value for f in figures(evaluation) if f.method == "feed_forward"}
    return {column.title: known.get((column.of, column.figure), math.nan) for column in COLUMNS}
