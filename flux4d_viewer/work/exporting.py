"""Files that are taken away."""

from __future__ import annotations

from pathlib import Path

from flux4d_core.progress import Report
from flux4d_core.scene.export import write_ply
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.paths.make import make_path
from flux4d_core.scene.paths.presets import LaneShift, Take
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.scene.sharing import sharing_note
from flux4d_core.scene.video import render_path, write_video
from flux4d_viewer.files import free_name
from flux4d_viewer.jobs.exporting import ExportPly, ExportVideo, SaveScene
from flux4d_viewer.messages import Exported
from flux4d_viewer.work.session import Post, Session


def export_video(session: Session, job: ExportVideo, report: Report, post: Post) -> None:
    """Film a way through the scene."""
    stage = session.stage(job.edits)
    session.compile(report)
    take = Take(camera=job.camera, fps=job.fps, slow=job.slow, width=job.width)
    cameras = film(make_path(stage, LaneShift(job.shift), take))
    path = free_name(job.folder, f"{stage.scene.name}_{job.camera}_shift{job.shift:+.1f}m", ".mp4")
    write_video(render_path(stage, cameras, report), path, job.fps, provenance=stage.scene.provenance)
    post(exported(session, path, job.client))


def save_scene(session: Session, job: SaveScene, report: Report, post: Post) -> None:
    """Save the scene as it was reconstructed."""
    path = free_name(job.folder, session.scene.name, ".f4d")
    report("Saving the scene", 0.0)
    write_scene(session.scene, path)
    post(exported(session, path, job.client))


def export_ply(session: Session, job: ExportPly, report: Report, post: Post) -> None:
    """The Gaussians at one time."""
    path = free_name(job.folder, f"{session.scene.name}_{job.time:.2f}s", ".ply")
    report("Writing the PLY", 0.0)
    write_ply(session.stage(job.edits), job.time, path)
    post(exported(session, path, job.client))


def exported(session: Session, path: Path, client: int | None) -> Exported:
    """What to say of a file that was written."""
    note = sharing_note(session.scene.provenance)
    return Exported(path, client, note[:1].upper() + note[1:] + "." if note else "")
