"""Makes assets/demo again: python assets/make_demo.py

The built-in demo of `flux4d-view`: one second of a simulated street as a flux4d log folder, small enough to ship.
Images become JPEG, and returns lie on a grid of 8 mm, finer than a LiDAR's noise, which halves what they take.
"""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.simulation.config import SimulationConfig
from flux4d_core.simulation.simulate import simulate

SEED = 36
CONFIG = SimulationConfig(duration=1.0)
NAME = "demo"
SOURCE = f"A simulated street: number {SEED} of flux4d's own simulator, made by assets/make_demo.py."
JPEG_QUALITY = 95
GRID = 1 / 128
"""Metres; a power of two, so that the rest of the float is zeros, which compress well."""
TICK = 2.0**-17
"""Seconds to which the times of returns are rounded."""


def make(folder: Path) -> None:
    """Simulate the street and write it to a folder that does not exist yet."""
    clip, _ = simulate(SEED, CONFIG)
    write_log(clip_as_log(clip), folder)
    document = json.loads((folder / "log.json").read_text(encoding="utf-8"))
    for camera in document["cameras"]:
        for entry in camera["images"]:
            entry["file"] = _as_jpeg(folder, entry["file"])
    for lidar in document["lidars"]:
        for entry in lidar["sweeps"]:
            _shrink_sweep(folder / entry["file"])
    document |= {"name": NAME, "licence": "Apache-2.0", "source": SOURCE}
    (folder / "log.json").write_text(json.dumps(document, indent=1), encoding="utf-8")


def _as_jpeg(folder: Path, name: str) -> str:
    """Replace a PNG by a JPEG with colours at full resolution; its name in the log."""
    path = folder / name
    smaller = path.with_suffix(".jpg")
    Image.open(path).save(smaller, quality=JPEG_QUALITY, subsampling=0, optimize=True)
    path.unlink()
    return smaller.relative_to(folder).as_posix()


def _shrink_sweep(path: Path) -> None:
    """Round to what a LiDAR knows and compress. One axis after the other compresses better than point by point."""
    with np.load(path, allow_pickle=False) as stored:
        points, times, intensities = stored["points"], stored["times"], stored["intensities"]
    with path.open("wb") as stream:
        np.savez_compressed(
            stream,
            points=np.asfortranarray((np.round(points / GRID) * GRID).astype(np.float32)),
            times=(np.round(times / TICK) * TICK).astype(np.float32),
            intensities=(np.round(intensities * 255) / 255).astype(np.float16),
        )


def main() -> None:
    """Make the demo beside the one that is there, and put it in its place once it is whole."""
    target = Path(__file__).resolve().parent / "demo"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".demo.") as unfinished:
        made = Path(unfinished) / "demo"
        make(made)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
