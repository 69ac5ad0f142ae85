"""NCore's graph of poses."""

import numpy as np
import pytest

from flux4d_core.data.readers.ncore_poses import Edge, PoseGraph
from flux4d_core.errors import LogError


def test_the_graph_is_walked_both_ways_and_over_moving_edges() -> None:
    def at(x: float, y: float, z: float) -> np.ndarray:
        pose = np.eye(4)
        pose[:3, 3] = x, y, z
        return pose

    moving = Edge("rig", "world", np.array([0, 10**9]), np.stack([at(0, 0, 0), at(10, 0, 0)]))
    graph = PoseGraph((moving, Edge("rig", "camera", None, at(0, -1, 0)[None])), "here")
    poses = graph.poses("camera", "world", np.array([500_000_000]))
    np.testing.assert_allclose(poses[0], at(5, 1, 0), atol=1e-12)
    np.testing.assert_allclose(graph.poses("world", "camera", np.array([500_000_000]))[0], at(-5, -1, 0), atol=1e-12)
    assert graph.known("camera", "world", np.array([0, 10**9, 10**10])).tolist() == [True, True, False]
    with pytest.raises(LogError, match="here: no poses lead from the frame 'lidar' to 'world'"):
        graph.poses("lidar", "world", np.array([0]))
    with pytest.raises(LogError, match=r"here: no pose is known 10\.000 s after the first one"):
        graph.poses("rig", "world", np.array([10**10]))
