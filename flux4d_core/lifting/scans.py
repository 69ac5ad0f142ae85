"""Depth maps in the place of a LiDAR: each becomes a sweep that the camera took, for a clip that has no sweeps."""

import warnings
from dataclasses import replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from flux4d_core.geometry import pixel_centers, project, unproject
from flux4d_core.lifting.completion import complete_depths
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.depth_maps import DepthWarning, at_places, fit, in_cells
from flux4d_core.lifting.visibility import VisiblePoints
from flux4d_core.progress import Report, silent
from flux4d_core.shutter import as_read_out, at_once
from flux4d_core.types import Clip, DepthMap, Frame, Sweep

SCANNED = 100.0
"""Depth maps are taken for measured up to this distance (m), as far as a good LiDAR sees."""
CONTRADICTION = 0.07
"""Maps of neighbouring images that differ by more than this (median of the ratios) about the same places are no
measurement: what stands would seem to move."""


def with_scans(clip: Clip, config: LiftConfig, report: Report = silent) -> Clip:
    """The clip with its depth maps in metres and, if it has no LiDAR, a sweep for every map: a cell is a return.

    Metric maps are taken as they are; others are fitted to the depth that parallax finds in their image. A map that
    does not fit is left out, as all are where the camera stood still. Maps that contradict each other become no sweeps;
    they still guide the completion of depth. A clip with sweeps comes back as it is.
    """
    if clip.sweeps or all(frame.depth is None for frame in clip.frames):
        return clip
    metric: dict[int, Frame] = {}
    for sensor in dict.fromkeys(frame.sensor for frame in clip.frames):
        frames = [frame for frame in clip.frames if frame.sensor == sensor]
        metric |= zip(map(id, frames), _in_meters(frames, config, report), strict=True)
    clip = replace(clip, frames=tuple(metric[id(frame)] for frame in clip.frames))
    contradiction = _contradiction(clip)
    if contradiction > CONTRADICTION:
        text = (
            f"depth maps of neighbouring images differ by {contradiction:.0%} about the same places: they guide the "
            "completion of depth, but motion is not checked against them"
        )
        warnings.warn(text, DepthWarning, stacklevel=2)
        return clip
    sweeps = [_scan(frame, frame.depth, config) for frame in clip.frames if frame.depth is not None]
    return replace(clip, sweeps=tuple(sweep for sweep in sweeps if len(sweep.points) > 0))


def _in_meters(frames: list[Frame], config: LiftConfig, report: Report) -> list[Frame]:
    """The frames of one camera, their maps metric or left out."""
    if all(frame.depth is None or frame.depth.is_metric for frame in frames):
        return frames
    device = frames[0].image.device
    nothing = VisiblePoints(
        torch.zeros(0, dtype=torch.long, device=device), torch.zeros(0, 2, device=device), torch.zeros(0, device=device)
    )
    without = [replace(frame, depth=None) for frame in frames]
    parallax = complete_depths(without, [nothing] * len(frames), config, report)
    fitted = [_fitted(frame, 1 / found.depths) for frame, found in zip(frames, parallax, strict=True)]
    lost = sum(before.depth is not None and after.depth is None for before, after in zip(frames, fitted, strict=True))
    if lost > 0:
        text = (
            f"{frames[0].sensor}: {lost} of {len(frames)} depth maps do not fit what parallax shows, and are left out"
        )
        warnings.warn(text, DepthWarning, stacklevel=3)
    return fitted


def _fitted(frame: Frame, parallax: Float[Tensor, "h w"]) -> Frame:
    if frame.depth is None or frame.depth.is_metric:
        return frame
    height, width = parallax.shape
    found = fit(in_cells(frame.depth, width, height).flatten(), parallax.flatten())
    return replace(frame, depth=None if found is None else DepthMap(found.inverse(frame.depth.inverse)))


def _contradiction(clip: Clip) -> float:
    """By how much maps of neighbouring images of one camera differ about the same places: the median of |log ratio|."""
    differences = [torch.zeros(0)]
    for sensor in {frame.sensor for frame in clip.frames}:
        maps = [(frame, frame.depth) for frame in clip.frames if frame.sensor == sensor and frame.depth is not None]
        for (frame, depth), (other, expected) in pairwise(maps):
            differences.append(_differences(frame, depth, other, expected).cpu())
    every = torch.cat(differences)
    return float(every.median()) if len(every) > 0 else 0.0


def _differences(frame: Frame, depth: DepthMap, other: Frame, expected: DepthMap) -> Float[Tensor, "P"]:
    """|log ratio| of the depths that one image's map, and the other's own, say the other sees."""
    sweep = _scan(frame, depth, LiftConfig())
    pixels, depths = project(at_once(sweep.points, other.camera), other.camera.K, other.camera.camera_to_world)
    places = pixels / torch.tensor([other.camera.width, other.camera.height], device=pixels.device)
    inside = (depths > 1.0) & (places >= 0).all(-1) & (places < 1).all(-1)
    inverse = at_places(expected, places[inside])
    known = inverse > 1 / SCANNED
    return (inverse[known] * depths[inside][known]).log().abs()


def _scan(frame: Frame, depth: DepthMap, config: LiftConfig) -> Sweep:
    """The cells of one frame as the returns of a LiDAR where the camera is, all fired at mid-exposure."""
    camera = frame.camera
    width, height = max(camera.width // config.cell, 8), max(camera.height // config.cell, 8)
    inverse = in_cells(depth, width, height)
    scale = torch.tensor([camera.width / width, camera.height / height], device=inverse.device)
    known = inverse > 1 / SCANNED
    pixels = (pixel_centers(width, height, inverse.device) * scale)[known]
    points = as_read_out(unproject(pixels, 1 / inverse[known], camera.K, camera.camera_to_world), pixels[:, 1], camera)
    return Sweep(
        points=points,
        times=torch.full((len(points),), camera.time, device=points.device),
        intensities=torch.zeros(len(points), device=points.device),
        lidar_to_world=camera.camera_to_world,
        time=camera.time,
        sensor=frame.sensor,
    )
