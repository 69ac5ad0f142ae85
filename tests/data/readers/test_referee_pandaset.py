"""pandas and py123d as referees of the PandaSet reader (PandaSet's own devkit is not on the package index)."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from devkits import ask, devkit_python
from street import street
from write_pandaset import keep, write_pandaset

from flux4d_core.data.dataframe import read_dataframe
from flux4d_core.data.formats import open_log
from flux4d_core.data.poses import invert, transform


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_pandaset(street(), tmp_path_factory.mktemp("pandaset"))
    for path in (folder / "annotations" / "cuboids").iterdir():
        # py123d knows PandaSet's classes only.
        keep(pandas.DataFrame(pandas.read_pickle(path)).assign(label="Car"), path)  # noqa: S301  (written a moment ago)
    return folder


def test_tables_are_read_as_pandas_reads_them(written: Path) -> None:
    for path in (written / "lidar" / "02.pkl.gz", written / "annotations" / "cuboids" / "02.pkl.gz"):
        theirs, ours = pandas.DataFrame(pandas.read_pickle(path)), read_dataframe(path, "the table")  # noqa: S301
        assert set(ours) == set(theirs.columns)
        for name, column in ours.items():
            assert column.tolist() == theirs[name].tolist()


def test_poses_points_and_boxes_are_those_of_py123d(written: Path, tmp_path: Path) -> None:
    needed = ("numpy", "pandas", "scipy", "shapely", "pyquaternion", "typing_extensions", "trimesh")
    python = devkit_python("py123d-pandaset", *needed, without_their_own=("py123d==0.7.0",))
    ask(python, "pandaset.py", written, tmp_path / "theirs.npz")
    theirs = np.load(tmp_path / "theirs.npz")
    log = open_log(written)
    assert np.abs(log.ego_to_global - theirs["ego"]).max() < 1e-6
    for number in range(len(log.ego_to_global)):
        points = transform(invert(log.ego_to_global[number]), log.lidars[0].read_scan(number).points)
        assert np.abs(points - theirs[f"points {number}"]).max() < 1e-4
        labels = log.labels[number]
        poses = theirs[f"boxes {number}"]
        assert np.abs(labels.box_to_global[:, :3, 3] - poses[:, :3, 3]).max() < 1e-6
        assert np.abs(labels.sizes - theirs[f"sizes {number}"]).max() < 1e-6
        # py123d takes yaw 0 for the world's -y, PandaSet's devkit says it is +y: the boxes are the same back to front.
        assert np.abs(labels.box_to_global[:, :3, 0] + poses[:, :3, 0]).max() < 1e-6
        assert np.abs(labels.box_to_global[:, :3, 2] - poses[:, :3, 2]).max() < 1e-6
