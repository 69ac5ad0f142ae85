"""Any log as NCore V4 stores, after the format's documentation and its tools' source (nvidia-ncore 19.8.3).

Written without those tools: folders of Zarr's format 2, or a tar file of the same files (whose index at the end is
left out: it only saves reading the tar's own headers).
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation

from flux4d_core.data.log import CameraStream, LidarStream, Log
from flux4d_core.data.poses import interpolate, invert

SEQUENCE = "street_0001"
READ_OUT_NS = 10_000_000
"""From the first row of an image to its last."""
HALF_A_TURN_NS = 50_000_000

Files = dict[str, bytes]


def write_ncore(log: Log, root: Path, as_tar: bool = False) -> Path:
    """Four stores of one sequence in `root`: one of the default group, one of each kind of sensor, one of boxes."""
    suffix = ".zarr.itar" if as_tar else ".zarr"
    groups = {"": _basis(log), "-cameras": _cameras(log), "-lidars": _lidars(log), "-cuboids": _cuboids(log)}
    for group, files in groups.items():
        files[".zattrs"] = _json(
            {
                "sequence_id": SEQUENCE,
                "sequence_timestamp_interval_us": {"start": 0, "stop": 2**60},
                "generic_meta_data": {},
                "version": "v4",
                "component_group_name": group.removeprefix("-"),
            }
        )
        _store(root / f"{SEQUENCE}.ncore4{group}{suffix}", files, as_tar)
    return root


def mount_of(log: Log, sensor: CameraStream | LidarStream) -> Float64[ndarray, "4 4"]:
    """Where the sensor is on the car."""
    to_global = sensor.camera_to_global if isinstance(sensor, CameraStream) else sensor.lidar_to_global
    return invert(interpolate(log.ego_times_ns, log.ego_to_global, sensor.times_ns[:1])[0]) @ to_global[0]


def intrinsics_of(camera: CameraStream) -> dict[str, object]:
    """OpenCV's pinhole; as all of NCore's but f-theta, with the first pixel's corner at (0, 0)."""
    parameters = {
        "resolution": [camera.width, camera.height],
        "shutter_type": "ROLLING_TOP_TO_BOTTOM",
        "external_distortion_parameters": None,
        "principal_point": camera.K[:2, 2].tolist(),
        "focal_length": [camera.K[0, 0], camera.K[1, 1]],
        "radial_coeffs": [0.0] * 6,
        "tangential_coeffs": [0.0] * 2,
        "thin_prism_coeffs": [0.0] * 4,
    }
    return {"camera_model_type": "opencv-pinhole", "camera_model_parameters": parameters}


def rays_of(log: Log, i: int) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    """Directions, times (microseconds), distances and intensities of a sweep, as its LiDAR measured them."""
    lidar = log.lidars[0]
    scan = lidar.read_scan(i)
    times_us = np.round(scan.times_ns / 1000).astype(np.int64)
    to_global = interpolate(log.ego_times_ns, log.ego_to_global, times_us * 1000) @ mount_of(log, lidar)
    points = np.einsum("nij,nj->ni", invert(to_global)[:, :3, :3], scan.points - to_global[:, :3, 3])
    distances = np.linalg.norm(points, axis=-1)
    directions = (points / distances[:, None]).astype(np.float32)
    return directions, times_us.astype(np.uint64), distances.astype(np.float32), scan.intensities.astype(np.float32)


def observations_of(log: Log) -> list[dict[str, object]]:
    """Boxes in the rig's frame at the sweep: centre, size, and angles about fixed axes."""
    observations = []
    for labels in log.labels:
        time_us = labels.time_ns // 1000
        rig = interpolate(log.ego_times_ns, log.ego_to_global, np.array([labels.time_ns]))[0]
        for track, kind, box, size in zip(
            labels.track_ids, labels.classes, labels.box_to_global, labels.sizes, strict=True
        ):
            pose = invert(rig) @ box
            angles = Rotation.from_matrix(pose[:3, :3]).as_euler("xyz")
            observations.append(
                {
                    "track_id": track,
                    "class_id": kind,
                    "timestamp_us": time_us,
                    "reference_frame_id": "rig",
                    "reference_frame_timestamp_us": time_us,
                    "bbox3": {"centroid": pose[:3, 3].tolist(), "dim": size.tolist(), "rot": angles.tolist()},
                    "source": "GT_SYNTHETIC",
                    "source_version": None,
                }
            )
    return observations


def frame_stamps(sensor: CameraStream | LidarStream) -> list[list[int]]:
    """Start and end of every frame (microseconds)."""
    half = READ_OUT_NS // 2 if isinstance(sensor, CameraStream) else HALF_A_TURN_NS
    return [[(time - half) // 1000, (time + half) // 1000] for time in sensor.times_ns.tolist()]


def _basis(log: Log) -> Files:
    """Poses (the cameras' the other way round, as a graph may have them), intrinsics, and a mask of the own car."""
    files: Files = {}
    static = {str(("rig", camera.name)): _static(invert(mount_of(log, camera))) for camera in log.cameras}
    static |= {str((lidar.name, "rig")): _static(mount_of(log, lidar)) for lidar in log.lidars}
    stamps = (log.ego_times_ns // 1000).tolist()
    moving = {"poses": log.ego_to_global.tolist(), "timestamps_us": stamps, "dtype": "float64"}
    _group(files, "poses/default", _component("poses", "default"))
    _group(files, "poses/default/static_poses", static)
    _group(files, "poses/default/dynamic_poses", {str(("rig", "world")): moving})
    _group(files, "intrinsics/default", _component("intrinsics", "default"))
    _group(files, "intrinsics/default/lidars", {})
    _group(files, "masks/default", _component("masks", "default"))
    for camera in log.cameras:
        _group(files, f"intrinsics/default/cameras/{camera.name}", intrinsics_of(camera))
        _group(files, f"masks/default/cameras/{camera.name}", {"mask_names": ["ego"]})
        mask = np.zeros((camera.height, camera.width), np.uint8)
        mask[-4:] = 255
        _blob(files, f"masks/default/cameras/{camera.name}/ego", _png(mask))
    return files


def _cameras(log: Log) -> Files:
    files: Files = {}
    for camera in log.cameras:
        frames = f"cameras/{camera.name}/frames"
        _group(files, f"cameras/{camera.name}", _component("cameras", camera.name))
        _group(files, frames, {"frames_timestamps_us": frame_stamps(camera)})
        for i, (_, end) in enumerate(frame_stamps(camera)):
            _group(files, f"{frames}/{end}", {})
            _group(files, f"{frames}/{end}/generic_data", {})
            _blob(files, f"{frames}/{end}/image", _png(camera.read_image(i)))
    return files


def _lidars(log: Log) -> Files:
    files: Files = {}
    lidar = log.lidars[0]
    frames = f"lidars/{lidar.name}/frames"
    _group(files, f"lidars/{lidar.name}", _component("lidars", lidar.name))
    _group(files, frames, {"frames_timestamps_us": frame_stamps(lidar)})
    for i, (_, end) in enumerate(frame_stamps(lidar)):
        directions, times_us, distances, intensities = rays_of(log, i)
        _group(files, f"{frames}/{end}", {})
        _group(files, f"{frames}/{end}/ray_bundle", {"n_rays": len(times_us)})
        _array(files, f"{frames}/{end}/ray_bundle/direction", directions, directions.shape)
        _array(files, f"{frames}/{end}/ray_bundle/timestamp_us", times_us, times_us.shape)
        _group(files, f"{frames}/{end}/ray_bundle_returns", {"n_returns": 2})
        for name, values in (("distance_m", distances), ("intensity", intensities)):
            # A second return that no ray has.
            returns = np.stack([values, np.full_like(values, np.nan)])
            _array(files, f"{frames}/{end}/ray_bundle_returns/{name}", returns, (1, len(values)))
    return files


def _cuboids(log: Log) -> Files:
    files: Files = {}
    _group(files, "cuboids/default", _component("cuboids", "default"))
    _group(files, "cuboids/default/cuboids", {"cuboid_track_observations": observations_of(log)})
    return files


def _static(pose: Float64[ndarray, "4 4"]) -> dict[str, object]:
    return {"pose": pose.tolist(), "dtype": "float64"}


def _component(name: str, instance: str) -> dict[str, object]:
    names = {"component_name": name, "component_instance_name": instance}
    return {**names, "component_version": "v1", "generic_meta_data": {}}


def _group(files: Files, name: str, attributes: Mapping[str, object]) -> None:
    """A group, and those above it."""
    parts = name.split("/")
    for i in range(len(parts) + 1):
        files["/".join([*parts[:i], ".zgroup"])] = _json({"zarr_format": 2})
    files[f"{name}/.zattrs"] = _json(attributes)


def _array(files: Files, name: str, values: ndarray, chunk: tuple[int, ...]) -> None:
    """Chunks along the first side, in Blosc."""
    from numcodecs import Blosc

    compressor = Blosc(cname="lz4", clevel=5, shuffle=Blosc.BITSHUFFLE)
    files[f"{name}/.zarray"] = _layout(values.shape, chunk, values.dtype.str, compressor.get_config())
    for i in range(len(values) // chunk[0]):
        place = ".".join([str(i), *["0"] * (values.ndim - 1)])
        part = np.ascontiguousarray(values[i * chunk[0] : (i + 1) * chunk[0]])
        files[f"{name}/{place}"] = bytes(compressor.encode(part))


def _blob(files: Files, name: str, content: bytes) -> None:
    files[f"{name}/.zarray"] = _layout((), (), f"|S{len(content)}", None)
    files[f"{name}/.zattrs"] = _json({"format": "png"})
    files[f"{name}/0"] = content


def _layout(shape: tuple[int, ...], chunk: tuple[int, ...], dtype: str, compressor: object) -> bytes:
    layout = {"zarr_format": 2, "shape": shape, "chunks": chunk, "dtype": dtype, "compressor": compressor}
    return _json(layout | {"fill_value": None if dtype.startswith("|S") else 0.0, "order": "C", "filters": None})


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _png(image: ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()


def _store(path: Path, files: Files, as_tar: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_tar:
        with tarfile.TarFile(path, "w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
