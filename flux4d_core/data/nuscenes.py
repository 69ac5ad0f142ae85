"""nuScenes: scenes of 20 s with six cameras and one LiDAR, key frames and the sweeps between them.

<root>/v1.0-{mini,trainval,test}/{scene,sample,sample_data,ego_pose,calibrated_sensor,...}.json
      /{samples,sweeps}/<channel>/<log>__<channel>__<microseconds>.{jpg,pcd.bin}

Every image and every sweep has a pose of the car of its own. Poses are of two dimensions: their height is always 0. A
sweep is stamped when its turn of 50 ms is complete, and its points are in the LiDAR's frame at that stamp (x right, y
ahead), the car's motion taken out; its own time is therefore half a turn before the stamp. So is that of the boxes,
which were drawn on the points of a whole turn. Points carry no times: but a file holds the 32 lasers in turn, again and
again, so each 32 points are one direction, and directions are taken to follow each other evenly through the turn, as
NeuRAD does (neurad-studio, nuscenes_dataparser.py). Images are published without lens distortion.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.files import read_bytes
from flux4d_core.data.images import read_image
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.nuscenes_tables import Box, Datum, read_boxes, read_data, scenes_of, table_folders
from flux4d_core.data.poses import covered, interpolate, transform
from flux4d_core.data.stamps import in_order
from flux4d_core.errors import LogError

LOOKS_FOR = "nuScenes (with v1.0-*/sample_data.json)"
TURN_NS = 50_000_000

_LICENCE = "CC BY-NC-SA 4.0"
_READ = ("camera", "lidar")
_LASERS = 32
_LARGEST_SCAN = 64 * 2**20
_FARTHEST_RETURN = 250.0
_ON_THE_CAR = 1.0
"""Returns less than this far (m) ahead and aside are of the car's own roof, as in the devkit's `remove_close`."""
_HOOD_ROWS = 80
"""At the bottom of CAM_BACK, as NeuRAD crops; in scene-0164 something more hangs there."""
_MORE_HOOD_ROWS = {"scene-0164": 146}
_FULL_SIZE = (1600, 900)
_SHORTEST_STEP_NS = 1_000_000


def recognises(path: Path) -> bool:
    """Whether this is the dataset's root, or a folder of its tables."""
    try:
        return bool(table_folders(path))
    except (OSError, ValueError):
        return False


def list_logs(path: Path) -> tuple[str, ...]:
    """Names of all scenes: "scene-0061", ...; raises LogError."""
    return tuple(_found(path))


def open_nuscenes(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one scene of the dataset, called "scene-0061" or "0061"; raises LogError."""
    no_labels_outside(choice, "nuScenes")
    found = _found(path)
    name = f"scene-{choice.name}" if f"scene-{choice.name}" in found else choice.name
    scene = pick(path, {scene: scene for scene in found}, name, "one scene of nuScenes")
    folder, token = found[scene]
    data, samples = read_data(folder.parent, folder, token)
    if not data:
        raise LogError(f"{folder / 'sample_data.json'}: expected images and sweeps of {scene}, found none")
    ego_times_ns, ego_to_global = _track(data)
    streams, notes = _in_order([datum for datum in data if datum.mount.modality in _READ], ego_times_ns)
    cameras = [_camera(scene, own) for own in streams if own[0].mount.K is not None]
    lidars = [_lidar(own, ego_times_ns, ego_to_global) for own in streams if own[0].mount.K is None]
    if not streams:
        raise LogError(f"{folder.parent}: none of the images and sweeps of {scene} are there: {' '.join(notes)}")
    if not (ego_to_global[:, 2, 3] != 0).any():
        notes.append("The car's height is not recorded: slopes are flattened, up and down.")
    if lidars:
        notes.append("The points carry no times of their own; they are spread over the turn in the order of the file.")
    labels, left_out = _labels(folder, samples)
    return Log(
        name=scene,
        format="nuScenes",
        path=folder.parent,
        cameras=tuple(cameras),
        lidars=tuple(lidars),
        ego_times_ns=ego_times_ns,
        ego_to_global=ego_to_global,
        labels=labels,
        notes=(*notes, *left_out, f"Licence: nuScenes is published under {_LICENCE}, for non-commercial use."),
        licence=_LICENCE,
    )


def _found(path: Path) -> dict[str, tuple[Path, str]]:
    """Folder of tables and token of every scene, by name; of a scene in several versions, the first one's."""
    try:
        folders = table_folders(path)
    except (OSError, ValueError) as problem:
        raise LogError(f"{path}: the folder cannot be read ({problem})") from problem
    found: dict[str, tuple[Path, str]] = {}
    for folder in folders:
        # A link or "." has a parent in name only; the files lie beside the folder of tables.
        for name, token in scenes_of(folder).items():
            found.setdefault(name, (folder.resolve(), token))
    return dict(sorted(found.items()))


def _track(data: list[Datum]) -> tuple[Int64[ndarray, "poses"], Float64[ndarray, "poses 4 4"]]:
    """The car's poses, from all sensors."""
    times_ns = np.array([datum.time_ns for datum in data], np.int64)
    kept = in_order(times_ns, _SHORTEST_STEP_NS)
    return times_ns[kept], np.stack([data[i].ego_to_global for i in kept])


def _in_order(data: list[Datum], ego_times_ns: Int64[ndarray, "poses"]) -> tuple[list[list[Datum]], list[str]]:
    """Each sensor's data that are there, in order of time, and notes on those that are left out."""
    by_channel: dict[str, list[Datum]] = defaultdict(list)
    for datum in data:
        by_channel[datum.mount.channel].append(datum)
    streams, notes = [], []
    for channel, own in sorted(by_channel.items()):
        there = [datum for datum in own if datum.path.is_file()]
        if len(there) < len(own):
            notes.append(f"{channel}: {len(own) - len(there)} of {len(own)} files are not in this copy.")
        kept = in_order(np.array([datum.time_ns for datum in there], np.int64))
        if len(kept) < len(there):
            notes.append(f"{channel}: {len(there) - len(kept)} files with the time of another are left out.")
        there = [there[i] for i in kept]
        # A scene may begin with a sweep whose turn began before the first pose.
        known = covered(ego_times_ns, _times_ns(there))
        if not known.all():
            notes.append(f"{channel}: {(~known).sum()} of {len(known)} files have no pose of the car near enough.")
        if known.any():
            streams.append([there[i] for i in np.flatnonzero(known)])
    return streams, notes


def _times_ns(data: list[Datum]) -> Int64[ndarray, "data"]:
    """Of images the stamps, of sweeps the middles of their turns."""
    return np.array([datum.time_ns - (TURN_NS // 2 if datum.mount.K is None else 0) for datum in data], np.int64)


def _camera(scene: str, data: list[Datum]) -> CameraStream:
    mount, width, height = data[0].mount, data[0].width, data[0].height
    K = mount.K
    if K is None or any((datum.width, datum.height) != (width, height) for datum in data):
        raise LogError(f"{data[0].path.parent}: expected images of {width}x{height} pixels, found other sizes too")
    return CameraStream(
        name=mount.channel,
        times_ns=_times_ns(data),
        camera_to_global=np.stack([datum.ego_to_global @ datum.mount.sensor_to_ego for datum in data]),
        K=K,
        width=width,
        height=height,
        read_image=lambda i: read_image(data[i].path, width, height),
        valid=_without_hood(scene, mount.channel, width, height),
        names=tuple(datum.path.stem for datum in data),
    )


def _without_hood(scene: str, channel: str, width: int, height: int) -> Bool[ndarray, "height width"] | None:
    if channel != "CAM_BACK" or (width, height) != _FULL_SIZE:
        return None
    valid = np.ones((height, width), bool)
    valid[-_MORE_HOOD_ROWS.get(scene, _HOOD_ROWS) :] = False
    return valid


def _lidar(
    data: list[Datum], ego_times_ns: Int64[ndarray, "poses"], ego_to_global: Float64[ndarray, "poses 4 4"]
) -> LidarStream:
    times_ns, mounts = _times_ns(data), np.stack([datum.mount.sensor_to_ego for datum in data])
    return LidarStream(
        name=data[0].mount.channel,
        times_ns=times_ns,
        lidar_to_global=interpolate(ego_times_ns, ego_to_global, times_ns) @ mounts,
        read_scan=lambda i: _read_scan(data[i]),
    )


def _read_scan(datum: Datum) -> Scan:
    """x, y, z in the LiDAR's frame, intensity from 0 to 255, and the laser's number."""
    content = read_bytes(datum.path, "the LiDAR sweep", _LARGEST_SCAN)
    if len(content) % 20:
        raise LogError(f"{datum.path}: expected five float32 a point, found {len(content)} bytes")
    returns = np.frombuffer(content, "<f4").reshape(-1, 5)
    with np.errstate(invalid="ignore", over="ignore"):
        sane = (np.abs(returns[:, :3]) < _FARTHEST_RETURN).all(-1) & (returns[:, 3] >= 0) & (returns[:, 3] <= 255)
        far = (np.abs(returns[:, :2]) >= _ON_THE_CAR).any(-1)
    if sane.sum() * 2 < len(returns):
        raise LogError(f"{datum.path}: {(~sane).sum()} of {len(returns)} points are no returns of a Velodyne HDL-32E")
    kept = sane & far
    if not kept.any():
        raise LogError(f"{datum.path}: the sweep has no points but on the car itself")
    points = transform(datum.ego_to_global @ datum.mount.sensor_to_ego, returns[kept, :3])
    fired_ns = datum.time_ns - _before_end_ns(returns[:, 4])[kept]
    return Scan(points, fired_ns, (returns[kept, 3] / 255).astype(np.float32))


def _before_end_ns(lasers: ndarray) -> Int64[ndarray, "points"]:
    """How long before the turn's end each beam fired; half a turn where the lasers do not take turns."""
    if len(lasers) % _LASERS or (lasers != np.arange(len(lasers)) % _LASERS).any():
        return np.full(len(lasers), TURN_NS // 2, np.int64)
    directions = len(lasers) // _LASERS
    before = (directions - np.arange(directions) - 0.5) / directions * TURN_NS
    return np.round(before).astype(np.int64).repeat(_LASERS)


def _labels(folder: Path, samples: dict[str, int]) -> tuple[tuple[LabelledBoxes, ...], tuple[str, ...]]:
    """Boxes of every key frame, each object once; a broken table of boxes costs only itself."""
    by_time: dict[int, dict[str, Box]] = defaultdict(dict)
    try:
        for box in read_boxes(folder, samples):
            by_time[box.time_ns].setdefault(box.track_id, box)
    except LogError as problem:
        return (), (f"Labels left out: {problem}.",)
    labels = []
    for time_ns, boxes in sorted(by_time.items()):
        labels.append(
            LabelledBoxes(
                time_ns=time_ns - TURN_NS // 2,
                box_to_global=np.stack([box.box_to_global for box in boxes.values()]),
                sizes=np.array([box.size for box in boxes.values()]),
                track_ids=tuple(boxes),
                classes=tuple(box.category for box in boxes.values()),
            )
        )
    return tuple(labels), ()
