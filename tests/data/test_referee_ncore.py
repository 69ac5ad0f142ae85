"""What NVIDIA's ncore writes is read as the street, and what it reads is what is read here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from denser_track import denser
from devkits import ask, devkit_python
from PIL import Image
from same_log import Tolerance, check_same_log
from street import street
from write_ncore import SEQUENCE, frame_stamps, intrinsics_of, mount_of, observations_of, rays_of, write_ncore

from flux4d_core.data.log import Log
from flux4d_core.data.ncore import open_ncore

pytest.importorskip("numcodecs", reason="NCore's arrays are packed with Blosc: pip install numcodecs")
REQUIREMENTS = ("numpy", "dataclasses_json", "pillow", "zarr>=2.12,<3", "cbor2", "scipy", "typing_extensions")


def ncore_python() -> Path:
    own = ("nvidia-ncore==19.8.3",)
    return devkit_python("nvidia-ncore", *REQUIREMENTS, "universal_pathlib", without_their_own=own)


def write_for_ncore(log: Log, folder: Path) -> Path:
    """The street in a form that needs nothing of ours to be read: JSON, PNG and NPZ."""
    folder.mkdir()
    cameras = []
    for camera in log.cameras:
        for i in range(len(camera.times_ns)):
            Image.fromarray(camera.read_image(i)).save(folder / f"{camera.name}_{i}.png")
        entry = {"name": camera.name, "mount": mount_of(log, camera).tolist(), "intrinsics": intrinsics_of(camera)}
        cameras.append(entry | {"frames": frame_stamps(camera)})
    lidar = log.lidars[0]
    for i in range(len(lidar.times_ns)):
        arrays = dict(zip(("directions", "times_us", "distances", "intensities"), rays_of(log, i), strict=True))
        np.savez(folder / f"{lidar.name}_{i}.npz", **arrays)
    described = {
        "sequence": SEQUENCE,
        "ego_stamps_us": (log.ego_times_ns // 1000).tolist(),
        "ego_to_world": log.ego_to_global.tolist(),
        "cameras": cameras,
        "lidar": {"name": lidar.name, "mount": mount_of(log, lidar).tolist(), "frames": frame_stamps(lidar)},
        "observations": observations_of(log),
    }
    (folder / "street.json").write_text(json.dumps(described))
    return folder


@pytest.mark.parametrize("kind", ["itar", "directory"])
def test_the_street_written_by_ncore_itself_is_read(tmp_path: Path, kind: str) -> None:
    source = write_for_ncore(denser(street()), tmp_path / "source")
    stores = ask(ncore_python(), "ncore_write.py", source, tmp_path / "stores", kind)
    assert len(stores) == 6
    log = open_ncore(tmp_path / "stores")
    assert log.notes == ()
    check_same_log(log, street(), Tolerance(point_time_ns=1_000))
    assert all(camera.valid is not None and not camera.valid[-4:].any() for camera in log.cameras)


def test_ncore_reads_in_our_stores_what_we_read(tmp_path: Path) -> None:
    root = write_ncore(denser(street()), tmp_path / "stores")
    found = ask(ncore_python(), "ncore_read.py", tmp_path / "out.npz", *sorted(root.iterdir()))
    log = open_ncore(root)
    assert found["cameras"] == [camera.name for camera in log.cameras]
    with np.load(tmp_path / "out.npz") as theirs:
        for camera in log.cameras:
            assert camera.camera_to_global_end is not None and camera.valid is not None
            assert np.abs(camera.camera_to_global - theirs[f"{camera.name} middle"]).max() < 1e-6
            assert np.abs(camera.camera_to_global_end - theirs[f"{camera.name} end"]).max() < 1e-6
            assert camera.K[:2, 2] == pytest.approx(theirs[f"{camera.name} principal"], abs=1e-4)
            assert np.diag(camera.K)[:2] == pytest.approx(theirs[f"{camera.name} focal"], abs=1e-4)
            assert (camera.read_image(0) == theirs[f"{camera.name} image"]).all()
            assert (camera.valid == (theirs[f"{camera.name} ego"] == 0)).all()
        lidar = log.lidars[0]
        for i in range(len(lidar.times_ns)):
            scan = lidar.read_scan(i)
            # They take the motion out in float32, kilometres from the origin.
            assert np.abs(scan.points - theirs[f"{lidar.name} points {i}"]).max() < 2e-3
            assert (scan.times_ns // 1000 == theirs[f"{lidar.name} fired {i}"]).all()
            assert np.abs(scan.intensities - theirs[f"{lidar.name} intensities {i}"]).max() < 1e-6
        ours = {
            f"{track} {labels.time_ns // 1000}": pose
            for labels in log.labels
            for track, pose in zip(labels.track_ids, labels.box_to_global, strict=True)
        }
        assert sorted(ours) == sorted(found["tracks"])
        off = np.abs(np.stack([ours[track] for track in found["tracks"]]) - theirs["boxes"])
        assert off.max() < 2e-4
