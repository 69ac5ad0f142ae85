"""Renders beside what was recorded."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from torch import Tensor

from flux4d_core.evaluation.displacement import displacement
from flux4d_core.evaluation.metrics import psnr
from flux4d_core.progress import Report
from flux4d_core.rendering.photometric import ssim
from flux4d_core.rendering.render import draw
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Frame
from flux4d_viewer.comparison import Score
from flux4d_viewer.jobs.comparing import Compare, ScoreFrame
from flux4d_viewer.messages import Compared, Scored
from flux4d_viewer.work.session import Post, Session

COMPARE_WIDTH = 960
"""Pixels; recorded images are compared at this width at most."""
SCORE_WIDTH = 400
"""Pixels; all of them are scored at this width at most."""


@dataclass(frozen=True)
class Pair:
    """A recorded image and the render of the same view, on the CPU."""

    recorded: Float[Tensor, "h w 3"]
    rendered: Float[Tensor, "h w 3"]
    """Clipped to 0..1."""
    valid: Bool[Tensor, "h w"] | None
    reduction: float
    """Pixels of the full image for one of these."""

    @property
    def psnr(self) -> float:
        """dB, over the valid pixels."""
        return psnr(self.rendered, self.recorded, self.valid)

    @property
    def ssim(self) -> float:
        """The mean over the valid pixels."""
        rendered, valid = self.rendered, self.valid
        if valid is None:
            return float(ssim(rendered, self.recorded).mean())
        rendered = torch.where(valid[..., None], rendered, self.recorded)
        return float(ssim(rendered, self.recorded)[valid].mean())

    @property
    def shift(self) -> float:
        """How far the render lies beside the image, in pixels of the full image."""
        return displacement(self.rendered, self.recorded, self.valid).pixels * self.reduction


def compare(session: Session, job: Compare, report: Report, post: Post) -> None:
    """The render of a recorded camera's view, and its image."""
    stage = session.stage(job.edits)
    session.compile(report)
    pair = pair_of(stage, stage.scene.frames[job.frame], COMPARE_WIDTH)
    recorded, rendered = _bytes(pair.recorded), _bytes(pair.rendered)
    post(Compared(job.frame, recorded, rendered, pair.psnr, pair.ssim, pair.shift, job.edits))


def score_frame(session: Session, job: ScoreFrame, report: Report, post: Post) -> None:
    """One number more for the plot under the timeline."""
    stage = session.stage(job.edits)
    session.compile(report)
    if job.frame >= len(stage.scene.frames):
        return  # another scene was opened meanwhile
    frame = stage.scene.frames[job.frame]
    pair = pair_of(stage, frame, SCORE_WIDTH)
    score = Score(job.frame, frame.camera.time, frame.sensor, pair.psnr, pair.ssim, pair.shift)
    post(Scored(score, job.edits))


@torch.no_grad()
def pair_of(stage: Stage, frame: Frame, most: int) -> Pair:
    """A frame and its render, at most so many pixels wide."""
    width = min(most, frame.camera.width)
    height = round(frame.camera.height * width / frame.camera.width)
    camera = frame.camera.resized(width, height).to(stage.untouched.means.device)
    rendered = draw(stage.at(camera.time), stage.sky, camera).colors.clamp(0, 1).cpu()
    image = frame.image.permute(2, 0, 1)[None].float().cpu() / 255
    recorded = torch.nn.functional.interpolate(image, (height, width), mode="area")[0].permute(1, 2, 0)
    valid = frame.valid
    if valid is not None:
        valid = torch.nn.functional.interpolate(valid[None, None].float(), (height, width))[0, 0].cpu() > 0.5
    return Pair(recorded.contiguous(), rendered, valid, frame.camera.width / width)


def _bytes(image: Float[Tensor, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    return (image * 255).round().byte().numpy()
