"""What an evaluation finds: figures of one clip, or their means over several; as JSON and back."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from flux4d_core.evaluation.flow import FlowGroup, FlowMetrics
from flux4d_core.evaluation.methods import MethodName

FrameKind = Literal["interpolated", "future", "left_out"]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Row:
    """One method on one kind of frames and pixels, averaged over frames, then over clips."""

    method: MethodName
    frames: FrameKind
    pixels: Literal["full", "dynamic"]
    psnr: float
    """dB, of sRGB in 0..1; the mean over frames of each frame's own PSNR."""
    ssim: float
    """Gaussian window of 11 pixels, sigma 1.5; over dynamic pixels, the mean of the SSIM map there."""
    gmsd: float
    """Gradient magnitude similarity deviation: 0 where alike."""
    lpips: float
    """The mean of the LPIPS map; nan where its weights are not at hand."""
    depth_rmse: float
    """Rendered depth at the LiDAR returns of the nearest sweep that the frame sees (m); nan for dynamic pixels."""
    velocity_rmse: float
    """Of the rendered velocity in the world, every pixel (m/s); nan without truth."""
    holes: float
    """Share of the pixels with a LiDAR return whose alpha is under 0.95; nan for dynamic pixels."""
    seconds: float
    """From decoded inputs to the scene."""
    count: int
    """Frames behind the figures."""


@dataclass(frozen=True)
class NovelRow:
    """One method seen from beside the path, against exact images; averaged over views, then over clips."""

    method: MethodName
    offset: str
    """How far from where the vehicle's camera was: "on the path", "1 m aside", "1 m up", ..."""
    psnr: float
    ssim: float
    gmsd: float
    lpips: float
    psnr_drop: float
    """dB below the view from the path at the same instant, the mean over views."""
    seen: float
    """Share of the pixels, without the sky, whose surface an input image saw."""
    psnr_seen: float
    """dB, over those pixels."""
    holes_seen: float
    """Share of those pixels whose alpha is under 0.95."""
    open_seen: float
    """Share of those pixels whose alpha is under 0.5: one looks right through."""
    count: int
    """Views behind the figures."""


@dataclass(frozen=True)
class Evaluation:
    """All figures of one clip, or the means over several."""

    log: str
    weights: str
    rows: tuple[Row, ...]
    flows: dict[MethodName, FlowMetrics]
    """Motion of the LiDAR returns in each method's scene; empty without truth."""
    novel_views: tuple[NovelRow, ...] = field(default=())
    """Empty where exact images cannot be made."""

    @property
    def flow(self) -> FlowMetrics | None:
        """Motion in the feed-forward scene."""
        return self.flows.get("feed_forward")


def mean_of(evaluations: list[Evaluation], name: str) -> Evaluation:
    """Means over clips, each clip counting once; figures that a clip lacks (nan) are left out of the mean."""
    rows = _grouped([row for e in evaluations for row in e.rows], lambda row: (row.method, row.frames, row.pixels))
    novel = _grouped([row for e in evaluations for row in e.novel_views], lambda row: (row.method, row.offset))
    flows: dict[MethodName, list[FlowMetrics]] = defaultdict(list)
    for evaluation in evaluations:
        for method, flow in evaluation.flows.items():
            flows[method].append(flow)
    means: dict[MethodName, FlowMetrics] = {method: mean_fields(group) for method, group in flows.items()}
    return Evaluation(
        name,
        evaluations[0].weights,
        tuple(mean_fields(group) for group in rows),
        means,
        tuple(mean_fields(group) for group in novel),
    )


def _grouped(rows: list[_T], key: Callable[[_T], tuple[str, ...]]) -> list[list[_T]]:
    groups: dict[tuple[str, ...], list[_T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return list(groups.values())


def mean_fields(group: Sequence[_T]) -> _T:
    """One dataclass of many: means of what is measured, sums of what is counted, names as in the first."""
    first = group[0]
    means: dict[str, Any] = {}
    for f in fields(first):  # pyright: ignore[reportArgumentType]
        values = [getattr(one, f.name) for one in group]
        if isinstance(values[0], float):
            means[f.name] = mean(values)
        elif isinstance(values[0], int):
            means[f.name] = sum(values)
        elif isinstance(values[0], tuple):
            parts = _grouped([part for value in values for part in value], lambda part: (part.name,))
            means[f.name] = tuple(mean_fields(part) for part in parts)
        else:
            means[f.name] = values[0]
    return type(first)(**means)


def mean(values: Sequence[float]) -> float:
    """Of those that are known; nan if none is."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class Figure:
    """One number of an evaluation, and where it stands."""

    method: str
    of: str
    """"interpolated full", "motion", "motion of pedestrian", "view 1 m aside", ..."""
    name: str
    value: float


def figures(evaluation: Evaluation) -> Iterator[Figure]:
    """Every measured number, one by one: for spreadsheets and for intervals."""
    for row in evaluation.rows:
        yield from _measured(row, row.method, f"{row.frames} {row.pixels}")
    for view in evaluation.novel_views:
        yield from _measured(view, view.method, f"view {view.offset}")
    for method, flow in evaluation.flows.items():
        yield from _measured(flow, method, "motion")
        for group in (*flow.classes, *flow.ranges):
            yield from _measured(group, method, f"motion of {group.name}")


def _measured(one: Row | NovelRow | FlowMetrics | FlowGroup, method: str, of: str) -> Iterator[Figure]:
    for f in fields(one):
        if isinstance(value := getattr(one, f.name), float):
            yield Figure(method, of, f.name, value)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The table as JSON: its own fields, and "flow", the motion of feed_forward; nan becomes null."""
    flow = None if evaluation.flow is None else asdict(evaluation.flow)
    return without_nan(asdict(evaluation) | {"flow": flow})


def without_nan(value: Any) -> Any:
    """The same with null for every number that is not finite: JSON knows none."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_json(content: dict[str, Any]) -> Evaluation:
    """What `as_json` made; raises KeyError, TypeError or ValueError for anything else."""
    return Evaluation(
        log=str(content["log"]),
        weights=str(content["weights"]),
        rows=tuple(_filled(Row, row) for row in content["rows"]),
        flows={method: _filled(FlowMetrics, flow) for method, flow in content["flows"].items()},
        novel_views=tuple(_filled(NovelRow, row) for row in content["novel_views"]),
    )


def _filled(kind: type[_T], values: dict[str, Any]) -> _T:
    known: dict[str, Any] = {key: math.nan if value is None else value for key, value in values.items()}
    for key in ("classes", "ranges"):
        if key in known:
            known[key] = tuple(_filled(FlowGroup, group) for group in known[key])
    return kind(**known)
