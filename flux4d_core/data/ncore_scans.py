"""NCore's scans: rays as the LiDAR measured them, each with a direction, a time and its returns."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.log import Scan
from flux4d_core.data.ncore_poses import WORLD, PoseGraph
from flux4d_core.data.poses import deskew
from flux4d_core.data.zarr_store import Store, read_array
from flux4d_core.errors import LogError

_FARTHEST_RETURN = 10_000.0
_SLACK_US = 1000
_STEP_NS = 1_000_000
_MOST_STEPS = 10_000


def read_scan(store: Store, group: str, frames: Int64[ndarray, "frames 2"], graph: PoseGraph, i: int) -> Scan:
    """All returns of all rays, each placed with the sensor's pose when its ray was measured."""
    place = f"{group}/frames/{frames[i, 1] // 1000}"
    directions = read_array(store, f"{place}/ray_bundle/direction")
    times_us = read_array(store, f"{place}/ray_bundle/timestamp_us")
    distances = read_array(store, f"{place}/ray_bundle_returns/distance_m")
    intensities = read_array(store, f"{place}/ray_bundle_returns/intensity")
    rays = len(times_us)
    shapes = (directions.shape, times_us.shape, distances.shape[1:], intensities.shape[1:])
    if shapes != ((rays, 3), (rays,), (rays,), (rays,)) or len(distances) != len(intensities):
        raise LogError(
            f"{store.path}: {place}: expected directions, times and returns of the same rays, found {shapes}"
        )
    if directions.dtype.kind != "f" or times_us.dtype.kind not in "iu" or distances.dtype.kind != "f":
        raise LogError(f"{store.path}: {place}: expected directions and distances as floats and times as integers")
    returned = np.isfinite(distances) & (distances > 0) & (distances < _FARTHEST_RETURN)
    returned &= (np.abs(np.linalg.norm(directions.astype(np.float64), axis=-1) - 1) < 0.01)[None]
    number, ray = np.nonzero(returned)
    if not len(ray):
        raise LogError(f"{store.path}: {place}: the scan holds no returns")
    start_us, end_us = (frames[i] // 1000).tolist()
    # As floats first: what is no time at all may not fit into nanoseconds.
    about_us = times_us[ray].astype(np.float64)
    if about_us.min() < start_us - _SLACK_US or about_us.max() > end_us + _SLACK_US:
        raise LogError(f"{store.path}: {place}: expected rays between {start_us} and {end_us}, found others")
    fired_ns = times_us[ray].astype(np.int64) * 1000
    points = directions[ray].astype(np.float64) * distances[number, ray][:, None]
    intensity = np.nan_to_num(intensities[number, ray].astype(np.float32)).clip(0, 1)
    return Scan(_placed(points, fired_ns, graph, group.rpartition("/")[2]), fired_ns, intensity)


def _placed(
    points: Float64[ndarray, "points 3"], fired_ns: Int64[ndarray, "points"], graph: PoseGraph, sensor: str
) -> Float64[ndarray, "points 3"]:
    """Points as measured, in the world: poses from the graph at every millisecond, and between these linearly."""
    span = int(fired_ns.max() - fired_ns.min())
    steps = fired_ns.min() + np.arange(0, min(span // _STEP_NS + 2, _MOST_STEPS), dtype=np.int64) * _STEP_NS
    steps = steps[graph.known(sensor, WORLD, steps)]
    return deskew(points, fired_ns, steps, graph.poses(sensor, WORLD, steps))
