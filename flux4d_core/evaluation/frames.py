"""One method's pictures beside the held-out images, frame by frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flux4d_core.evaluation.methods import Method
from flux4d_core.evaluation.metrics import gmsd, psnr, velocity_rmse
from flux4d_core.evaluation.perceptual import Lpips
from flux4d_core.evaluation.results import FrameKind, Row, mean_fields
from flux4d_core.evaluation.truth import MotionTruth, dynamic_pixels
from flux4d_core.lifting.visibility import visible_points
from flux4d_core.rendering.photometric import ssim
from flux4d_core.types import Clip, Frame, Rendering

FEWEST_PIXELS = 50
"""Frames with fewer dynamic pixels have no dynamic row."""


@dataclass(frozen=True)
class Judged:
    """One picture and what is wrong with it."""

    method: str
    of: str
    """"interpolated full", "view 3 m aside", ..."""
    frame: Frame
    """The recorded or exact image."""
    rendering: Rendering
    figures: dict[str, float]


Watcher = Callable[[Judged], None]
"""Is shown every picture as it is judged; the gallery of the worst."""


@dataclass(frozen=True)
class Judge:
    """How pictures are judged."""

    clip: Clip
    truth: MotionTruth | None
    lpips: Lpips | None
    watcher: Watcher | None = None


def frame_rows(judge: Judge, method: Method, kind: FrameKind, frames: Iterable[Frame]) -> list[Row]:
    """The full and the dynamic row of one method on one kind of frames."""
    full, dynamic = [], []
    for frame in frames:
        with torch.no_grad():
            rendering = method.picture(frame)
        valid = frame.valid if frame.valid is not None else torch.ones_like(rendering.alphas, dtype=torch.bool)
        maps = _Maps.of(rendering, frame, judge)
        row = _row(method, kind, "full", maps.figures(valid) | depth_figures(rendering, frame, judge.clip))
        full.append(row)
        if judge.watcher is not None:
            named = {"psnr": row.psnr, "ssim": row.ssim, "gmsd": row.gmsd, "depth_rmse": row.depth_rmse}
            named["velocity_rmse"] = row.velocity_rmse
            judge.watcher(Judged(method.name, f"{kind} full", frame, rendering, named))
        if maps.velocities is not None:
            mask = dynamic_pixels(maps.velocities) & valid
            if int(mask.sum()) >= FEWEST_PIXELS:
                dynamic.append(_row(method, kind, "dynamic", maps.figures(mask)))
    return [mean_fields(rows) for rows in (full, dynamic) if rows]


def _row(method: Method, kind: FrameKind, pixels: Literal["full", "dynamic"], known: dict[str, float]) -> Row:
    nan = float("nan")
    return Row(
        method=method.name,
        frames=kind,
        pixels=pixels,
        psnr=known["psnr"],
        ssim=known["ssim"],
        gmsd=known["gmsd"],
        lpips=known["lpips"],
        depth_rmse=known.get("depth_rmse", nan),
        velocity_rmse=known["velocity_rmse"],
        holes=known.get("holes", nan),
        seconds=method.seconds,
        count=1,
    )


@dataclass(frozen=True)
class _Maps:
    """What is known about every pixel of one picture."""

    rendering: Rendering
    target: Float[Tensor, "h w 3"]
    similarity: Float[Tensor, "h w"]
    distance: Float[Tensor, "h w"] | None
    """LPIPS."""
    velocities: Float[Tensor, "h w 3"] | None
    """The true ones."""

    @staticmethod
    def of(rendering: Rendering, frame: Frame, judge: Judge) -> "_Maps":
        target = frame.image.float() / 255
        return _Maps(
            rendering,
            target,
            ssim(rendering.colors.clamp(0, 1), target),
            None if judge.lpips is None else judge.lpips.distances(rendering.colors, target),
            None if judge.truth is None else judge.truth.pixel_velocities(frame),
        )

    def figures(self, mask: Bool[Tensor, "h w"]) -> dict[str, float]:
        rendered, true = self.rendering.velocities, self.velocities
        speed_error = float("nan")
        if rendered is not None and true is not None:
            speed_error = velocity_rmse(rendered, true, mask)
        return {
            "psnr": psnr(self.rendering.colors, self.target, mask),
            "ssim": float(self.similarity[mask].mean()),
            "gmsd": gmsd(self.rendering.colors, self.target, mask),
            "lpips": float("nan") if self.distance is None else float(self.distance[mask].mean()),
            "velocity_rmse": speed_error,
        }


def depth_figures(rendering: Rendering, frame: Frame, clip: Clip) -> dict[str, float]:
    """Depth error and holes at the returns of the nearest sweep."""
    if not clip.sweeps:
        return {}
    sweep = min(clip.sweeps, key=lambda s: abs(s.time - frame.camera.time))
    seen = visible_points(sweep.points, frame.camera)
    columns, rows = seen.pixels[:, 0].long(), seen.pixels[:, 1].long()
    alphas = rendering.alphas[rows, columns]
    covered = alphas > 0.05
    error = (rendering.depths[rows, columns] - seen.depths)[covered]
    return {"depth_rmse": float(error.square().mean().sqrt()), "holes": float((alphas < 0.95).float().mean())}
