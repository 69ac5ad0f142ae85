"""How well the sensors of the open log agree."""

from __future__ import annotations

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Report
from flux4d_core.reconstruction.alignment.check import check
from flux4d_core.reconstruction.alignment.drawing import contact_sheet
from flux4d_core.reconstruction.alignment.pictures import pictures_of
from flux4d_viewer.jobs.quality import CheckAlignment
from flux4d_viewer.messages import AlignmentChecked
from flux4d_viewer.work.session import Post, Session


def check_alignment(session: Session, job: CheckAlignment, report: Report, post: Post) -> None:
    """The LiDAR over the images, and the clocks; of the log as it is now, aligned or not."""
    drive = session.drive
    if drive is None or not drive.clip.sweeps or not drive.clip.frames:
        raise Flux4dError("The alignment can be checked only of an open log with images and LiDAR; open one.")
    clip = drive.clip.to("cpu")
    checked = check(clip, report)
    picture = contact_sheet(list(pictures_of(clip).values()))
    verdicts = tuple((sweep.sensor, f"{1000 * sweep.best:+.0f} ms", sweep.verdict) for sweep in checked.sweeps)
    post(AlignmentChecked(picture, checked.sharpness, verdicts))
