"""The methods that a table sets side by side: each turns input frames into pictures at other times."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from flux4d_core.evaluation.peers.clustering_icp import ClusteringIcpConfig, check_libraries, clustering_icp
from flux4d_core.evaluation.peers.neural_prior import NeuralPriorConfig, neural_prior
from flux4d_core.geometry import invert, pixel_rays, rotate, transform
from flux4d_core.lifting.lift import lift
from flux4d_core.lifting.scans import with_scans
from flux4d_core.model.reconstructor import Reconstructor
from flux4d_core.progress import Report, silent
from flux4d_core.reconstruction.clip import Reconstruction, ReconstructionConfig, predict
from flux4d_core.reconstruction.optimize import OptimizeConfig, optimize
from flux4d_core.rendering.render import render
from flux4d_core.types import Clip, Frame, Lifted, Rendering

MethodName = Literal[
    "nearest_frame",
    "lifted",
    "feed_forward",
    "optimized_static",
    "optimized_moving",
    "nothing_moves",
    "clustering_icp",
    "neural_prior",
]
METHODS: tuple[MethodName, ...] = ("nearest_frame", "lifted", "feed_forward", "optimized_static", "optimized_moving")
"""The rows of a table where none are asked for."""
PEERS: tuple[MethodName, ...] = ("nothing_moves", "clustering_icp", "neural_prior")
"""Other people's ways to find motion, where asked for."""
DESCRIPTIONS: dict[MethodName, str] = {
    "nearest_frame": "the input image nearest in time, warped by the lifted scene's depth as if nothing moved",
    "lifted": "the lifted Gaussians without network: the lower bound",
    "feed_forward": "the network: lift, predict, check motion against the sweeps, refine",
    "optimized_static": "Adam on the lifted Gaussians of this scene, without motion: a reference, not a bound",
    "optimized_moving": "the same with a free velocity for every Gaussian",
    "nothing_moves": "the lifted Gaussians as they are: what motion is worth is the distance to this row",
    "clustering_icp": "the lifted Gaussians with the motion of clusters, matched by ICP as ICP-Flow does",
    "neural_prior": "the lifted Gaussians with the motion of a network fitted to the clip's sweeps as NSFP does",
}


@dataclass(frozen=True)
class Method:
    """One method applied to one clip."""

    name: MethodName
    seconds: float
    """From decoded inputs to the scene."""
    picture: Callable[[Frame], Rendering]
    """What the method shows where and when a frame was taken; only the frame's camera is used."""
    reconstruction: Reconstruction | None
    """The scene, for methods that make one."""


@dataclass(frozen=True)
class MethodsConfig:
    """Which methods run and how."""

    names: tuple[MethodName, ...] = METHODS
    """Which rows the table has."""
    reconstruction: ReconstructionConfig = field(default_factory=ReconstructionConfig)
    optimize: OptimizeConfig = field(default_factory=OptimizeConfig)
    """Per-scene optimisation; `motion` is set by the row."""
    clustering_icp: ClusteringIcpConfig = field(default_factory=ClusteringIcpConfig)
    neural_prior: NeuralPriorConfig = field(default_factory=NeuralPriorConfig)


def apply_methods(
    inputs: Clip, model: Reconstructor | None, config: MethodsConfig, report: Report = silent
) -> tuple[Lifted, list[Method]]:
    """All wanted methods on one input clip, sharing one lifted scene. Without a model, no feed-forward row."""
    if "clustering_icp" in config.names:
        check_libraries()
    began = time.perf_counter()
    inputs = with_scans(inputs, config.reconstruction.lift, report)
    lifted = lift(inputs, config.reconstruction.lift, report)
    lift_seconds = time.perf_counter() - began
    start = Reconstruction(lifted.gaussians, lifted.sky)
    methods = []
    for name in config.names:
        if name == "feed_forward" and model is None:
            continue
        began = time.perf_counter()
        scene = _scene(name, inputs, lifted, model, config, report)
        if lifted.gaussians.means.is_cuda:
            torch.cuda.synchronize()
        seconds = lift_seconds + time.perf_counter() - began
        if name == "nearest_frame":
            methods.append(Method(name, seconds, lambda frame: _warp_nearest(inputs, start, frame), None))
        else:
            methods.append(Method(name, seconds, _renderer(scene), scene))
    return lifted, methods


def _scene(
    name: MethodName,
    inputs: Clip,
    lifted: Lifted,
    model: Reconstructor | None,
    config: MethodsConfig,
    report: Report,
) -> Reconstruction:
    frames = list(inputs.frames)
    start = Reconstruction(lifted.gaussians, lifted.sky)
    match name:
        case "nearest_frame" | "lifted" | "nothing_moves":
            return start
        case "feed_forward":
            assert model is not None
            with torch.no_grad():
                return predict(model, lifted, inputs, config.reconstruction, report)
        case "clustering_icp":
            return Reconstruction(clustering_icp(inputs, lifted, config.clustering_icp, report), lifted.sky)
        case "neural_prior":
            return Reconstruction(neural_prior(inputs, lifted, config.neural_prior, report), lifted.sky)
        case "optimized_static":
            return optimize(start, frames, replace(config.optimize, motion=False), report)
        case "optimized_moving":
            return optimize(start, frames, replace(config.optimize, motion=True), report)


def _renderer(scene: Reconstruction) -> Callable[[Frame], Rendering]:
    return lambda frame: render(scene.gaussians, scene.sky, frame.camera)


def _warp_nearest(inputs: Clip, lifted: Reconstruction, frame: Frame) -> Rendering:
    """Every pixel fetched from the nearest image of the same camera, by the depth of the lifted scene."""
    rendering = render(lifted.gaussians, lifted.sky, frame.camera)
    same = [other for other in inputs.frames if other.sensor == frame.sensor] or list(inputs.frames)
    source = min(same, key=lambda other: abs(other.camera.time - frame.camera.time))
    grid, seen = _look_up(rendering, frame, source)
    image = source.image.permute(2, 0, 1)[None].float() / 255
    warped = F.grid_sample(image, grid[None], align_corners=False, padding_mode="border")[0].permute(1, 2, 0)
    return replace(rendering, colors=torch.where(seen[..., None], warped, rendering.colors))


def _look_up(rendering: Rendering, frame: Frame, source: Frame) -> tuple[Tensor, Tensor]:
    """grid_sample's grid into the source image for every pixel, and where it lies inside."""
    camera = frame.camera
    rays = pixel_rays(camera.width, camera.height, camera.K, camera.camera_to_world)
    world_to_source = invert(source.camera.camera_to_world)
    far = rendering.alphas < 0.5  # the sky: only the direction counts
    origin = camera.camera_to_world[:3, 3]
    near_points = transform(world_to_source, origin + rays * rendering.depths[..., None])
    points = torch.where(far[..., None], rotate(world_to_source, rays), near_points)
    pixels = (points / points[..., 2:].clamp(min=1e-3)) @ source.camera.K.T
    size = torch.tensor([source.camera.width, source.camera.height], device=pixels.device)
    grid = 2 * pixels[..., :2] / size - 1
    return grid, (points[..., 2] > 1e-3) & (grid.abs() <= 1).all(-1)
