"""What NVIDIA's ncore reads in a sequence: poses, points, boxes and masks in the world's frame.

Arguments: a file to write arrays to, and the sequence's stores. Runs with nvidia-ncore installed.
"""
# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path

import numpy as np
from ncore.data.v4 import SequenceComponentGroupsReader, SequenceLoaderV4
from ncore.impl.common.transformations import bbox_pose

out, paths = sys.argv[1], [Path(name) for name in sys.argv[2:]]
# The other way to open a store needs one file of all metadata, which saves time and tells nothing more.
reader = SequenceComponentGroupsReader(paths, open_consolidated="--consolidated" in sys.argv)
loader = SequenceLoaderV4(reader)
graph = loader.pose_graph
arrays: dict[str, np.ndarray] = {}
for name in loader.camera_ids:
    camera = loader.get_camera_sensor(name)
    stamps = camera.frames_timestamps_us.astype(np.int64)
    arrays[f"{name} middle"] = graph.evaluate_poses(name, "world", stamps.sum(-1) // 2)
    arrays[f"{name} end"] = camera.get_frames_T_sensor_target("world", np.arange(len(stamps)))
    arrays[f"{name} principal"] = camera.model_parameters.principal_point
    arrays[f"{name} focal"] = camera.model_parameters.focal_length
    arrays[f"{name} image"] = np.asarray(camera.get_frame_image_array(0))
    masks = camera.get_mask_images()
    if "ego" in masks:
        arrays[f"{name} ego"] = np.asarray(masks["ego"].convert("L"))
for name in loader.lidar_ids:
    lidar = loader.get_lidar_sensor(name)
    for i in range(lidar.frames_count):
        # In the sensor's frame at the end of the turn, with the motion taken out.
        cloud = lidar.get_frame_point_cloud(i, motion_compensation=True, with_start_points=False)
        pose = lidar.get_frames_T_sensor_target("world", i)
        arrays[f"{name} points {i}"] = cloud.xyz_m_end @ pose[:3, :3].T + pose[:3, 3]
        arrays[f"{name} fired {i}"] = lidar.get_frame_ray_bundle_timestamp_us(i)
        arrays[f"{name} intensities {i}"] = lidar.get_frame_ray_bundle_return_intensity(i)
boxes, tracks = [], []
for observation in loader.get_cuboid_track_observations():
    frame_us = np.array(observation.reference_frame_timestamp_us, dtype=np.int64)
    pose = graph.evaluate_poses(observation.reference_frame_id, "world", frame_us)
    boxes.append(pose @ bbox_pose(observation.bbox3.to_array().astype(np.float64)))
    tracks.append(f"{observation.track_id} {observation.timestamp_us}")
arrays["boxes"] = np.array(boxes)
np.savez(out, allow_pickle=False, **arrays)
print(json.dumps({"cameras": loader.camera_ids, "lidars": loader.lidar_ids, "tracks": tracks}))
