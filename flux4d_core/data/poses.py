"""Rigid poses over time, in float64 and nanoseconds: built, inverted, interpolated.

A log's global frame may be a city's or a country's: at 4,000,000 m float32 holds 0.25 m, float64 a nanometre.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from scipy.spatial.transform import Rotation, Slerp

from flux4d_core.errors import LogError

SECOND_NS = 1_000_000_000
FARTHEST = 1e8
"""Metres; no coordinate of a car on Earth is larger."""
_LONE_POSE_HOLDS_NS = SECOND_NS // 10
_LONGEST_GAP_NS = SECOND_NS
_TICK_NS = 10_000


def pose_from_quat(quat: Float[ndarray, "4"], translation: Float[ndarray, "3"]) -> Float64[ndarray, "4 4"]:
    """The pose that turns by `quat` (w first, need not be normalised) and then shifts by `translation`.

    Raises LogError for a quaternion or a translation that is absurd: not finite, zero, or beyond `FARTHEST`.
    """
    quat, translation = np.asarray(quat, np.float64), np.asarray(translation, np.float64)
    if not (1e-6 < np.abs(quat).max() < 1e6 and (np.abs(translation) < FARTHEST).all()):
        raise LogError(f"expected a pose, found quaternion {quat.tolist()} and translation {translation.tolist()}")
    return pose_from_rotation(Rotation.from_quat(np.roll(quat, -1)).as_matrix(), translation)


def pose_from_rotation(rotation: Float[ndarray, "3 3"], translation: Float[ndarray, "3"]) -> Float64[ndarray, "4 4"]:
    """The pose that turns by `rotation` and then shifts by `translation`."""
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = translation
    return pose


def nearest_rigid(pose: Float[ndarray, "4 4"]) -> Float64[ndarray, "4 4"]:
    """The rigid pose nearest to one written with few digits (float64 rounding is all that is left of it)."""
    return pose_from_rotation(Rotation.from_matrix(pose[:3, :3]).as_matrix(), pose[:3, 3])


def is_rigid(pose: Float[ndarray, "*batch 4 4"], tolerance: float = 1e-3) -> bool:
    """Whether every pose is a rotation (not a mirror, no scale) and a shift of less than `FARTHEST`."""
    if not (np.isfinite(pose).all() and (np.abs(pose[..., :3, 3]) < FARTHEST).all()):
        return False
    rotation = pose[..., :3, :3]
    orthonormal = np.abs(rotation @ np.swapaxes(rotation, -1, -2) - np.eye(3)).max(initial=0.0) < tolerance
    last_row = np.abs(pose[..., 3, :] - np.array([0.0, 0.0, 0.0, 1.0])).max(initial=0.0) < 1e-9
    return bool(orthonormal and last_row and (np.linalg.det(rotation) > 0).all())


def invert(pose: Float[ndarray, "*batch 4 4"]) -> Float64[ndarray, "*batch 4 4"]:
    """The inverse of rigid poses."""
    rotation = np.swapaxes(pose[..., :3, :3], -1, -2)
    inverse = np.zeros_like(pose, dtype=np.float64)
    inverse[..., :3, :3] = rotation
    inverse[..., :3, 3] = -(rotation @ pose[..., :3, 3:])[..., 0]
    inverse[..., 3, 3] = 1
    return inverse


def transform(pose: Float[ndarray, "4 4"], points: Float[ndarray, "points 3"]) -> Float64[ndarray, "points 3"]:
    """Points of the pose's first frame, in its second."""
    return points.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]


def typical_period_ns(times_ns: Int64[ndarray, "times"]) -> int:
    """The median step between stamps; 0.1 s where there is only one."""
    return int(np.median(np.diff(times_ns))) if len(times_ns) > 1 else _LONE_POSE_HOLDS_NS


def covered(times_ns: Int64[ndarray, "poses"], at_ns: Int64[ndarray, "at"]) -> Bool[ndarray, "at"]:
    """Where poses with these stamps can be interpolated: not in a gap of more than a second (or five periods), and
    at most one period beyond either end.
    """
    period = typical_period_ns(times_ns)
    inside = (at_ns >= times_ns[0] - period) & (at_ns <= times_ns[-1] + period)
    if len(times_ns) == 1:
        return inside
    before = np.clip(np.searchsorted(times_ns, at_ns, side="right") - 1, 0, len(times_ns) - 2)
    between = (at_ns > times_ns[before]) & (at_ns < times_ns[-1])
    in_gap = between & (np.diff(times_ns)[before] > max(_LONGEST_GAP_NS, 5 * period))
    return inside & ~in_gap


def interpolate(
    times_ns: Int64[ndarray, "poses"], poses: Float64[ndarray, "poses 4 4"], at_ns: Int64[ndarray, "at"]
) -> Float64[ndarray, "at 4 4"]:
    """Poses at other times: positions linear, rotations along the shortest arc (slerp).

    Up to one typical period beyond either end the first or last motion goes on at constant speed; a single pose
    holds for 0.1 s. Raises LogError further out, and in gaps (`covered`).
    """
    at_ns = np.asarray(at_ns, np.int64)
    inside = covered(times_ns, at_ns)
    if not inside.all():
        worst = (at_ns[~inside][0] - times_ns[0]) / SECOND_NS
        span = (times_ns[-1] - times_ns[0]) / SECOND_NS
        raise LogError(f"no pose is known {worst:.3f} s after the first one; the poses cover 0 to {span:.3f} s")
    if len(times_ns) == 1:
        return np.repeat(poses, len(at_ns), axis=0)
    times_ns, poses = _extended(times_ns, poses)
    seconds = (times_ns - times_ns[0]) / SECOND_NS
    at = np.clip((at_ns - times_ns[0]) / SECOND_NS, 0.0, seconds[-1])
    result = np.zeros((len(at), 4, 4))
    result[:, :3, :3] = Slerp(seconds, Rotation.from_matrix(poses[:, :3, :3]))(at).as_matrix()
    # Positions are interpolated from the first pose on, so that large coordinates cost no digits.
    origin = poses[0, :3, 3]
    for axis in range(3):
        result[:, axis, 3] = np.interp(at, seconds, poses[:, axis, 3] - origin[axis]) + origin[axis]
    result[:, 3, 3] = 1
    return result


def _extended(
    times_ns: Int64[ndarray, "poses"], poses: Float64[ndarray, "poses 4 4"]
) -> tuple[Int64[ndarray, "more"], Float64[ndarray, "more 4 4"]]:
    """The same track with one more pose a typical period before its start and after its end, at constant motion."""
    period = typical_period_ns(times_ns)

    def beyond(inner: int, end: int) -> Float64[ndarray, "4 4"]:
        share = period / abs(int(times_ns[end]) - int(times_ns[inner]))
        turn = Rotation.from_matrix(poses[inner, :3, :3].T @ poses[end, :3, :3]).as_rotvec() * share
        rotation = poses[end, :3, :3] @ Rotation.from_rotvec(turn).as_matrix()
        return pose_from_rotation(rotation, poses[end, :3, 3] + (poses[end, :3, 3] - poses[inner, :3, 3]) * share)

    return (
        np.concatenate([[times_ns[0] - period], times_ns, [times_ns[-1] + period]]),
        np.concatenate([beyond(1, 0)[None], poses, beyond(-2, -1)[None]]),
    )


def deskew(
    points: Float[ndarray, "points 3"],
    fired_ns: Int64[ndarray, "points"],
    times_ns: Int64[ndarray, "poses"],
    sensor_to_global: Float64[ndarray, "poses 4 4"],
) -> Float64[ndarray, "points 3"]:
    """Points measured by a moving sensor, each placed with the sensor's pose when its own beam fired.

    Times are rounded to 10 microseconds, in which a car at 50 m/s moves half a millimetre. Raises LogError where
    the pose is not known.
    """
    ticks = (fired_ns - fired_ns.min()) // _TICK_NS
    distinct = np.unique(ticks)
    poses = interpolate(times_ns, sensor_to_global, distinct * _TICK_NS + fired_ns.min() + _TICK_NS // 2)
    which = np.searchsorted(distinct, ticks)
    result = np.empty((len(points), 3))
    for axis in range(3):
        rotation, shift = poses[:, axis, :3][which], poses[:, axis, 3][which]
        result[:, axis] = (rotation * points).sum(-1) + shift
    return result
