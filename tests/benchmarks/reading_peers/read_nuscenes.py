"""nuscenes-devkit reads a scene. Arguments: the dataset's root, its version."""
# pyright: reportMissingImports=false, reportCallIssue=false, reportArgumentType=false

import sys
from unittest.mock import MagicMock

import numpy as np
from PIL import Image

for name in (
    "cv2", "sklearn", "sklearn.metrics", "matplotlib", "matplotlib.axes", "matplotlib.patches", "matplotlib.pyplot",
    "matplotlib.backends", "matplotlib.backends.backend_agg",
):  # fmt: skip
    sys.modules[name] = MagicMock()

from nuscenes import NuScenes  # noqa: E402
from nuscenes.utils.data_classes import LidarPointCloud  # noqa: E402
from nuscenes.utils.geometry_utils import transform_matrix  # noqa: E402
from pyquaternion import Quaternion  # noqa: E402
from report import Report  # noqa: E402

report = Report()
data = NuScenes(version=sys.argv[2], dataroot=sys.argv[1], verbose=False)
report.opened()
for row in data.sample_data:
    if row["fileformat"] not in ("jpg", "pcd") or "RADAR" in row["channel"]:
        continue
    ego = data.get("ego_pose", row["ego_pose_token"])
    mount = data.get("calibrated_sensor", row["calibrated_sensor_token"])
    poses = [transform_matrix(part["translation"], Quaternion(part["rotation"])) for part in (ego, mount)]
    path = data.get_sample_data_path(row["token"])
    if row["fileformat"] == "jpg":
        report.images += np.asarray(Image.open(path)).ndim == 3
    else:
        cloud = LidarPointCloud.from_file(path)
        cloud.remove_close(1.0)
        cloud.transform(poses[0] @ poses[1])
        report.points += cloud.points.shape[1]
report.done()
