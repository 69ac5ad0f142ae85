"""Views from beside the driven path, against the simulator's exact images of the same instants."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.evaluation.frames import Judge, Judged
from flux4d_core.evaluation.methods import Method
from flux4d_core.evaluation.metrics import gmsd, psnr
from flux4d_core.evaluation.results import NovelRow, mean_fields
from flux4d_core.evaluation.truth import SimulatedTruth
from flux4d_core.geometry import pixel_centers, project, unproject
from flux4d_core.rendering.photometric import ssim
from flux4d_core.simulation.simulate import Simulation
from flux4d_core.types import Camera, Frame, FrameTruth, Rendering

ON_PATH = "on the path"
ASIDE = (1.0, 2.0, 3.0)
"""Metres to the side of the view, by turns to the left and to the right."""
UP = 1.0
"""Metres up."""
INSTANTS = 2
"""Held-out frames of a clip that are looked at from elsewhere."""
BLOCKED = 0.02
"""Views are left out in which more than this share of the pixels shows something nearer than a metre: the camera would
stand in a wall or in a car."""
HOLE, OPEN = 0.95, 0.5
"""Seen pixels with less alpha are holes; with less than the second, one looks right through."""


@dataclass(frozen=True)
class NovelView:
    """One exact picture from beside the path, or on it."""

    offset: str
    frame: Frame
    truth: FrameTruth
    seen: Bool[Tensor, "height width"]
    """Pixels, without the sky, whose surface an input image saw."""


def novel_views(
    simulation: Simulation, truth: SimulatedTruth, held_out: Sequence[Frame], inputs: Sequence[Frame]
) -> tuple[NovelView, ...]:
    """Two of the held-out frames on the path and, at the same instants, from 1, 2 and 3 m aside and 1 m up."""
    if not held_out:
        return ()
    step = max(1, len(held_out) // INSTANTS)
    known = [(frame.camera, truth.of(frame).depths) for frame in inputs]
    views = []
    for number, frame in enumerate(held_out[step // 2 :: step][:INSTANTS]):
        own = truth.of(frame)
        views.append(NovelView(ON_PATH, frame, own, seen_by(known, frame.camera, own)))
        mount = next(mount for mount in simulation.rig.cameras if mount.name == frame.sensor)
        for offset, camera in _moved(frame.camera, 1.0 if number % 2 else -1.0):
            image, there = simulation.picture(camera, mount)
            if float((there.depths < 1.0).float().mean()) <= BLOCKED:
                views.append(
                    NovelView(offset, Frame(image, camera, frame.sensor), there, seen_by(known, camera, there))
                )
    return tuple(views)


def _moved(camera: Camera, side: float) -> list[tuple[str, Camera]]:
    """The same camera elsewhere: aside along its own level right, or up."""
    right = camera.camera_to_world[:3, 0] * torch.tensor([1.0, 1.0, 0.0], device=camera.K.device)
    right = right / right.norm()
    up = torch.tensor([0.0, 0.0, 1.0], device=camera.K.device)
    moves = [(f"{metres:.0f} m aside", side * metres * right) for metres in ASIDE] + [(f"{UP:.0f} m up", UP * up)]
    cameras = []
    for offset, move in moves:
        pose = camera.camera_to_world.clone()
        pose[:3, 3] += move
        cameras.append((offset, replace(camera, camera_to_world=pose, camera_to_world_end=None)))
    return cameras


def seen_by(
    inputs: Sequence[tuple[Camera, Float[Tensor, "rows columns"]]], camera: Camera, truth: FrameTruth
) -> Bool[Tensor, "height width"]:
    """Pixels whose surface, carried on by its velocity, lies on the exact depth of an input image (to 2 % + 0.1 m)."""
    solid = truth.depths.isfinite()
    pixels = pixel_centers(camera.width, camera.height, truth.depths.device)
    points = unproject(pixels, torch.where(solid, truth.depths, 1.0), camera.K, camera.camera_to_world)
    seen = torch.zeros_like(solid)
    for other, depths in inputs:
        there, along = project(points + truth.velocities * (other.time - camera.time), other.K, other.camera_to_world)
        u, v = there[..., 0].clamp(-1, other.width).long(), there[..., 1].clamp(-1, other.height).long()
        inside = (along > 0) & (there >= 0).all(-1) & (u < other.width) & (v < other.height)
        shown = depths[v.clamp(0, other.height - 1), u.clamp(0, other.width - 1)]
        seen |= inside & ((shown - along).abs() <= 0.02 * along + 0.1)
    return seen & solid


def novel_rows(judge: Judge, method: Method, views: Sequence[NovelView]) -> list[NovelRow]:
    """One row for each offset."""
    rows: dict[str, list[NovelRow]] = {}
    on_path: dict[tuple[str, float], float] = {}
    for view in views:  # the one on the path comes first of its instant
        with torch.no_grad():
            rendering = method.picture(view.frame)
        row = _row(judge, method, view, rendering)
        instant = (view.frame.sensor, view.frame.camera.time)
        if view.offset == ON_PATH:
            on_path[instant] = row.psnr
        row = replace(row, psnr_drop=on_path[instant] - row.psnr)
        rows.setdefault(view.offset, []).append(row)
        if judge.watcher is not None:
            shown = {"psnr": row.psnr, "open_seen": row.open_seen}
            judge.watcher(Judged(method.name, f"view {view.offset}", view.frame, rendering, shown))
    return [mean_fields(group) for group in rows.values()]


def _row(judge: Judge, method: Method, view: NovelView, rendering: Rendering) -> NovelRow:
    target = view.frame.image.float() / 255
    seen, solid = view.seen, view.truth.depths.isfinite()
    found = bool(seen.any())
    return NovelRow(
        method=method.name,
        offset=view.offset,
        psnr=psnr(rendering.colors, target),
        ssim=float(ssim(rendering.colors.clamp(0, 1), target).mean()),
        gmsd=gmsd(rendering.colors, target),
        lpips=float("nan") if judge.lpips is None else float(judge.lpips.distances(rendering.colors, target).mean()),
        psnr_drop=float("nan"),
        seen=int(seen.sum()) / max(int(solid.sum()), 1),
        psnr_seen=psnr(rendering.colors, target, seen) if found else float("nan"),
        holes_seen=float((rendering.alphas[seen] < HOLE).float().mean()) if found else float("nan"),
        open_seen=float((rendering.alphas[seen] < OPEN).float().mean()) if found else float("nan"),
        count=1,
    )
