"""`flux4d info`, `flux4d convert` and `flux4d simulate`: logs described, converted and made."""

from collections.abc import Sized
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import tyro

from flux4d_core.cli.options import (
    CameraNames,
    Device,
    LogOptions,
    MappingFile,
    OutputFolder,
    PictureFolder,
    WindowOptions,
    check_folder,
    check_number,
    pick_device,
)
from flux4d_core.cli.progress import progress_bar
from flux4d_core.data.describe import describe
from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.data.formats import list_logs
from flux4d_core.data.log import Log, Scan, reference_times
from flux4d_core.data.poses import SECOND_NS
from flux4d_core.data.readers.ros import open as recordings
from flux4d_core.data.readers.ros.topics import describe_topics, save_mapping
from flux4d_core.data.window import Window, cut, trimmed
from flux4d_core.errors import Flux4dError
from flux4d_core.reconstruction.alignment.check import check as check_clip
from flux4d_core.reconstruction.alignment.pictures import write_pictures
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate as simulate_street
from flux4d_core.simulation.storage import write_truth

MAX_SEED = 2**32 - 1


def info(
    source: Annotated[LogOptions, tyro.conf.arg(name="")],
    part: Annotated[WindowOptions, tyro.conf.arg(name="")],
    check: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    output: PictureFolder = None,
    write_mapping: MappingFile = None,
) -> None:
    """Say what a log holds: sensors, rates, duration, speed, what is missing, and what is in a window of it.

    For a dataset of several logs, their names. For a robot recording also its topics, and what they are used for.

    Args:
        source: The log.
        part: The window.
        check: Read the window, and say how well its sensors agree: the map's sharpness, and the error of every sensor
            over offsets of its clock.
        output: Folder for pictures of the LiDAR drawn over the images, one of every camera and one of all.
        write_mapping: Where to write what the topics of a robot recording are taken for, to edit and give back with
            --mapping.
    """
    if output is not None and not check:
        raise Flux4dError("--output: pictures are drawn by --check; give that, too")
    if output is not None:
        check_folder(output, f"--output {output}")
    names = list_logs(source.path)
    if len(names) > 1 and source.log is None:
        print(f"{source.path}: {len(names)} logs; name one with --log:\n" + "\n".join(names))
        return
    if recordings.recognises(source.path):
        # First, for they help where the recording cannot be opened as it is.
        print(describe_topics(source.path, source.choice) + "\n")
        if write_mapping is not None:
            save_mapping(source.path, source.choice, write_mapping)
    elif write_mapping is not None:
        raise Flux4dError(f"--write-mapping: {source.path} is no robot recording, so it has no topics")
    log = source.open()
    summary = describe(log)
    clip = cut(_without_contents(log), part.window)
    given = [f"--start {part.start:g} --duration {part.duration:g}"]
    given += [f"--cameras {' '.join(part.cameras)}"] if part.cameras else []
    given += [f"--stride {part.stride}"] if part.stride != 1 else []
    print(summary)
    print(f"\n{' '.join(given)} takes {_count(clip.sweeps, 'sweep')} and {_count(clip.frames, 'image')}.")
    if check:
        with progress_bar() as report:
            clip = cut(log, part.window, report)
            checked = check_clip(clip, report)
        print(f"\n{checked}")
        if output is not None:
            written = write_pictures(clip, output)
            print(f"\n{output}: the LiDAR over {_count(written[:-1], 'image')}, and {written[-1]} of all")


def convert(
    source: Annotated[LogOptions, tyro.conf.arg(name="")],
    output: OutputFolder,
    start: float = 0.0,
    duration: float | None = None,
    cameras: CameraNames = (),
    stride: int = 1,
    scale: float = 1.0,
) -> None:
    """Write any log as a flux4d log folder: PNG images, de-skewed sweeps, one log.json; all of it or a part.

    Args:
        source: The log.
        output: Folder to write; must not exist yet, or be empty.
        start: Seconds after the log's first sweep.
        duration: Seconds to write; all that follow if left out.
        cameras: Names of the cameras to write.
        stride: Every how manieth sweep to write, with the images nearest to it.
        scale: Size of the images beside the stored ones'.
    """
    check_folder(output.parent, f"--output {output}")
    log = source.open()
    times_ns = reference_times(log)
    rest = (int(times_ns[-1]) - int(times_ns[0])) / SECOND_NS - start
    part = trimmed(log, Window(start, max(rest, 0.0) if duration is None else duration, cameras, stride, scale))
    with progress_bar() as report:
        write_log(part, output, report)
    images = sum(len(camera.times_ns) for camera in part.cameras)
    sweeps = sum(len(lidar.times_ns) for lidar in part.lidars)
    print(f"{output}: {log.name}, {_number(images, 'image')}, {_number(sweeps, 'sweep')}")


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
            replace(camera, read_image=lambda i: image, lens=None, valid=None, read_valid=None)
            for camera in log.cameras
        ),
        lidars=tuple(replace(lidar, read_scan=lambda i: scan) for lidar in log.lidars),
    )


def _count(things: Sized, name: str) -> str:
    return _number(len(things), name)


def _number(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
