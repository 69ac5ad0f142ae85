"""Options that several commands share, and the checks that come before any work."""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import torch
import tyro

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.depth_folder import DepthUnit
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.mask_folder import with_masks
from flux4d_core.data.window import Window
from flux4d_core.errors import Flux4dError
from flux4d_core.reconstruction.depth import DepthSource
from flux4d_core.reconstruction.drive import best_device

CameraNames = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...", help_behavior_hint="(default: all)")]
LogName = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
MaskFolder = Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")]
MappingFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
LabelFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
WeightsFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: those of flux4d)")]
SceneFile = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SCENE")]
DepthFolder = Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")]
DepthModel = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")]
OutputFile = Annotated[Path, tyro.conf.arg(metavar="FILE")]
OutputFolder = Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
PictureFolder = Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")]
Private = Annotated[bool, tyro.conf.FlagCreatePairsOff]
Device = Annotated[str, tyro.conf.arg(metavar="{auto,cpu,cuda}")]


@dataclass(frozen=True)
class LogOptions:
    """Which log."""

    path: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="LOG")]
    """A driving log, or the root of a dataset; give it before --cameras."""
    log: LogName = None
    """Which log, where the path is a dataset of several; the beginning of its name is enough."""
    labels: LabelFile = None
    """A file of labelled boxes that lies outside the log."""
    masks: MaskFolder = None
    """Masks, <camera>.png or <camera>/<image>.png: what is black is left out of the images."""

    mapping: MappingFile = None
    """What the topics of a robot recording are; `flux4d info LOG --write-mapping FILE` writes one to edit."""

    @property
    def choice(self) -> LogChoice:
        return LogChoice(self.log, self.labels, self.mapping)

    def open(self) -> Log:
        """The log, unread; raises LogError."""
        log = open_log(self.path, self.choice)
        return log if self.masks is None else with_masks(log, self.masks)


@dataclass(frozen=True)
class WindowOptions:
    """Which part of a log."""

    start: float = 0.0
    """Seconds after the log's first sweep."""
    duration: float = 1.0
    """Seconds to read."""
    cameras: CameraNames = ()
    """Names of the cameras to read."""
    stride: int = 1
    """Every how manieth sweep to read, with the images nearest to it."""
    scale: float = 1.0
    """Size of the images beside the stored ones'; 0.5 halves both sides."""

    @property
    def window(self) -> Window:
        return Window(self.start, self.duration, self.cameras, self.stride, self.scale)


@dataclass(frozen=True)
class DepthChoice:
    """What says how far pixels are, besides parallax."""

    depth: DepthFolder = None
    """Depth images, one for every image of the log under its camera's and its own name: PNG, NPY or NPZ."""
    depth_unit: DepthUnit = "mm"
    """What whole numbers in depth PNGs count: millimetres, or 1/256 m as in KITTI."""
    depth_model: DepthModel = None
    """A depth-estimation model for transformers, a folder or a name on the hub; needs flux4d[depth]."""
    no_lidar: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave the LiDAR out of the inputs."""

    @property
    def source(self) -> DepthSource:
        return DepthSource(self.depth, self.depth_unit, self.depth_model)


def pick_device(name: str) -> torch.device:
    """The device that a user named.

    Raises:
        Flux4dError: there is no such device here.
    """
    if name == "auto":
        return best_device()
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise Flux4dError(f"--device {name}: expected cpu, cuda or auto")
    if name == "cpu":
        return torch.device(name)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise Flux4dError(f"--device {name}: PyTorch finds no GPU here; `flux4d doctor` says why; use --device cpu")
    if int(name.partition(":")[2] or 0) >= count:
        raise Flux4dError(f"--device {name}: there are {count} GPUs here, counted from 0")
    return torch.device(name)


def check_number(flag: str, value: float, lowest: float, highest: float) -> None:
    """Refuse a number outside of its range, and nan."""
    if not lowest <= value <= highest:
        raise Flux4dError(f"{flag} {value:.12g}: expected {lowest:.12g} to {highest:.12g}")


def check_output(path: Path, suffix: str | None, flag: str = "--output") -> None:
    """Refuse a file that could not be written, before any time is spent on its contents; any suffix will do if None."""
    if suffix is not None and path.suffix.lower() != suffix:
        raise Flux4dError(f"{flag} {path}: expected a name that ends in {suffix}, found '{path.suffix}'")
    if path.is_dir():
        raise Flux4dError(f"{flag} {path}: expected the name of a file, found a folder there")
    check_folder(path.parent, f"{flag} {path}")


def check_folder(folder: Path, shown: str) -> None:
    """Refuse a folder in which nothing could be written; it need not exist yet."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise Flux4dError(
            f"{shown}: nothing can be written in {existing} ({error.strerror}); choose another"
        ) from error
