"""What nuscenes-devkit reads in a scene: poses, points and boxes in the global frame.

Arguments: the dataset's root, its version, the scene's name, a file to write arrays to. Runs with nuscenes-devkit
installed, but without the packages that it draws with.
"""

# The packages are installed where this runs, not where it is checked.
# pyright: reportMissingImports=false, reportCallIssue=false, reportArgumentType=false

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

# This script is called as the package is: it must not be taken for it.
sys.path = [path for path in sys.path if Path(path) != Path(__file__).parent]
for name in (
    "cv2",
    "sklearn",
    "sklearn.metrics",
    "matplotlib",
    "matplotlib.axes",
    "matplotlib.patches",
    "matplotlib.pyplot",
    "matplotlib.backends",
    "matplotlib.backends.backend_agg",
):
    sys.modules[name] = MagicMock()

from nuscenes import NuScenes  # noqa: E402
from nuscenes.utils.data_classes import LidarPointCloud  # noqa: E402
from nuscenes.utils.geometry_utils import transform_matrix  # noqa: E402
from pyquaternion import Quaternion  # noqa: E402

root, version, name, out = sys.argv[1:5]
data = NuScenes(version=version, dataroot=root, verbose=False)
scene = next(scene for scene in data.scene if scene["name"] == name)
first = data.get("sample", scene["first_sample_token"])
arrays: dict[str, np.ndarray] = {}


def pose(row: dict) -> np.ndarray:
    return transform_matrix(row["translation"], Quaternion(row["rotation"]))


for channel, token in first["data"].items():
    poses, stamps = [], []
    row = data.get("sample_data", token)
    while row["prev"]:
        row = data.get("sample_data", row["prev"])
    while True:
        mount = data.get("calibrated_sensor", row["calibrated_sensor_token"])
        sensor_to_global = pose(data.get("ego_pose", row["ego_pose_token"])) @ pose(mount)
        poses.append(sensor_to_global)
        stamps.append(row["timestamp"])
        if channel == "LIDAR_TOP":
            cloud = LidarPointCloud.from_file(data.get_sample_data_path(row["token"]))
            cloud.remove_close(1.0)
            cloud.transform(sensor_to_global)
            arrays[f"points {row['timestamp']}"] = cloud.points.T
        if not row["next"]:
            break
        row = data.get("sample_data", row["next"])
    arrays[f"poses {channel}"], arrays[f"stamps {channel}"] = np.stack(poses), np.array(stamps)
    if mount["camera_intrinsic"]:
        arrays[f"K {channel}"] = np.array(mount["camera_intrinsic"])

corners, stamps, names = [], [], []
sample = first
while True:
    for token in sample["anns"]:
        corners.append(data.get_box(token).corners().T)
        stamps.append(sample["timestamp"])
        names.append(data.get("sample_annotation", token)["category_name"])
    if not sample["next"]:
        break
    sample = data.get("sample", sample["next"])
arrays["corners"], arrays["corner stamps"] = np.stack(corners), np.array(stamps)
np.savez(out, **arrays)
print(json.dumps({"channels": sorted(first["data"]), "names": names}))
