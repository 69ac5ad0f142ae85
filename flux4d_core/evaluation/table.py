"""Evaluations for people and spreadsheets: Markdown, CSV, and intervals."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flux4d_core.evaluation.bootstrap import bootstrap_interval
from flux4d_core.evaluation.definitions import DEFINITIONS
from flux4d_core.evaluation.flow import FlowGroup, FlowMetrics
from flux4d_core.evaluation.methods import DESCRIPTIONS, MethodName
from flux4d_core.evaluation.results import Evaluation, figures, mean, without_nan


@dataclass(frozen=True)
class Interval:
    """One figure's mean over scenes, and how far it can be trusted."""

    method: str
    of: str
    figure: str
    mean: float
    low: float
    high: float
    scenes: int
    """That have the figure."""


def intervals_of(evaluations: Sequence[Evaluation]) -> list[Interval]:
    """Every figure that two scenes or more have."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for evaluation in evaluations:
        for figure in figures(evaluation):
            if math.isfinite(figure.value):
                values.setdefault((figure.method, figure.of, figure.name), []).append(figure.value)
    return [Interval(*key, mean(v), *bootstrap_interval(v), len(v)) for key, v in values.items() if len(v) > 1]


def as_csv(evaluations: Sequence[Evaluation]) -> str:
    """Every figure of every scene: clip, method, of, figure, value; what is not known is left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("clip", "method", "of", "figure", "value"))
    for evaluation in evaluations:
        for figure in figures(evaluation):
            if math.isfinite(figure.value):
                writer.writerow((evaluation.log, figure.method, figure.of, figure.name, f"{figure.value:.6g}"))
    return text.getvalue()


def intervals_as_json(intervals: Sequence[Interval]) -> list[dict[str, Any]]:
    return without_nan([vars(interval) for interval in intervals])


def as_markdown(evaluation: Evaluation, intervals: Sequence[Interval] = ()) -> str:
    """The tables for people, with their definitions; with intervals in brackets where there are some."""
    known = {(i.method, i.of, i.figure): f" [{i.low:.2f}, {i.high:.2f}]" for i in intervals}
    lines = [f"### {evaluation.log}", ""]
    heads = ("PSNR dB", "SSIM", "GMSD", "LPIPS", "depth RMSE m", "velocity RMSE m/s", "holes", "seconds", "n")
    lines += _head("method", "frames", "pixels", *heads)
    for row in evaluation.rows:
        psnr = f"{_cell(row.psnr, 2)}{known.get((row.method, f'{row.frames} {row.pixels}', 'psnr'), '')}"
        cells = [psnr, *(_cell(value, 3) for value in (row.ssim, row.gmsd, row.lpips))]
        cells += [_cell(row.depth_rmse, 2), _cell(row.velocity_rmse, 2), _cell(row.holes, 3), _cell(row.seconds, 1)]
        lines.append(_line(row.method, row.frames, row.pixels, *cells, str(row.count)))
    lines += _novel_lines(evaluation, known)
    lines += _flow_lines(evaluation, known)
    lines += _group_lines(evaluation)
    lines += ["", "Definitions:"]
    lines += [f"- {name}: {meaning}" for name, meaning in DEFINITIONS.items()]
    lines += ["", "Rows:"]
    lines += [f"- `{name}`: {DESCRIPTIONS[name]}" for name in _methods(evaluation)]
    return "\n".join(lines)


def _novel_lines(evaluation: Evaluation, known: dict[tuple[str, str, str], str]) -> list[str]:
    if not evaluation.novel_views:
        return []
    lines = ["", "Views from beside the path, against exact images:", ""]
    heads = (
        "PSNR dB",
        "below the path dB",
        "SSIM",
        "GMSD",
        "LPIPS",
        "seen",
        "PSNR where seen",
        "holes where seen",
        "open",
        "n",
    )
    lines += _head("method", "view", *heads)
    for row in evaluation.novel_views:
        interval = known.get((row.method, f"view {row.offset}", "psnr_drop"), "")
        cells = [_cell(row.psnr, 2), f"{_cell(row.psnr_drop, 2)}{interval}", _cell(row.ssim, 3), _cell(row.gmsd, 3)]
        cells += [
            _cell(row.lpips, 3),
            _cell(row.seen, 3),
            _cell(row.psnr_seen, 2),
            _cell(row.holes_seen, 4),
            _cell(row.open_seen, 4),
        ]
        lines.append(_line(row.method, row.offset, *cells, str(row.count)))
    return lines


def _flow_lines(evaluation: Evaluation, known: dict[tuple[str, str, str], str]) -> list[str]:
    if not evaluation.flows:
        return []
    lines = ["", "Motion of LiDAR returns (m/s; EPE in m over 0.1 s; angle in rad):", ""]
    heads = ("moving", "of nothing moves", "standing", "p99", "off the ground", "p99", "on the ground", "p99")
    lines += _head("method", *heads, "IoU", "precision", "recall")
    for method, flow in evaluation.flows.items():
        standing = (flow.standing_error, flow.standing_error_p99, flow.standing_error_objects)
        standing += (flow.standing_error_objects_p99, flow.standing_error_ground, flow.standing_error_ground_p99)
        moving = f"{_cell(flow.moving_error, 2)}{known.get((method, 'motion', 'moving_error'), '')}"
        cells = [moving, _share(flow), *(_cell(value, 2) for value in standing)]
        lines.append(_line(method, *cells, *(_cell(value, 3) for value in (flow.iou, flow.precision, flow.recall))))
    lines += [
        "",
        *_head(
            "method",
            "EPE3D",
            "Acc5",
            "Acc10",
            "angle",
            "three-way",
            "background",
            "standing foreground",
            "moving foreground",
            "bucket-normalised",
        ),
    ]
    for method, flow in evaluation.flows.items():
        values = (flow.epe3d, flow.acc5, flow.acc10, flow.angle, flow.three_way, flow.epe_background)
        values += (flow.epe_foreground_standing, flow.epe_foreground_moving, flow.bucket_normalised)
        lines.append(_line(method, *(_cell(value, 3) for value in values)))
    return lines


def _group_lines(evaluation: Evaluation) -> list[str]:
    """By class and by range; one that nothing moves in has its standing error only."""
    groups = [(m, group) for m, flow in evaluation.flows.items() for group in (*flow.classes, *flow.ranges)]
    if not groups:
        return []
    lines = ["", "By class and by distance from the LiDAR:", ""]
    heads = ("moving m/s", "of nothing moves", "standing m/s", "precision", "recall", "bucket-normalised")
    lines += _head("method", "returns", *heads, "moving returns", "returns")
    for method, group in groups:
        cells = [_cell(group.moving_error, 2), _share(group), _cell(group.standing_error, 2)]
        cells += [_cell(value, 3) for value in (group.precision, group.recall, group.bucket_normalised)]
        lines.append(_line(method, group.name, *cells, str(group.moving_returns), str(group.returns)))
    return lines


def _share(flow: FlowMetrics | FlowGroup) -> str:
    if not flow.nothing_moves_error > 0:
        return "-"
    return f"{flow.moving_error / flow.nothing_moves_error:.0%} of {flow.nothing_moves_error:.2f}"


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield "|" + "---|" * len(names)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _methods(evaluation: Evaluation) -> list[MethodName]:
    """In the order of their rows."""
    return list(dict.fromkeys(row.method for row in evaluation.rows))
