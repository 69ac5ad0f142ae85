"""What the zod devkit reads in a sequence: poses, points, boxes, and where it shows points in images.

Arguments: the dataset's root, the sequence's number, a file to write arrays to. Runs with zod installed.
"""
# pyright: reportMissingImports=false

import json
import sys

import numpy as np
from zod import ZodSequences
from zod.constants import AnnotationProject, Camera, Lidar
from zod.utils.geometry import project_3d_to_2d_kannala, transform_points

root, name, out = sys.argv[1:4]
sequence = ZodSequences(dataset_root=root, version="mini", mp=False)[name]
calibration = sequence.calibration
lidar_to_ego = calibration.lidars[Lidar.VELODYNE].extrinsics.transform
camera = calibration.cameras[Camera.FRONT]
frames = sequence.info.get_camera_frames()
clouds = sequence.info.get_lidar_frames(Lidar.VELODYNE)
arrays: dict[str, np.ndarray] = {"ego times": sequence.oxts.timestamps, "ego": sequence.oxts.poses}
for i, frame in enumerate(clouds):
    cloud = frame.read()
    to_world = sequence.oxts.get_poses(np.array([cloud.core_timestamp]))[0] @ lidar_to_ego
    arrays[f"points {i}"] = transform_points(cloud.points.astype(np.float64), to_world)
    arrays[f"seconds {i}"] = cloud.timestamps - cloud.core_timestamp
    arrays[f"intensities {i}"] = cloud.intensity
for i, frame in enumerate(frames):
    to_world = sequence.oxts.get_poses(np.array([frame.time.timestamp()]))[0] @ camera.extrinsics.transform
    arrays[f"camera {i}"] = to_world
    seen = transform_points(arrays[f"points {i}"], np.linalg.inv(to_world))
    arrays[f"pixels {i}"] = project_3d_to_2d_kannala(seen, camera.intrinsics, camera.distortion)
key = sequence.oxts.get_poses(np.array([sequence.info.keyframe_time.timestamp()]))[0] @ lidar_to_ego
corners, tracks = [], []
for item in sequence.get_annotation(AnnotationProject.OBJECT_DETECTION):
    if item.box3d is not None:
        corners.append(transform_points(item.box3d.corners, key))
        tracks.append(item.uuid)
arrays["corners"] = np.array(corners)
np.savez(out, allow_pickle=False, **arrays)
print(json.dumps({"images": len(frames), "clouds": len(clouds), "tracks": tracks}))
