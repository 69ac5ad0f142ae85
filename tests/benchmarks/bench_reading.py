"""How long logs take to open and to read, format by format, beside each dataset's own tool on the same files.

One simulated street of a second is written in every format: 11 sweeps of some 30,000 points, three cameras of
640 x 360. Every tool has a process of its own. "open": once everything is imported; "warm": a second time; "read":
the whole second is cut, every image decoded, every point placed in one frame; "MB": the process's largest memory. The
dataset's own tool decodes the same images and points and finds their poses, and no more. Prints a Markdown table.

python tests/benchmarks/bench_reading.py [--formats argoverse2 nuscenes] [--kitti path/to/2011_09_26_drive_0013_sync]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "data"), str(ROOT / "tests" / "data" / "readers")]

from flux4d_core.data.log import LidarStream, Log, Scan  # noqa: E402

DECODERS = Path(__file__).parent / "reading_peers"
OURS = """
import sys, time, json, warnings
warnings.simplefilter("ignore")
began = time.perf_counter()
from pathlib import Path
from flux4d_core.data.formats import open_log
from flux4d_core.data.window import Window, cut
imported = time.perf_counter()
log = open_log(Path(sys.argv[1]))
opened = time.perf_counter()
log = open_log(Path(sys.argv[1]))
warm = time.perf_counter()
clip = cut(log, Window(duration=1.0))
read = time.perf_counter()
print(json.dumps({
    "import": imported - began, "open": opened - imported, "warm": warm - opened, "read": read - warm,
    "images": len(clip.frames), "points": sum(len(sweep.points) for sweep in clip.sweeps),
    "mb": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024,
}))
"""


@lru_cache(maxsize=1)
def large_street() -> Log:
    """The tests' street, longer and larger; their writers take it as they take the small one."""
    import street as small

    from flux4d_core.simulation.config import SimulationConfig

    def large(**small_ones: object) -> SimulationConfig:
        return SimulationConfig(duration=1.0, cameras=3, width=640, height=360, beams=32, noise=0.0, antialias=False)

    small.SimulationConfig = large
    log = small.street()
    scans = [log.lidars[0].read_scan(i) for i in range(len(log.lidars[0].times_ns))]
    assert min(len(scan.points) for scan in scans) > 20_000, [len(scan.points) for scan in scans]
    return log


PEERS = {
    "argoverse2": ("av2-api", "read_argoverse2.py", "argoverse2"),
    "nuscenes": ("nuscenes-devkit", "read_nuscenes.py", "nuscenes"),
    "ncore": ("nvidia-ncore", "read_ncore.py", "nvidia-ncore"),
    "zod": ("zod", "read_zod.py", "zod"),
    "pandaset": ("pandas, Pillow", "read_pandaset.py", ""),
    "rosbag2": ("rosbags", "read_ros.py", ""),
    "mcap": ("rosbags", "read_ros.py", ""),
    "ros1": ("rosbags", "read_ros.py", ""),
    "kitti": ("pykitti", "read_kitti_raw.py", "pykitti"),
}
"""Its tool, the script that calls it, and the environment that the tests of readers keep; none: the one we run in."""


def peer_python(environment: str) -> Path | None:
    """The environment's Python, where the tests (`readers/devkits.py`) have made it: the newest that fits."""
    if not environment:
        return Path(sys.executable)
    from devkits import _KEPT  # pyright: ignore[reportPrivateUsage]

    found = [folder for folder in _KEPT.glob(f"{environment}-*") if (folder / "complete").exists()]
    found = [folder for folder in found if len(folder.name) == len(environment) + 13]
    return max(found, key=lambda folder: folder.stat().st_mtime) / "bin" / "python" if found else None


def peer_arguments(format: str, path: Path) -> list[str]:
    from write_nuscenes import VERSION
    from write_zod import SEQUENCE

    if format == "nuscenes":
        return [str(path), VERSION]
    if format == "zod":
        return [str(path), SEQUENCE]
    if format == "ncore":
        return [str(store) for store in sorted(path.iterdir())]
    if format == "kitti":
        return [str(path.parent.parent), path.parent.name, path.name.split("_")[4], "10"]
    return [str(path)]


def run(command: list[str], *, ours: bool) -> dict[str, float] | str:
    """What the process prints last, or the last line of what it complains."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if ours:
        environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["?"])[-1][:60]
    return json.loads(done.stdout.strip().splitlines()[-1])


def row(format: str, path: Path) -> str:
    ours = run([sys.executable, "-c", OURS, str(path)], ours=True)
    if isinstance(ours, str):
        return f"| {format} | {ours} |"
    text = f"| {format} | {ours['images']:.0f} | {ours['points'] / 1000:.0f} k | {ours['open']:.3f} | "
    text += f"{ours['warm']:.3f} | {ours['read']:.2f} | {ours['mb']:.0f} | "
    if format not in PEERS:
        return text + "| | | | |"
    name, script, environment = PEERS[format]
    python = peer_python(environment)
    if python is None:
        return text + f"{name}: not installed | | | | |"
    theirs = run([str(python), str(DECODERS / script), *peer_arguments(format, path)], ours=False)
    if isinstance(theirs, str):
        return text + f"{name}: {theirs} | | | | |"
    size = f"{theirs['images']:.0f} images, {theirs['points'] / 1000:.0f} k"
    return text + f"{name} | {size} | {theirs['open']:.3f} | {theirs['read']:.2f} | {theirs['mb']:.0f} |"


def written(format: str, root: Path) -> Path:
    from denser_track import denser
    from every_format import writers

    log = two_lidars(large_street()) if format == "argoverse2" else large_street()
    return writers()[format](denser(log) if format in ("ncore", "zod") else log, root)


def two_lidars(log: Log) -> Log:
    """Every second point is the other LiDAR's: av2-api reads no log that has one only."""

    def half(first: int) -> LidarStream:
        def read(i: int) -> Scan:
            scan = log.lidars[0].read_scan(i)
            return Scan(scan.points[first::2], scan.times_ns[first::2], scan.intensities[first::2])

        return replace(log.lidars[0], name=("up", "down")[first], read_scan=read)

    return replace(log, lidars=(half(0), half(1)))


def main() -> None:
    from every_format import writers

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="*", default=sorted(writers()))
    parser.add_argument("--kitti", type=Path, help="a drive of KITTI raw, read from its first sweep")
    arguments = parser.parse_args()
    print("| format | images | points | open s | warm s | read s | MB | other tool | it reads | open s | read s | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for format in arguments.formats:
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = written(format, Path(folder))
            except AssertionError as problem:
                print(f"| {format} | not written: {problem} |", flush=True)
                continue
            print(row(format, path), flush=True)
    if arguments.kitti:
        print(row("kitti", arguments.kitti), flush=True)


if __name__ == "__main__":
    main()
