"""Ablations for people: means, differences from the whole, and how far either can be trusted."""

import math
from collections.abc import Iterable, Sequence

from flux4d_core.evaluation.ablation.judging import COLUMNS, Judged
from flux4d_core.evaluation.ablation.runs import JUDGED_BY, Trained
from flux4d_core.evaluation.ablation.variants import RECONSTRUCTION, TRAINING, WHOLE, Variant
from flux4d_core.evaluation.bootstrap import bootstrap_interval
from flux4d_core.evaluation.results import mean

Figures = dict[str, float]
"""By the titles of the columns."""
_UNITS = "PSNR in dB, errors of velocities in m/s, holes as a share of the pixels with a LiDAR return"


def reconstruction_table(judged: Sequence[Judged]) -> str:
    """Every way to reconstruct: the mean over streets, and its difference from the whole on the same streets."""
    values = {(one.reconstruction, one.street): one.figures for one in judged}
    streets = sorted({one.street for one in judged})
    rows = []
    for name in _in_order(RECONSTRUCTION, {one.reconstruction for one in judged}):
        own = [values[name, street] for street in streets if (name, street) in values]
        cells = [_number(mean([figures[title] for figures in own]), title) for title in _TITLES]
        pairs = [(values[name, s], values[WHOLE, s]) for s in streets if (name, s) in values and (WHOLE, s) in values]
        rows.append([name, str(len(own)), *cells])
        if name != WHOLE and pairs:
            rows.append(["", "", *(_paired(pairs, title) for title in _TITLES)])
    return "\n".join(
        [
            "### Reconstruction: one part switched off, the same weights",
            "",
            *_grid(["", "streets", *_TITLES], rows),
            "",
            f"{_UNITS}. Means over streets; below them the mean difference from the whole on the same streets, with "
            "95 % of the means of streets drawn again (bootstrap).",
        ]
    )


def training_table(runs: Sequence[Trained], reconstruction: str) -> str:
    """Every way to train: the mean over training seeds and their range, and the same of the difference from the whole.

    Args:
        reconstruction: In which way the weights were tried.
    """
    values = {(run.variant, run.seed): mean_figures(run, reconstruction) for run in runs}
    seeds = sorted({run.seed for run in runs})
    rows = []
    for name in _in_order(TRAINING, {run.variant for run in runs}):
        own = [run for run in runs if run.variant == name]
        cells = [_range([values[name, run.seed][title] for run in own], title) for title in _TITLES]
        steps = f"{mean([float(run.steps) for run in own]):.0f}"
        rows.append([name, str(len(own)), steps, *cells])
        pairs = [(values[name, s], values[WHOLE, s]) for s in seeds if (name, s) in values and (WHOLE, s) in values]
        if name != WHOLE and pairs:
            differences = [[own[title] - whole[title] for own, whole in pairs] for title in _TITLES]
            rows.append(["", "", "", *(_range(d, t, "+") for d, t in zip(differences, _TITLES, strict=True))])
    return "\n".join(
        [
            f"### Training: one thing changed; tried as '{reconstruction}'",
            "",
            *_grid(["", "seeds", "steps", *_TITLES], rows),
            "",
            f"{_UNITS}. Means over training seeds of the means over streets (lowest..highest seed); below them the "
            "difference from the whole of the same seed.",
        ]
    )


def as_markdown(judged: Sequence[Judged], runs: Sequence[Trained]) -> str:
    """All tables for which there are runs."""
    parts = [reconstruction_table(judged)] if judged else []
    parts += [training_table(runs, variant.name) for variant in JUDGED_BY] if runs else []
    return "\n\n".join(parts)


def mean_figures(run: Trained, reconstruction: str) -> Figures:
    """Of one training: means over streets; what a street lacks is left out."""
    own = [one.figures for one in run.judged if one.reconstruction == reconstruction]
    return {title: mean([figures[title] for figures in own]) for title in _TITLES}


def paired_difference(pairs: Iterable[tuple[Figures, Figures]], title: str) -> tuple[float, float, float]:
    """Mean of the differences (first less second) where both are known, and its interval over pairs."""
    differences = [first[title] - second[title] for first, second in pairs]
    return mean(differences), *bootstrap_interval(differences)


_TITLES = [column.title for column in COLUMNS]


def _in_order(variants: Sequence[Variant], names: set[str]) -> list[str]:
    return [variant.name for variant in variants if variant.name in names]


def _paired(pairs: Sequence[tuple[Figures, Figures]], title: str) -> str:
    difference, low, high = paired_difference(pairs, title)
    interval = "" if math.isnan(low) else f" [{_number(low, title, '+')}, {_number(high, title, '+')}]"
    return _number(difference, title, "+") + interval


def _range(values: Sequence[float], title: str, sign: str = "") -> str:
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2:
        return _number(mean(known), title, sign)
    return (
        f"{_number(mean(known), title, sign)} ({_number(min(known), title, sign)}..{_number(max(known), title, sign)})"
    )


def _number(value: float, title: str, sign: str = "") -> str:
    digits = 4 if title == "holes" else 3 if "error" in title else 2
    return "-" if math.isnan(value) else f"{value:{sign}.{digits}f}"


def _grid(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
