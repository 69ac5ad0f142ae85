"""What of an edited scene is saved apart."""

from __future__ import annotations

from flux4d_core.progress import Report
from flux4d_core.scene.actor_file import write_actor
from flux4d_core.scene.edit.take_out import take_out
from flux4d_viewer.files import free_name
from flux4d_viewer.jobs.editing import SaveActor
from flux4d_viewer.work.exporting import exported
from flux4d_viewer.work.session import Post, Session


def save_actor(session: Session, job: SaveActor, report: Report, post: Post) -> None:
    """One actor as it is after the edits, to be inserted into other scenes."""
    report("Saving the actor", 0.0)
    asset = take_out(session.scene, job.edits, job.actor, session.folder)
    path = free_name(job.delivery.folder, asset.actor.name, ".f4a")
    write_actor(asset, path)
    post(exported(session, path, job.delivery))
