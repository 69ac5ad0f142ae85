"""KISS-ICP in a process of its own, for its library ends the whole process over scans that it cannot align.

Run as a script by `odometry.py`. Reads from standard input, for each scan, b"S", the numbers of points and of times
(int64; no times: points are not moved), points (float64, N x 3) and times (float64, N, in any unit); answers with the
pose (float64, 4 x 4). b"R" begins anew with the last motion as the first guess.
"""

from __future__ import annotations

import sys

# The folder of this script has modules with the names of other libraries.
sys.path.pop(0)

import numpy as np

FARTHEST, NEAREST, VOXEL = 100.0, 1.0, 1.0
"""Metres; KISS-ICP's own defaults, but for the nearest returns, which are often the own vehicle's."""


def main() -> None:
    from kiss_icp.config import KISSConfig
    from kiss_icp.config.config import DataConfig, MappingConfig
    from kiss_icp.kiss_icp import KissICP

    data = DataConfig(max_range=FARTHEST, min_range=NEAREST, deskew=True)
    config = KISSConfig(data=data, mapping=MappingConfig(voxel_size=VOXEL))
    odometry = KissICP(config)
    stream, answers = sys.stdin.buffer, sys.stdout.buffer
    while command := stream.read(1):
        if command == b"R":
            motion = odometry.last_delta
            odometry = KissICP(config)
            odometry.last_delta = motion
            continue
        points, times = np.frombuffer(stream.read(16), np.int64).tolist()
        values = np.frombuffer(stream.read(8 * (3 * points + times)), np.float64).copy()
        odometry.register_frame(values[: 3 * points].reshape(-1, 3), values[3 * points :])
        answers.write(np.asarray(odometry.last_pose, np.float64).tobytes())
        answers.flush()


if __name__ == "__main__":
    main()
