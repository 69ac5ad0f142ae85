"""Motion of LiDAR returns against the truth, for every method that makes a scene.

Flow is motion over 0.1 s, in metres; velocities are in m/s. Returns: those of the input sweeps that an input image
sees.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

MOVING = 0.5
"""Things faster than this by ground truth (m/s) are dynamic."""
FLOW_SECONDS = 0.1
"""Scene flow is compared over this time (s)."""
OFF_GROUND = 0.3
"""Returns higher than this above the ground below them (m) are off the ground."""
BACKGROUND = -1
CLASSES = ("vehicle", "pedestrian", "cyclist", "other")
"""What returns can be part of, by number; BACKGROUND: nothing that could move."""
RANGES = (0.0, 20.0, 40.0, 80.0, float("inf"))
"""Distances from the LiDAR (m) that are reported apart."""
BUCKET = 0.4
"""Width of the speed buckets of the bucket-normalised error (m/s); all above 50 of them is one more."""
_VEHICLES = ("car", "van", "truck", "bus", "tram", "trailer", "vehicle", "train")
_CYCLISTS = ("cycl", "bike", "rider", "scooter")
_PEDESTRIANS = ("pedestrian", "person", "people", "child", "adult")


@dataclass(frozen=True)
class FlowGroup:
    """Motion of one class, or of one range."""

    name: str
    returns: int
    moving_returns: int
    moving_error: float
    """Mean length of the velocity error over moving returns (m/s)."""
    nothing_moves_error: float
    """The same if every velocity were zero (m/s)."""
    standing_error: float
    """Mean length of the velocity error over standing returns (m/s)."""
    precision: float
    """Of the returns said to move (speed over 0.5 m/s), the share that does."""
    recall: float
    """Of the returns that move, the share that is said to."""
    bucket_normalised: float
    """Mean over buckets of true speed (0.4 m/s wide, without the slowest) of error / speed: 1 if nothing moves."""


@dataclass(frozen=True)
class FlowMetrics:
    """Motion of LiDAR returns against the truth. Velocities in m/s; flow is motion over 0.1 s, in metres.

    Moving: true speed over 0.5 m/s. Returns: the input sweeps' returns that were lifted (seen by an input image).
    """

    moving_error: float
    """Mean length of the velocity error over moving returns (m/s)."""
    nothing_moves_error: float
    """The same if every velocity were zero: the mean true speed of moving returns (m/s)."""
    standing_error: float
    """Mean length of the velocity error over standing returns (m/s)."""
    standing_error_p99: float
    """99th percentile of the velocity error over standing returns (m/s)."""
    standing_error_objects: float
    """Mean over standing returns more than 0.3 m above the ground (m/s)."""
    standing_error_objects_p99: float
    """99th percentile over the same (m/s)."""
    standing_error_ground: float
    """Mean over standing returns up to 0.3 m above the ground (m/s)."""
    standing_error_ground_p99: float
    """99th percentile over the same (m/s)."""
    epe3d: float
    """Mean end-point error of the flow over all returns (m)."""
    acc5: float
    """Share of returns with flow error under 0.05 m or 5 % of the true flow."""
    acc10: float
    """Share with flow error under 0.1 m or 10 %."""
    angle: float
    """Mean angle between predicted and true velocity of moving returns (rad)."""
    three_way: float
    """Mean of the next three (m): Chodosh et al., "Re-Evaluating LiDAR Scene Flow" (2023)."""
    epe_background: float
    """Mean end-point error of returns on what could never move (m)."""
    epe_foreground_standing: float
    """The same of standing returns on vehicles and people (m)."""
    epe_foreground_moving: float
    """The same of moving returns (m)."""
    bucket_normalised: float
    """Mean over classes of the groups': Khatri et al., "I Can't Believe It's Not Scene Flow!" (2024)."""
    iou: float
    """Intersection over union of returns that move (speed over 0.5 m/s) by prediction and by truth."""
    precision: float
    """Of the returns said to move, the share that does."""
    recall: float
    """Of the returns that move, the share that is said to."""
    moving_returns: int
    returns: int
    classes: tuple[FlowGroup, ...] = ()
    """By class, those that are there, the background first; empty where classes are not known."""
    ranges: tuple[FlowGroup, ...] = ()
    """By distance from the LiDAR; empty where it is not known."""


@dataclass(frozen=True)
class Returns:
    """What is known about the judged LiDAR returns."""

    velocities: Float[Tensor, "P 3"]
    """True (m/s)."""
    heights: Float[Tensor, "P"]
    """Above the ground below (m)."""
    classes: Int[Tensor, "P"] | None = None
    """Numbers in CLASSES, or BACKGROUND."""
    ranges: Float[Tensor, "P"] | None = None
    """From the LiDAR (m)."""


def class_number(label: str) -> int:
    """Which of CLASSES a data set's own word means."""
    label = label.lower()
    words = {"cyclist": _CYCLISTS, "pedestrian": _PEDESTRIANS, "vehicle": _VEHICLES}
    found = (name for name, parts in words.items() if any(part in label for part in parts))
    return CLASSES.index(next(found, "other"))


def flow_metrics(predicted: Float[Tensor, "P 3"], returns: Returns) -> FlowMetrics:
    """Compare velocities (m/s) of LiDAR returns."""
    true, heights = returns.velocities, returns.heights
    speed, error = true.norm(dim=-1), (predicted - true).norm(dim=-1)
    moving = speed > MOVING
    standing, high = ~moving, heights > OFF_GROUND
    said = predicted.norm(dim=-1) > MOVING
    flow_error, flow = error * FLOW_SECONDS, speed * FLOW_SECONDS
    relative = flow_error / flow.clamp(min=1e-6)
    cosine = torch.nn.functional.cosine_similarity(predicted[moving], true[moving], dim=-1)
    parts = _three_parts(flow_error, moving, returns.classes)
    classes = _by_class(error, speed, said, returns.classes)
    return FlowMetrics(
        moving_error=_mean(error[moving]),
        nothing_moves_error=_mean(speed[moving]),
        standing_error=_mean(error[standing]),
        standing_error_p99=_high(error[standing]),
        standing_error_objects=_mean(error[standing & high]),
        standing_error_objects_p99=_high(error[standing & high]),
        standing_error_ground=_mean(error[standing & ~high]),
        standing_error_ground_p99=_high(error[standing & ~high]),
        epe3d=_mean(flow_error),
        acc5=_mean(((flow_error < 0.05) | (relative < 0.05)).float()),
        acc10=_mean(((flow_error < 0.1) | (relative < 0.1)).float()),
        angle=_mean(torch.acos(cosine.clamp(-1, 1))),
        three_way=sum(parts) / 3,
        epe_background=parts[0],
        epe_foreground_standing=parts[1],
        epe_foreground_moving=parts[2],
        bucket_normalised=_mean(torch.tensor([g.bucket_normalised for g in classes if g.bucket_normalised >= 0])),
        iou=_share(said & moving, said | moving),
        precision=_share(said & moving, said),
        recall=_share(said & moving, moving),
        moving_returns=int(moving.sum()),
        returns=len(true),
        classes=classes,
        ranges=_by_range(error, speed, said, returns.ranges),
    )


def _three_parts(
    flow_error: Float[Tensor, "P"], moving: Bool[Tensor, "P"], classes: Int[Tensor, "P"] | None
) -> tuple[float, float, float]:
    if classes is None:
        return float("nan"), float("nan"), _mean(flow_error[moving])
    background = (classes == BACKGROUND) & ~moving
    return _mean(flow_error[background]), _mean(flow_error[~background & ~moving]), _mean(flow_error[moving])


def _by_class(
    error: Float[Tensor, "P"], speed: Float[Tensor, "P"], said: Bool[Tensor, "P"], classes: Int[Tensor, "P"] | None
) -> tuple[FlowGroup, ...]:
    if classes is None:
        return ()
    named = [("background", classes == BACKGROUND)]
    named += [(name, classes == number) for number, name in enumerate(CLASSES)]
    return tuple(_group(name, error[own], speed[own], said[own]) for name, own in named if bool(own.any()))


def _by_range(
    error: Float[Tensor, "P"], speed: Float[Tensor, "P"], said: Bool[Tensor, "P"], ranges: Float[Tensor, "P"] | None
) -> tuple[FlowGroup, ...]:
    if ranges is None:
        return ()
    groups = []
    for near, far in pairwise(RANGES):
        own = (ranges >= near) & (ranges < far)
        name = f"{near:.0f}-{far:.0f} m" if far < float("inf") else f"over {near:.0f} m"
        if bool(own.any()):
            groups.append(_group(name, error[own], speed[own], said[own]))
    return tuple(groups)


def _group(name: str, error: Float[Tensor, "P"], speed: Float[Tensor, "P"], said: Bool[Tensor, "P"]) -> FlowGroup:
    moving = speed > MOVING
    return FlowGroup(
        name=name,
        returns=len(error),
        moving_returns=int(moving.sum()),
        moving_error=_mean(error[moving]),
        nothing_moves_error=_mean(speed[moving]),
        standing_error=_mean(error[~moving]),
        precision=_share(said & moving, said),
        recall=_share(said & moving, moving),
        bucket_normalised=_bucket_normalised(error, speed),
    )


def _bucket_normalised(error: Float[Tensor, "P"], speed: Float[Tensor, "P"]) -> float:
    """Every speed counts alike, however many returns have it; nan where nothing is faster than the slowest bucket."""
    bucket = (speed / BUCKET).long().clamp(max=50)
    shares = [error[bucket == b].mean() / speed[bucket == b].mean() for b in bucket.unique() if b > 0]
    return float(torch.stack(shares).mean()) if shares else float("nan")


def _share(part: Bool[Tensor, "P"], whole: Bool[Tensor, "P"]) -> float:
    return int(part.sum()) / number if (number := int(whole.sum())) else float("nan")


def _mean(values: Tensor) -> float:
    return float(values.mean()) if len(values) > 0 else float("nan")


def _high(values: Tensor) -> float:
    """99th percentile; of every k-th value where there are very many."""
    return float(torch.quantile(values[:: max(1, len(values) // 1_000_000)], 0.99)) if len(values) else float("nan")
