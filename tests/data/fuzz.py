"""Bytes of logs changed at random: whatever comes of it, it is a clip or one sentence.

    python tests/data/fuzz.py waymo --minutes 10        # coverage-guided, with atheris installed; else at random

Prints inputs that ended in anything else, in five seconds or more, or with a gigabyte or more. The same kinds of
changes run in the tests, fewer and with fixed seeds.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

_ATHERIS = None
if __name__ == "__main__":
    _HERE = Path(__file__).parent
    sys.path[:0] = [str(_HERE), str(_HERE / "readers"), str(_HERE.parent), str(_HERE.parents[1])]
    _ATHERIS = importlib.import_module("atheris") if importlib.util.find_spec("atheris") else None

# What is imported here reports to atheris which of its lines are run.
with nullcontext() if _ATHERIS is None else _ATHERIS.instrument_imports(include=["flux4d_core.data"]):
    from changed_tables import is_table, with_another_cell
    from every_format import thin_street, writers

    from flux4d_core.data.describe import describe
    from flux4d_core.data.formats import open_log
    from flux4d_core.data.labels import boxes_in_clip
    from flux4d_core.data.window import Window, cut
    from flux4d_core.errors import LogError

KINDS = 12
_INPUT = 64
"""Bytes that three changes take at most, about."""
SLOWEST = 5.0
"""Seconds that one try may take."""
LARGEST_MEMORY = 4 * 2**30
"""Bytes of addresses; asking for more is a MemoryError."""
_VALUE = re.compile(rb'-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|"[^"\n]*"|\b[A-Za-z_]\w*\b')
"""A number, a quoted text or a word."""
BYTES = [b"\x00" * 8, b"\xff" * 8, b"\xff\xff\xff\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\xc0\x7f", b"..", b"/", b'"']
"""What is telling in binary files: nothing, the largest whole numbers, infinity, not a number."""
VALUES = [b"0", b"-1", b"1e308", b"-1e308", b"1e-308", b"1e999", b"NaN", b"9" * 18, b"9" * 400, b"2147483648", b'""']
VALUES += [b"", b"null", b"true", b"[]", b"{}", b"[[]]", b"\n", b'"../x"', b'"a\\nb"', b'"\\ud800"', b"x" * 5000]
"""What is telling in text."""


@dataclass(frozen=True)
class Change:
    """One thing that happens to one file."""

    file: int
    """Which one, counted round all files of the log; from kind 8 on round its texts and tables, if it has any."""
    kind: int
    """0 to 3 overwrite bytes, 4 cuts the end off, 5 takes bytes out, 6 repeats some, 7 swaps two files, and 8 to 11
    write another value for one in a text or a table."""
    place: float
    """Where in the file, 0 to 1."""
    content: bytes
    """What is written."""

    def apply(self, files: list[Path]) -> None:
        """Do it; a file that is gone already stays gone."""
        kind = self.kind % KINDS
        if kind >= 8:
            files = [file for file in files if _is_telling(file.read_bytes())] or files
        path = files[self.file % len(files)]
        packed = path.read_bytes()
        before = _unpacked(packed)
        at = int(self.place * len(before))
        length = len(self.content)
        match kind:
            case 4:
                after = before[:at]
            case 5:
                after = before[:at] + before[at + length :]
            case 6:
                after = before[:at] + before[at : at + 64] * (1 + length) + before[at:]
            case 7:
                other = files[(self.file + length) % len(files)]
                after = _unpacked(other.read_bytes())
                other.write_bytes(packed)
            case 8 | 9 | 10 | 11 if is_table(before):
                after = with_another_cell(before, self.place, int.from_bytes(self.content[:4], "little"))
            case 8 | 9 | 10 | 11 if _is_text(before):
                values = list(_VALUE.finditer(before)) or [None]
                value = values[min(int(self.place * len(values)), len(values) - 1)]
                start, end = value.span() if value else (at, at)
                after = before[:start] + self.content + before[end:]
            case _:
                after = before[:at] + self.content + before[at + length :]
        path.write_bytes(gzip.compress(after, 1) if before != packed else after)


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _is_telling(content: bytes) -> bool:
    return is_table(content) or _is_text(content)


def _unpacked(content: bytes) -> bytes:
    """What is in a gzip file, whose checksum would refuse every change; other content, and broken, as it is."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return content


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
            labels = boxes_in_clip(log, clip.start_ns)
        except LogError as problem:
            assert "\n" not in str(problem), f"more than one line: {problem}"
            return str(problem)
    for boxes in labels:
        assert bool(boxes.box_to_world.isfinite().all() and boxes.sizes.isfinite().all()), "boxes that are not finite"
    for sweep in clip.sweeps:
        assert bool(sweep.points.isfinite().all() and sweep.times.isfinite().all()), "points that are not finite"
    for frame in clip.frames:
        camera = frame.camera
        assert bool(camera.camera_to_world.isfinite().all() and camera.K.isfinite().all()), (
            "a camera that is not finite"
        )
    assert not any("\n" in note for note in log.notes), f"a note of more than one line: {log.notes}"
    return ""


def changes_of(dice: random.Random) -> list[Change]:
    """One to three changes at random, half of them to text; what matters to formats comes up more often."""
    return [_change_of(dice) for _ in range(dice.randrange(1, 4))]


def _change_of(dice: random.Random) -> Change:
    kind, place = dice.randrange(8), dice.random()
    if dice.random() < 0.5:
        kind += 8
    elif dice.random() < 0.5:
        # Headers and footers say how large everything else is.
        place = dice.choice([place * 0.02, 1 - place * 0.02])
    telling = VALUES if kind >= 8 else BYTES + VALUES
    content = dice.choice(telling) if dice.random() < 0.8 else dice.randbytes(dice.randrange(1, 9))
    return Change(dice.randrange(1 << 16), min(kind, KINDS - 1), place, content)


class Dice(random.Random):
    """Throws what stands in some bytes, then zeros: inputs that are alike make changes that are alike."""

    def __new__(cls, content: bytes) -> Dice:
        return super().__new__(cls)

    def __init__(self, content: bytes) -> None:
        super().__init__(0)
        self._rest = BytesIO(content)

    def getrandbits(self, k: int) -> int:
        length = (k + 7) // 8
        return int.from_bytes(self._rest.read(length).ljust(length, b"\0"), "little") >> (8 * length - k)

    def random(self) -> float:
        return self.getrandbits(24) / 2**24


class Hang(BaseException):
    """A try that took too long; no Exception, so that no reader catches it."""


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
    end, tried, read, found, slowest = time.monotonic() + seconds, 0, 0, 0, 0.0
    dice = random.Random(seed)
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    signal.signal(signal.SIGALRM, _stop)

    def once(data: bytes) -> None:
        nonlocal tried, read, found, slowest
        changes, start, memory = changes_of(Dice(data)), time.monotonic(), _peak_memory()
        tried += 1
        signal.setitimer(signal.ITIMER_REAL, 4 * SLOWEST)
        try:
            clean = try_out(target, changes, scratch) == ""
            signal.setitimer(signal.ITIMER_REAL, 0)
            took, grown = time.monotonic() - start, _peak_memory() - memory
            slowest = max(slowest, took)
            assert took < SLOWEST and grown < 2**30, f"{took:.1f} s and {grown / 2**30:.1f} GiB more memory"
            read += clean
        except KeyboardInterrupt:
            raise
        except BaseException:
            signal.setitimer(signal.ITIMER_REAL, 0)
            found += 1
            print(f"{changes}\n{traceback.format_exc()}", flush=True)
        if time.monotonic() > end:
            print(
                f"{tried} tried: {read} read, {tried - read - found} refused, {found} ended badly; "
                f"slowest {slowest:.1f} s, peak {_peak_memory() / 2**30:.1f} GiB",
                flush=True,
            )
            shutil.rmtree(scratch.parent, ignore_errors=True)
            # An exit of Python's would be one more crash to atheris.
            os._exit(1 if found else 0)

    if _ATHERIS is not None:
        _ATHERIS.Setup([sys.argv[0], f"-seed={seed + 1}", f"-max_len={_INPUT}", "-len_control=0"], once)
        _ATHERIS.Fuzz()
    while True:
        once(dice.randbytes(_INPUT))


def _stop(number: int, frame: object) -> None:
    raise Hang(f"still at it after {4 * SLOWEST:.0f} s")


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
