"""The zod devkit reads a sequence. Arguments: the dataset's root, the sequence's number."""
# pyright: reportMissingImports=false

import sys

import numpy as np
from report import Report
from zod import ZodSequences
from zod.constants import Lidar
from zod.utils.geometry import transform_points

report = Report()
sequence = ZodSequences(dataset_root=sys.argv[1], version="mini", mp=False)[sys.argv[2]]
lidar_to_ego = sequence.calibration.lidars[Lidar.VELODYNE].extrinsics.transform
track = sequence.oxts
report.opened()
for frame in sequence.info.get_camera_frames():
    track.get_poses(np.array([frame.time.timestamp()]))
    report.images += np.asarray(frame.read()).ndim == 3
for frame in sequence.info.get_lidar_frames(Lidar.VELODYNE):
    cloud = frame.read()
    to_world = track.get_poses(np.array([cloud.core_timestamp]))[0] @ lidar_to_ego
    report.points += len(transform_points(cloud.points.astype(np.float64), to_world))
report.done()
