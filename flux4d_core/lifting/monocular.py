"""Depth that a network guesses from each image alone: any depth-estimation model that the transformers library runs.

The only file that imports transformers, which is optional: pip install "flux4d[depth]". Weights come from a folder, or
from the model hub and its cache on this machine; as safetensors only, and no code that comes with them is run.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from PIL import Image

from flux4d_core.errors import CheckpointError, Flux4dError
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip, DepthMap, Frame

if TYPE_CHECKING:
    from transformers import Pipeline

SAYS: dict[str, Literal["depth", "relative inverse depth", "see depth_estimation_type"]] = {
    "depth_anything": "see depth_estimation_type",
    "depth_pro": "depth",
    "dpt": "relative inverse depth",
    "glpn": "depth",
    "zoedepth": "depth",
}
"""What the models of each type say about a pixel."""
NEAREST = 0.1
"""Less depth than this (m) is no depth but a slip of the network: unknown."""


def with_guessed_depth(clip: Clip, model: str, device: torch.device, report: Report = silent) -> Clip:
    """The clip, every frame with the depth that a model guesses.

    Args:
        model: Folder of a transformers model, or its name on the model hub.

    Raises:
        Flux4dError: transformers is not installed, or the model is of a type whose output is not known.
        CheckpointError: the model is not there, or cannot be loaded.
    """
    report("Loading the depth model", 0.0)
    pipeline = _pipeline(model, device)
    is_metric = _is_metric(pipeline, model)
    frames: list[Frame] = []
    for frame in clip.frames:
        report("Guessing depth", len(frames) / len(clip.frames))
        frames.append(replace(frame, depth=_guess(pipeline, frame, is_metric)))
    return replace(clip, frames=tuple(frames))


def _pipeline(model: str, device: torch.device) -> Pipeline:
    try:
        import transformers
    except ImportError as problem:
        raise Flux4dError(
            f"depth model {model}: the transformers library is needed and is not installed ({problem}); "
            'install it with: pip install "flux4d[depth]"'
        ) from problem
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return transformers.pipeline(
            "depth-estimation",
            model=model,
            device=device,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as problem:
        reason = str(problem).strip().split("\n")[0]
        raise CheckpointError(
            f"depth model {model}: expected the folder of a transformers depth-estimation model, or its name on a "
            f"model hub that can be reached, but it cannot be loaded ({reason})"
        ) from problem


def _is_metric(pipeline: Pipeline, model: str) -> bool:
    """Whether the model says depth in metres; else it says inverse depth up to a factor and a shift."""
    config: Any = pipeline.model.config
    says = SAYS.get(config.model_type)
    if says is None:
        raise Flux4dError(
            f"depth model {model}: expected a model of type {', '.join(SAYS)}, found {config.model_type}, "
            "of which flux4d does not know whether it says depth or inverse depth"
        )
    if says == "see depth_estimation_type":
        return config.depth_estimation_type == "metric"
    return says == "depth"


@torch.inference_mode()
def _guess(pipeline: Pipeline, frame: Frame, is_metric: bool) -> DepthMap:
    answer: Any = pipeline(Image.fromarray(frame.image.cpu().numpy()))  # pyright: ignore[reportArgumentType]
    values = answer["predicted_depth"].float().squeeze().to(frame.image.device, copy=True)
    if is_metric:
        values = torch.where(values > NEAREST, 1 / values, torch.nan)
    return DepthMap(values, is_metric)
