"""pykitti reads a drive of KITTI raw. Arguments: the folder above the day's, the day, the drive's number, frames."""
# pyright: reportMissingImports=false

import sys
from unittest.mock import MagicMock

import numpy as np

for unused in ("cv2", "pandas"):
    sys.modules[unused] = MagicMock()

import pykitti  # noqa: E402
from report import Report  # noqa: E402

root, day, drive, frames = sys.argv[1:5]
report = Report()
data = pykitti.raw(root, day, drive)
report.opened()
for i in range(min(int(frames), len(data.velo_files))):
    scan = data.get_velo(i)[:, :3]
    to_world = data.oxts[i].T_w_imu @ np.linalg.inv(data.calib.T_velo_imu)
    report.points += len(scan @ to_world[:3, :3].T + to_world[:3, 3])
for i in range(min(int(frames), len(data.cam2_files))):
    report.images += np.asarray(data.get_cam2(i)).ndim == 3
report.done()
