"""Camera paths that need the scene."""

from __future__ import annotations

from flux4d_core.progress import Report
from flux4d_core.scene.paths.make import make_path
from flux4d_viewer.jobs.paths import MakePath
from flux4d_viewer.messages import PathMade
from flux4d_viewer.work.session import Post, Session


def make_a_path(session: Session, job: MakePath, report: Report, post: Post) -> None:
    """A preset through the edited scene."""
    post(PathMade(make_path(session.stage(job.edits), job.preset, job.take)))
