"""One clip: methods side by side on held-out frames, from beside the path, and the motion of LiDAR returns."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.errors import LogError
from flux4d_core.evaluation.flow import FlowMetrics, flow_metrics
from flux4d_core.evaluation.frames import Judge, frame_rows
from flux4d_core.evaluation.methods import Method, MethodName, MethodsConfig, apply_methods
from flux4d_core.evaluation.novel_views import NovelView, novel_rows
from flux4d_core.evaluation.results import Evaluation, FrameKind
from flux4d_core.evaluation.truth import MotionTruth
from flux4d_core.learning.split import Split, SplitConfig, split_clip
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip, Frame, Lifted


@dataclass(frozen=True)
class EvaluationConfig:
    """What is compared and on which frames."""

    split: SplitConfig = field(default_factory=SplitConfig)
    methods: MethodsConfig = field(default_factory=MethodsConfig)
    leave_out: str | None = None
    """A camera whose images no method is given; its frames at the inputs' instants are predicted."""
    lidar: bool = True
    """Whether the methods see the sweeps; their figures are judged by them in any case."""


def evaluate_clip(
    judge: Judge,
    model: Reconstructor | None,
    config: EvaluationConfig,
    views: tuple[NovelView, ...] = (),
    *,
    weights: str = "",
    report: Report = silent,
) -> Evaluation:
    """Run the methods on a clip's inputs and judge them on its held-out frames, and on exact views from elsewhere."""
    split = split_clip(judge.clip, config.split)
    left_out: tuple[Frame, ...] = ()
    if config.leave_out is not None:
        split, left_out = without_camera(split, config.leave_out)
    inputs = split.inputs if config.lidar else replace(split.inputs, sweeps=())
    lifted, methods = apply_methods(inputs, model, config.methods, report)
    kinds: tuple[tuple[FrameKind, tuple[Frame, ...]], ...] = (
        ("interpolated", split.interpolated),
        ("future", split.future),
        ("left_out", left_out),
    )
    rows, novel = [], []
    for number, method in enumerate(methods):
        report("Comparing with held-out frames", number / len(methods))
        for kind, frames in kinds:
            rows += frame_rows(judge, method, kind, frames)
        novel += novel_rows(judge, method, views)
    flows = {} if judge.truth is None or not inputs.sweeps else _flows(methods, lifted, judge.truth, inputs)
    return Evaluation(judge.clip.name, weights, tuple(rows), flows, tuple(novel))


def without_camera(split: Split, camera: str) -> tuple[Split, tuple[Frame, ...]]:
    """The same split without one camera anywhere, and that camera's frames at the inputs' instants.

    Raises:
        LogError: there is no such camera, or no other.
    """
    names = sorted({frame.sensor for frame in split.inputs.frames})
    if camera not in names or len(names) < 2:
        raise LogError(
            f"{split.inputs.name}: expected a camera '{camera}' and another beside it to leave it out, "
            f"found {', '.join(names)}"
        )

    def others(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        return tuple(frame for frame in frames if frame.sensor != camera)

    inputs = replace(split.inputs, frames=others(split.inputs.frames))
    left_out = tuple(frame for frame in split.inputs.frames if frame.sensor == camera)
    return Split(inputs, others(split.interpolated), others(split.future)), left_out


def _flows(methods: list[Method], lifted: Lifted, truth: MotionTruth, inputs: Clip) -> dict[MethodName, FlowMetrics]:
    """Motion in every scene; its Gaussians are the lifted ones in their order, or as many children for each in turn."""
    measured = lifted.measured
    if not bool(measured.any()):
        return {}
    returns = replace(truth.returns(lifted), ranges=_ranges(lifted, inputs))
    flows: dict[MethodName, FlowMetrics] = {}
    for method in methods:
        if method.reconstruction is not None:
            velocities = method.reconstruction.gaussians.velocities  # children of one move alike
            flows[method.name] = flow_metrics(velocities[:: len(velocities) // len(measured)][measured], returns)
    return flows


def _ranges(lifted: Lifted, inputs: Clip) -> Float[Tensor, "M"]:
    """Distance of each LiDAR return from the LiDAR at its sweep's time (m)."""
    measured = lifted.gaussians[lifted.measured]
    origins = torch.stack([sweep.lidar_to_world[:3, 3] for sweep in inputs.sweeps]).to(measured.means.device)
    return (measured.means - origins[measured.sweep_index]).norm(dim=-1)
