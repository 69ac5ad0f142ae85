"""What nuscenes-devkit reads is what we read, of a street that we wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from devkits import ask, devkit_python
from street import street
from write_nuscenes import SCENE, VERSION, write_nuscenes

from flux4d_core.data.nuscenes import TURN_NS, open_nuscenes
from flux4d_core.data.poses import transform

REQUIREMENTS = ("numpy", "pyquaternion", "Pillow", "tqdm", "cachetools")
CORNERS = np.array([[x, y, z] for x in (1, -1) for y, z in ((1, 1), (-1, 1), (-1, -1), (1, -1))]) / 2
"""In the devkit's order: the front first."""


def test_nuscenes_devkit_reads_the_street_as_we_do(tmp_path: Path) -> None:
    root = write_nuscenes(replace(street(), labels=street().labels[::2]), tmp_path / "nuscenes")
    log = open_nuscenes(root)
    python = devkit_python("nuscenes", *REQUIREMENTS, without_their_own=("nuscenes-devkit==1.2.0",))
    said = ask(python, "nuscenes.py", root, VERSION, SCENE, tmp_path / "theirs.npz")
    assert said["channels"] == sorted([*(camera.name for camera in log.cameras), "LIDAR_TOP", "RADAR_FRONT"])
    theirs = np.load(tmp_path / "theirs.npz")
    for camera in log.cameras:
        assert (camera.times_ns == theirs[f"stamps {camera.name}"] * 1000).all()
        assert np.abs(camera.camera_to_global - theirs[f"poses {camera.name}"]).max() < 1e-9
        # The devkit counts from the first pixel's centre.
        assert np.allclose(camera.K[:2, 2] - 0.5, theirs[f"K {camera.name}"][:2, 2])
        assert np.allclose(camera.K[:2, :2], theirs[f"K {camera.name}"][:2, :2])
    for i, stamp in enumerate(theirs["stamps LIDAR_TOP"].tolist()):
        scan, expected = log.lidars[0].read_scan(i), theirs[f"points {stamp}"]
        assert stamp * 1000 - log.lidars[0].times_ns[i] == TURN_NS // 2
        # The devkit's points are float32 in a frame that is kilometres away.
        assert len(scan.points) == len(expected) and np.abs(scan.points - expected[:, :3]).max() < 1e-3
        assert np.abs(scan.intensities * 255 - expected[:, 3]).max() < 1e-3
    kinds = [kind for labels in log.labels for kind in labels.classes]
    assert kinds == said["names"]
    for labels in log.labels:
        expected = theirs["corners"][theirs["corner stamps"] * 1000 == labels.time_ns + TURN_NS // 2]
        pairs = zip(labels.box_to_global, labels.sizes, strict=True)
        ours = np.stack([transform(pose, CORNERS * size) for pose, size in pairs])
        assert np.abs(ours - expected).max() < 1e-6
