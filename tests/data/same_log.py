"""Whether a log that was read is the street that was written, as far as its format can say it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from flux4d_core.data.lens import pinhole
from flux4d_core.data.log import CameraStream, LabelledBoxes, LidarStream, Log
from flux4d_core.data.poses import invert, transform

POSE_METERS = 0.001
POSE_DEGREES = 0.01
PIXELS = 0.05


@dataclass(frozen=True)
class Tolerance:
    """What a format's rounding may cost. None: the format does not say it, so it is not compared."""

    points: float = 0.001
    """Metres between a point read and the same point written."""
    time_ns: int = 1_000_000
    """Of images and sweeps."""
    point_time_ns: int | None = 1_000_000
    """Of single points."""
    intensity: float | None = 0.01
    image: float = 0.0
    """Mean grey levels between images: 0 for PNG, some for JPEG."""
    boxes: float | None = 0.01
    """Metres between centres and between sizes, and degrees between headings."""
    shift_ns: int = 0
    """How much later the format's clock is than the street's."""
    keeps_order: bool = True
    """Whether points come back in the order in which they were written; if not, the nearest one counts."""
    cameras: dict[str, str] = field(default_factory=dict)
    """What the format calls the street's cameras, where it has names of its own."""


def check_same_log(read: Log, street: Log, tolerance: Tolerance = Tolerance()) -> None:
    """Fail, saying what differs. All is seen from the first image's camera: a format may have its own origin.

    Cameras and LiDARs that the format does not hold may be missing in `street`: pass it without them.
    """
    cameras = {camera.name: camera for camera in read.cameras}
    pairs = [(cameras[tolerance.cameras.get(camera.name, camera.name)], camera) for camera in street.cameras]
    assert len(read.cameras) == len(street.cameras), [camera.name for camera in read.cameras]
    assert len(read.lidars) == len(street.lidars), [lidar.name for lidar in read.lidars]
    if pairs:
        from_read, from_street = (invert(camera.camera_to_global[0]) for camera in pairs[0])
    else:
        from_read, from_street = (invert(log.lidars[0].lidar_to_global[0]) for log in (read, street))
    for ours, theirs in pairs:
        _check_camera(ours, theirs, from_read, from_street, tolerance)
        _check_pixels(ours, theirs, from_read, from_street, street)
    for ours, theirs in zip(read.lidars, street.lidars, strict=True):
        _check_lidar(ours, theirs, from_read, from_street, tolerance)
    if tolerance.boxes is not None:
        _check_boxes(read, street, from_read, from_street, tolerance)


def pose_difference(ours: Float64[ndarray, "n 4 4"], theirs: Float64[ndarray, "n 4 4"]) -> tuple[float, float]:
    """The largest distance (m) and angle (degrees) between two lists of poses."""
    between = invert(ours) @ theirs
    sines = np.linalg.norm(between[:, [2, 0, 1], [1, 2, 0]] - between[:, [1, 2, 0], [2, 0, 1]], axis=-1) / 2
    cosines = (np.trace(between[:, :3, :3], axis1=1, axis2=2) - 1) / 2
    angles = np.degrees(np.arctan2(sines, cosines))
    return float(np.linalg.norm(between[:, :3, 3], axis=-1).max()), float(angles.max())


def _check_poses(what: str, ours: Float64[ndarray, "n 4 4"], theirs: Float64[ndarray, "n 4 4"]) -> None:
    meters, degrees = pose_difference(ours, theirs)
    assert meters <= POSE_METERS, f"{what}: {meters * 1000:.2f} mm off"
    assert degrees <= POSE_DEGREES, f"{what}: {degrees:.4f} degrees off"


def _check_times(what: str, ours: ndarray, theirs: ndarray, tolerance: Tolerance) -> None:
    assert len(ours) == len(theirs), f"{what}: {len(ours)} instead of {len(theirs)}"
    off = int(np.abs(ours - theirs - tolerance.shift_ns).max())
    assert off <= tolerance.time_ns, f"{what}: {off / 1e6:.3f} ms off"


def _check_camera(
    ours: CameraStream,
    theirs: CameraStream,
    from_read: Float64[ndarray, "4 4"],
    from_street: Float64[ndarray, "4 4"],
    tolerance: Tolerance,
) -> None:
    _check_times(ours.name, ours.times_ns, theirs.times_ns, tolerance)
    _check_poses(ours.name, from_read @ ours.camera_to_global, from_street @ theirs.camera_to_global)
    assert (ours.width, ours.height) == (theirs.width, theirs.height)
    if theirs.lens is None:
        assert np.abs(ours.K - theirs.K).max() < 1e-3, f"{ours.name}: K is {ours.K}, not {theirs.K}"
    for i in range(len(theirs.times_ns)):
        off = np.abs(ours.read_image(i).astype(float) - theirs.read_image(i)).mean()
        assert off <= tolerance.image, f"{ours.name}: image {i} is {off:.2f} grey levels off"


def _check_pixels(
    ours: CameraStream,
    theirs: CameraStream,
    from_read: Float64[ndarray, "4 4"],
    from_street: Float64[ndarray, "4 4"],
    street: Log,
) -> None:
    """Known points are shown where they should: pixel origins that differ by half a pixel are caught here."""
    for i in range(len(theirs.times_ns)):
        points = transform(from_street, street.lidars[0].read_scan(i).points) if street.lidars else _grid()
        seen = transform(invert(from_street @ theirs.camera_to_global[i]), points)
        expected, valid = (theirs.lens or pinhole(theirs.K)).project(seen)
        inside = valid & (seen[:, 2] > 2) & ((expected > 0) & (expected < (theirs.width, theirs.height))).all(-1)
        assert inside.sum() > 20
        again = transform(invert(from_read @ ours.camera_to_global[i]), points[inside])
        found, _ = (ours.lens or pinhole(ours.K)).project(again)
        off = np.abs(found - expected[inside]).max()
        assert off <= PIXELS, f"{ours.name}: points are {off:.3f} pixels off in image {i}"


def _grid() -> Float64[ndarray, "points 3"]:
    """Points all round the first camera, in its axes: for logs without a LiDAR."""
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    return np.concatenate(
        [np.stack([15 * np.sin(angles), 0 * angles + y, 15 * np.cos(angles)], -1) for y in (-1, 0, 1)]
    )


def _check_lidar(
    ours: LidarStream,
    theirs: LidarStream,
    from_read: Float64[ndarray, "4 4"],
    from_street: Float64[ndarray, "4 4"],
    tolerance: Tolerance,
) -> None:
    _check_times(ours.name, ours.times_ns, theirs.times_ns, tolerance)
    for i in range(len(theirs.times_ns)):
        scan, expected = ours.read_scan(i), theirs.read_scan(i)
        assert len(scan.points) == len(expected.points), f"{len(scan.points)} points instead of {len(expected.points)}"
        points, written = transform(from_read, scan.points), transform(from_street, expected.points)
        order = np.arange(len(points)) if tolerance.keeps_order else _nearest(points, written)
        off = np.linalg.norm(points[order] - written, axis=-1).max()
        assert off <= tolerance.points, f"sweep {i}: a point is {off * 1000:.2f} mm off"
        if tolerance.point_time_ns is not None:
            late = np.abs(scan.times_ns[order] - expected.times_ns - tolerance.shift_ns).max()
            assert late <= tolerance.point_time_ns, f"sweep {i}: a point is {late / 1e6:.3f} ms off"
        if tolerance.intensity is not None:
            bright = np.abs(scan.intensities[order] - expected.intensities).max()
            assert bright <= tolerance.intensity, f"sweep {i}: an intensity is {bright:.3f} off"


def _nearest(points: Float64[ndarray, "n 3"], written: Float64[ndarray, "n 3"]) -> ndarray:
    from scipy.spatial import KDTree

    return np.asarray(KDTree(points).query(written)[1])


def _check_boxes(
    read: Log,
    street: Log,
    from_read: Float64[ndarray, "4 4"],
    from_street: Float64[ndarray, "4 4"],
    tolerance: Tolerance,
) -> None:
    assert tolerance.boxes is not None
    written = {labels.time_ns + tolerance.shift_ns: labels for labels in street.labels if len(labels.track_ids)}
    assert len(read.labels) == len(written), f"{len(read.labels)} labelled instants instead of {len(written)}"
    for labels in read.labels:
        time_ns = min(written, key=lambda stamp: abs(stamp - labels.time_ns))
        assert abs(time_ns - labels.time_ns) <= tolerance.time_ns
        _check_instant(labels, written[time_ns], from_read, from_street, tolerance.boxes)


def _check_instant(
    ours: LabelledBoxes,
    theirs: LabelledBoxes,
    from_read: Float64[ndarray, "4 4"],
    from_street: Float64[ndarray, "4 4"],
    within: float,
) -> None:
    """Each box has its partner, by place; and the same track keeps the same name."""
    assert len(ours.track_ids) == len(theirs.track_ids)
    poses, written = from_read @ ours.box_to_global, from_street @ theirs.box_to_global
    partner = _nearest(poses[:, :3, 3], written[:, :3, 3])
    meters, degrees = pose_difference(poses[partner], written)
    assert meters <= within, f"a box is {meters:.3f} m off"
    assert degrees <= max(within, 0.01), f"a box is {degrees:.3f} degrees off"
    assert np.abs(ours.sizes[partner] - theirs.sizes).max() <= within
