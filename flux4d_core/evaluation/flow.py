"""Motion of LiDAR returns against the truth, for every method that makes a scene."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

MOVING = 0.5
"""Things faster than this by ground truth (m/s) are dynamic."""
FLOW_SECONDS = 0.1
"""Scene flow is compared over this time (s)."""


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
    standing_error_objects: float
    """The same over standing returns more than 0.3 m above the ground (m/s)."""
    standing_error_p99: float
    """99th percentile of the velocity error over standing returns (m/s)."""
    epe3d: float
    """Mean end-point error of the flow over all returns (m)."""
    acc5: float
    """Share of returns with flow error under 0.05 m or 5 % of the true flow."""
    acc10: float
    """Share with flow error under 0.1 m or 10 %."""
    angle: float
    """Mean angle between predicted and true velocity of moving returns (rad)."""
    iou: float
    """Intersection over union of returns that move (speed over 0.5 m/s) by prediction and by truth."""
    moving_returns: int
    returns: int


def flow_metrics(
    predicted: Float[Tensor, "P 3"], true: Float[Tensor, "P 3"], heights: Float[Tensor, "P"]
) -> FlowMetrics:
    """Compare velocities (m/s) of LiDAR returns."""
    speed, error = true.norm(dim=-1), (predicted - true).norm(dim=-1)
    moving = speed > MOVING
    standing = ~moving
    flow_error, flow = error * FLOW_SECONDS, speed * FLOW_SECONDS
    relative = flow_error / flow.clamp(min=1e-6)
    cosine = torch.nn.functional.cosine_similarity(predicted[moving], true[moving], dim=-1)
    said = predicted.norm(dim=-1) > MOVING
    union = int((said | moving).sum())
    return FlowMetrics(
        moving_error=_mean(error[moving]),
        nothing_moves_error=_mean(speed[moving]),
        standing_error=_mean(error[standing]),
        standing_error_objects=_mean(error[standing & (heights > 0.3)]),
        standing_error_p99=_high(error[standing]),
        epe3d=_mean(flow_error),
        acc5=_mean(((flow_error < 0.05) | (relative < 0.05)).float()),
        acc10=_mean(((flow_error < 0.1) | (relative < 0.1)).float()),
        angle=_mean(torch.acos(cosine.clamp(-1, 1))),
        iou=int((said & moving).sum()) / union if union else float("nan"),
        moving_returns=int(moving.sum()),
        returns=len(true),
    )


def _mean(values: Tensor) -> float:
    return float(values.mean()) if len(values) > 0 else float("nan")


def _high(values: Tensor) -> float:
    """99th percentile; of every k-th value where there are very many."""
    return float(torch.quantile(values[:: max(1, len(values) // 1_000_000)], 0.99)) if len(values) else float("nan")
