"""Pictures with poses and nothing else, as structure from motion and NeRF tools leave them, made into a log.

Such folders know no vehicle, mostly no times, no metres, and one cloud of points for all of them. What a log needs
is filled in as follows, and its notes say so:

* Cameras. Images of one folder, one lens and one size are one camera's. Where they have the same time, the first in
  the order of their names is one camera's, the second another's.
* Times. Seconds if the images have them; shares of the recording (as in D-NeRF's files) if they go from exactly 0 to
  1, or follow each other faster than 60 a second: then moments follow at 10 Hz. Without times, images follow in the
  order of their names at 10 Hz; if folders hold files of the same name without suffix, those share a moment.
* The vehicle. Its position is that of the camera which looks most along its own way; up is the world's z where the
  cameras stand upright in it within 30 degrees, else the cameras' mean up; forward is where that camera looks.
* The points. What they show stands still, so every moment sees all of them: they become one LiDAR with one sweep a
  moment. Each image then has a sweep at its time, in whatever window is cut. A cloud of more than 200 000 points is
  dealt out in turn, so that neighbouring sweeps hold different ones.
* The scale. One unit of the poses is taken for one metre.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from flux4d_core.data.images import LARGEST_SIDE, read_image, read_mask
from flux4d_core.data.lens import Brown, Fisheye, camera_matrix, ideal_K
from flux4d_core.data.log import CameraStream, LidarStream, Log, Scan
from flux4d_core.data.posed_vehicle import vehicle_poses
from flux4d_core.data.poses import SECOND_NS
from flux4d_core.errors import LogError

PERIOD_NS = SECOND_NS // 10
"""Between moments whose times are unknown."""
_FASTEST = 60.0
"""Moments a second; times that are denser are no seconds."""
_SHORTEST = 1e-3
_LATEST = 9e9
"""Seconds; no clock that counts from 1970 shows more before the year 2255."""
_LARGEST_NUMBER = 1e6
_ONE_MOMENT_NS = SECOND_NS // 20
_POINTS_A_SWEEP = 200_000


@dataclass(frozen=True)
class PosedImage:
    """One picture and where it was taken."""

    name: str
    """Its file, relative to the folder of images, with slashes: it says which camera it is of, and the order."""
    path: Path
    camera_to_global: Float64[ndarray, "4 4"]
    lens: Brown | Fisheye
    width: int
    height: int
    time: float | None = None
    """As its file has it; None if it has none."""
    mask: Path | None = None
    """Black where the picture is not to be used."""


@dataclass(frozen=True)
class _Taken:
    """A picture and when it was taken."""

    image: PosedImage
    time_ns: int


def log_of_images(
    path: Path,
    format: str,
    images: Sequence[PosedImage],
    points: Float64[ndarray, "points 3"],
    notes: Sequence[str],
    up: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> Log:
    """A log of pictures with poses and a cloud of points (which may be empty); see above for what is filled in.

    `up`: the axis of the global frame that points up, if the cameras agree. Raises LogError if there are no images,
    or if one has a size or a time that is absurd.
    """
    if not images:
        raise LogError(f"{path}: expected at least one image with a pose, found none")
    taken, added = _timed(path, images)
    streams = tuple(_stream(name, members) for name, members in _cameras(taken).items())
    moments = _moments(streams)
    ego_times_ns, ego_to_global = vehicle_poses(streams, moments, np.array(up))
    at_moments = ego_to_global[np.searchsorted(ego_times_ns, moments)]
    lidars = (_cloud(points, moments, at_moments),) if len(points) else ()
    said = [*notes, *added, "The scale is unknown: one unit of the poses is taken for one metre."]
    if not lidars:
        said.append("There is no cloud of points: depth comes from parallax alone.")
    return Log(
        name=path.resolve().name,
        format=format,
        path=path,
        cameras=streams,
        lidars=lidars,
        ego_times_ns=ego_times_ns,
        ego_to_global=ego_to_global,
        notes=tuple(said),
    )


def _timed(path: Path, images: Sequence[PosedImage]) -> tuple[list[_Taken], list[str]]:
    """The images, each once, with their times; and what was assumed."""
    distinct = {image.name: image for image in images}
    notes = [f"{len(images) - len(distinct)} images are listed twice."] if len(distinct) < len(images) else []
    ordered = sorted(distinct.values(), key=lambda image: _natural(image.name))
    times = [image.time for image in ordered if image.time is not None]
    if len(times) < len(ordered):
        notes.append("Times are unknown: images follow each other in the order of their names at 10 Hz.")
        return [_Taken(image, rank * PERIOD_NS) for image, rank in zip(ordered, _ranks(ordered), strict=True)], notes
    if max(map(abs, times)) > _LATEST:
        raise LogError(f"{path}: times of images count in seconds, or from 0 to 1, found {max(times, key=abs):g}")
    moments = sorted(set(times))
    if _are_shares(moments):
        stretch = PERIOD_NS / SECOND_NS * (len(moments) - 1) / (moments[-1] - moments[0])
        notes.append("Times are shares of the recording: they are stretched so that moments follow at 10 Hz.")
        times = [(time - moments[0]) * stretch for time in times]
    return [_Taken(image, round(time * SECOND_NS)) for image, time in zip(ordered, times, strict=True)], notes


def _are_shares(moments: Sequence[float]) -> bool:
    """Whether different times, in order, can hardly be seconds."""
    first, last = moments[0], moments[-1]
    if first < 0 or last > 1 or last - first < _SHORTEST:
        return False
    return (first, last) == (0, 1) or len(moments) - 1 > _FASTEST * (last - first)


def _natural(name: str) -> tuple[str, str]:
    """Orders names as people do: 2 before 10."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].lstrip("0").rjust(24, "0"), name), name


def _ranks(ordered: Sequence[PosedImage]) -> list[int]:
    """The moment of each image, counted from 0, by its name; images are in order."""
    folders: dict[str, list[str]] = defaultdict(list)
    names = [PurePosixPath(image.name) for image in ordered]
    for name in names:
        folders[str(name.parent)].append(name.stem)
    stems = sorted({name.stem for name in names}, key=_natural)
    if len(folders) > 1 and len(stems) < len(names):
        rank_of = {stem: rank for rank, stem in enumerate(stems)}
        return [rank_of[name.stem] for name in names]
    seen: dict[str, int] = defaultdict(int)
    ranks = []
    for name in names:
        ranks.append(seen[str(name.parent)])
        seen[str(name.parent)] += 1
    return ranks


def _cameras(taken: Sequence[_Taken]) -> dict[str, list[_Taken]]:
    """Images by the name of their camera, in order of time."""
    groups: dict[tuple, list[_Taken]] = defaultdict(list)
    at_once: dict[tuple, int] = defaultdict(int)
    for shot in taken:
        image = shot.image
        folder = str(PurePosixPath(image.name).parent)
        seen = (folder, image.lens, image.width, image.height, shot.time_ns)
        groups[(*seen[:-1], at_once[seen])].append(shot)
        at_once[seen] += 1
    shown = _short_names({key[0] for key in groups})
    of_folder: dict[str, int] = defaultdict(int)
    for key in groups:
        of_folder[key[0]] += 1
    named: dict[str, list[_Taken]] = {}
    counted: dict[str, int] = defaultdict(int)
    for key, members in groups.items():
        counted[key[0]] += 1
        name = shown[key[0]] if of_folder[key[0]] == 1 else f"{shown[key[0]]}-{counted[key[0]]}"
        while name in named:  # a folder may be called so
            name += "_"
        named[name] = sorted(members, key=lambda shot: shot.time_ns)
    return named


def _short_names(folders: set[str]) -> dict[str, str]:
    """Names for folders without what all of them begin with; a single one is the camera."""
    if len(folders) == 1:
        return dict.fromkeys(folders, "camera")
    parts = {folder: PurePosixPath(folder).parts for folder in folders}
    shared = 0
    while len({part[: shared + 1] for part in parts.values()}) == 1 and all(len(p) > shared for p in parts.values()):
        shared += 1
    return {folder: "/".join(part[shared:]) or "camera" for folder, part in parts.items()}


def _stream(name: str, members: Sequence[_Taken]) -> CameraStream:
    images = [shot.image for shot in members]
    lens, width, height = images[0].lens, images[0].width, images[0].height
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise LogError(
            f"{images[0].path}: images have 1 to {LARGEST_SIDE} pixels a side, and this should have {width}x{height}"
        )
    if not _is_plausible(lens):
        raise LogError(f"{images[0].path}: expected a lens with plausible numbers, found {lens}")
    bends = not isinstance(lens, Brown) or lens.bends

    def read_valid(i: int) -> Bool[ndarray, "height width"] | None:
        mask = images[i].mask
        return None if mask is None else read_mask(mask, width, height)

    return CameraStream(
        name=name,
        times_ns=np.array([shot.time_ns for shot in members], np.int64),
        camera_to_global=np.stack([image.camera_to_global for image in images]),
        K=camera_matrix(lens) if isinstance(lens, Brown) else ideal_K(lens, width, height),
        width=width,
        height=height,
        read_image=lambda i: read_image(images[i].path, width, height),
        lens=lens if bends else None,
        read_valid=read_valid if any(image.mask for image in images) else None,
        names=tuple(image.path.stem for image in images),
    )


def _is_plausible(lens: Brown | Fisheye) -> bool:
    """Focal lengths of a pixel or more, and nothing so large that arithmetic with it would overflow."""
    return min(lens.fx, lens.fy) >= 1 and all(abs(number) < _LARGEST_NUMBER for number in astuple(lens))


def _moments(streams: Sequence[CameraStream]) -> Int64[ndarray, "moments"]:
    """When anything was seen: a moment ends where a camera comes a second time, or after a twentieth of a second."""
    stamps = sorted((int(time), camera) for camera, stream in enumerate(streams) for time in stream.times_ns)
    moments: list[int] = []
    inside: set[int] = set()
    for time, camera in stamps:
        if not moments or camera in inside or time - moments[-1] > _ONE_MOMENT_NS:
            if moments and time == moments[-1]:
                continue
            moments.append(time)
            inside = set()
        inside.add(camera)
    return np.array(moments, np.int64)


def _cloud(
    points: Float64[ndarray, "points 3"],
    times_ns: Int64[ndarray, "moments"],
    ego_to_global: Float64[ndarray, "moments 4 4"],
) -> LidarStream:
    """The points as a LiDAR on the vehicle that sees all of them, or its share of many, at every moment."""
    shares = math.ceil(len(points) / _POINTS_A_SWEEP)
    if shares > 1:
        points = np.random.default_rng(0).permutation(points)

    def read_scan(i: int) -> Scan:
        share = points[i % shares :: shares]
        return Scan(share, np.full(len(share), times_ns[i]), np.zeros(len(share), np.float32))

    return LidarStream("points", times_ns, ego_to_global, read_scan)
