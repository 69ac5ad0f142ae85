"""A whole evaluation: clips one at a time, each stored as soon as it is done."""

from dataclasses import dataclass

import torch

from flux4d_core.evaluation.clips import ClipSource, Opening, open_clip
from flux4d_core.evaluation.evaluate import EvaluationConfig, evaluate_clip
from flux4d_core.evaluation.frames import Judge
from flux4d_core.evaluation.gallery import Worst
from flux4d_core.evaluation.methods import MethodName, MethodsConfig
from flux4d_core.evaluation.perceptual import Lpips, load_lpips
from flux4d_core.evaluation.protocol import Plan
from flux4d_core.evaluation.results import Evaluation
from flux4d_core.evaluation.store import Store, total
from flux4d_core.learning.adapt import AdaptConfig, adapt
from flux4d_core.learning.split import split_clip
from flux4d_core.model.checkpoint import Checkpoint
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_core.rendering.render import compile_kernels


@dataclass(frozen=True)
class Tools:
    """What a plan is carried out with."""

    opening: Opening
    weights: Checkpoint | None
    device: torch.device

    @property
    def weights_name(self) -> str:
        return "" if self.weights is None else f"{self.weights.origin.name} ({self.weights.fingerprint})"


def run(plan: Plan, tools: Tools, store: Store | None, report: Report = silent) -> list[Evaluation]:
    """Evaluate every clip of a plan that the store does not hold yet; one clip is in memory at a time.

    However it ends, by Ctrl-C too, the store then holds the tables of what is done.
    """
    results: list[Evaluation] = []
    lpips = load_lpips(tools.device)
    shown = shown_method(plan.methods)
    try:
        for number, source in enumerate(plan.clips, 1):
            done = None if store is None else store.finished(source.name)
            if done is None:
                worst = Worst(source.name, shown)
                done = _one(source, plan, tools, lpips, worst, _counted(report, number, len(plan.clips)))
                if store is not None:
                    store.keep(source.name, done, worst.tiles())
            results.append(done)
    finally:
        if store is not None and results:
            store.summarise(results, total(results, title(plan, len(results))), shown)
    return results


def shown_method(methods: tuple[MethodName, ...]) -> MethodName:
    """Whose pictures the gallery shows: the network's, or those of the last row."""
    return "feed_forward" if "feed_forward" in methods else methods[-1]


def title(plan: Plan, count: int) -> str:
    """Of the table of several clips."""
    return f"{count} {plan.name}"


def _one(source: ClipSource, plan: Plan, tools: Tools, lpips: Lpips | None, worst: Worst, report: Report) -> Evaluation:
    opened = open_clip(source, tools.opening, tools.device, report)
    compile_kernels(report, tools.device)  # not part of the seconds in the table
    weights = tools.weights
    if weights is not None and plan.adapt > 0:
        shown = split_clip(opened.clip, plan.split).inputs
        weights = adapt(weights, shown, None, AdaptConfig(seconds=plan.adapt), tools.device, report).checkpoint
    methods = MethodsConfig(plan.methods, optimize=OptimizeConfig(steps=plan.optimize))
    return evaluate_clip(
        Judge(opened.clip, opened.truth, lpips, worst),
        None if weights is None else weights.model,
        EvaluationConfig(plan.split, methods, plan.leave_out, plan.lidar),
        opened.views,
        weights=tools.weights_name,
        report=report,
    )


def _counted(report: Report, number: int, count: int) -> Report:
    """The same, saying which clip of how many it is."""
    if count == 1:
        return report
    return lambda stage, fraction: report(f"{stage} · clip {number} of {count}", fraction)
