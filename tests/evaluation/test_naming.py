from pathlib import Path

import pytest

from flux4d_core.data.readers import waymo
from flux4d_core.errors import LogError
from flux4d_core.evaluation import naming
from flux4d_core.evaluation.naming import open_named


def training_split(root: Path, contexts: int) -> Path:
    (root / "training" / "vehicle_pose").mkdir(parents=True)
    for number in range(contexts):
        (root / "training" / "vehicle_pose" / f"{1000 + number}_0.parquet").write_bytes(b"")
    return root


def test_a_folder_below_the_root_is_the_log_of_that_name(tmp_path: Path) -> None:
    root = training_split(tmp_path, 1)
    (root / "003").mkdir()
    with pytest.raises(LogError, match=r"003: not a driving log that flux4d can read"):
        open_named(root, "003")


def test_a_number_counts_in_the_alphabet_of_waymos_whole_training_split(tmp_path: Path) -> None:
    root = training_split(tmp_path, naming.WAYMO_TRAINING_SEGMENTS)
    assert len(waymo.list_logs(root)) == 798
    with pytest.raises(LogError, match=r"1016_0.parquet: the vehicle's poses is empty"):
        open_named(root, "016")


def test_in_a_part_of_the_split_nothing_is_counted(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="segment 16 is counted in the whole training split of 798 segments, found 20"):
        open_named(training_split(tmp_path, 20), "016")


def test_a_segment_is_found_by_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"1007_0.parquet: the vehicle's poses is empty"):
        open_named(training_split(tmp_path, 20), "1007_0")


def test_a_name_that_nothing_has_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="there is no such file or folder"):
        open_named(tmp_path, "003")
