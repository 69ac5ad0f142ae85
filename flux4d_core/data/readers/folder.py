"""Our own log folder: the format to convert a log of your own to. Read and written here.

    mydrive/
      log.json            everything but pixels and points; described below
      images/...          PNG or JPEG files
      sweeps/...          NPZ or PLY files
      masks/...           PNG files, if needed

log.json (numbers are JSON numbers; times are integers, nanoseconds, on one clock of your choice; poses are 4x4
matrices in row-major order that take points of the first-named frame to the second; lengths are metres):

    {"format": "flux4d log", "version": 1,
     "name": "mydrive",                            optional; by default the folder's name
     "licence": "CC BY 4.0", "source": "...",      optional texts, shown to whoever opens the log; what is made of the
                                                   log carries its licence on
     "cameras": [
       {"name": "front", "width": 1920, "height": 1080,
        "K": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]],          the first pixel's centre is at (0.5, 0.5)
        "distortion": [k1, k2, p1, p2, k3],                  optional; OpenCV's model, undone when a clip is cut
        "lens": {"model": "fisheye", "fx": ..., ...},        optional, instead of "distortion"; see below
        "mask": "masks/front.png",                           optional; black on the own vehicle
        "images": [{"file": "images/front/000000.png", "time_ns": 0, "camera_to_global": [[...], ...],
                    "camera_to_global_end": [[...], ...],    optional: pose when the last row is read out
                    "mask": "masks/front/000000.png"}]}],    optional: black on what is to be left out of this image
     "lidars": [
       {"name": "top", "deskewed": true,
        "sweeps": [{"file": "sweeps/top/000000.npz", "time_ns": 0, "lidar_to_global": [[...], ...]}]}],
     "ego": [{"time_ns": 0, "ego_to_global": [[...], ...]}],
     "labels": [{"time_ns": 0, "boxes": [                    optional; for evaluation and display only
       {"track_id": "7", "class": "car", "size": [length, width, height], "box_to_global": [[...], ...]}]}]}

Frames: cameras x right, y down, z forward; ego and boxes x forward, y left, z up; a box's origin is its centre; the
LiDAR's own axes are free. "global" is any fixed frame (city, UTM, the first pose, ...). Images and sweeps are in order
of time, stamped in the middle of the exposure and of the turn, and each pose holds at its own stamp. Cameras or LiDARs
may be missing, not both. Ego poses must reach to within one of their periods of every clip that is to be cut.

Lenses: "model" is "brown" (fx, fy, cx, cy, k1, k2, p1, p2, k3, k4, k5, k6, skew: OpenCV's), "fisheye" (fx, fy, cx, cy,
k1 to k4: OpenCV's fisheye), "mei" (fx, fy, cx, cy, xi, k1, k2, p1, p2) or "ftheta" (cx, cy, angle_to_radius, max_angle,
c, d, e, f); numbers that are left out are 0. They say how the stored images see, and K is then the pinhole of the
images that clips get; without K it is chosen, at most 110 degrees wide.

Sweeps: `points` (N, 3) in the LiDAR's frame; `times` (N,), optional, when each beam fired, in seconds from the
sweep's time_ns; `intensities` (N,), optional, from 0 to 1. In a PLY file: x, y, z, time, intensity. With
"deskewed": true, points are where the LiDAR's frame *at the sweep's time_ns* sees them, the motion within the turn
already taken out. With false, they are as measured; then `times` are needed, and the turn's motion is taken out by
interpolating the LiDAR's poses.

File names are relative to the folder, and may not lead out of it.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.files import inside
from flux4d_core.data.images import LARGEST_SIDE, read_image, read_mask
from flux4d_core.data.lens import LENSES, Lens, brown, ideal_K, is_sane, pinhole
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import SECOND_NS, deskew, is_rigid, transform
from flux4d_core.data.scans import read_stored_scan
from flux4d_core.errors import LogError

FILE = "log.json"
FORMAT = "flux4d log"
VERSION = 1
LOOKS_FOR = f"a flux4d log folder (with {FILE})"


def recognises(path: Path) -> bool:
    """Whether this is a folder with a log.json, or that file."""
    try:
        return (path / FILE).is_file() or (path.name == FILE and path.is_file())
    except (OSError, ValueError):
        return False


def list_logs(path: Path) -> tuple[str, ...]:
    """A log folder holds one log."""
    return ((path.parent if path.name == FILE else path).resolve().name,)


def open_folder(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open a log folder, checking all that log.json says; raises LogError naming the entry that is wrong."""
    no_labels_outside(choice, "a flux4d log folder")
    pick(path, {name: name for name in list_logs(path)}, choice.name, "a flux4d log")
    folder = path.parent if path.name == FILE and path.is_file() else path
    document = read_document(folder / FILE, "the log's description")
    if "format" not in document or document["format"].value != FORMAT:
        raise LogError(f'{document.path}: expected "format": "{FORMAT}", so this is not a flux4d log')
    if document["version"].integer() != VERSION:
        version = document["version"].integer()
        raise LogError(f"{document.path}: version {version} is not read by this flux4d, which knows version {VERSION}")
    cameras = tuple(_camera(folder, entry) for entry in _optional_list(document, "cameras"))
    lidars = tuple(_lidar(folder, entry) for entry in _optional_list(document, "lidars"))
    names = [stream.name for stream in (*cameras, *lidars)]
    if not names or len(set(names)) < len(names):
        raise LogError(f"{document.path}: expected cameras or lidars with different names, found {names}")
    ego_times_ns = _times(document["ego"])
    return Log(
        name=document["name"].text() if "name" in document else folder.resolve().name,
        format="flux4d folder",
        path=folder,
        cameras=cameras,
        lidars=lidars,
        ego_times_ns=ego_times_ns,
        ego_to_global=_poses(document["ego"], "ego_to_global"),
        labels=tuple(_labels(entry) for entry in _optional_list(document, "labels")),
        notes=tuple(f"{key.capitalize()}: {document[key].text()}" for key in ("licence", "source") if key in document),
        licence=document["licence"].text() if "licence" in document else "",
    )


def _optional_list(document: Entry, key: str) -> list[Entry]:
    return list(document[key]) if key in document else []


def _times(entries: Entry) -> Int64[ndarray, "entries"]:
    """The stamps of a list of images, sweeps or poses, which must be there and increase."""
    times = [entry["time_ns"].integer() for entry in entries]
    if not times:
        raise LogError(f"{entries.path}: {entries.place} is empty")
    for i, (earlier, later) in enumerate(pairwise(times)):
        if later <= earlier:
            where = f"{entries.place}[{i + 1}].time_ns"
            raise LogError(f"{entries.path}: {where}: expected times that increase, found {later} after {earlier}")
    return np.array(times, np.int64)


def _poses(entries: Entry, key: str) -> Float64[ndarray, "entries 4 4"]:
    return np.stack([_pose(entry[key]) for entry in entries])


def _pose(entry: Entry) -> Float64[ndarray, "4 4"]:
    pose = entry.array(4, 4)
    if not is_rigid(pose):
        raise entry.wrong("a rigid pose (a rotation and a shift, last row 0 0 0 1)")
    return pose


def _name(entry: Entry) -> str:
    name = entry["name"].text()
    if not name.strip():
        raise entry["name"].wrong("a name")
    return name


def _camera(folder: Path, entry: Entry) -> CameraStream:
    width, height, images = entry["width"].integer(), entry["height"].integer(), entry["images"]
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise LogError(
            f"{entry.path}: {entry.place}: images have 1 to {LARGEST_SIDE} pixels a side, not {width}x{height}"
        )
    lens = _lens(entry["lens"]) if "lens" in entry else None
    K = ideal_K(lens, width, height) if lens is not None and "K" not in entry else entry["K"].array(3, 3)
    if not (is_sane(pinhole(K)) and K[1, 0] == 0 and (K[2] == (0, 0, 1)).all()):
        raise entry["K"].wrong("a camera matrix [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx and fy above 0")
    files = [inside(folder, image["file"].text(), entry.path) for image in images]
    ends = ["camera_to_global_end" in image for image in images]
    if any(ends) and not all(ends):
        raise LogError(f"{entry.path}: {entry.place}: expected 'camera_to_global_end' for all images or for none")
    mask: Bool[ndarray, "height width"] | None = None
    if "mask" in entry:
        mask = read_mask(inside(folder, entry["mask"].text(), entry.path), width, height)
    if "distortion" in entry:
        if lens is not None:
            raise LogError(f"{entry.path}: {entry.place}: expected 'distortion' or 'lens', found both")
        lens = brown(K, *entry["distortion"].array(5).tolist())
        if lens is not None and not is_sane(lens):
            raise entry["distortion"].wrong("[k1, k2, p1, p2, k3] of a lens")
    masks = [inside(folder, image["mask"].text(), entry.path) if "mask" in image else None for image in images]
    return CameraStream(
        name=_name(entry),
        times_ns=_times(images),
        camera_to_global=_poses(images, "camera_to_global"),
        K=K,
        width=width,
        height=height,
        read_image=lambda i: read_image(files[i], width, height),
        lens=lens,
        camera_to_global_end=_poses(images, "camera_to_global_end") if any(ends) else None,
        valid=mask,
        read_valid=partial(_read_mask_of, masks, width, height) if any(masks) else None,
        names=tuple(file.stem for file in files),
    )


def _read_mask_of(masks: list[Path | None], width: int, height: int, i: int) -> Bool[ndarray, "height width"] | None:
    path = masks[i]
    return None if path is None else read_mask(path, width, height)


def _lens(entry: Entry) -> Lens:
    model = LENSES.get(entry["model"].text())
    if model is None:
        raise entry["model"].wrong(f"one of {', '.join(LENSES)}")
    numbers: dict[str, float | tuple[float, ...]] = {}
    for field in fields(model):
        if field.name in entry:
            value = entry[field.name]
            numbers[field.name] = tuple(e.number() for e in value) if "tuple" in str(field.type) else value.number()
        elif field.default is MISSING:
            raise LogError(f"{entry.path}: {entry.place} lacks '{field.name}'")
    lens = model(**numbers)
    if not is_sane(lens):
        raise entry.wrong("a lens with focal lengths above 0")
    return lens


def _lidar(folder: Path, entry: Entry) -> LidarStream:
    sweeps, deskewed = entry["sweeps"], entry["deskewed"].boolean()
    files = [inside(folder, sweep["file"].text(), entry.path) for sweep in sweeps]
    times_ns, poses = _times(sweeps), _poses(sweeps, "lidar_to_global")

    def read_scan(i: int) -> Scan:
        scan = read_stored_scan(files[i])
        if scan.times is None and not deskewed:
            raise LogError(f"{files[i]}: the log says that scans are not de-skewed, so 'times' are needed")
        delays = np.zeros(len(scan.points)) if scan.times is None else scan.times
        fired_ns = times_ns[i] + np.round(delays * SECOND_NS).astype(np.int64)
        if deskewed:
            return Scan(transform(poses[i], scan.points), fired_ns, scan.intensities)
        return Scan(deskew(scan.points, fired_ns, times_ns, poses), fired_ns, scan.intensities)

    return LidarStream(_name(entry), times_ns, poses, read_scan)


def _labels(entry: Entry) -> LabelledBoxes:
    boxes = list(entry["boxes"])
    sizes = np.array([box["size"].array(3) for box in boxes], np.float64).reshape(-1, 3)
    if (sizes <= 0).any():
        raise LogError(f"{entry.path}: {entry.place}: expected boxes with sizes above 0")
    return LabelledBoxes(
        time_ns=entry["time_ns"].integer(),
        box_to_global=np.array([_pose(box["box_to_global"]) for box in boxes], np.float64).reshape(-1, 4, 4),
        sizes=sizes,
        track_ids=tuple(box["track_id"].text() for box in boxes),
        classes=tuple(box["class"].text() for box in boxes),
    )
