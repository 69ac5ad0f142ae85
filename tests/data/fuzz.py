"""Bytes of logs changed at random: whatever comes of it, it is a clip or one sentence.

    python tests/data/fuzz.py waymo --minutes 10        # coverage-guided, with atheris installed; else at random

Prints inputs that ended in anything else. The same kinds of changes run in the tests, fewer and with fixed seeds.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from every_format import thin_street, writers

from flux4d_core.data.describe import describe
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import boxes_in_clip
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError


@dataclass(frozen=True)
class Change:
    """One thing that happens to one file."""

    file: int
    """Which one, counted round all files of the log."""
    kind: int
    """0 to 3 overwrite bytes, 4 cuts the end off, 5 takes bytes out, 6 repeats some, 7 swaps two files."""
    place: float
    """Where in the file, 0 to 1."""
    content: bytes
    """What is written."""

    def apply(self, files: list[Path]) -> None:
        """Do it; a file that is gone already stays gone."""
        path = files[self.file % len(files)]
        before = path.read_bytes()
        at = int(self.place * len(before))
        length = len(self.content)
        match self.kind % 8:
            case 4:
                after = before[:at]
            case 5:
                after = before[:at] + before[at + length :]
            case 6:
                after = before[:at] + before[at : at + 64] * (1 + length) + before[at:]
            case 7:
                other = files[(self.file + length) % len(files)]
                after = other.read_bytes()
                other.write_bytes(before)
            case _:
                after = before[:at] + self.content + before[at + length :]
        path.write_bytes(after)


@dataclass(frozen=True)
class Target:
    """A whole log on disk, copies of which are changed."""

    root: Path
    log: Path
    """What to open, in `root`."""

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if path.is_file())


def prepare(name: str, root: Path) -> Target:
    """The street in one format, in `root`."""
    root.mkdir(parents=True)
    return Target(root, writers()[name](thin_street(), root))


def try_out(target: Target, changes: list[Change], scratch: Path) -> str:
    """What a user is told of a changed copy: empty if it can be read; anything but a LogError gets out."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(target.root, scratch)
    files = [scratch / file.relative_to(target.root) for file in target.files]
    for change in changes:
        change.apply(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            log = open_log(scratch / target.log.relative_to(target.root))
            assert str(describe(log))
            clip = cut(log, Window(duration=0.2))
            boxes_in_clip(log, clip.start_ns)
        except LogError as problem:
            assert "\n" not in str(problem), f"more than one line: {problem}"
            return str(problem)
    for sweep in clip.sweeps:
        assert bool(sweep.points.isfinite().all() and sweep.times.isfinite().all()), "points that are not finite"
    for frame in clip.frames:
        assert bool(frame.camera.camera_to_world.isfinite().all()), "a pose that is not finite"
    return ""


def changes_of(dice: random.Random) -> list[Change]:
    """One to three changes at random; numbers that matter to formats come up more often than others."""
    telling = [b"\x00" * 8, b"\xff" * 8, b"\xff\xff\xff\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\xc0\x7f", b"-1", b"1e999"]
    telling += [b"NaN", b"null", b"[]", b"{}", b"..", b"/", b'"', b"\n"]
    return [
        Change(
            dice.randrange(1 << 16),
            dice.randrange(8),
            dice.random() if dice.random() < 0.7 else dice.random() * 0.02,
            dice.choice(telling) if dice.random() < 0.5 else dice.randbytes(dice.randrange(1, 9)),
        )
        for _ in range(dice.randrange(1, 4))
    ]


def _from_bytes(data: bytes) -> list[Change]:
    return changes_of(random.Random(data))


def main() -> None:
    """Try for so many minutes, and print every input that ended badly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format", choices=list(writers()))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = prepare(options.format, Path(folder) / "whole")
        _run(target, Path(folder) / "changed", options.seed, 60 * options.minutes)


def _run(target: Target, scratch: Path, seed: int, seconds: float) -> None:
    end, tried, read, found = time.monotonic() + seconds, 0, 0, 0
    dice = random.Random(seed)
    try:
        import atheris  # pyright: ignore[reportMissingImports]
    except ImportError:
        atheris = None

    def once(data: bytes) -> None:
        nonlocal tried, read, found
        changes = _from_bytes(data)
        tried += 1
        try:
            read += try_out(target, changes, scratch) == ""
        except BaseException:
            found += 1
            print(f"{changes}\n{traceback.format_exc()}", flush=True)
        if time.monotonic() > end:
            print(f"{tried} tried: {read} read, {tried - read - found} refused, {found} ended badly", flush=True)
            sys.exit(1 if found else 0)

    if atheris is not None:
        atheris.instrument_all()
        atheris.Setup([sys.argv[0], "-max_len=64"], once)
        atheris.Fuzz()
    while True:
        once(dice.randbytes(16))


if __name__ == "__main__":
    main()
