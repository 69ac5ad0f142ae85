"""Opening logs and scenes."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import boxes_in_clip
from flux4d_core.data.log import LogWarning
from flux4d_core.data.mask_folder import with_masks
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import CheckpointError, Flux4dWarning
from flux4d_core.model.checkpoint import Checkpoint, default_weights, load_checkpoint
from flux4d_core.progress import Report
from flux4d_core.reconstruction.depth import DepthSource, with_depth
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene_file import read_scene
from flux4d_core.types import Clip
from flux4d_viewer.demo import demo_log
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog, OpenSceneFile, ShowScene
from flux4d_viewer.messages import Notice, Opened
from flux4d_viewer.recording import recording_of_clip, recording_of_scene
from flux4d_viewer.work.session import Drive, Post, Session

DEMO_SECONDS = 1.0


def open_the_demo(session: Session, job: OpenDemo, report: Report, post: Post) -> None:
    """The log that ships with the viewer."""
    open_a_log(session, OpenLog(demo_log(), 0.0, DEMO_SECONDS, (), job.checkpoint), report, post)


def open_a_log(session: Session, job: OpenLog, report: Report, post: Post) -> None:
    """Show what was recorded, then reconstruct it."""
    log = open_log(job.path, LogChoice(job.log, job.labels))
    log = log if job.masks is None else with_masks(log, job.masks)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LogWarning)
        clip = cut(log, Window(job.start, job.duration, job.cameras, job.stride, job.scale), report)
    clip = with_depth(clip, log, DepthSource(job.depth, job.depth_unit, job.depth_model), session.device, report)
    sentences = [str(warning.message) for warning in caught if issubclass(warning.category, LogWarning)]
    notices = tuple(Notice(text, "warning") for text in sentences) + tuple(Notice(text) for text in log.notes)
    report("Colouring the LiDAR", 0.0)
    post(
        Opened(
            recording_of_clip(clip.to("cpu"), boxes_in_clip(log, clip.start_ns)),
            (*session.desk.notices, *notices),
            is_log=True,
        )
    )
    session.close()
    checkpoint, missing = _weights(job.checkpoint, session.device)
    session.drive = Drive(log, clip, checkpoint)
    reconstruct(session, clip, checkpoint, missing, report, post)


def open_a_scene(session: Session, job: OpenSceneFile, report: Report, post: Post) -> None:
    """A saved scene."""
    report("Reading the scene", 0.0)
    scene = read_scene(job.path)
    session.close()
    post(Opened(recording_of_scene(scene), session.desk.notices))
    session.show(scene, (), report, post, Edits())


def show_a_scene(session: Session, job: ShowScene, report: Report, post: Post) -> None:
    """A scene in memory, after its edits."""
    session.close()
    post(Opened(recording_of_scene(job.scene), session.desk.notices))
    session.show(job.scene, (), report, post, job.edits)


def reconstruct(
    session: Session,
    clip: Clip,
    checkpoint: Checkpoint | None,
    notices: tuple[Notice, ...],
    report: Report,
    post: Post,
) -> None:
    """Make the clip the session's scene."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Flux4dWarning)
        scene = make_scene_of(clip, checkpoint, SceneConfig(), session.device, report)
    notices += tuple(Notice(str(w.message), "warning") for w in caught if issubclass(w.category, Flux4dWarning))
    session.ready = session.ready or checkpoint is not None
    session.show(scene, notices, report, post, Edits())


def _weights(path: Path | None, device: torch.device) -> tuple[Checkpoint | None, tuple[Notice, ...]]:
    """Trained weights; without any installed none, and a sentence that says what this means."""
    try:
        chosen = path or default_weights()
    except CheckpointError:
        text = (
            "No trained weights are installed, so the scene is only lifted from images and LiDAR: nothing in it moves, "
            "and moving things are smeared. Give weights with --checkpoint."
        )
        return None, (Notice(text, "warning"),)
    return load_checkpoint(chosen, device), ()
