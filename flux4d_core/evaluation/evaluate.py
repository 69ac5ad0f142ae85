"""One table for a clip or many: methods side by side on held-out frames, and the motion of LiDAR returns."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor

from flux4d_core.evaluation.methods import DESCRIPTIONS, Method, MethodName, MethodsConfig, apply_methods
from flux4d_core.evaluation.metrics import FlowMetrics, flow_metrics, psnr
from flux4d_core.evaluation.truth import MotionTruth
from flux4d_core.learning.split import SplitConfig, split_clip
from flux4d_core.lifting.visibility import visible_points
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.progress import Report, silent
from flux4d_core.rendering.photometric import ssim
from flux4d_core.types import Clip, Frame, Rendering

FEWEST_PIXELS = 50
"""Frames with fewer dynamic pixels have no dynamic row."""


@dataclass(frozen=True)
class EvaluationConfig:
    """What is compared and on which frames."""

    split: SplitConfig = field(default_factory=SplitConfig)
    methods: MethodsConfig = field(default_factory=MethodsConfig)
    lidar: bool = True
    """Whether the methods see the sweeps; their figures are judged by them in any case."""


@dataclass(frozen=True)
class Row:
    """One method on one kind of frames and pixels, averaged over frames, then over clips."""

    method: MethodName
    frames: Literal["interpolated", "future"]
    pixels: Literal["full", "dynamic"]
    psnr: float
    """dB, of sRGB in 0..1; the mean over frames of each frame's own PSNR."""
    ssim: float
    """Gaussian window of 11 pixels, sigma 1.5; over dynamic pixels, the mean of the SSIM map there."""
    depth_rmse: float
    """Rendered depth at the LiDAR returns of the nearest sweep that the frame sees (m); nan for dynamic pixels."""
    holes: float
    """Share of the pixels with a LiDAR return whose alpha is under 0.95; nan for dynamic pixels."""
    seconds: float
    """From decoded inputs to the scene."""
    count: int
    """Frames behind the figures."""


@dataclass(frozen=True)
class Evaluation:
    """All rows of one clip, or the means over several."""

    log: str
    weights: str
    rows: tuple[Row, ...]
    flow: FlowMetrics | None
    """Motion of the feed-forward scene's LiDAR returns; None without truth."""


def evaluate_clip(
    clip: Clip,
    truth: MotionTruth | None,
    model: Reconstructor | None,
    config: EvaluationConfig,
    *,
    weights: str = "",
    report: Report = silent,
) -> Evaluation:
    """Run the methods on a clip's inputs and judge them on its held-out frames."""
    split = split_clip(clip, config.split)
    inputs = split.inputs if config.lidar else replace(split.inputs, sweeps=())
    lifted, methods = apply_methods(inputs, model, config.methods, report)
    rows = []
    for method in methods:
        report("Comparing with held-out frames", 0.0)
        rows += _rows(method, "interpolated", split.interpolated, clip, truth)
        rows += _rows(method, "future", split.future, clip, truth)
    flow = None
    moving = next((m.reconstruction for m in methods if m.name == "feed_forward"), None)
    if inputs.sweeps and truth is not None and moving is not None and bool(lifted.measured.any()):
        measured = lifted.measured
        flow = flow_metrics(moving.gaussians.velocities[measured], truth.velocities(lifted), lifted.heights[measured])
    return Evaluation(clip.name, weights, tuple(rows), flow)


def mean_of(evaluations: list[Evaluation], name: str) -> Evaluation:
    """Means over clips, each clip counting once; figures that a clip lacks (nan) are left out of the mean."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for evaluation in evaluations:
        for row in evaluation.rows:
            groups[row.method, row.frames, row.pixels].append(row)
    rows = tuple(_mean_row(group) for group in groups.values())
    flows = [evaluation.flow for evaluation in evaluations if evaluation.flow is not None]
    return Evaluation(name, evaluations[0].weights, rows, _mean_flow(flows) if flows else None)


def _mean_flow(flows: list[FlowMetrics]) -> FlowMetrics:
    """Means of the figures, sums of the counts."""
    counts = ("moving_returns", "returns")
    means = {f.name: _mean(getattr(x, f.name) for x in flows) for f in fields(FlowMetrics) if f.name not in counts}
    sums = {name: sum(getattr(x, name) for x in flows) for name in counts}
    return FlowMetrics(**means, **sums)  # pyright: ignore[reportArgumentType]


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The table as JSON: log, weights, rows and flow; nan becomes null."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(inner) for inner in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return clean(asdict(evaluation))


def as_markdown(evaluation: Evaluation) -> str:
    """The table for people, with its definitions."""
    lines = [f"### {evaluation.log}", ""]
    lines += ["| method | frames | pixels | PSNR dB | SSIM | depth RMSE m | holes | seconds | n |", "|" + "---|" * 9]
    for row in evaluation.rows:
        figures = [
            f"{row.psnr:.2f}",
            f"{row.ssim:.3f}",
            f"{row.depth_rmse:.2f}",
            f"{row.holes:.3f}",
            f"{row.seconds:.1f}",
        ]
        cells = [row.method, row.frames, row.pixels, *("-" if f == "nan" else f for f in figures), str(row.count)]
        lines.append("| " + " | ".join(cells) + " |")
    if evaluation.flow is not None:
        flow = evaluation.flow
        share = flow.moving_error / flow.nothing_moves_error if flow.nothing_moves_error > 0 else math.nan
        lines += [
            "",
            f'Motion of LiDAR returns: moving {flow.moving_error:.2f} m/s ({share:.0%} of "nothing moves", '
            f"{flow.nothing_moves_error:.2f} m/s), standing {flow.standing_error:.2f} m/s (off the ground "
            f"{flow.standing_error_objects:.2f}, 99th percentile {flow.standing_error_p99:.2f}), "
            f"EPE3D {flow.epe3d:.3f} m, Acc5 {flow.acc5:.3f}, Acc10 {flow.acc10:.3f}, "
            f"angle {flow.angle:.3f} rad, IoU {flow.iou:.3f}.",
        ]
    lines += ["", "Dynamic pixels: surfaces that move faster than 0.5 m/s. Rows:"]
    lines += [f"- `{name}`: {DESCRIPTIONS[name]}" for name in _methods(evaluation)]
    return "\n".join(lines)


def _methods(evaluation: Evaluation) -> list[MethodName]:
    """In the order of their rows."""
    found: list[MethodName] = []
    for row in evaluation.rows:
        if row.method not in found:
            found.append(row.method)
    return found


def _rows(
    method: Method,
    kind: Literal["interpolated", "future"],
    frames: Iterable[Frame],
    clip: Clip,
    truth: MotionTruth | None,
) -> list[Row]:
    """The full and the dynamic row of one method on one kind of frames."""
    full, dynamic = [], []
    for frame in frames:
        with torch.no_grad():
            rendering = method.picture(frame)
        similarity = ssim(rendering.colors.clamp(0, 1), frame.image.float() / 255)
        valid = torch.ones_like(similarity, dtype=torch.bool) if frame.valid is None else frame.valid
        full.append(_figures(rendering, frame, similarity, valid) | _depth_figures(rendering, frame, clip))
        if truth is not None and int((mask := truth.dynamic_pixels(frame) & valid).sum()) >= FEWEST_PIXELS:
            dynamic.append(_figures(rendering, frame, similarity, mask))
    rows = []
    kinds: tuple[tuple[Literal["full", "dynamic"], list[dict[str, float]]], ...] = (
        ("full", full),
        ("dynamic", dynamic),
    )
    for pixels, figures in kinds:
        if figures:
            means = {
                key: _mean(f.get(key, math.nan) for f in figures) for key in ("psnr", "ssim", "depth_rmse", "holes")
            }
            rows.append(Row(method.name, kind, pixels, seconds=method.seconds, count=len(figures), **means))
    return rows


def _figures(rendering: Rendering, frame: Frame, similarity: Tensor, mask: Tensor) -> dict[str, float]:
    return {
        "psnr": psnr(rendering.colors, frame.image.float() / 255, mask),
        "ssim": float(similarity[mask].mean()),
    }


def _depth_figures(rendering: Rendering, frame: Frame, clip: Clip) -> dict[str, float]:
    """Depth error and holes at the returns of the nearest sweep."""
    if not clip.sweeps:
        return {}
    sweep = min(clip.sweeps, key=lambda s: abs(s.time - frame.camera.time))
    seen = visible_points(sweep.points, frame.camera)
    columns, rows = seen.pixels[:, 0].long(), seen.pixels[:, 1].long()
    alphas = rendering.alphas[rows, columns]
    covered = alphas > 0.05
    error = (rendering.depths[rows, columns] - seen.depths)[covered]
    return {"depth_rmse": float(error.square().mean().sqrt()), "holes": float((alphas < 0.95).float().mean())}


def _mean_row(group: list[Row]) -> Row:
    means = {k: _mean(getattr(row, k) for row in group) for k in ("psnr", "ssim", "depth_rmse", "holes", "seconds")}
    first = group[0]
    return Row(first.method, first.frames, first.pixels, count=sum(row.count for row in group), **means)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
