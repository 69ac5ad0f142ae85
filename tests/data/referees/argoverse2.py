"""What av2-api reads in a log: poses, points and boxes in the city's frame, and where it shows points in images.

Arguments: the folder of a split, the log's name, a file to write arrays to. Runs with av2 installed, but without the
packages that it draws with.
"""

# The packages are installed where this runs, not where it is checked.
# pyright: reportMissingImports=false, reportCallIssue=false, reportArgumentType=false

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

for name in ("cv2", "cv2.typing", "matplotlib", "matplotlib.pyplot", "matplotlib.colors"):
    sys.modules[name] = MagicMock()
for name in ("av2.rendering.color", "av2.rendering.vector"):
    sys.modules[name] = MagicMock()

from av2.datasets.sensor.av2_sensor_dataloader import AV2SensorDataLoader  # noqa: E402
from av2.structures.cuboid import CuboidList  # noqa: E402
from av2.structures.sweep import Sweep  # noqa: E402

split, log, out = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
loader = AV2SensorDataLoader(data_dir=split, labels_dir=split)
arrays: dict[str, np.ndarray] = {}
stamps = loader.get_ordered_log_lidar_timestamps(log)
cameras = sorted(path.name for path in (split / log / "sensors/cameras").glob("*"))
for stamp in stamps:
    sweep = Sweep.from_feather(split / log / f"sensors/lidar/{stamp}.feather")
    city_SE3_ego = loader.get_city_SE3_ego(log, stamp)
    arrays[f"points {stamp}"] = city_SE3_ego.transform_point_cloud(sweep.xyz)
    arrays[f"fired {stamp}"] = sweep.timestamp_ns + sweep.offset_ns.astype(np.int64)
    arrays[f"is up {stamp}"] = sweep.laser_number < 32
    arrays[f"intensities {stamp}"] = sweep.intensity / 255
    for camera in cameras:
        own = [int(path.stem) for path in loader.get_ordered_log_cam_fpaths(log, camera)]
        near = min(own, key=lambda time: abs(time - stamp))
        seen, _, valid = loader.project_ego_to_img_motion_compensated(
            points_lidar_time=sweep.xyz,
            cam_name=camera,
            cam_timestamp_ns=near,
            lidar_timestamp_ns=stamp,
            log_id=log,
        )
        arrays[f"pixels {stamp} {camera}"] = seen[:, :2]
        arrays[f"valid {stamp} {camera}"] = valid
for camera in cameras:
    model = loader.get_log_pinhole_camera(log, camera)
    poses = []
    for path in loader.get_ordered_log_cam_fpaths(log, camera):
        city_SE3_ego = loader.get_city_SE3_ego(log, int(path.stem))
        poses.append(city_SE3_ego.compose(model.ego_SE3_cam).transform_matrix)
    arrays[f"cameras {camera}"] = np.stack(poses)
boxes = CuboidList.from_feather(split / log / "annotations.feather")
# The table of poses is read again for each pose that is asked for.
poses_by_stamp = {stamp: loader.get_city_SE3_ego(log, stamp) for stamp in {int(box.timestamp_ns) for box in boxes}}
corners = [poses_by_stamp[int(box.timestamp_ns)].transform_point_cloud(box.vertices_m) for box in boxes]
arrays["corners"] = np.stack(corners)
arrays["corner stamps"] = np.array([box.timestamp_ns for box in boxes])
np.savez(out, **arrays)
print(json.dumps({"stamps": stamps, "cameras": cameras}))
