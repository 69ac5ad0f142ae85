"""Files that are taken away."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flux4d_core.progress import Report
from flux4d_core.scene.export.boxes import write_boxes
from flux4d_core.scene.export.colmap import write_colmap
from flux4d_core.scene.export.films import FilmFile, write_film
from flux4d_core.scene.export.glb import write_glb
from flux4d_core.scene.export.ply import write_ply, write_ply_sequence
from flux4d_core.scene.export.privacy import private_scene, private_stage
from flux4d_core.scene.export.rrd import write_rrd
from flux4d_core.scene.film import Film
from flux4d_core.scene.paths.camera_path import CameraPath, film
from flux4d_core.scene.paths.make import make_path
from flux4d_core.scene.paths.presets import LaneShift, Recorded, Take
from flux4d_core.scene.scene_file import write_scene
from flux4d_core.scene.sharing import sharing_note
from flux4d_core.scene.stage import Stage
from flux4d_viewer.files import free_name, size_of
from flux4d_viewer.jobs.exporting import Delivery, ExportFilm, ExportScene, Moments, RecordedWay, SaveScene
from flux4d_viewer.messages import Exported
from flux4d_viewer.work.page import PageConfig, write_page
from flux4d_viewer.work.session import Post, Session


def export_film(session: Session, job: ExportFilm, report: Report, post: Post) -> None:
    """Film a way through the scene."""
    stage = _staged(session.stage(job.edits), job.delivery)
    session.compile(report)
    layer = "" if job.look.layer == "color" else f"_{job.look.layer}"
    suffix = "" if job.format == "png" else f".{job.format}"
    path = free_name(job.delivery.folder, f"{stage.scene.name}_{_name_of(job.way)}{layer}", suffix)
    write_film(stage, _film(stage, job.way), FilmFile(path, job.quality, job.format), job.look, report)
    post(exported(session, path, job.delivery))


def save_scene(session: Session, job: SaveScene, report: Report, post: Post) -> None:
    """Save the scene as it was reconstructed."""
    report("Saving the scene", 0.0)
    scene = private_scene(session.scene) if job.delivery.private else session.scene
    path = free_name(job.delivery.folder, scene.name, ".f4d")
    write_scene(scene, path)
    post(exported(session, path, job.delivery))


def export_scene(session: Session, job: ExportScene, report: Report, post: Post) -> None:
    """The scene, or what moves in it, for other tools."""
    stage = _staged(session.stage(job.edits), job.delivery)
    path = _write(session, job, stage, report)
    post(exported(session, path, job.delivery))


def exported(session: Session, path: Path, delivery: Delivery) -> Exported:
    """What to say of a file that was written."""
    note = sharing_note(session.scene.provenance)
    return Exported(path, delivery.client, note[:1].upper() + note[1:] + "." if note else "", size_of(path))


def _write(session: Session, job: ExportScene, stage: Stage, report: Report) -> Path:
    """Write the format's file under a name that is free; where it is."""
    time, times = job.moments.time, times_of(job.moments)

    def named(stem: str, suffix: str) -> Path:
        return free_name(job.delivery.folder, f"{stage.scene.name}{stem}", suffix)

    report("Writing", 0.0)
    match job.format:
        case "ply":
            write_ply(stage, time, path := named(f"_{time:.2f}s", ".ply"))
        case "ply-sequence":
            write_ply_sequence(stage, times, path := named("_plys", ""), report)
        case "rrd":
            sweeps = session.drive.clip.sweeps if session.drive is not None else ()
            write_rrd(stage, times, path := named("", ".rrd"), sweeps, report)
        case "glb":
            write_glb(stage, times, time, path := named("_boxes", ".glb"))
        case "json" | "csv":
            write_boxes(stage, times, path := named("_boxes", f".{job.format}"))
        case "colmap":
            write_colmap(stage, path := named("_colmap", ""), report)
        case "page":
            path = named("", ".html")
            write_page(stage.scene, job.edits, times, PageConfig(job.splats), path, report)
    return path


def times_of(moments: Moments) -> list[float]:
    """Even times from the start to the end, both among them."""
    count = max(1, round((moments.end - moments.start) * moments.fps)) + 1
    return np.linspace(moments.start, moments.end, count).tolist() if moments.end > moments.start else [moments.time]


def _film(stage: Stage, way: RecordedWay | CameraPath) -> Film:
    if isinstance(way, CameraPath):
        return film(way)
    take = Take(camera=way.camera, fps=way.fps, slow=way.slow, width=way.width)
    return film(make_path(stage, LaneShift(way.shift) if way.shift else Recorded(), take))


def _name_of(way: RecordedWay | CameraPath) -> str:
    if isinstance(way, CameraPath):
        return "path"
    return f"{way.camera}_shift{way.shift:+.1f}m" if way.shift else way.camera


def _staged(stage: Stage, delivery: Delivery) -> Stage:
    return private_stage(stage) if delivery.private else stage
