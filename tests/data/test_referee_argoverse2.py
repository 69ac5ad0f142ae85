"""What av2-api reads is what we read, of a street that we wrote and of a published log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from devkits import ask, devkit_python
from street import street
from write_argoverse2 import NAME, write_argoverse2

from flux4d_core.data.argoverse2 import MIDDLE_NS, open_argoverse2
from flux4d_core.data.log import LabelledBoxes, Log
from flux4d_core.data.poses import invert, transform

pytest.importorskip("pyarrow")
REAL = Path(__file__).parents[3] / "shared/logs/argoverse2/sensor/val"
REQUIREMENTS = ("numpy", "scipy", "pandas", "pyarrow", "universal-pathlib")
CORNERS = np.array([[x, y, z] for x in (1, -1) for y, z in ((1, 1), (-1, 1), (-1, -1), (1, -1))]) / 2
"""In av2-api's order: the front first."""


def asked(split: Path, name: str, out: Path) -> dict[str, np.ndarray]:
    python = devkit_python("argoverse2", *REQUIREMENTS, without_their_own=("av2==0.3.6",))
    ask(python, "argoverse2.py", split, name, out)
    with np.load(out) as arrays:
        return dict(arrays)


def check_points(log: Log, theirs: dict[str, np.ndarray]) -> None:
    for i, stamp in enumerate((log.lidars[0].times_ns - MIDDLE_NS).tolist()):
        for lidar, own in zip(log.lidars, (theirs[f"is up {stamp}"], ~theirs[f"is up {stamp}"]), strict=True):
            scan = lidar.read_scan(i)
            assert np.abs(scan.points - theirs[f"points {stamp}"][own]).max() < 1e-6
            assert (scan.times_ns == theirs[f"fired {stamp}"][own]).all()
            assert np.abs(scan.intensities - theirs[f"intensities {stamp}"][own]).max() < 1e-6


def check_boxes(log: Log, theirs: dict[str, np.ndarray]) -> None:
    assert sum(len(labels.track_ids) for labels in log.labels) == len(theirs["corners"])
    for labels in log.labels:
        expected = theirs["corners"][theirs["corner stamps"] == labels.time_ns - MIDDLE_NS]
        assert np.abs(corners_of(labels) - expected).max() < 1e-6


def corners_of(labels: LabelledBoxes) -> np.ndarray:
    pairs = zip(labels.box_to_global, labels.sizes, strict=True)
    return np.stack([transform(pose, CORNERS * size) for pose, size in pairs])


def two_lidars() -> Log:
    """The street with a second LiDAR, as av2-api asks for both."""
    log = street()
    return replace(log, lidars=(log.lidars[0], log.lidars[0]))


def test_av2_api_reads_the_street_as_we_do(tmp_path: Path) -> None:
    log = open_argoverse2(write_argoverse2(two_lidars(), tmp_path))
    theirs = asked(tmp_path / "val", NAME, tmp_path / "theirs.npz")
    check_points(log, theirs)
    check_boxes(log, theirs)
    for camera in log.cameras:
        assert np.abs(camera.camera_to_global - theirs[f"cameras {camera.name}"]).max() < 1e-9
        for stamp in (log.lidars[0].times_ns - MIDDLE_NS).tolist():
            own = theirs[f"valid {stamp} {camera.name}"]
            i = int(np.argmin(np.abs(camera.times_ns - stamp)))
            seen = transform(invert(camera.camera_to_global[i]), theirs[f"points {stamp}"][own]) @ camera.K.T
            # The devkit counts from the first pixel's centre.
            off = seen[:, :2] / seen[:, 2:] - 0.5 - theirs[f"pixels {stamp} {camera.name}"][own]
            assert own.sum() > 20 and np.abs(off).max() < 1e-6


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL}: the published log is not here")
def test_av2_api_reads_the_published_log_as_we_do(tmp_path: Path) -> None:
    log = open_argoverse2(REAL)
    theirs = asked(REAL, log.name, tmp_path / "theirs.npz")
    check_points(log, theirs)
    check_boxes(log, theirs)
