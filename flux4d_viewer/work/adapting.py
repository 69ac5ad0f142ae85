"""Learning from the open log."""

from __future__ import annotations

from dataclasses import replace

from flux4d_core.errors import Flux4dError
from flux4d_core.learning.adapt import AdaptConfig, adapt
from flux4d_core.progress import Report
from flux4d_viewer.jobs.adapting import AdaptToLog
from flux4d_viewer.messages import Adapted
from flux4d_viewer.work.opening import reconstruct
from flux4d_viewer.work.session import Post, Session


def adapt_to_the_log(session: Session, job: AdaptToLog, report: Report, post: Post) -> None:
    """Train on the open log; what that gave is kept for its later adaptations, too."""
    drive = session.drive
    if drive is None:
        raise Flux4dError("A saved scene cannot be learned from: open the log that it was made of.")
    if drive.checkpoint is None:
        raise Flux4dError("There are no weights to adapt: give some with --checkpoint.")
    session.compile(report)
    config = AdaptConfig(seconds=job.seconds)
    adapted = adapt(drive.checkpoint, drive.clip, drive.log, config, session.device, report)
    post(Adapted(adapted.sentence, adapted.is_kept))
    if adapted.is_kept:
        session.drive = replace(drive, checkpoint=adapted.checkpoint)
        reconstruct(session, drive.clip, adapted.checkpoint, (), report, post)
