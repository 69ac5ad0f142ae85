"""Making the open scene sharper; what was there comes back if that fails."""

from __future__ import annotations

from dataclasses import replace

from flux4d_core.errors import Flux4dError
from flux4d_core.learning.improve import align_judged, optimize_judged, without_refinement
from flux4d_core.progress import Report
from flux4d_core.reconstruction.align import AlignConfig
from flux4d_core.reconstruction.optimize import OptimizeConfig
from flux4d_viewer.jobs.quality import AlignCameras, OptimizeScene
from flux4d_viewer.messages import Improved
from flux4d_viewer.work.opening import reconstruct
from flux4d_viewer.work.session import Post, Session

MOST_STEPS = 100_000
"""Of optimising: its time ends sooner."""


def align_cameras(session: Session, job: AlignCameras, report: Report, post: Post) -> None:
    """Mounting and clock of every camera of the open log; reconstructed again if held-out images say so."""
    drive = session.drive
    if drive is None:
        raise Flux4dError(
            "A saved scene cannot be aligned: its LiDAR is not in the file, and its Gaussians were made with the very "
            "cameras that would be moved. Open the log that it was made of."
        )
    session.compile(report)
    aligned = align_judged(drive.clip, without_refinement(drive.checkpoint, session.device), AlignConfig(), report)
    details = "; ".join(correction.sentence for correction in aligned.corrections)
    post(Improved("Aligning", _sentence(aligned.judgement.sentence, details), aligned.judgement.is_kept))
    if aligned.judgement.is_kept:
        session.drive = replace(drive, clip=aligned.clip)
        reconstruct(session, aligned.clip, drive.checkpoint, (), report, post)


def optimize_scene(session: Session, job: OptimizeScene, report: Report, post: Post) -> None:
    """The Gaussians of the scene as they are, their motion frozen."""
    session.compile(report)
    config = OptimizeConfig(steps=MOST_STEPS, seconds=job.seconds)
    optimized = optimize_judged(session.scene, config, session.device, report)
    post(Improved("Optimising", _sentence(optimized.judgement.sentence), optimized.judgement.is_kept))
    if optimized.judgement.is_kept:
        session.show(optimized.scene, (), report, post)


def _sentence(judgement: str, details: str = "") -> str:
    text = judgement[:1].upper() + judgement[1:]
    return f"{text}. {details[:1].upper()}{details[1:]}." if details else f"{text}."
