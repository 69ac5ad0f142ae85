"""What pykitti reads in a drive of KITTI raw: poses, places of the sensors, points and images.

Arguments: the folder above the day's, the day, the drive's four digits, a file to write arrays to. Runs with pykitti
installed, but without the packages of the parts that read other datasets.
"""
# pyright: reportMissingImports=false

import json
import sys
from unittest.mock import MagicMock

import numpy as np

for unused in ("cv2", "pandas"):
    sys.modules[unused] = MagicMock()

import pykitti  # noqa: E402

root, day, drive, out = sys.argv[1:5]
data = pykitti.raw(root, day, drive)
arrays: dict[str, np.ndarray] = {"ego": np.array([packet.T_w_imu for packet in data.oxts])}
for i in range(4):
    arrays[f"imu to camera {i}"] = getattr(data.calib, f"T_cam{i}_imu")
    arrays[f"K {i}"] = getattr(data.calib, f"K_cam{i}")
arrays["imu to velodyne"] = data.calib.T_velo_imu
arrays["scan"] = data.get_velo(0)
arrays["image"] = np.asarray(data.get_cam2(0))
np.savez(out, allow_pickle=False, **arrays)
print(json.dumps({"scans": len(data.velo_files), "images": len(data.cam2_files)}))
