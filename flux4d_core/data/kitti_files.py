"""KITTI's numbered files: number n of a sensor has the time in line n of the sensor's timestamps.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from flux4d_core.data.files import read_text
from flux4d_core.errors import LogError

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6,9}")


@dataclass(frozen=True)
class NumberedFiles:
    """The files of one sensor that have a time, in order."""

    paths: tuple[Path, ...]
    numbers: Int64[ndarray, "files"]
    times_ns: Int64[ndarray, "files"]

    def where(self, keep: Bool[ndarray, "files"]) -> NumberedFiles:
        paths = tuple(path for path, kept in zip(self.paths, keep, strict=True) if kept)
        return NumberedFiles(paths, self.numbers[keep], self.times_ns[keep])


def read_numbered(folder: Path, suffix: str, data: str = "data") -> tuple[NumberedFiles, list[str]]:
    """Files `folder`/`data`/<number><suffix> with the time in line <number> of `folder`/timestamps.txt."""
    paths = {int(path.stem): path for path in sorted((folder / data).glob(f"*{suffix}")) if path.stem.isdecimal()}
    stamps = read_stamps(folder / "timestamps.txt")
    numbers = np.array([number for number in sorted(paths) if number in stamps], np.int64)
    times_ns = np.array([stamps[int(number)] for number in numbers], np.int64)
    files = NumberedFiles(tuple(paths[int(number)] for number in numbers), numbers, times_ns)
    notes = []
    if len(numbers) < len(paths):
        notes.append(f"{folder.name}: {len(paths) - len(numbers)} of {len(paths)} files have no time stamp.")
    if not len(numbers):
        return files, notes or [f"{folder.name}: there are no files {suffix}."]
    missing = sorted(stamps.keys() - paths.keys())
    if missing:
        notes.append(
            f"{folder.name}: {len(missing)} of {len(stamps)} files are missing; the first is {missing[0]:010d}."
        )
    latest_before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(times_ns)[:-1]])
    in_order = times_ns > latest_before
    if (~in_order).sum() * 4 > len(in_order):
        raise LogError(f"{folder / 'timestamps.txt'}: expected times that increase, found them out of order")
    if not in_order.all():
        notes.append(f"{folder.name}: {(~in_order).sum()} time stamps are out of order; their files are left out.")
    return files.where(in_order), notes


def read_stamps(path: Path) -> dict[int, int]:
    """Line number -> nanoseconds; lines that are no time are passed over.

    KITTI wrote Karlsruhe's local time without a zone; it is taken as if it were UTC.
    """
    lines = read_text(path, "the file of time stamps").splitlines()
    return {
        number: int(np.datetime64(line.strip().replace(" ", "T"), "ns").astype(np.int64))
        for number, line in enumerate(lines)
        if _is_stamp(line.strip())
    }


def _is_stamp(text: str) -> bool:
    if not _STAMP.fullmatch(text):
        return False
    try:
        return not np.isnat(np.datetime64(text.replace(" ", "T"), "ns"))
    except ValueError:
        return False
