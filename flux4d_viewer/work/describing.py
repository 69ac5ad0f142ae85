"""Looking into a log before it is opened."""

from __future__ import annotations

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.describe import describe
from flux4d_core.data.formats import list_logs, open_log
from flux4d_core.progress import Report
from flux4d_viewer.jobs.describing import DescribeLog
from flux4d_viewer.messages import Described
from flux4d_viewer.work.session import Post, Session


def describe_a_log(session: Session, job: DescribeLog, report: Report, post: Post) -> None:
    """What is in it; the session's own log stays open."""
    report("Reading the log's tables", 0.0)
    names = list_logs(job.path)
    chosen = job.log or names[0]
    log = open_log(job.path, LogChoice(chosen if len(names) > 1 else None))
    post(Described(job.path, names, chosen, describe(log)))
