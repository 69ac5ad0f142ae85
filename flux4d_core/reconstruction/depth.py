"""Where a clip's depth maps come from, as a user says it: a folder, or a model."""

from dataclasses import dataclass
from pathlib import Path

import torch

from flux4d_core.data.depth_folder import DepthUnit, with_depth_folder
from flux4d_core.data.log import Log
from flux4d_core.errors import Flux4dError
from flux4d_core.lifting.monocular import with_guessed_depth
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip


@dataclass(frozen=True)
class DepthSource:
    """What says how far pixels are, besides LiDAR and parallax; nothing by default."""

    folder: Path | None = None
    """Depth images; see `data/depth_folder.py`."""
    unit: DepthUnit = "mm"
    """Of the folder's PNG files."""
    model: str | None = None
    """A depth-estimation model of the transformers library: its folder, or its name on the model hub."""

    def check(self) -> None:
        """Refuse what contradicts itself or is not there, before any work."""
        if self.folder is not None and self.model is not None:
            raise Flux4dError(f"--depth {self.folder} --depth-model {self.model}: expected one of them, found both")
        if self.folder is not None and not self.folder.is_dir():
            found = "a file" if self.folder.exists() else "nothing"
            raise Flux4dError(f"--depth {self.folder}: expected a folder with depth images, found {found} there")


def with_depth(clip: Clip, log: Log | None, source: DepthSource, device: torch.device, report: Report = silent) -> Clip:
    """The clip with the depth maps of a source; `log` is what it was cut from, which only a folder needs.

    Raises:
        Flux4dError: as `with_depth_folder` and `with_guessed_depth`.
    """
    if source.folder is not None:
        assert log is not None, "depth images are named after a log's"
        return with_depth_folder(clip, log, source.folder, source.unit, report)
    if source.model is not None:
        return with_guessed_depth(clip, source.model, device, report)
    return clip
