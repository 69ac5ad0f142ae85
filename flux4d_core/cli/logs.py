"""`flux4d info` and `flux4d simulate`: logs described and made."""

from collections.abc import Sized
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import tyro

from flux4d_core.cli.options import Device, LabelFile, LogChoice, OutputFolder, check_folder, check_number, pick_device
from flux4d_core.cli.progress import progress_bar
from flux4d_core.data.describe import describe
from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log, Scan, cut
from flux4d_core.errors import Flux4dError
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate as simulate_street
from flux4d_core.simulation.storage import write_truth

MAX_SEED = 2**32 - 1


def info(choice: Annotated[LogChoice, tyro.conf.arg(name="")], labels: LabelFile = None) -> None:
    """Say what a log holds: sensors, rates, duration, speed, what is missing, and what is in a window of it.

    Args:
        choice: The log and the window.
        labels: A file of labelled boxes that lies outside the log.
    """
    log = open_log(choice.log, labels)
    summary = describe(log)
    clip = cut(_without_contents(log), choice.window)
    names = [f"--start {choice.start:g} --duration {choice.duration:g}"]
    names += [f"--cameras {' '.join(choice.cameras)}"] if choice.cameras else []
    print(summary)
    print(f"\n{' '.join(names)} takes {_count(clip.sweeps, 'sweep')} and {_count(clip.frames, 'image')}.")


def simulate(
    config: Annotated[SimulationConfig, tyro.conf.arg(name="")],
    output: OutputFolder,
    seed: int = 7,
    device: Device = "auto",
) -> None:
    """Make a street with traffic and save it as a flux4d log folder, with the truth beside it.

    Args:
        config: What is driven, and with which sensors.
        output: Folder to write; must not exist yet, or be empty.
        seed: Number of the street: the same number, the same street.
        device: Where to compute.
    """
    check_number("--seed", seed, 0, MAX_SEED)
    config.check()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise Flux4dError(f"--output {output}: exists already and is not an empty folder; choose another name")
    check_folder(output.parent, f"--output {output}")
    with progress_bar() as report:
        clip, truth = simulate_street(seed, config, pick_device(device), report)
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as unfinished:
            whole = Path(unfinished) / output.name
            write_log(clip_as_log(clip.to("cpu")), whole, report)
            write_truth(truth.to("cpu"), whole)
            whole.replace(output)
    print(f"{output}: street {seed}, {_count(clip.frames, 'image')}, {_count(clip.sweeps, 'sweep')}")


def _without_contents(log: Log) -> Log:
    """The same log with black images of one pixel and empty scans: what a window holds, without reading it."""
    image = np.zeros((1, 1, 3), np.uint8)
    scan = Scan(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.float32))
    return replace(
        log,
        cameras=tuple(
            replace(camera, read_image=lambda i: image, distortion=None, valid=None) for camera in log.cameras
        ),
        lidars=tuple(replace(lidar, read_scan=lambda i: scan) for lidar in log.lidars),
    )


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}" if len(things) == 1 else f"{len(things)} {name}s"
