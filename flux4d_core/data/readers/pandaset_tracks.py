"""When and where PandaSet's cameras were: lists by frame number, beside files with that number as their name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from flux4d_core.data.document import read_document
from flux4d_core.data.readers.pandaset_calibration import CAMERAS, read_poses
from flux4d_core.errors import LogError

_LATEST_S = 4e9
"""Stamps are seconds since 1970; none is later than the year 2096."""


@dataclass(frozen=True)
class Track:
    """One camera's stamps and poses."""

    name: str
    numbers: Int64[ndarray, "frames"]
    """Of the frames that have a time and a pose; increasing."""
    times_ns: Int64[ndarray, "frames"]
    poses: Float64[ndarray, "frames 4 4"]


def read_tracks(folder: Path) -> tuple[list[Track], list[str]]:
    """Every camera's track, the front camera's first; a broken one costs only that camera."""
    tracks, notes = [], []
    for name in CAMERAS:
        place = folder / "camera" / name
        if not place.is_dir():
            notes.append(f"Not in this copy: {name}.")
            continue
        try:
            track, left_out = _read_track(place)
            tracks.append(track)
            notes += left_out
        except LogError as problem:
            notes.append(f"{name} is left out: {problem}.")
    if not tracks:
        raise LogError(f"{folder}: no camera has times and poses, which place everything: {' '.join(notes)}")
    return tracks, notes


def _read_track(folder: Path) -> tuple[Track, list[str]]:
    times_ns = read_stamps(folder / "timestamps.json")
    poses = dict(enumerate(read_poses(folder / "poses.json")))
    known = {number: pose for number, pose in poses.items() if pose is not None and number in times_ns}
    if not known:
        raise LogError(f"{folder}: no frame has both a time and a pose")
    numbers, notes = in_order(np.array(list(known), np.int64), times_ns, folder / "timestamps.json")
    broken = len(poses) - len(known)
    notes += [f"{folder.name}: {broken} of {len(poses)} frames have no pose or no time."] if broken else []
    stamps = np.array([times_ns[number] for number in numbers.tolist()], np.int64)
    return Track(folder.name, numbers, stamps, np.stack([known[number] for number in numbers.tolist()])), notes


def read_stamps(path: Path) -> dict[int, int]:
    """Nanoseconds by frame number, from a list of seconds."""
    seconds = [entry.number() for entry in read_document(path, "the file of times")]
    if not seconds or not all(0 <= second < _LATEST_S for second in seconds):
        raise LogError(f"{path}: expected a list of times in seconds since 1970")
    return {number: round(second * 1e6) * 1000 for number, second in enumerate(seconds)}


def in_order(
    numbers: Int64[ndarray, "frames"], times_ns: Mapping[int, int], path: Path
) -> tuple[Int64[ndarray, "kept"], list[str]]:
    """Those frames whose times are later than all before. Raises LogError if most are not."""
    times = np.array([times_ns[number] for number in numbers.tolist()], np.int64)
    later = np.ones(len(times), bool)
    later[1:] = times[1:] > np.maximum.accumulate(times)[:-1]
    if 2 * later.sum() <= len(times) and len(times) > 1:
        raise LogError(f"{path}: expected times that increase, {(~later).sum()} of {len(times)} do not")
    return numbers[later], [] if later.all() else [f"{path}: {(~later).sum()} times do not increase; left out."]


def numbered(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """The files 00, 01, ... by number; of two with the same number, the one whose suffix is named first."""
    pattern = re.compile(rf"([0-9]{{1,6}})({'|'.join(map(re.escape, suffixes))})")
    try:
        names = [match for file in folder.iterdir() if (match := pattern.fullmatch(file.name))]
    except OSError as problem:
        raise LogError(f"{folder}: expected a folder of numbered files ({problem})") from problem
    ranked = sorted(names, key=lambda match: (int(match[1]), -suffixes.index(match[2])))
    return {int(match[1]): folder / match[0] for match in ranked}
