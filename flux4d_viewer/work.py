"""What the worker does for each job. Loads all that is slow to load, so it is imported on the worker's thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log, LogWarning, Window, cut
from flux4d_core.errors import CheckpointError, Flux4dError, Flux4dWarning
from flux4d_core.evaluation.metrics import psnr
from flux4d_core.learning.adapt import AdaptConfig, adapt
from flux4d_core.model.checkpoint import Checkpoint, default_weights, load_checkpoint
from flux4d_core.progress import Report
from flux4d_core.reconstruction.depth import DepthSource, with_depth
from flux4d_core.reconstruction.drive import SceneConfig, make_scene_of
from flux4d_core.rendering.render import compile_kernels, render
from flux4d_core.scene.export import write_ply
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.scene_file import read_scene, write_scene
from flux4d_core.scene.sharing import sharing_note
from flux4d_core.scene.trajectory import PathConfig, recorded_path
from flux4d_core.scene.video import render_path, write_video
from flux4d_core.types import Clip
from flux4d_viewer.canvas.drawable import Drawable, prepare_for_browser, prepare_for_server
from flux4d_viewer.canvas.painter import Painter
from flux4d_viewer.demo import demo_log
from flux4d_viewer.device import Desk, Renderer, choose_desk
from flux4d_viewer.files import free_name
from flux4d_viewer.jobs import (
    AdaptToLog,
    Compare,
    ExportPly,
    ExportVideo,
    Job,
    OpenDemo,
    OpenLog,
    OpenSceneFile,
    SaveScene,
)
from flux4d_viewer.messages import Adapted, Compared, Exported, Message, Notice, Opened, Reconstructed
from flux4d_viewer.recording import recording_of_clip, recording_of_scene

Post = Callable[[Message], None]
DEMO_SECONDS = 1.0
COMPARE_WIDTH = 960
"""Pixels; recorded images are compared at this width at most."""


@dataclass(frozen=True)
class _Drive:
    """The log that is open, and the weights that it is reconstructed with."""

    log: Log
    clip: Clip
    checkpoint: Checkpoint | None


class Work:
    """Does the jobs of one viewer, and keeps the scene that they are about."""

    def __init__(self, device: str, renderer: Renderer) -> None:
        self._desk: Desk = choose_desk(device, renderer)
        self._scene: Scene | None = None
        self._drive: _Drive | None = None
        self._ready = False

    def perform(self, job: Job, report: Report, post: Post) -> None:
        """Do one job; raises Flux4dError, or Cancelled from within `report`."""
        match job:
            case OpenDemo():
                self._open_log(OpenLog(demo_log(), 0.0, DEMO_SECONDS, (), job.checkpoint), report, post)
            case OpenLog():
                self._open_log(job, report, post)
            case OpenSceneFile():
                self._open_scene(job, report, post)
            case AdaptToLog():
                self._adapt(job, report, post)
            case Compare():
                self._compare(job, report, post)
            case ExportVideo():
                self._export_video(job, report, post)
            case SaveScene():
                path = free_name(job.folder, self._open_one.name, ".f4d")
                report("Saving the scene", 0.0)
                write_scene(self._open_one, path)
                post(self._exported(path, job.client))
            case ExportPly():
                path = free_name(job.folder, f"{self._open_one.name}_{job.time:.2f}s", ".ply")
                report("Writing the PLY", 0.0)
                write_ply(self._open_one, job.time, path)
                post(self._exported(path, job.client))

    @property
    def _open_one(self) -> Scene:
        if self._scene is None:
            raise Flux4dError("There is no scene yet: wait until the reconstruction is done.")
        return self._scene

    def _open_log(self, job: OpenLog, report: Report, post: Post) -> None:
        log = open_log(job.path)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", LogWarning)
            clip = cut(log, Window(job.start, job.duration, job.cameras), report)
        clip = with_depth(clip, log, DepthSource(job.depth, job.depth_unit, job.depth_model), self._desk.device, report)
        sentences = [str(warning.message) for warning in caught if issubclass(warning.category, LogWarning)]
        notices = tuple(Notice(text, "warning") for text in sentences) + tuple(Notice(text) for text in log.notes)
        report("Colouring the LiDAR", 0.0)
        post(Opened(recording_of_clip(clip.to("cpu")), (*self._desk.notices, *notices), is_log=True))
        self._scene = self._drive = None
        checkpoint, missing = _weights(job.checkpoint, self._desk.device)
        self._drive = _Drive(log, clip, checkpoint)
        self._reconstruct(clip, checkpoint, missing, report, post)

    def _adapt(self, job: AdaptToLog, report: Report, post: Post) -> None:
        """Train on the open log; what that gave is kept for its later adaptations, too."""
        drive = self._drive
        if drive is None:
            raise Flux4dError("A saved scene cannot be learned from: open the log that it was made of.")
        if drive.checkpoint is None:
            raise Flux4dError("There are no weights to adapt: give some with --checkpoint.")
        self._compile(report)
        config = AdaptConfig(seconds=job.seconds)
        adapted = adapt(drive.checkpoint, drive.clip, drive.log, config, self._desk.device, report)
        post(Adapted(adapted.sentence, adapted.is_kept))
        if adapted.is_kept:
            self._drive = replace(drive, checkpoint=adapted.checkpoint)
            self._reconstruct(drive.clip, adapted.checkpoint, (), report, post)

    def _open_scene(self, job: OpenSceneFile, report: Report, post: Post) -> None:
        report("Reading the scene", 0.0)
        scene = read_scene(job.path)
        self._drive = None
        post(Opened(recording_of_scene(scene), self._desk.notices))
        self._show(scene, (), report, post)

    def _reconstruct(
        self, clip: Clip, checkpoint: Checkpoint | None, notices: tuple[Notice, ...], report: Report, post: Post
    ) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", Flux4dWarning)
            scene = make_scene_of(clip, checkpoint, SceneConfig(), self._desk.device, report)
        notices += tuple(Notice(str(w.message), "warning") for w in caught if issubclass(w.category, Flux4dWarning))
        self._ready = self._ready or checkpoint is not None
        self._show(scene, notices, report, post)

    def _show(self, scene: Scene, notices: tuple[Notice, ...], report: Report, post: Post) -> None:
        report("Preparing the view", 0.0)
        self._scene = scene
        drawable = self._drawable(scene)
        if drawable.shown < drawable.total:
            text = f"Preview: {drawable.shown:,} of {drawable.total:,} Gaussians. Videos and comparisons use all."
            notices = (*notices, Notice(text))
        post(Reconstructed(scene, drawable, notices))

    def _drawable(self, scene: Scene) -> Drawable:
        if not self._desk.server_draws:
            return prepare_for_browser(scene)
        moved = scene.to(self._desk.device)
        return prepare_for_server(scene, lambda top: Painter(moved, render, top))

    def _compile(self, report: Report) -> None:
        """Make the renderer ready before the first picture, so that the wait has a name."""
        if not self._ready:
            compile_kernels(report, self._desk.device)
            self._ready = True

    def _compare(self, job: Compare, report: Report, post: Post) -> None:
        scene = self._open_one
        self._compile(report)
        frame = scene.frames[job.frame]
        width = min(COMPARE_WIDTH, frame.camera.width)
        height = round(frame.camera.height * width / frame.camera.width)
        camera = frame.camera.resized(width, height).to(self._desk.device)
        gaussians, sky = scene.gaussians.to(self._desk.device), scene.sky.to(self._desk.device)
        with torch.no_grad():
            rendered = render(gaussians, sky, camera).colors.clamp(0, 1).cpu()
        image = frame.image.permute(2, 0, 1)[None].float() / 255
        recorded = torch.nn.functional.interpolate(image, (height, width), mode="area")[0].permute(1, 2, 0)
        valid = frame.valid
        if valid is not None:
            valid = torch.nn.functional.interpolate(valid[None, None].float(), (height, width))[0, 0] > 0.5
        post(Compared(job.frame, _bytes(recorded), _bytes(rendered), psnr(rendered, recorded, valid)))

    def _export_video(self, job: ExportVideo, report: Report, post: Post) -> None:
        scene = self._open_one
        self._compile(report)
        config = PathConfig(camera=job.camera, shift=job.shift, fps=job.fps, slow=job.slow, width=job.width)
        cameras = recorded_path(scene, config)
        path = free_name(job.folder, f"{scene.name}_{job.camera}_shift{job.shift:+.1f}m", ".mp4")
        pictures = render_path(scene.to(self._desk.device), cameras, report)
        write_video(pictures, path, job.fps, provenance=scene.provenance)
        post(self._exported(path, job.client))

    def _exported(self, path: Path, client: int | None) -> Exported:
        note = sharing_note(self._open_one.provenance)
        return Exported(path, client, note[:1].upper() + note[1:] + "." if note else "")


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


def _bytes(image: Float[Tensor, "h w 3"]) -> UInt8[ndarray, "h w 3"]:
    return (image * 255).round().byte().numpy()
