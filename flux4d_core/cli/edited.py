"""Scene files as the user left them: opened, with a file of edits applied."""

from pathlib import Path
from typing import Annotated

import tyro

from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.edit.edits_file import read_edits
from flux4d_core.scene.scene import Scene
from flux4d_core.scene.stage import Stage

EditsFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]


def edited(scene: Scene, edits: Path | None) -> Stage:
    """A scene after the edits of a file; what they insert lies beside it. None: as reconstructed."""
    if edits is None:
        return stage(scene)
    return stage(scene, read_edits(edits, scene), edits.parent)
