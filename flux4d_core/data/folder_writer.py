"""Any log, or any clip, written as our own log folder; `folder` says what is in it."""

from __future__ import annotations

import json
import re
import shutil
import uuid
import warnings
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from PIL import Image
from torch import Tensor

from flux4d_core.data.folder import FILE, FORMAT, VERSION
from flux4d_core.data.lens import LENSES
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, LogWarning, Scan
from flux4d_core.data.parallel import read_all
from flux4d_core.data.poses import SECOND_NS, invert, transform
from flux4d_core.data.scans import StoredScan, write_stored_scan
from flux4d_core.errors import LogError
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip
from flux4d_core.writing import put_folder_in_place

_Stream = TypeVar("_Stream", CameraStream, LidarStream)
_Json = dict[str, object]


def write_log(log: Log, folder: Path, report: Report = silent) -> None:
    """Write a log as a flux4d log folder: images as PNG, scans de-skewed as NPZ.

    The folder appears when all is written; if anything fails or `report` cancels, nothing is left behind. Images and
    scans that cannot be read are left out with a `LogWarning`. Raises LogError if the folder exists and is not
    empty, if it cannot be written, or if nothing of the log can be read.
    """
    folder = Path(folder)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise LogError(f"{folder}: exists already and is not an empty folder; choose another name")
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial_folder = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.partial"
        partial_folder.mkdir()
        try:
            _write_into(partial_folder, log, report)
            put_folder_in_place(partial_folder, folder)
        finally:
            shutil.rmtree(partial_folder, ignore_errors=True)
    except (OSError, ValueError) as problem:
        raise LogError(f"{folder}: the log cannot be written ({problem})") from problem


def clip_as_log(clip: Clip) -> Log:
    """A clip (of a log, or simulated) as a log whose global frame is the clip's world; `cut` gives the clip back.

    A camera has one mask in a log: a pixel counts if it is valid in all of its frames. Raises LogError if a camera
    changes its size or its K within the clip, or if a sensor has two images or sweeps at one time.
    """
    names = dict.fromkeys(frame.sensor for frame in clip.frames)
    cameras = tuple(_camera_of_clip(clip, name) for name in names)
    lidars = tuple(_lidar_of_clip(clip, name) for name in dict.fromkeys(sweep.sensor for sweep in clip.sweeps))
    for stream in (*cameras, *lidars):
        if (np.diff(stream.times_ns) <= 0).any():
            raise LogError(f"clip {clip.name}: {stream.name} has two images or sweeps at one time")
    return Log(
        name=clip.name,
        format="flux4d clip",
        path=Path(clip.name),
        cameras=cameras,
        lidars=lidars,
        ego_times_ns=_nanoseconds(clip.ego_times.tolist(), clip.start_ns),
        ego_to_global=clip.ego_to_world.double().cpu().numpy(),
        licence=clip.licence,
    )


def _write_into(folder: Path, log: Log, report: Report) -> None:
    images = _write_all(folder, log.cameras, _write_image, "writing images", report)
    sweeps = _write_all(folder, log.lidars, _write_sweep, "writing sweeps", report)
    cameras = [
        _describe_camera(folder, camera) | {"images": entries}
        for camera, entries in zip(log.cameras, images, strict=True)
        if entries
    ]
    lidars = [
        {"name": lidar.name, "deskewed": True, "sweeps": entries}
        for lidar, entries in zip(log.lidars, sweeps, strict=True)
        if entries
    ]
    if not cameras and not lidars:
        raise LogError(f"{log.path}: the log has no images and no sweeps to write")
    document = {
        "format": FORMAT,
        "version": VERSION,
        "name": log.name,
        **({"licence": log.licence} if log.licence else {}),
        "source": " ".join([f"{log.format}, {log.name}.", *log.notes]),
        "cameras": cameras,
        "lidars": lidars,
        "ego": [
            {"time_ns": int(time_ns), "ego_to_global": pose.tolist()}
            for time_ns, pose in zip(log.ego_times_ns, log.ego_to_global, strict=True)
        ],
        "labels": [_describe_boxes(boxes) for boxes in log.labels],
    }
    (folder / FILE).write_text(json.dumps(document, allow_nan=False, indent=1), encoding="utf-8")


def _write_all(
    folder: Path,
    streams: Sequence[_Stream],
    write_one: Callable[[Path, _Stream, int], _Json],
    stage: str,
    report: Report,
) -> list[list[_Json]]:
    """Write every image or sweep, a list of log.json's entries a stream; what cannot be read is left out, warned of."""
    writers = [partial(write_one, folder, stream, i) for stream in streams for i in range(len(stream.times_ns))]
    outcomes = read_all(writers, stage, report)
    failures = [outcome for outcome in outcomes if isinstance(outcome, LogError)]
    if failures and len(failures) == len(outcomes):
        raise LogError(f"{stage}: none of {len(outcomes)} can be read: {failures[0]}")
    rest = iter(outcomes)
    written = []
    for stream in streams:
        of_stream = list(islice(rest, len(stream.times_ns)))
        broken = [outcome for outcome in of_stream if isinstance(outcome, LogError)]
        if broken:
            sentence = f"{stream.name}: {len(broken)} of {len(of_stream)} left out: {broken[0]}"
            warnings.warn(LogWarning(sentence), stacklevel=4)
        written.append([outcome for outcome in of_stream if not isinstance(outcome, LogError)])
    return written


def _write_image(folder: Path, camera: CameraStream, i: int) -> _Json:
    image = Image.fromarray(camera.read_image(i))
    path = folder / "images" / _file_name(camera.name) / f"{i:06d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, compress_level=3)
    entry: _Json = {
        "file": path.relative_to(folder).as_posix(),
        "time_ns": int(camera.times_ns[i]),
        "camera_to_global": camera.camera_to_global[i].tolist(),
    }
    if camera.camera_to_global_end is not None:
        entry["camera_to_global_end"] = camera.camera_to_global_end[i].tolist()
    valid = None if camera.read_valid is None else camera.read_valid(i)
    if valid is not None:
        mask = folder / "masks" / _file_name(camera.name) / f"{i:06d}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(valid, 255, 0).astype(np.uint8)).save(mask)
        entry["mask"] = mask.relative_to(folder).as_posix()
    return entry


def _write_sweep(folder: Path, lidar: LidarStream, i: int) -> _Json:
    scan, time_ns = lidar.read_scan(i), int(lidar.times_ns[i])
    path = folder / "sweeps" / _file_name(lidar.name) / f"{i:06d}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    in_lidar = transform(invert(lidar.lidar_to_global[i]), scan.points)
    write_stored_scan(path, StoredScan(in_lidar, (scan.times_ns - time_ns) / SECOND_NS, scan.intensities))
    return {
        "file": path.relative_to(folder).as_posix(),
        "time_ns": time_ns,
        "lidar_to_global": lidar.lidar_to_global[i].tolist(),
    }


def _describe_camera(folder: Path, camera: CameraStream) -> _Json:
    entry: _Json = {
        "name": camera.name,
        "width": camera.width,
        "height": camera.height,
        "K": camera.K.tolist(),
    }
    if camera.lens is not None:
        model = next((name for name, kind in LENSES.items() if isinstance(camera.lens, kind)), None)
        if model is None:
            raise LogError(
                f"{folder}: log.json has no words for the lens of {camera.name} ({type(camera.lens).__name__})"
            )
        entry["lens"] = {"model": model, **vars(camera.lens)}
    if camera.valid is not None:
        path = folder / "masks" / f"{_file_name(camera.name)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(camera.valid, 255, 0).astype(np.uint8)).save(path)
        entry["mask"] = path.relative_to(folder).as_posix()
    return entry


def _describe_boxes(boxes: LabelledBoxes) -> _Json:
    described = [
        {"track_id": track_id, "class": kind, "size": size.tolist(), "box_to_global": pose.tolist()}
        for track_id, kind, size, pose in zip(
            boxes.track_ids, boxes.classes, boxes.sizes, boxes.box_to_global, strict=True
        )
    ]
    return {"time_ns": boxes.time_ns, "boxes": described}


def _file_name(sensor: str) -> str:
    """A sensor's name as a folder's; a name with characters that folders should not have gets a number for them."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", sensor)
    return safe if safe == sensor else f"{safe}-{zlib.crc32(sensor.encode()):08x}"


def _camera_of_clip(clip: Clip, name: str) -> CameraStream:
    frames = [frame for frame in clip.frames if frame.sensor == name]
    first = frames[0].camera
    if any((f.camera.width, f.camera.height) != (first.width, first.height) for f in frames) or any(
        not torch.equal(f.camera.K, first.K) for f in frames
    ):
        raise LogError(f"clip {clip.name}: {name} changes its size or its K, which a log cannot say")
    ends = [f.camera.camera_to_world_end for f in frames if f.camera.camera_to_world_end is not None]
    masks = [f.valid.cpu().numpy() for f in frames if f.valid is not None]
    return CameraStream(
        name=name,
        times_ns=_nanoseconds([f.camera.time for f in frames], clip.start_ns),
        camera_to_global=_stack([f.camera.camera_to_world for f in frames]),
        K=first.K.double().cpu().numpy(),
        width=first.width,
        height=first.height,
        read_image=lambda i: frames[i].image.cpu().numpy(),
        camera_to_global_end=_stack(ends) if len(ends) == len(frames) else None,
        valid=np.logical_and.reduce(masks) if masks else None,
    )


def _lidar_of_clip(clip: Clip, name: str) -> LidarStream:
    sweeps = [sweep for sweep in clip.sweeps if sweep.sensor == name]

    def read_scan(i: int) -> Scan:
        sweep = sweeps[i]
        return Scan(
            points=sweep.points.double().cpu().numpy(),
            times_ns=_nanoseconds(sweep.times.double().cpu().numpy(), clip.start_ns),
            intensities=sweep.intensities.cpu().numpy(),
        )

    times_ns = _nanoseconds([sweep.time for sweep in sweeps], clip.start_ns)
    return LidarStream(name, times_ns, _stack([sweep.lidar_to_world for sweep in sweeps]), read_scan)


def _stack(poses: list[Tensor]) -> Float64[ndarray, "poses 4 4"]:
    return torch.stack(poses).double().cpu().numpy()


def _nanoseconds(seconds: list[float] | Float64[ndarray, "times"], start_ns: int) -> Int64[ndarray, "times"]:
    return start_ns + np.round(np.asarray(seconds, np.float64) * SECOND_NS).astype(np.int64)
