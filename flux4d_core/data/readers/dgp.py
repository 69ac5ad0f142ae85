"""DGP, the Dataset Governance Policy layout of Toyota's DDAD: several cameras, one merged LiDAR, boxes.

<scene>/scene_<hash>.json               samples (what belongs together) and data (each image and cloud, with its pose)
<scene>/calibration/<key>.json          names, intrinsics and extrinsics (sensor to vehicle) of all sensors
<scene>/{rgb/<camera>,point_cloud/<lidar>,bounding_box_3d/<lidar>}/...          <scene>/ontology/<hash>.json

The `pose` of a datum takes its sensor's points to the world, at the datum's own time; so a camera's pose is used as
it is, and the vehicle's follows from the LiDAR's. Points carry no times, and nothing says whether the clouds are
de-skewed: they are taken to be, and every point to be of the cloud's own time (on the published test scene, no
de-skewing by azimuth, either way round, makes the map sharper).

Some scenes are stamped in units of 100 ns read as microseconds, which puts them into the 25th century: such stamps
are divided by ten.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.document import Entry, read_document
from flux4d_core.data.files import inside, read_npz
from flux4d_core.data.images import LARGEST_SIDE, read_image
from flux4d_core.data.lens import Brown, brown, is_sane, pinhole
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log, Scan
from flux4d_core.data.poses import invert, pose_from_quat, transform
from flux4d_core.errors import LogError

LOOKS_FOR = "a DGP or DDAD scene (with scene_<hash>.json)"

_SCENE_FILE = re.compile(r"scene_[0-9a-f]{8,}\.json")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEAR_2200_NS = 7_258_118_400 * 1_000_000_000
_BOXES_3D = "1"
_LARGEST_CLOUD = 10_000_000
_UNSUPPORTED_LENS = ("fov", "fisheye", "k4", "k5", "k6", "alpha", "beta", "w", "xi", "equirectangular")


def recognises(path: Path) -> bool:
    """Whether this is a DGP scene, its JSON file, or a folder with scenes in it."""
    return bool(_scenes(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """Names of the scenes at `path`: their folders'."""
    return tuple(_named_scenes(path))


def open_dgp(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one scene: its folder, its scene_<hash>.json, or one of a folder that holds scenes. Raises LogError."""
    no_labels_outside(choice, "a DGP scene")
    scene = _read_scene(pick(path, _named_scenes(path), choice.name, "one DGP scene"))
    cameras = tuple(_camera(scene, name) for name in scene.sensors_with("image"))
    lidars = tuple(_lidar(scene, name) for name in scene.sensors_with("point_cloud"))
    if not cameras and not lidars:
        raise LogError(f"{scene.path}: the scene has neither images nor point clouds")
    carrier = lidars[0].name if lidars else cameras[0].name
    ego_to_global = np.stack([datum.sensor_to_global for datum in scene.data[carrier]])
    boxes, notes = _labels(scene, lidars[0].name) if lidars else ((), ())
    return Log(
        name=scene.path.parent.name,
        format="DGP",
        path=scene.path.parent,
        cameras=cameras,
        lidars=lidars,
        ego_times_ns=scene.times_ns(carrier),
        ego_to_global=ego_to_global @ invert(scene.calibration[carrier].sensor_to_ego),
        labels=boxes,
        notes=(*notes, "The points carry no times of their own; each cloud is taken to be de-skewed to its stamp."),
    )


def _named_scenes(path: Path) -> dict[str, Path]:
    scenes = _scenes(path)
    folders = [scene.parent.name for scene in scenes]
    return {
        scene.parent.name if folders.count(scene.parent.name) == 1 else str(scene.relative_to(path)): scene
        for scene in scenes
    }


def _scenes(path: Path) -> list[Path]:
    """Scene files at `path`, in it, or one or two levels below."""
    try:
        if path.is_file():
            return [path] if _SCENE_FILE.fullmatch(path.name) else []
        for pattern in ("scene_*.json", "*/scene_*.json", "*/*/scene_*.json"):
            found = [file for file in sorted(path.glob(pattern)) if _SCENE_FILE.fullmatch(file.name)]
            if found:
                return found
    except (OSError, ValueError):
        pass
    return []


@dataclass(frozen=True)
class _Calibration:
    """What a calibration file says of one sensor."""

    K: Float64[ndarray, "3 3"]
    lens: Brown | None
    sensor_to_ego: Float64[ndarray, "4 4"]
    source: Path


@dataclass(frozen=True)
class _Datum:
    """One image or one point cloud."""

    time_ns: int
    sensor_to_global: Float64[ndarray, "4 4"]
    kind: str
    content: Entry
    path: Path


@dataclass(frozen=True)
class _Scene:
    path: Path
    data: dict[str, list[_Datum]]
    """By sensor, in order of time."""
    calibration: dict[str, _Calibration]
    classes: dict[int, str]

    def sensors_with(self, kind: str) -> list[str]:
        return [name for name, data in sorted(self.data.items()) if data[0].kind == kind]

    def times_ns(self, sensor: str) -> Int64[ndarray, "data"]:
        return np.array([datum.time_ns for datum in self.data[sensor]], np.int64)


def _read_scene(path: Path) -> _Scene:
    document = read_document(path, "the DGP scene")
    by_key = {datum["key"].text(): datum for datum in document["data"]}
    data: dict[str, list[_Datum]] = defaultdict(list)
    calibration: dict[str, _Calibration] = {}
    for key in dict.fromkeys(sample["calibration_key"].text() for sample in document["samples"]):
        calibration = _read_calibration(inside(path.parent / "calibration", f"{key}.json", path)) | calibration
    for sample in document["samples"]:
        for datum_key in sample["datum_keys"]:
            if datum_key.text() not in by_key:
                raise LogError(f"{path}: {datum_key.place} names a datum that is not in 'data'")
            datum = by_key[datum_key.text()]
            if "image" in datum["datum"] or "point_cloud" in datum["datum"]:
                name = datum["id"]["name"].text()
                data[name].append(_read_datum(path, datum))
                if name not in calibration:
                    raise LogError(f"{path}: the calibration has no sensor {name!r}")
    for name, of_sensor in data.items():
        of_sensor.sort(key=lambda datum: datum.time_ns)
        if any(later.time_ns <= earlier.time_ns for earlier, later in pairwise(of_sensor)):
            raise LogError(f"{path}: {name} has two data of the same time")
    return _Scene(path, dict(data), calibration, _read_classes(document))


def _read_datum(path: Path, datum: Entry) -> _Datum:
    kind = "image" if "image" in datum["datum"] else "point_cloud"
    content = datum["datum"][kind]
    file = inside(path.parent, content["filename"].text(), path)
    return _Datum(_stamp_ns(datum["id"]["timestamp"]), _pose(content["pose"]), kind, content, file)


def _stamp_ns(entry: Entry) -> int:
    """ISO 8601 in UTC, with up to nine digits of a second; stamps far in the future are in the wrong unit."""
    whole, _, fraction = entry.text().removesuffix("Z").partition(".")
    try:
        seconds = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc) - _EPOCH
        time_ns = seconds // timedelta(seconds=1) * 1_000_000_000 + int(f"{fraction[:9]:0<9}")
    except ValueError as problem:
        raise entry.wrong("a time like 2019-06-27T14:30:25.002790Z") from problem
    return time_ns // 10 if time_ns > _YEAR_2200_NS else time_ns


def _pose(entry: Entry) -> Float64[ndarray, "4 4"]:
    """Written by protobuf, which leaves out numbers that are zero."""
    rotation, translation = entry["rotation"], entry["translation"]
    quat = np.array([_number_or_zero(rotation, key) for key in ("qw", "qx", "qy", "qz")])
    try:
        return pose_from_quat(quat, np.array([_number_or_zero(translation, key) for key in "xyz"]))
    except LogError as problem:
        raise LogError(f"{entry.path}: {entry.place}: {problem}") from problem


def _number_or_zero(entry: Entry, key: str) -> float:
    return entry[key].number() if key in entry else 0.0


def _read_calibration(path: Path) -> dict[str, _Calibration]:
    document = read_document(path, "the DGP calibration")
    names = [name.text() for name in document["names"]]
    intrinsics, extrinsics = list(document["intrinsics"]), list(document["extrinsics"])
    if not len(names) == len(intrinsics) == len(extrinsics):
        counts = f"{len(names)} names, {len(intrinsics)} intrinsics and {len(extrinsics)} extrinsics"
        raise LogError(f"{path}: expected one of each for every sensor, found {counts}")
    return {
        name: _Calibration(_K(of_lens), _lens(of_lens), _pose(of_mount), path)
        for name, of_lens, of_mount in zip(names, intrinsics, extrinsics, strict=True)
    }


def _K(entry: Entry) -> Float64[ndarray, "3 3"]:
    """With half a pixel added: DGP's code scales and projects with the first pixel's centre at (0, 0)."""
    fx, fy, cx, cy, skew = (_number_or_zero(entry, key) for key in ("fx", "fy", "cx", "cy", "skew"))
    return np.array([[fx, skew, cx + 0.5], [0.0, fy, cy + 0.5], [0.0, 0.0, 1.0]])


def _lens(entry: Entry) -> Brown | None:
    for key in _UNSUPPORTED_LENS:
        if _number_or_zero(entry, key):
            raise LogError(
                f"{entry.path}: {entry.place}: lenses with '{key}' cannot be undone (only k1, k2, p1, p2, k3)"
            )
    k1, k2, p1, p2, k3 = (_number_or_zero(entry, key) for key in ("k1", "k2", "p1", "p2", "k3"))
    lens = brown(_K(entry), k1, k2, p1, p2, k3)
    if lens is not None and not is_sane(lens):
        raise entry.wrong("a camera with focal lengths above 0")
    return lens


def _camera(scene: _Scene, name: str) -> CameraStream:
    data, calibration = scene.data[name], scene.calibration[name]
    width, height = (data[0].content[key].integer() for key in ("width", "height"))
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise LogError(f"{scene.path}: {name} claims images of {width}x{height} pixels")
    if not is_sane(pinhole(calibration.K)):
        raise LogError(f"{calibration.source}: {name} has no focal length")
    return CameraStream(
        name=name,
        times_ns=scene.times_ns(name),
        camera_to_global=np.stack([datum.sensor_to_global for datum in data]),
        K=calibration.K,
        width=width,
        height=height,
        read_image=lambda i: read_image(data[i].path, width, height),
        lens=calibration.lens,
        names=tuple(datum.path.stem for datum in data),
    )


def _lidar(scene: _Scene, name: str) -> LidarStream:
    data = scene.data[name]
    return LidarStream(
        name=name,
        times_ns=scene.times_ns(name),
        lidar_to_global=np.stack([datum.sensor_to_global for datum in data]),
        read_scan=lambda i: _read_cloud(data[i]),
    )


def _read_cloud(datum: _Datum) -> Scan:
    """X, Y, Z in the LiDAR's frame, and INTENSITY from 0 to 1, in the columns that the datum names."""
    columns = [column.text() for column in datum.content["point_format"]]
    arrays = read_npz(datum.path, "the point cloud")
    table = arrays.get("data", np.zeros(0))
    if table.ndim != 2 or table.shape[1] != len(columns) or table.dtype.kind != "f" or len(table) > _LARGEST_CLOUD:
        raise LogError(f"{datum.path}: expected 'data' with the columns {columns}, found {table.dtype} {table.shape}")
    if not {"X", "Y", "Z"} <= set(columns):
        raise LogError(f"{datum.path}: expected the columns X, Y and Z, found {columns}")
    table = table[np.isfinite(table).all(-1)]
    if not len(table):
        raise LogError(f"{datum.path}: the point cloud is empty")
    points = table[:, [columns.index(axis) for axis in "XYZ"]]
    intensities = table[:, columns.index("INTENSITY")] if "INTENSITY" in columns else np.zeros(len(table))
    return Scan(
        points=transform(datum.sensor_to_global, points),
        times_ns=np.full(len(table), datum.time_ns, np.int64),
        intensities=intensities.clip(0, 1).astype(np.float32),
    )


def _read_classes(document: Entry) -> dict[int, str]:
    """Names of the classes of 3D boxes; their numbers do where the ontology is missing or broken."""
    try:
        key = document["ontologies"][_BOXES_3D].text()
        path = inside(document.path.parent / "ontology", f"{key}.json", document.path)
        items = read_document(path, "the ontology")["items"]
        return {item["id"].integer(): item["name"].text() for item in items if "id" in item and "name" in item}
    except LogError:
        return {}


def _labels(scene: _Scene, lidar: str) -> tuple[tuple[LabelledBoxes, ...], tuple[str, ...]]:
    """The boxes drawn in each of the LiDAR's clouds; a broken file of boxes costs only itself."""
    labels, notes = [], []
    for datum in scene.data[lidar]:
        annotations = datum.content.entries().get("annotations")
        if annotations is None or _BOXES_3D not in annotations:
            continue
        try:
            labels.append(
                _read_boxes(inside(scene.path.parent, annotations[_BOXES_3D].text(), scene.path), scene, datum)
            )
        except LogError as problem:
            notes.append(f"Labels left out: {problem}.")
    return tuple(labels), tuple(notes)


def _read_boxes(path: Path, scene: _Scene, datum: _Datum) -> LabelledBoxes:
    poses, sizes, track_ids, classes = [], [], [], []
    for annotation in read_document(path, "the file of boxes")["annotations"]:
        box = annotation["box"]
        size = [box[key].number() for key in ("length", "width", "height")]
        if min(size) <= 0:
            raise box.wrong("a box with a length, a width and a height")
        poses.append(datum.sensor_to_global @ _pose(box["pose"]))
        sizes.append(size)
        track_ids.append(str(annotation["instance_id"].integer()))
        class_id = annotation["class_id"].integer() if "class_id" in annotation else 0
        classes.append(scene.classes.get(class_id, str(class_id)))
    return LabelledBoxes(
        time_ns=datum.time_ns,
        box_to_global=np.array(poses, np.float64).reshape(-1, 4, 4),
        sizes=np.array(sizes, np.float64).reshape(-1, 3),
        track_ids=tuple(track_ids),
        classes=tuple(classes),
    )
