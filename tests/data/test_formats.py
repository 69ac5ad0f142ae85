from collections.abc import Callable
from pathlib import Path

import pytest
from miniature_logs import write_dgp, write_folder, write_kitti

from flux4d_core.data.formats import FORMATS, open_log
from flux4d_core.errors import LogError

LOGS = Path(__file__).parents[2].parent / "shared" / "logs"


@pytest.mark.parametrize(
    ("write", "name"), [(write_kitti, "KITTI raw"), (write_dgp, "DGP"), (write_folder, "flux4d folder")]
)
def test_each_format_is_recognised_by_one_reader_only(write: Callable[[Path], Path], name: str, tmp_path: Path) -> None:
    path = write(tmp_path)
    assert sum(known.recognises(path) for known in FORMATS) == 1
    assert open_log(path).format == name


def test_a_log_json_may_be_named_itself(tmp_path: Path) -> None:
    assert open_log(write_folder(tmp_path) / "log.json").format == "flux4d folder"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("001/camera/front_camera/poses.json", "PandaSet"),
        ("training/segment-1.tfrecord", "Waymo"),
    ],
)
def test_datasets_without_a_reader_are_named(file: str, name: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(LogError, match=f"this is {name} data, which flux4d cannot read yet; what it reads is"):
        open_log(tmp_path)


@pytest.mark.skipif(not (LOGS / "argoverse2").exists(), reason="the Argoverse 2 sample is not on this machine")
def test_the_argoverse_2_sample_is_recognised_in_its_root() -> None:
    assert open_log(LOGS / "argoverse2").format == "Argoverse 2"


def test_an_empty_folder_is_an_error_that_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"it looked for a flux4d log folder .*KITTI raw drive .*DGP or DDAD scene"):
        open_log(tmp_path)


def test_a_path_that_does_not_exist_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="there is no such file or folder"):
        open_log(tmp_path / "gone")


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    assert open_log(str(write_folder(tmp_path))).format == "flux4d folder"
