"""The street's ego poses are those of its sweeps, 0.1 s apart; GPS/IMU records have ten times as many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from flux4d_core.data.log import Log
from flux4d_core.data.poses import interpolate, invert, nearest_rigid


def denser(log: Log) -> Log:
    """The log with an ego pose at every image too: where its camera says that the car was.

    A camera's place on the car is the mean of what its images say, each with an ego pose interpolated between sweeps:
    to a millimetre in a turn. With the poses that follow from it, the cameras are where they were exactly.
    """
    times, poses = [log.ego_times_ns], [log.ego_to_global]
    for camera in log.cameras:
        mounts = invert(interpolate(log.ego_times_ns, log.ego_to_global, camera.times_ns)) @ camera.camera_to_global
        times.append(camera.times_ns)
        poses.append(camera.camera_to_global @ invert(nearest_rigid(mounts.mean(0))))
    stamps, first = np.unique(np.concatenate(times), return_index=True)
    return replace(log, ego_times_ns=stamps, ego_to_global=np.concatenate(poses)[first])
