"""Renders beside what was recorded."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from flux4d_core.evaluation.metrics import psnr
from flux4d_core.progress import Report
from flux4d_core.rendering.render import draw
from flux4d_viewer.jobs.comparing import Compare
from flux4d_viewer.messages import Compared
from flux4d_viewer.work.session import Post, Session

COMPARE_WIDTH = 960
"""Pixels; recorded images are compared at this width at most."""


def compare(session: Session, job: Compare, report: Report, post: Post) -> None:
    """The render of a recorded camera's view, and its image."""
    stage = session.stage(job.edits)
    session.compile(report)
    frame = stage.scene.frames[job.frame]
    width = min(COMPARE_WIDTH, frame.camera.width)
    height = round(frame.camera.height * width / frame.camera.width)
    camera = frame.camera.resized(width, height).to(session.device)
    with torch.no_grad():
        rendered = draw(stage.at(camera.time), stage.sky, camera).colors.clamp(0, 1).cpu()
    image = frame.image.permute(2, 0, 1)[None].float() / 255
    recorded = torch.nn.functional.interpolate(image, (height, width), mode="area")[0].permute(1, 2, 0)
    valid = frame.valid
    if valid is not None:
        valid = torch.nn.functional.interpolate(valid[None, None].float(), (height, width))[0, 0] > 0.5
    post(Compared(job.frame, _bytes(recorded), _bytes(rendered), psnr(rendered, recorded, valid)))


def _bytes(image: Float[Tensor, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    return (image * 255).round().byte().numpy()
