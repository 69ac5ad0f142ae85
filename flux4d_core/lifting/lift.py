"""Clip -> first Gaussians and sky: what the network starts from, and the lower bound in every table.

Every LiDAR return that its synchronous images show becomes a Gaussian; every cell of an image without a return gets
one at its completed depth. Each covers its cell in the image and lies on the surface there, so no gaps are left.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from flux4d_core.errors import LogError
from flux4d_core.geometry import unproject
from flux4d_core.lifting.completion import CompletedDepth, complete_depths
from flux4d_core.lifting.config import LiftConfig
from flux4d_core.lifting.ground import heights_above_ground
from flux4d_core.lifting.sky import lift_sky, of_one_color
from flux4d_core.lifting.surfels import surfels
from flux4d_core.lifting.visibility import VisiblePoints, visible_points
from flux4d_core.progress import Report, silent
from flux4d_core.shutter import as_read_out
from flux4d_core.types import Clip, Frame, Gaussians, Lifted, concatenate

SYNCHRONOUS = 0.1
"""A sweep is coloured from the image nearest in time, at most this far away (s)."""


@dataclass(frozen=True)
class _Returns:
    """The LiDAR returns that one frame colours."""

    points: Float[Tensor, "P 3"]
    times: Float[Tensor, "P"]
    sweep_index: Tensor
    sensor_index: Tensor
    visible: VisiblePoints


def lift(clip: Clip, config: LiftConfig, report: Report = silent) -> Lifted:
    """Turn a clip into Gaussians at rest and a sky.

    Raises:
        LogError: the clip has no images, or they show nothing that has a depth.
    """
    if not clip.frames:
        raise LogError(f"{clip.name}: found no images in this window, expected at least one; choose another window")
    parts: list[Gaussians] = []
    measured: list[Tensor] = []
    used: list[Frame] = []
    skies: list[Tensor] = []
    sensors = list(dict.fromkeys(frame.sensor for frame in clip.frames))
    for number, sensor in enumerate(sensors):
        share = _share(report, "Lifting images and LiDAR into 3D", number, len(sensors))
        for frame, returns, depth in _with_depths(clip, sensor, config, share):
            points = _lift_points(frame, returns, depth, config)
            own = [points, _lift_pixels(frame, returns, depth, clip, config)] if config.lift_pixels else [points]
            parts += own
            measured += [torch.full((len(part),), part is points, device=part.means.device) for part in own]
            used.append(frame)
            skies.append(depth.depths.isinf())
    report("Lifting images and LiDAR into 3D", 1.0)
    if sum(map(len, parts)) == 0:
        raise LogError(f"{clip.name}: no image shows a LiDAR return or a surface with parallax; check the calibration")
    gaussians = concatenate(parts)
    sky = lift_sky(used, skies, config.panorama_height)
    return Lifted(
        gaussians=gaussians,
        measured=torch.cat(measured),
        heights=heights_above_ground(gaussians.means, clip),
        center=clip.ego_to_world[len(clip.ego_to_world) // 2, :3, 3],
        sky=sky if config.sky else of_one_color(sky),
    )


def _share(report: Report, stage: str, number: int, count: int) -> Report:
    """A `Report` for part `number` of `count` equal ones of a longer stage."""
    whole = stage

    def report_part(stage: str, fraction: float) -> None:
        report(whole, (number + fraction) / count)

    return report_part


def _with_depths(
    clip: Clip, sensor: str, config: LiftConfig, report: Report
) -> list[tuple[Frame, _Returns, CompletedDepth]]:
    """The camera's frames that colour a sweep (all of them in a clip without LiDAR), with returns and depths."""
    frames = [frame for frame in clip.frames if frame.sensor == sensor]
    times = torch.tensor([frame.camera.time for frame in frames])
    colored: list[list[int]] = [[] for _ in frames]
    for index, sweep in enumerate(clip.sweeps):
        gaps = (times - sweep.time).abs()
        if gaps.min() <= SYNCHRONOUS:
            colored[int(gaps.argmin())].append(index)
    chosen = [i for i in range(len(frames)) if colored[i] or not clip.sweeps]
    if not chosen:
        return []
    returns = [_returns(frames[i], colored[i], clip) for i in chosen]
    depths = complete_depths([frames[i] for i in chosen], [r.visible for r in returns], config, report)
    return [(frames[i], r, d) for i, r, d in zip(chosen, returns, depths, strict=True)]


def _returns(frame: Frame, sweep_indices: list[int], clip: Clip) -> _Returns:
    device = frame.image.device
    sweeps = [clip.sweeps[i] for i in sweep_indices]
    counts = torch.tensor([len(sweep.points) for sweep in sweeps], dtype=torch.long, device=device)
    lidars = [clip.sensors.index(sweep.sensor) for sweep in sweeps]
    points = torch.cat([sweep.points for sweep in sweeps] + [torch.zeros(0, 3, device=device)])
    return _Returns(
        points=points,
        times=torch.cat([sweep.times for sweep in sweeps] + [torch.zeros(0, device=device)]),
        sweep_index=torch.tensor(sweep_indices, dtype=torch.long, device=device).repeat_interleave(counts),
        sensor_index=torch.tensor(lidars, dtype=torch.long, device=device).repeat_interleave(counts),
        visible=_valid_only(visible_points(points, frame.camera), frame),
    )


def _valid_only(seen: VisiblePoints, frame: Frame) -> VisiblePoints:
    if frame.valid is None:
        return seen
    keep = frame.valid[seen.pixels[:, 1].long(), seen.pixels[:, 0].long()]
    return VisiblePoints(seen.index[keep], seen.pixels[keep], seen.depths[keep])


def _lift_points(frame: Frame, returns: _Returns, depth: CompletedDepth, config: LiftConfig) -> Gaussians:
    """One Gaussian at every visible LiDAR return."""
    seen = returns.visible
    return _gaussians(
        frame, seen.pixels, seen.depths, depth, config,
        means=returns.points[seen.index],
        times=returns.times[seen.index],
        indices=(returns.sweep_index[seen.index], returns.sensor_index[seen.index]),
    )  # fmt: skip


def _lift_pixels(frame: Frame, returns: _Returns, depth: CompletedDepth, clip: Clip, config: LiftConfig) -> Gaussians:
    """One Gaussian in every cell that has a depth but no LiDAR return."""
    camera = depth.camera
    wanted = depth.depths.isfinite() & ~depth.measured
    rows, columns = wanted.nonzero().unbind(-1)
    scale = torch.tensor([frame.camera.width / camera.width, frame.camera.height / camera.height]).to(rows.device)
    pixels = (torch.stack([columns, rows], -1) + 0.5) * scale
    if frame.valid is not None:
        keep = frame.valid[pixels[:, 1].long(), pixels[:, 0].long()]
        pixels, rows, columns = pixels[keep], rows[keep], columns[keep]
    depths = depth.depths[rows, columns]
    sweep = int(returns.sweep_index[0]) if len(returns.sweep_index) > 0 else -1
    whole = torch.ones(len(rows), dtype=torch.long, device=rows.device)
    return _gaussians(
        frame, pixels, depths, depth, config,
        means=as_read_out(
            unproject(pixels, depths, frame.camera.K, frame.camera.camera_to_world), pixels[:, 1], frame.camera
        ),
        times=torch.full_like(depths, frame.camera.time),
        indices=(whole * sweep, whole * clip.sensors.index(frame.sensor)),
    )  # fmt: skip


def _gaussians(
    frame: Frame,
    pixels: Float[Tensor, "M 2"],
    depths: Float[Tensor, "M"],
    completed: CompletedDepth,
    config: LiftConfig,
    *,
    means: Float[Tensor, "M 3"],
    times: Float[Tensor, "M"],
    indices: tuple[Tensor, Tensor],
) -> Gaussians:
    """Gaussians at rest that cover their cells of the image, coloured from it; `indices`: of sweep and sensor."""
    camera, cells = frame.camera, completed.camera
    columns = (pixels[:, 0] * (cells.width / camera.width)).long().clamp(0, cells.width - 1)
    rows = (pixels[:, 1] * (cells.height / camera.height)).long().clamp(0, cells.height - 1)
    rays = torch.cat([pixels, torch.ones_like(pixels[:, :1])], -1) @ torch.linalg.inv(camera.K).T
    footprint = config.footprint * config.cell / camera.K.diagonal()[:2]
    quats, scales = surfels(rays, depths, completed.normals[rows, columns], footprint, camera.camera_to_world)
    still = torch.zeros_like(means)
    return Gaussians(
        means=means,
        quats=quats,
        scales=scales,
        opacities=torch.full_like(depths, config.opacity),
        colors=_sample(frame, pixels),
        times=times,
        velocities=still,
        accelerations=still,
        lifespans=torch.full_like(depths, torch.inf),
        sweep_index=indices[0],
        sensor_index=indices[1],
    )


def _sample(frame: Frame, pixels: Float[Tensor, "M 2"]) -> Float[Tensor, "M 3"]:
    """Colours (0 to 1) of the image at the given positions, bilinear."""
    size = torch.tensor([frame.camera.width, frame.camera.height], device=pixels.device)
    grid = (2 * pixels / size - 1)[None, None]
    image = frame.image.permute(2, 0, 1)[None].float() / 255
    return F.grid_sample(image, grid, align_corners=False, padding_mode="border")[0, :, 0].T
