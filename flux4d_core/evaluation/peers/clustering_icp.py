"""Clusters of all sweeps together, matched from sweep to sweep by ICP: after ICP-Flow (Lin and Caesar, CVPR 2024).

The input sweeps, in one world, are fused and clustered without the ground, so that what stands, and the trail of what
moves slowly, is one cluster. From each sweep to the next of its LiDAR, a cluster is first matched with itself; what is
left over is then tried against every other cluster in reach of a vehicle. A match starts from a histogram of
translations and is refined by point-to-point ICP; matches that leave the clusters apart are thrown away.

Clusters come from scikit-learn's DBSCAN, one of the two that the published code offers: over a whole second, HDBSCAN
merges passing cars with parked ones. ICP comes from small_gicp, because trimesh's cannot leave out returns that only
one sweep has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import maximum_filter
from scipy.spatial import KDTree

from flux4d_core.errors import Flux4dError
from flux4d_core.evaluation.peers.returns import Returns, consecutive, upright_returns, with_velocities
from flux4d_core.progress import Report, silent
from flux4d_core.types import Clip, Gaussians, Lifted

LIBRARIES = {"scikit-learn": "sklearn", "small_gicp": "small_gicp"}
"""The optional libraries of this method, and what they are imported as."""
Points = Float[np.ndarray, "P 3"]


@dataclass(frozen=True)
class ClusteringIcpConfig:
    """ICP-Flow's own settings (its published code) but where a comment says otherwise."""

    voxel: float = 0.2
    """Fused returns are thinned to one per voxel of this size (m) before clustering; ours, for speed."""
    touch: float = 0.5
    """Voxels nearer than this belong to one cluster (m); ours: theirs is 0.25 m, for the dense sweeps of 64 beams."""
    fewest: int = 11
    """Returns that a cluster needs in a sweep to be matched there; ours: theirs is 30, and small_gicp wants 11."""
    fastest: float = 33.3
    """Speed limit of the search (m/s): 120 km/h."""
    bin: float = 0.1
    """Side of the histogram's bins (m)."""
    peaks: int = 5
    """Peaks of the histogram that are tried, beside no motion at all."""
    reach: float = 0.1
    """Returns farther apart than this (m) are no correspondence of ICP."""
    error: float = 0.2
    """Largest mean distance of the matched cluster from the other one (m); ours: theirs is 0.1 m, which needs LiDARs
    whose returns lie that dense."""
    overlap: float = 0.1
    """Least share of both clusters' returns that have a partner within `error` after the match."""
    alike: float = 0.1
    """Sides of matched clusters' boxes may differ by this factor at most."""


@dataclass(frozen=True)
class _Match:
    """One cluster of a sweep laid onto one of another."""

    source: int
    target: int
    error: float
    transform: Float[np.ndarray, "4 4"]


def clustering_icp(clip: Clip, lifted: Lifted, config: ClusteringIcpConfig, report: Report = silent) -> Gaussians:
    """The lifted Gaussians with the velocities that clusters and ICP find.

    Raises:
        Flux4dError: scikit-learn or small_gicp is not installed.
        LogError: no LiDAR of the clip has two sweeps with returns above the ground.
    """
    check_libraries()
    returns = upright_returns(clip, lifted)
    pairs = consecutive(clip, returns)
    labels = _clusters(returns, config)
    velocities = [np.full((len(group), 3), np.nan, dtype=np.float32) for group in returns]
    for number, (i, j) in enumerate(pairs):
        report("Matching clusters by ICP", number / len(pairs))
        source = _Sweep.of(returns[i], labels[i], config)
        target = _Sweep.of(returns[j], labels[j], config)
        for match in _matches(source, target, clip.sweeps[j].time - clip.sweeps[i].time, config):
            _note(velocities[i], source, match.source, target.seconds[match.target], match.transform)
            back = np.linalg.inv(match.transform)
            _note(velocities[j], target, match.target, source.seconds[match.source], back, keep=True)
    report("Matching clusters by ICP", 1.0)
    return with_velocities(lifted, returns, [torch.from_numpy(np.nan_to_num(v)) for v in velocities])


def check_libraries() -> None:
    """Refuse early where the optional libraries are missing."""
    missing = [name for name, module in LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise Flux4dError(
            f"clustering_icp: expected {' and '.join(LIBRARIES)}, found no {' and no '.join(missing)}; "
            "install them with: pip install 'flux4d[evaluate]'"
        )


def _clusters(returns: list[Returns], config: ClusteringIcpConfig) -> list[Int[np.ndarray, "P"]]:
    """The number of every return's cluster, the same in all sweeps."""
    from sklearn.cluster import DBSCAN  # the extra "evaluate"

    points = torch.cat([group.points for group in returns]).numpy().astype(np.float64)
    _, voxel = np.unique(np.floor(points / config.voxel).astype(np.int64), axis=0, return_inverse=True)
    counts = np.bincount(voxel)
    centers = np.stack([np.bincount(voxel, points[:, axis]) for axis in range(3)], -1) / counts[:, None]
    labels = DBSCAN(eps=config.touch, min_samples=1).fit_predict(centers)[voxel]
    return np.split(labels, np.cumsum([len(group) for group in returns])[:-1])


@dataclass(frozen=True)
class _Sweep:
    """The clusters of one sweep that are large enough to be matched, by their numbers."""

    rows: dict[int, np.ndarray]
    """Which of the sweep's returns."""
    points: dict[int, Points]
    seconds: dict[int, float]
    """When they were measured, on average."""

    @staticmethod
    def of(returns: Returns, labels: Int[np.ndarray, "P"], config: ClusteringIcpConfig) -> "_Sweep":
        numbers, counts = np.unique(labels, return_counts=True)
        chosen = [int(n) for n in numbers[counts >= config.fewest]]
        rows = {n: np.flatnonzero(labels == n) for n in chosen}
        points, times = returns.points.numpy().astype(np.float64), returns.times.numpy()
        return _Sweep(
            rows, {n: points[r] for n, r in rows.items()}, {n: float(times[r].mean()) for n, r in rows.items()}
        )


def _note(
    velocities: np.ndarray, sweep: _Sweep, number: int, until: float, transform: np.ndarray, keep: bool = False
) -> None:
    """Write the velocities that carry a cluster to where it is at `until`; `keep` what is there already."""
    seconds = until - sweep.seconds[number]
    if abs(seconds) < 1e-3:
        return
    points, rows = sweep.points[number], sweep.rows[number]
    if keep:
        unknown = np.isnan(velocities[rows, 0])
        points, rows = points[unknown], rows[unknown]
    velocities[rows] = (points @ transform[:3, :3].T + transform[:3, 3] - points) / seconds


def _matches(source: _Sweep, target: _Sweep, seconds: float, config: ClusteringIcpConfig) -> Iterator[_Match]:
    """First every cluster with itself, then what is left over with each other; a cluster is matched once."""
    limit = config.fastest * abs(seconds)
    itself = [(n, n) for n in source.points if n in target.points]
    done = list(_best(itself, source, target, limit, config))
    yield from done
    left = [n for n in source.points if n not in {match.source for match in done}]
    free = [n for n in target.points if n not in {match.target for match in done}]
    yield from _best([(a, b) for a in left for b in free], source, target, limit, config)


def _best(
    pairs: list[tuple[int, int]], source: _Sweep, target: _Sweep, limit: float, config: ClusteringIcpConfig
) -> Iterator[_Match]:
    """The matches that hold among the pairs, the closest first; a cluster is matched once."""
    found = []
    for a, b in pairs:
        if _plausible(source.points[a], target.points[b], limit, config):
            transform = _register(source.points[a], target.points[b], limit, config)
            error = _error(source.points[a], target.points[b], transform, limit, config)
            if error is not None:
                found.append(_Match(a, b, error, transform))
    used: tuple[set[int], set[int]] = (set(), set())
    for match in sorted(found, key=lambda m: m.error):
        if match.source not in used[0] and match.target not in used[1]:
            used[0].add(match.source)
            used[1].add(match.target)
            yield match


def _plausible(a: Points, b: Points, limit: float, config: ClusteringIcpConfig) -> bool:
    """Near enough for the speed limit, and of a similar shape."""
    if np.linalg.norm((b.mean(0) - a.mean(0))[:2]) > limit:
        return False
    sides = np.stack([np.ptp(a, axis=0), np.ptp(b, axis=0)])
    return bool((sides.min(0) >= config.alike * sides.max(0)).all())


def _register(a: Points, b: Points, limit: float, config: ClusteringIcpConfig) -> Float[np.ndarray, "4 4"]:
    """The rigid motion that lays one cluster onto the other, always the smaller onto the larger."""
    if len(a) > len(b):
        return np.linalg.inv(_register(b, a, limit, config))
    import small_gicp  # the extra "evaluate"

    middle = a.mean(0)  # ICP turns about the origin
    a, b = a - middle, b - middle
    start = np.eye(4)
    start[:3, 3] = _translation(a, b, limit, config)
    result = small_gicp.align(
        small_gicp.PointCloud(b),
        small_gicp.PointCloud(a),
        init_T_target_source=start,
        registration_type="ICP",
        max_correspondence_distance=config.reach,
        max_iterations=100,
    )
    tree, refined = KDTree(b), np.array(result.T_target_source)
    better = np.isfinite(refined).all() and _distance(tree, a, refined) < _distance(tree, a, start)
    chosen = refined if better else start
    back, there = np.eye(4), np.eye(4)
    back[:3, 3], there[:3, 3] = middle, -middle
    return back @ chosen @ there


def _translation(a: Points, b: Points, limit: float, config: ClusteringIcpConfig) -> Float[np.ndarray, "3"]:
    """The translation that most pairs of returns agree on, or none at all if that fits better."""
    few_a, few_b = a[:: 1 + len(a) // 400], b[:: 1 + len(b) // 400]
    differences = (few_b[None] - few_a[:, None]).reshape(-1, 3)
    differences = differences[np.abs(differences[:, 2]) < 1.5 * config.bin]  # things keep their height
    edges = np.arange(-limit - config.bin / 2, limit + config.bin, config.bin)
    votes = np.histogram2d(differences[:, 0], differences[:, 1], bins=(edges, edges))[0]
    is_peak = (votes == maximum_filter(votes, size=11)) & (votes > 0)
    peaks = np.argwhere(is_peak)[np.argsort(-votes[is_peak], kind="stable")[: config.peaks]]
    tried = np.zeros((len(peaks) + 1, 3))
    tried[1:, :2] = (edges[peaks] + config.bin / 2).reshape(-1, 2)
    tree_a, tree_b = KDTree(few_a), KDTree(few_b)
    errors = [min(tree_b.query(few_a + t)[0].mean(), tree_a.query(few_b - t)[0].mean()) for t in tried]
    return tried[int(np.argmin(errors))]


def _distance(tree: KDTree, points: Points, transform: Float[np.ndarray, "4 4"]) -> float:
    return float(tree.query(points @ transform[:3, :3].T + transform[:3, 3])[0].mean())


def _error(
    a: Points, b: Points, transform: Float[np.ndarray, "4 4"], limit: float, config: ClusteringIcpConfig
) -> float | None:
    """Mean distance between matched clusters, the smaller of both ways; None if the match does not hold."""
    moved = a @ transform[:3, :3].T + transform[:3, 3]
    if np.linalg.norm(moved.mean(0) - a.mean(0)) > limit:
        return None
    there, back = KDTree(b).query(moved)[0], KDTree(moved).query(b)[0]
    inliers = np.array([(there < config.error).sum(), (back < config.error).sum()])
    union = len(a) + len(b) - inliers[::-1]
    error = float(min(there.mean(), back.mean()))
    return error if (inliers / union).min() >= config.overlap and error < config.error else None
