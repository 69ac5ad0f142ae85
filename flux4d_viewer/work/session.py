"""What the worker keeps between jobs: the device, the open log, its scene and the scene's edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from flux4d_core.data.log import Log
from flux4d_core.errors import Flux4dError
from flux4d_core.model.checkpoint import Checkpoint
from flux4d_core.progress import Report
from flux4d_core.rendering.render import compile_kernels, draw
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.operations import Edits
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.stage import Stage
from flux4d_core.types import Clip
from flux4d_viewer.canvas.drawable import Drawable, prepare_for_browser, prepare_for_server
from flux4d_viewer.canvas.painter import Painter
from flux4d_viewer.device import Desk
from flux4d_viewer.messages import Message, Notice, Reconstructed
from flux4d_viewer.work.survey import Survey

Post = Callable[[Message], None]


@dataclass(frozen=True)
class Drive:
    """The log that is open, and the weights that it is reconstructed with."""

    log: Log
    clip: Clip
    checkpoint: Checkpoint | None


class Session:
    """Lives on the worker's thread alone."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.drive: Drive | None = None
        self.ready = False
        """Whether the renderer is compiled."""
        self._scene: Scene | None = None
        self._staged: tuple[Edits, Stage] | None = None
        self._survey: Survey | None = None

    @property
    def device(self) -> torch.device:
        return self.desk.device

    @property
    def scene(self) -> Scene:
        """The scene as it was reconstructed.

        Raises:
            Flux4dError: there is none.
        """
        if self._scene is None:
            raise Flux4dError("There is no scene yet: wait until the reconstruction is done.")
        return self._scene

    def stage(self, edits: Edits) -> Stage:
        """The scene after these edits, on the device; the newest is kept."""
        if self._staged is None or self._staged[0] != edits:
            self._staged = edits, stage(self.scene, edits).to(self.device)
        return self._staged[1]

    @property
    def survey(self) -> Survey:
        """What was ever seen of the scene, as far as known."""
        if self._survey is None or self._survey.scene is not self.scene:
            self._survey = Survey(self.scene, self.device)
        return self._survey

    def close(self) -> None:
        """Forget what is open."""
        self._scene = self._staged = self.drive = self._survey = None

    def show(self, scene: Scene, notices: tuple[Notice, ...], report: Report, post: Post) -> None:
        """Make this the scene, and lay it out for drawing."""
        report("Preparing the view", 0.0)
        self._scene, self._staged = scene, None
        drawable = self._drawable(scene)
        if drawable.shown < drawable.total:
            text = f"Preview: {drawable.shown:,} of {drawable.total:,} Gaussians. Videos and comparisons use all."
            notices = (*notices, Notice(text))
        post(Reconstructed(scene, drawable, notices))

    def compile(self, report: Report) -> None:
        """Make the renderer ready before the first picture, so that the wait has a name."""
        if not self.ready:
            compile_kernels(report, self.device)
            self.ready = True

    def _drawable(self, scene: Scene) -> Drawable:
        if not self.desk.server_draws:
            return prepare_for_browser(scene)
        moved = scene.to(self.device)
        return prepare_for_server(scene, lambda ranges: Painter(stage(moved), draw, ranges))
