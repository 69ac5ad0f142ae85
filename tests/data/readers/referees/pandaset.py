"""What py123d reads in a PandaSet log: the vehicle's and the front camera's poses, points, and boxes.

Arguments: the log's folder, a file to write arrays to.
"""

# pyright: reportMissingImports=false, reportArgumentType=false
import json
import sys
from pathlib import Path

import numpy as np
from py123d.datatypes import BoxDetectionsSE3, Timestamp
from py123d.parser.pandaset.pandaset_parser import _extract_pandaset_box_detections
from py123d.parser.pandaset.pandaset_sensor_io import load_pandaset_point_cloud_data_from_path
from py123d.parser.pandaset.utils.pandaset_constants import (
    PANDASET_BOX_DETECTIONS_SE3_METADATA,
    PANDASET_CAMERA_EXTRINSICS,
)
from py123d.parser.pandaset.utils.pandaset_utils import (
    compute_global_main_lidar_from_camera,
    global_main_lidar_to_global_imu,
    pandaset_pose_dict_to_pose_se3,
    read_json,
)

folder, out = Path(sys.argv[1]), sys.argv[2]
arrays: dict[str, np.ndarray] = {}
egos, cameras = [], []
for pose in read_json(folder / "camera" / "front_camera" / "poses.json"):
    camera = pandaset_pose_dict_to_pose_se3(pose)
    lidar = compute_global_main_lidar_from_camera(camera, PANDASET_CAMERA_EXTRINSICS["front_camera"])
    cameras.append(camera.transformation_matrix)
    egos.append(global_main_lidar_to_global_imu(lidar).transformation_matrix)
arrays["ego"], arrays["camera"] = np.stack(egos), np.stack(cameras)
for number in range(len(egos)):
    points, _ = load_pandaset_point_cloud_data_from_path(folder / "lidar" / f"{number:02d}.pkl.gz")
    arrays[f"points {number}"] = points
    boxes: BoxDetectionsSE3 = _extract_pandaset_box_detections(
        folder, number, Timestamp.from_us(0), PANDASET_BOX_DETECTIONS_SE3_METADATA
    )
    found = [box.bounding_box_se3 for box in boxes.box_detections]
    arrays[f"boxes {number}"] = np.stack([box.center_se3.transformation_matrix for box in found])
    arrays[f"sizes {number}"] = np.array([[box.length, box.width, box.height] for box in found])
np.savez(out, **arrays)
print(json.dumps("done"))
