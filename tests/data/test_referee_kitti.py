"""What pykitti reads in a drive of KITTI raw is what we read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from devkits import ask, devkit_python
from miniature_logs import write_kitti

from flux4d_core.data.kitti import open_kitti, read_velodyne
from flux4d_core.data.kitti_calibration import read_calibration
from flux4d_core.data.poses import invert

REAL = Path(__file__).parents[3] / "shared/logs/kitti_raw/2011_09_26/2011_09_26_drive_0013_sync"
OFFSETS = 0.004
"""Metres along an axis: of a rectified camera's place beside camera 0, pykitti takes the first of three numbers."""


def whole_drive(root: Path) -> Path:
    """The miniature drive climbing and turning, and with the three cameras that pykitti insists on."""
    drive = write_kitti(root)
    for i in range(5):
        packet = drive / "oxts/data" / f"{i:010d}.txt"
        columns = packet.read_text().split()
        columns[:6] = [str(49.0 + 1e-5 * i), str(8.4 + 2e-5 * i), str(110 + i), "0.02", "-0.03", str(0.5 + 0.1 * i)]
        packet.write_text(" ".join(columns))
    calibration = drive.parent / "calib_cam_to_cam.txt"
    turned = "0.9998 0.02 0 -0.02 0.9998 0 0 0 1"
    text = calibration.read_text().replace("R_rect_00: 1 0 0 0 1 0 0 0 1", f"R_rect_00: {turned}")
    for i, shift in ((0, 0.0), (1, -20.0), (3, -15.0)):
        text += f"S_rect_0{i}: 64 48\nR_rect_0{i}: {turned}\nP_rect_0{i}: 40 0 31.5 {shift} 0 40 23.5 0 0 0 1 0\n"
    calibration.write_text(text + f"R_rect_02: {turned}\n")
    return drive


@pytest.mark.parametrize("kind", ["miniature", "real"])
def test_pykitti_reads_poses_calibration_points_and_images_as_we_do(tmp_path: Path, kind: str) -> None:
    if kind == "real" and not REAL.is_dir():
        pytest.skip("the KITTI drive 0013 is not on this machine")
    drive = REAL if kind == "real" else whole_drive(tmp_path)
    python = devkit_python("pykitti", "numpy", "pillow", without_their_own=("pykitti==0.3.1",))
    day, number = drive.parent.name, drive.name.split("_")[4]
    found = ask(python, "kitti_raw.py", drive.parent.parent, day, number, tmp_path / "out.npz")
    log, calibration = open_kitti(drive), read_calibration(drive.parent)
    camera = next(camera for camera in log.cameras if camera.name == "image_02")
    assert found["images"] == len(camera.times_ns)
    with np.load(tmp_path / "out.npz") as theirs:
        assert np.abs(log.ego_to_global - theirs["ego"]).max() < 1e-6
        assert np.abs(invert(calibration.velo_to_imu) - theirs["imu to velodyne"]).max() < 1e-5
        for name, ours in calibration.cameras.items():
            i = int(name[-1])
            off = invert(ours.camera_to_imu) - theirs[f"imu to camera {i}"]
            assert np.abs(off[:3, :3]).max() < 1e-3 and np.abs(off[:3, 3]).max() < OFFSETS
            K = ours.K.copy()
            K[:2, 2] -= 0.5
            assert np.abs(K - theirs[f"K {i}"]).max() < 1e-9
        points, intensities = read_velodyne(drive / "velodyne_points/data/0000000000.bin")
        scan = theirs["scan"][np.linalg.norm(theirs["scan"][:, :3], axis=-1) > 0]
        assert (points == scan[:, :3]).all() and (intensities == scan[:, 3]).all()
        assert (camera.read_image(0) == theirs["image"]).all()
