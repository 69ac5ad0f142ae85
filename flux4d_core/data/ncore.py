"""NCore V4, NVIDIA's format of component stores: poses, intrinsics, masks, cameras, LiDARs and boxes, each replaceable.

<sequence>.ncore4[-<group>].zarr[.itar]     Zarr stores, folders or tar files with an index; any number a sequence
    poses/<instance>/{static,dynamic}_poses          attributes: "('rig', 'world')" and the like, 4x4 matrices
    intrinsics/<instance>/cameras/<camera>           attributes: the camera model
    masks/<instance>/cameras/<camera>/ego            PNG, not black where the own car is
    cameras/<camera>/frames/<end>/image              JPEG or PNG
    lidars/<lidar>/frames/<end>/{ray_bundle,ray_bundle_returns}/...
    cuboids/<instance>/cuboids                       attributes: boxes, each at a time and in a frame of its own

A frame lasts from a start to an end (microseconds). Images get the pose in the middle of it, and the pose when their
last row is read out. A LiDAR's rays are stored as they were measured, each with its time, so its motion is taken out
here ray by ray. The rig is the ego frame: x forward, y left, z up, on the ground below the rear axle. Boxes are moved
along their tracks to the middle of the LiDAR's turns. Of several instances of a component, the one called "default"
is read, as NVIDIA's own loader does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64, UInt8
from numpy import ndarray

from flux4d_core.data.choice import LogChoice, no_labels_outside, pick
from flux4d_core.data.images import decode_image
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log
from flux4d_core.data.ncore_boxes import boxes_at, read_tracks
from flux4d_core.data.ncore_lens import NcoreCamera, read_camera
from flux4d_core.data.ncore_poses import RIG, WORLD, PoseGraph, read_edges
from flux4d_core.data.ncore_scans import read_scan
from flux4d_core.data.zarr_store import Store, attributes, has_group, open_store, read_blob
from flux4d_core.errors import LogError

LOOKS_FOR = "NCore V4 (with <sequence>.ncore4.zarr.itar or .zarr)"

_STORE = re.compile(r"(?P<sequence>.+)\.ncore4(?:-[^.]*)?\.zarr(?:\.itar)?")
_VERSION = "v4"
_COMPONENT_VERSION = "v1"
_LATEST_US = 2**62 // 1000
_LARGEST_IMAGE = 256 * 2**20


def recognises(path: Path) -> bool:
    """Whether this is an NCore V4 store or the JSON beside it, or a folder with stores in it or one level below."""
    return bool(_sequences(path))


def list_logs(path: Path) -> tuple[str, ...]:
    """Names of the sequences at `path`: what their stores' names begin with."""
    return tuple(_sequences(path))


def open_ncore(path: Path, choice: LogChoice = LogChoice()) -> Log:
    """Open one sequence: any of its stores, or one of the sequences in a folder. Raises LogError."""
    no_labels_outside(choice, "an NCore sequence")
    sequences = {name: (name, stores) for name, stores in _sequences(path).items()}
    name, paths = pick(path, sequences, choice.name, "one NCore sequence")
    sequence, notes = _open_sequence(path, paths)
    graph = _pose_graph(sequence)
    cameras, lidars = [], []
    for sensor in sequence.instances("cameras"):
        stream, left_out = _camera_stream(sequence, sensor, graph)
        cameras += [stream] if stream else []
        notes += left_out
    for sensor in sequence.instances("lidars"):
        stream, left_out = _lidar_stream(sequence, sensor, graph)
        lidars += [stream] if stream else []
        notes += left_out
    if not cameras and not lidars:
        raise LogError(f"{path}: the sequence has neither images nor scans that can be used: {' '.join(notes)}")
    stamps = graph.stamps(RIG, WORLD)
    ego_times_ns = stamps if len(stamps) else (lidars or cameras)[0].times_ns
    reference = (lidars or cameras)[0].times_ns
    boxes, left_out = _labels(sequence, graph, reference)
    return Log(
        name=name.rpartition("/")[2],
        format="NCore V4",
        path=paths[0].parent,
        cameras=tuple(cameras),
        lidars=tuple(lidars),
        ego_times_ns=ego_times_ns,
        ego_to_global=graph.poses(RIG, WORLD, ego_times_ns),
        labels=boxes,
        notes=(*notes, *left_out),
    )


def _sequences(path: Path) -> dict[str, tuple[Path, ...]]:
    """Stores by the sequence that they belong to."""
    try:
        if found := _STORE.fullmatch(path.name):
            return {found["sequence"]: _stores_in(path.parent)[found["sequence"]]} if path.exists() else {}
        if path.suffix == ".json" and path.is_file():
            beside = _stores_in(path.parent)
            return {name: stores for name, stores in beside.items() if path.stem.startswith(name) or len(beside) == 1}
        if stores := _stores_in(path):
            return stores
        below = {}
        for folder in sorted(inner for inner in path.iterdir() if inner.is_dir()):
            for name, stores in _stores_in(folder).items():
                below[name if name not in below else f"{folder.name}/{name}"] = stores
        return below
    except (OSError, ValueError):
        return {}


def _stores_in(folder: Path) -> dict[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {}
    for file in sorted(folder.iterdir()):
        if match := _STORE.fullmatch(file.name):
            found[match["sequence"]] = (*found.get(match["sequence"], ()), file)
    return found


@dataclass(frozen=True)
class _Sequence:
    """The stores of one sequence, and where in them each component is."""

    path: Path
    components: dict[str, dict[str, Store]]
    """By the component's name ("cameras") and its instance's ("camera_front"): the store that holds it."""

    def instances(self, component: str) -> list[str]:
        return sorted(self.components.get(component, {}))

    def chosen(self, component: str) -> tuple[Store, str] | None:
        """The store and the group of a component's default instance, or of its first; None if it has none."""
        instances = self.components.get(component, {})
        if not instances:
            return None
        name = "default" if "default" in instances else min(instances)
        return instances[name], f"{component}/{name}"


def _open_sequence(path: Path, paths: tuple[Path, ...]) -> tuple[_Sequence, list[str]]:
    """Open all stores; one that is broken or of another version is left out with a note."""
    components: dict[str, dict[str, Store]] = {}
    notes = []
    for file in paths:
        try:
            store = open_store(file)
            _check_version(store, "", "version", _VERSION)
        except LogError as problem:
            notes.append(f"{file.name}: left out: {problem}.")
            continue
        for component in store.names(""):
            for instance in store.names(component):
                try:
                    _check_version(store, f"{component}/{instance}", "component_version", _COMPONENT_VERSION)
                except LogError as problem:
                    notes.append(f"{component}/{instance}: left out: {problem}.")
                    continue
                if components.setdefault(component, {}).setdefault(instance, store) is not store:
                    notes.append(f"{component}/{instance}: is in two stores; the one in {file.name} is not read.")
    if not components:
        raise LogError(f"{path}: none of the sequence's {len(paths)} stores can be read: {' '.join(notes)}")
    return _Sequence(path, components), notes


def _check_version(store: Store, group: str, key: str, expected: str) -> None:
    version = attributes(store, group)[key]
    if version.value != expected:
        raise version.wrong(f"version '{expected}'")


def _pose_graph(sequence: _Sequence) -> PoseGraph:
    chosen = sequence.chosen("poses")
    if chosen is None:
        raise LogError(f"{sequence.path}: the sequence has no poses, without which its sensors cannot be placed")
    store, group = chosen
    edges = read_edges(attributes(store, f"{group}/static_poses"), attributes(store, f"{group}/dynamic_poses"))
    return PoseGraph(edges, f"{store.path}: {group}")


def _frames(store: Store, group: str) -> tuple[Int64[ndarray, "frames 2"], list[str]]:
    """Starts and ends of a sensor's frames (ns); those out of order are left out with a note."""
    entry = attributes(store, f"{group}/frames")["frames_timestamps_us"]
    count = len(list(entry))
    stamps = [[end.integer() for end in pair] for pair in entry]
    if not all(len(pair) == 2 and 0 <= pair[0] <= pair[1] < _LATEST_US for pair in stamps):
        raise LogError(f"{entry.path}: {entry.place}: expected a start and an end (microseconds) for every frame")
    frames = np.array(stamps, np.int64).reshape(count, 2) * 1000
    middles = frames.sum(-1) // 2
    in_order = np.ones(count, bool)
    in_order[1:] = middles[1:] > np.maximum.accumulate(middles)[:-1]
    if in_order.sum() * 4 < count * 3:
        raise LogError(
            f"{entry.path}: {entry.place}: expected frames in order of time, found {in_order.sum()} that are"
        )
    notes = [] if in_order.all() else [f"{group}: {(~in_order).sum()} frames are out of order and are left out."]
    return frames[in_order], notes


def _known_frames(
    graph: PoseGraph, group: str, frames: Int64[ndarray, "frames 2"]
) -> tuple[Bool[ndarray, "frames"], list[str]]:
    sensor = group.rpartition("/")[2]
    known = graph.known(sensor, WORLD, frames[:, 0]) & graph.known(sensor, WORLD, frames[:, 1])
    return known, [] if known.all() else [f"{group}: {(~known).sum()} of {len(known)} frames have no pose."]


def _camera_stream(sequence: _Sequence, name: str, graph: PoseGraph) -> tuple[CameraStream | None, list[str]]:
    store, group = sequence.components["cameras"][name], f"cameras/{name}"
    intrinsics = sequence.chosen("intrinsics")
    try:
        if intrinsics is None:
            raise LogError(f"{sequence.path}: the sequence has no intrinsics")
        camera = read_camera(attributes(intrinsics[0], f"{intrinsics[1]}/cameras/{name}"))
        frames, notes = _frames(store, group)
        known, left_out = _known_frames(graph, group, frames)
    except LogError as problem:
        return None, [f"{group}: left out: {problem}."]
    frames = frames[known]
    valid, more = _mask(sequence, name, camera)
    notes += [*left_out, *(f"{name}: {note}." for note in camera.notes), *more]
    if not len(frames):
        return None, [*notes, f"{group}: has no frames that can be used."]
    middles, last_rows = frames.sum(-1) // 2, _last_rows(frames, camera.shutter)
    stream = CameraStream(
        name=name,
        times_ns=middles,
        camera_to_global=graph.poses(name, WORLD, middles),
        K=camera.K,
        width=camera.width,
        height=camera.height,
        read_image=partial(_read_image, store, group, frames, camera),
        lens=camera.lens,
        camera_to_global_end=None if last_rows is None else graph.poses(name, WORLD, last_rows),
        valid=valid,
        names=tuple(str(end // 1000) for end in frames[:, 1].tolist()),
    )
    return stream, notes


def _last_rows(frames: Int64[ndarray, "frames 2"], shutter: str) -> Int64[ndarray, "frames"] | None:
    """When the lowest row is read out; None where all rows are at once, or the image is read column by column."""
    match shutter:
        case "ROLLING_TOP_TO_BOTTOM":
            return frames[:, 1]
        case "ROLLING_BOTTOM_TO_TOP":
            return frames[:, 0]
        case _:
            return None


def _read_image(
    store: Store, group: str, frames: Int64[ndarray, "frames 2"], camera: NcoreCamera, i: int
) -> UInt8[ndarray, "height width 3"]:
    name = f"{group}/frames/{frames[i, 1] // 1000}/image"
    content = read_blob(store, name, _LARGEST_IMAGE)
    return decode_image(content, f"{store.path}: {name}", camera.width, camera.height)


def _mask(
    sequence: _Sequence, name: str, camera: NcoreCamera
) -> tuple[Bool[ndarray, "height width"] | None, list[str]]:
    """False on the own car; a broken mask costs only itself."""
    masks = sequence.chosen("masks")
    if masks is None or not has_group(masks[0], f"{masks[1]}/cameras/{name}/ego"):
        return None, []
    where = f"{masks[1]}/cameras/{name}/ego"
    try:
        content = read_blob(masks[0], where, _LARGEST_IMAGE)
        mask = decode_image(content, f"{masks[0].path}: {where}", camera.width, camera.height)
    except LogError as problem:
        return None, [f"{name}: the mask of the own car is left out: {problem}."]
    return mask.max(-1) == 0, []


def _lidar_stream(sequence: _Sequence, name: str, graph: PoseGraph) -> tuple[LidarStream | None, list[str]]:
    store, group = sequence.components["lidars"][name], f"lidars/{name}"
    try:
        frames, notes = _frames(store, group)
        known, left_out = _known_frames(graph, group, frames)
    except LogError as problem:
        return None, [f"{group}: left out: {problem}."]
    frames = frames[known]
    notes += left_out
    if not len(frames):
        return None, [*notes, f"{group}: has no frames that can be used."]
    middles = frames.sum(-1) // 2
    read = partial(read_scan, store, group, frames, graph)
    return LidarStream(name, middles, graph.poses(name, WORLD, middles), read), notes


def _labels(
    sequence: _Sequence, graph: PoseGraph, reference_ns: Int64[ndarray, "stamps"]
) -> tuple[tuple[LabelledBoxes, ...], list[str]]:
    """The boxes at the reference stamps; a broken component costs only itself."""
    chosen = sequence.chosen("cuboids")
    if chosen is None:
        return (), []
    store, group = chosen
    try:
        tracks, notes = read_tracks(attributes(store, f"{group}/cuboids"), graph)
    except LogError as problem:
        return (), [f"Labels left out: {problem}."]
    return boxes_at(tracks, reference_ns), notes
