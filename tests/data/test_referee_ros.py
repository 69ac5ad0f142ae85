"""An MCAP recording, read by us and by Foxglove's own decoder: the same images, points, poses and calibration."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from devkits import ask, devkit_python
from street import street
from write_ros import RosOptions, write_ros

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.files import read_npz
from flux4d_core.data.ros.open import open_ros


def test_foxgloves_decoder_and_tf2s_look_up_say_the_same(tmp_path: Path) -> None:
    python = devkit_python("ros", "mcap==1.6.0", "mcap-ros2-support==0.6.0", "numpy")
    path = write_ros(replace(street(), labels=()), tmp_path, RosOptions(container="mcap file", compression="zstd"))
    topics = ask(python, "ros.py", path, tmp_path / "said.npz")
    said, log = read_npz(tmp_path / "said.npz", "the referee's answer"), open_ros(path, LogChoice())
    assert len(topics) == 7
    for camera in log.cameras:
        assert (said[f"{camera.name}_image_raw_stamps"] == camera.times_ns).all()
        assert np.abs(said[f"{camera.name}_image_raw_poses"] - camera.camera_to_global).max() < 1e-6
        assert (said[f"{camera.name}_image_raw_image"] == camera.read_image(1)).all()
        K = camera.K.copy()
        K[:2, 2] -= 0.5
        assert np.abs(said[f"{camera.name}_camera_info_K"] - K).max() < 1e-9
    scan = log.lidars[0].read_scan(1)
    assert np.abs(said["lidar_points_fired"] - scan.times_ns[::97]).max() <= 1
    # Beam times are rounded to 10 microseconds before poses are looked up: 0.1 mm at 12 m/s.
    assert np.abs(said["lidar_points_placed"] - scan.points[::97]).max() < 2e-4
