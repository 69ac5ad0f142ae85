"""What the zod devkit reads in a sequence that we wrote is what we read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from denser_track import denser
from devkits import ask, devkit_python
from street import street
from write_zod import SEQUENCE, write_zod

from flux4d_core.data.poses import invert, transform
from flux4d_core.data.zod import open_zod

pytest.importorskip("h5py", reason="ZOD's poses are in HDF5 files: pip install h5py")
REQUIREMENTS = ("h5py", "numpy", "scipy", "pillow", "tqdm", "dataclass-wizard>=0.22,<0.31")
CORNERS = np.array([[x, y, z] for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]) / 2
"""In the devkit's order."""


def test_the_devkit_reads_poses_points_boxes_and_pixels_as_we_do(tmp_path: Path) -> None:
    root = write_zod(denser(street()), tmp_path / "zod")
    more = ("numpy-quaternion>=2022.4.2", "pyquaternion>=0.9")
    python = devkit_python("zod", *REQUIREMENTS, *more, without_their_own=("zod==0.8.0",))
    found = ask(python, "zod_read.py", root, SEQUENCE, tmp_path / "out.npz")
    log = open_zod(root)
    camera, lidar, labels = log.cameras[0], log.lidars[0], log.labels[0]
    assert (found["images"], found["clouds"]) == (len(camera.times_ns), len(lidar.times_ns))
    assert found["tracks"] == list(labels.track_ids)
    assert camera.lens is not None
    with np.load(tmp_path / "out.npz") as theirs:
        # Their times are float64 seconds since 1970: a quarter of a microsecond, in which the car moves 3 micrometres.
        assert np.abs(log.ego_times_ns - np.round(theirs["ego times"] * 1e9)).max() < 500
        assert np.abs(log.ego_to_global - theirs["ego"]).max() < 1e-9
        for i in range(len(lidar.times_ns)):
            scan = lidar.read_scan(i)
            assert np.abs(scan.points - theirs[f"points {i}"]).max() < 1e-4
            late = (scan.times_ns - lidar.times_ns[i]) / 1e9 - theirs[f"seconds {i}"]
            assert np.abs(late).max() < 1e-6
            assert np.abs(scan.intensities * 255 - theirs[f"intensities {i}"]).max() < 1e-3
        for i in range(len(camera.times_ns)):
            assert np.abs(camera.camera_to_global[i] - theirs[f"camera {i}"]).max() < 1e-4
            seen = transform(invert(camera.camera_to_global[i]), lidar.read_scan(i).points)
            positions, valid = camera.lens.project(seen)
            inside = valid & ((positions > 0) & (positions < (camera.width, camera.height))).all(-1)
            # Theirs have the first pixel's centre at (0, 0).
            off = positions[inside] - 0.5 - theirs[f"pixels {i}"][inside]
            assert inside.sum() > 100 and np.abs(off).max() < 0.01
        corners = np.stack(
            [transform(pose, CORNERS * size) for pose, size in zip(labels.box_to_global, labels.sizes, strict=True)]
        )
        assert np.abs(corners - theirs["corners"]).max() < 1e-4
