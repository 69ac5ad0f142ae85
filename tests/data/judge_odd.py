"""What a user is told of a log, and whether the clip that he gets is the log that was written."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.spatial import KDTree

from flux4d_core.data.describe import describe
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import boxes_in_clip
from flux4d_core.data.log import Log
from flux4d_core.data.poses import SECOND_NS, invert, transform
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.types import Clip, Frame

GREY_LEVELS = 8.0
"""Between an image and itself as a JPEG; the street's next image is further off."""
METRES = 0.15
"""Half precision a hundred metres away."""
SECONDS = 0.03


@dataclass(frozen=True)
class Told:
    """A clip with remarks, or one sentence."""

    clip: Clip | None
    remarks: frozenset[str]
    """Notes and warnings, without the folder that the log lies in."""
    sentence: str = ""


def told(path: Path, duration: float = 0.5) -> Told:
    """Open, describe, cut and look at the labels; anything but LogError gets out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            log = open_log(path)
            assert str(describe(log))
            clip = cut(log, Window(duration=duration))
            boxes_in_clip(log, clip.start_ns)
        except LogError as problem:
            assert "\n" not in str(problem) and len(str(problem)) > 20, str(problem)
            return Told(None, frozenset(), str(problem))
    # A warning of NumPy's is no sentence for a user: somewhere a number went wrong.
    foreign = [warning for warning in caught if warning.category is RuntimeWarning]
    assert not foreign, f"{foreign[0].filename}: {foreign[0].message}"
    remarks = [*log.notes, *(str(warning.message) for warning in caught)]
    return Told(clip, frozenset(remark.replace(str(path.parent), "") for remark in remarks))


def wrong(outcome: Told, whole: Told, log: Log, street: Log) -> list[str]:
    """What is not as in the `log` that was written and not said either; `whole` is read of the sane `street`."""
    clip, usual = outcome.clip, whole.clip
    assert clip is not None and usual is not None
    found = _unsound(clip)
    if found:
        return found
    if not outcome.remarks - whole.remarks:
        found = _missing(clip, usual, log, street)
    # Three images of each camera: a mistake about times or poses shows in more than one.
    return found + [sentence for frame in clip.frames[:9] if (sentence := _misplaced(frame, clip, usual, street))]


def _unsound(clip: Clip) -> list[str]:
    tensors = [clip.ego_to_world, clip.ego_times]
    tensors += [tensor for sweep in clip.sweeps for tensor in (sweep.points, sweep.times, sweep.intensities)]
    tensors += [sweep.lidar_to_world for sweep in clip.sweeps]
    tensors += [tensor for frame in clip.frames for tensor in (frame.camera.camera_to_world, frame.camera.K)]
    found = [] if all(bool(tensor.isfinite().all()) for tensor in tensors) else ["numbers that are not finite"]
    if any(float(frame.camera.K[i, i]) <= 0 for frame in clip.frames for i in (0, 1)):
        found.append("a camera without a focal length")
    for streams in ([*clip.sweeps], [*clip.frames]):
        stamps: dict[str, list[float]] = {}
        for item in streams:
            stamps.setdefault(item.sensor, []).append(item.camera.time if isinstance(item, Frame) else item.time)
        if any((np.diff(times) <= 0).any() for times in stamps.values()):
            found.append("stamps that do not increase")
    return found


def _missing(clip: Clip, usual: Clip, log: Log, street: Log) -> list[str]:
    """Compared by size: formats give cameras names of their own, and the street's all differ in size."""
    sizes = {(frame.camera.width, frame.camera.height) for frame in usual.frames}
    images = sum(len(set(c.times_ns.tolist())) for c in log.cameras if (c.width, c.height) in sizes)
    found = [f"{len(clip.frames)} of {images} images"] if len(clip.frames) < images else []
    sweeps = len(set(log.lidars[0].times_ns.tolist())) if log.lidars else 0
    if len(clip.sweeps) < sweeps:
        found.append(f"{len(clip.sweeps)} of {sweeps} sweeps")
    read, points = (sum(len(sweep.points) for sweep in of.sweeps) for of in (clip, usual))
    expected = points * _points(log) / _points(street)
    if len(street.lidars[0].times_ns) == 1:  # one cloud, seen at every moment
        expected *= len(clip.sweeps) / len(usual.sweeps)
    if log.lidars and read < 0.97 * expected:
        found.append(f"{read} of {expected:.0f} points")
    times = [sweep.time for sweep in clip.sweeps] or [frame.camera.time for frame in clip.frames]
    if clip.ego_times[-1] < max(times) - 0.11 or clip.ego_times[0] > min(times) + 0.11:
        found.append(f"poses from {float(clip.ego_times[0]):.2f} to {float(clip.ego_times[-1]):.2f} s")
    return found


def _points(log: Log) -> int:
    """All that have a place, in sweeps of different times."""
    counts = {
        int(time): int(np.isfinite(lidar.read_scan(i).points).all(-1).sum())
        for lidar in log.lidars[:1]
        for i, time in enumerate(lidar.times_ns)
    }
    return sum(counts.values())


def _misplaced(frame: Frame, clip: Clip, usual: Clip, street: Log) -> str:
    """Whether the image is one of the sane log's, and its camera sees the nearest sweep where that one did."""
    size = (frame.camera.width, frame.camera.height)
    camera = next(camera for camera in street.cameras if (camera.width, camera.height) == size)
    image = frame.image.short()
    known = [other for other in usual.frames if (other.camera.width, other.camera.height) == size]
    off = [float((image - other.image.short()).abs().float().mean()) for other in known]
    k = int(np.argmin(off))
    if off[k] > GREY_LEVELS:
        return f"{frame.sensor} at {frame.camera.time:.3f} s: an image that nobody wrote"
    if not clip.sweeps:
        return ""
    sweep = min(clip.sweeps, key=lambda sweep: abs(sweep.time - frame.camera.time))
    seen = transform(invert(frame.camera.camera_to_world.double().numpy()), sweep.points.double().numpy())
    lidar = street.lidars[0]
    scans = [lidar.read_scan(j).points for j in range(len(lidar.times_ns))]
    apart = np.array([_apart(seen, transform(invert(camera.camera_to_global[k]), points)) for points in scans])
    j = int(np.argmin(apart))
    if apart[j] > METRES:
        return f"{frame.sensor} at {frame.camera.time:.3f} s: sees its sweep {apart[j]:.2f} m off"
    later = (int(camera.times_ns[k]) - int(lidar.times_ns[j])) / SECOND_NS
    if len(scans) > 1 and abs(later - (frame.camera.time - sweep.time)) > SECONDS:
        return f"{frame.sensor} at {frame.camera.time:.3f} s: should be {later:.3f} s after its sweep"
    return ""


def _apart(seen: Float64[ndarray, "n 3"], written: Float64[ndarray, "m 3"]) -> float:
    """Metres from a point read to the nearest one written, in the middle of all."""
    written = written[np.isfinite(written).all(-1)]
    seen = seen[:: max(1, len(seen) // 200)]
    return float(np.median(KDTree(written).query(seen)[0])) if len(written) and len(seen) else np.inf
