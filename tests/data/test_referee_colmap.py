"""COLMAP's own library reads what the writer wrote, and the reader reads what COLMAP's own library wrote."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from cloud_street import cloud_street, write_street_points
from devkits import ask, devkit_python
from write_colmap import write_colmap

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.colmap import open_colmap
from flux4d_core.data.lens import pinhole


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_colmap_sees_what_we_see(binary: bool, tmp_path: Path) -> None:
    python = devkit_python("pycolmap", "pycolmap==4.2.1", "numpy")
    root = write_colmap(write_street_points(cloud_street(every=50)), tmp_path / "street", binary)
    model, again = root / "sparse" / "0", tmp_path / "again"
    again.mkdir()
    found = ask(python, "colmap.py", model, again)
    # From here on the model is the one that COLMAP's library wrote, with its own rigs, frames and order.
    shutil.rmtree(model)
    shutil.move(again, model)
    log = open_colmap(root, LogChoice())
    assert np.allclose(np.sort(log.lidars[0].read_scan(0).points, 0), np.sort(found["points"], 0), atol=1e-9)
    assert len(found["images"]) == sum(len(camera.times_ns) for camera in log.cameras)
    for camera in log.cameras:
        for i, name in enumerate(camera.names):
            theirs = found["images"][f"{camera.name}/{name}.png"]
            assert np.allclose(camera.camera_to_global[i], theirs["camera_to_world"], atol=1e-9)
            pixels, _ = (camera.lens or pinhole(camera.K)).project(np.array(found["rays"]))
            assert np.allclose(pixels, theirs["pixels"], atol=1e-6)
