"""`flux4d-view`: open a driving log, a saved scene or the built-in demo in the browser."""

from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from flux4d_core.errors import CheckpointError, Flux4dError, LogError, SceneError
from flux4d_viewer.jobs.job import Job
from flux4d_viewer.jobs.opening import OpenDemo, OpenLog, OpenSceneFile
from flux4d_viewer.library import Library, Shelf
from flux4d_viewer.recent import cache_file


@dataclass(frozen=True)
class Arguments:
    """Turns a driving log into a moving 4D scene and opens it in the browser."""

    path: Annotated[Path | None, tyro.conf.Positional] = None
    """A driving log, or a saved scene (.f4d); the built-in demo if left out."""
    port: int = 8080
    """Port of the page; the next free one if it is taken."""
    host: str = "127.0.0.1"
    """Address to serve on. Anything else than this machine lets others in who know the page's address."""
    token: str | None = None
    """Key in the page's address, 16 letters or more (or $FLUX4D_TOKEN); a new one every time if left out."""
    checkpoint: Path | None = None
    """Trained weights (.safetensors); the shipped ones if left out."""
    renderer: Literal["auto", "gpu", "browser"] = "auto"
    """Who draws: the GPU of this machine, the browser, or what fits."""
    no_open: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Do not open the browser."""
    start: float = 0.0
    """Seconds after the log's first sweep."""
    duration: float = 1.0
    """Seconds of the log to open."""
    cameras: tuple[str, ...] = ()
    """Names of the cameras to read; all if left out."""
    stride: int = 1
    """Every how manieth sweep to read, with the images nearest to it."""
    scale: float = 1.0
    """Size of the images beside the stored ones'; 0.5 halves both sides."""
    log: str | None = None
    """Which log, where the path is a dataset of several; the beginning of its name is enough."""
    labels: Path | None = None
    """A file of labelled boxes that lies outside the log."""
    masks: Path | None = None
    """Folder of masks, <camera>.png or <camera>/<image>.png: what is black is left out of the images."""
    depth: Path | None = None
    """Folder of depth images, <camera>/<image>.png, .npy or .npz."""
    depth_unit: Literal["mm", "kitti"] = "mm"
    """What whole numbers in depth PNGs count: millimetres, or 1/256 m as in KITTI."""
    depth_model: str | None = None
    """A depth-estimation model for transformers, a folder or a name on the hub; needs flux4d[depth]."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    output: Path = Path()
    """Folder for videos and saved scenes; the current one if left out."""
    root: Path | None = None
    """Folder whose logs and scenes the page may open; if left out, the one around the path, or the current one."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; bad input ends it with one sentence and exit code 2."""
    try:
        _run(tyro.cli(Arguments, args=arguments, prog="flux4d-view"))
    except Flux4dError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _run(arguments: Arguments) -> None:
    job = first_job(arguments)
    if isinstance(job, OpenLog):
        print(f"flux4d-view: opening {job.path}", flush=True)
        from flux4d_core.data.choice import LogChoice
        from flux4d_core.data.formats import open_log  # seconds: PyTorch comes along

        open_log(job.path, LogChoice(job.log, job.labels))  # what is no log ends the command here, before any page
    from flux4d_viewer.app import Settings, Viewer
    from flux4d_viewer.server import describe_address, open_browser

    token = arguments.token or os.environ.get("FLUX4D_TOKEN") or None
    shelf = Shelf(Library(root_of(arguments)), arguments.checkpoint, cache_file())
    settings = Settings(
        *(arguments.host, arguments.port, arguments.device, arguments.renderer, arguments.output), token, shelf
    )
    viewer = Viewer(settings)
    for sentence in describe_address(viewer.site):
        print(sentence, flush=True)
    try:
        viewer.start(job)
        if not arguments.no_open:
            open_browser(viewer.site.url)
        viewer.wait()
    except KeyboardInterrupt:
        print("flux4d-view: stopped", flush=True)
    finally:
        if not viewer.stop():
            # Python would wait for ever, or abort, for a thread that is deep in a computation: end without it.
            sys.stdout.flush()
            os._exit(0)


def first_job(arguments: Arguments) -> Job:
    """What to open first. Checks all that can be known without loading anything.

    Raises:
        Flux4dError: a path or number cannot be right.
    """
    if arguments.checkpoint is not None and not arguments.checkpoint.is_file():
        raise CheckpointError(f"{arguments.checkpoint}: expected a weights file (.safetensors), found none")
    if not arguments.output.is_dir():
        raise Flux4dError(f"--output {arguments.output}: expected a folder, found none; make it first")
    if arguments.root is not None and not arguments.root.is_dir():
        raise Flux4dError(f"--root {arguments.root}: expected a folder, found none")
    if not arguments.duration > 0 or not arguments.start >= 0:
        raise LogError(
            f"--start {arguments.start:g} --duration {arguments.duration:g}: expected seconds, the start not negative "
            "and the duration above 0"
        )
    path = arguments.path
    _check_depth(arguments)
    if path is None:
        return OpenDemo(checkpoint=arguments.checkpoint)
    if path.suffix.lower() == ".f4d":
        if not path.is_file():
            raise SceneError(
                f"{path}: expected a saved scene, found {'a folder' if path.is_dir() else 'nothing'} there"
            )
        if not zipfile.is_zipfile(path):
            raise SceneError(f"{path}: not a readable scene file (it is no zip); save it again from the log")
        return OpenSceneFile(path)
    if not path.exists():
        raise LogError(f"{path}: expected a driving log or a saved scene (.f4d), found nothing there; check the path")
    if path.is_dir() and not any(path.iterdir()):
        raise LogError(f"{path}: expected a driving log, found an empty folder")
    return OpenLog(
        *(path, arguments.start, arguments.duration, arguments.cameras, arguments.checkpoint),
        *(arguments.depth, arguments.depth_unit, arguments.depth_model),
        *(arguments.log, arguments.labels, arguments.masks, arguments.stride, arguments.scale),
    )


def root_of(arguments: Arguments) -> Path:
    """The folder that the page may look into."""
    if arguments.root is not None:
        return arguments.root
    return arguments.path.resolve().parent if arguments.path is not None else Path()


def _check_depth(arguments: Arguments) -> None:
    """Refuse depth that is not there, is said twice or goes with nothing."""
    folder, model, path = arguments.depth, arguments.depth_model, arguments.path
    if folder is not None and model is not None:
        raise Flux4dError(f"--depth {folder} --depth-model {model}: expected one of them, found both")
    if folder is not None and not folder.is_dir():
        raise Flux4dError(f"--depth {folder}: expected a folder with depth images, found none")
    if (folder or model) and (path is None or path.suffix.lower() == ".f4d"):
        raise Flux4dError("--depth and --depth-model go with a driving log; name one")


if __name__ == "__main__":
    main()
