"""Files that are taken away."""

from __future__ import annotations

from pathlib import Path

from flux4d_core.progress import Report
from flux4d_core.scene.export.films import FilmFile, write_film
from flux4d_core.scene.export.ply import write_ply
from flux4d_core.scene.film import Film
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.scene.sharing import sharing_note
from flux4d_core.scene.trajectory import PathConfig, recorded_path
from flux4d_viewer.files import free_name
from flux4d_viewer.jobs.exporting import ExportPly, ExportVideo, SaveScene
from flux4d_viewer.messages import Exported
from flux4d_viewer.work.session import Post, Session


def export_video(session: Session, job: ExportVideo, report: Report, post: Post) -> None:
    """Film a way through the scene."""
    stage = session.stage(job.edits)
    session.compile(report)
    config = PathConfig(camera=job.camera, shift=job.shift, fps=job.fps, slow=job.slow, width=job.width)
    cameras = recorded_path(stage.scene, config)
    path = free_name(job.folder, f"{stage.scene.name}_{job.camera}_shift{job.shift:+.1f}m", ".mp4")
    write_film(stage, Film(tuple(cameras), job.fps), FilmFile(path), report=report)
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
