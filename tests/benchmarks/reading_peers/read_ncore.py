"""NVIDIA's ncore reads a sequence. Arguments: the sequence's stores."""
# pyright: reportMissingImports=false

import sys
from pathlib import Path

import numpy as np
from ncore.data.v4 import SequenceComponentGroupsReader, SequenceLoaderV4
from report import Report

report = Report()
reader = SequenceComponentGroupsReader([Path(name) for name in sys.argv[1:]], open_consolidated=False)
loader = SequenceLoaderV4(reader)
report.opened()
for name in loader.camera_ids:
    camera = loader.get_camera_sensor(name)
    camera.get_frames_T_sensor_target("world", np.arange(camera.frames_count))
    for i in range(camera.frames_count):
        report.images += np.asarray(camera.get_frame_image_array(i)).ndim == 3
for name in loader.lidar_ids:
    lidar = loader.get_lidar_sensor(name)
    for i in range(lidar.frames_count):
        cloud = lidar.get_frame_point_cloud(i, motion_compensation=True, with_start_points=False)
        pose = lidar.get_frames_T_sensor_target("world", i)
        report.points += len(cloud.xyz_m_end @ pose[:3, :3].T + pose[:3, 3])
report.done()
