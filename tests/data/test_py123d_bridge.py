"""Logs of py123d, written by py123d itself, as log folders; skipped where it cannot be installed."""

import json
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from devkits import devkit_python
from same_log import Tolerance, check_same_log
from street import street
from write_py123d import NAMES, lensed, write_py123d

from flux4d_core.data import py123d_bridge
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log, LogWarning, Scan
from flux4d_core.errors import LogError
from flux4d_core.progress import Cancelled

ROUNDED = Tolerance(points=2e-3, point_time_ns=2_000, intensity=0.01, cameras=NAMES)


@pytest.fixture(scope="module")
def python() -> Path:
    without = (f"py123d=={py123d_bridge.VERSION}",)
    return devkit_python("py123d", *py123d_bridge.REQUIREMENTS, without_their_own=without)


def without_seam(log: Log) -> Log:
    """No beams within 0.1 ms of a turn's ends: their azimuth alone does not say at which end they fired."""
    lidar = log.lidars[0]

    def read_scan(i: int) -> Scan:
        scan = lidar.read_scan(i)
        keep = np.abs(scan.times_ns - lidar.times_ns[i]) < 49_900_000
        return Scan(scan.points[keep], scan.times_ns[keep], scan.intensities[keep])

    return replace(log, lidars=(replace(lidar, read_scan=read_scan),))


@pytest.mark.parametrize("dataset", ["av2-sensor", "wod-perception", "physical-ai-av", "nuscenes", "kitti360"])
def test_the_street_comes_back_by_way_of_py123d(
    dataset: str, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = without_seam(lensed(street())) if dataset == "kitti360" else lensed(street())
    shift = 0.5 if dataset in ("physical-ai-av", "kitti360") else 0.0
    store = {"nuscenes": "path", "wod-perception": "jpeg_binary"}.get(dataset, "png_binary")
    path = write_py123d(log, tmp_path / "py123d", python, dataset, shift, store)
    monkeypatch.setenv("NUSCENES_DATA_ROOT", str(tmp_path / "py123d"))
    assert py123d_bridge.recognises(path)
    stages: list[str] = []
    py123d_bridge.convert(path, tmp_path / "made", python, lambda stage, fraction: stages.append(stage))
    assert "writing images of pcam_f0" in stages and "writing sweeps of lidar_top" in stages
    tolerance = replace(ROUNDED, image=6.0 if store == "jpeg_binary" else 0.0)
    if dataset == "nuscenes":  # has no stamps of points
        tolerance = replace(tolerance, point_time_ns=None)
    if dataset == "kitti360":  # has none either: from their azimuths
        tolerance = replace(tolerance, point_time_ns=50_000)
    check_same_log(open_log(tmp_path / "made"), log, tolerance)
    assert open_log(tmp_path / "made").licence


@pytest.fixture(scope="module")
def whole(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_py123d(lensed(street()), tmp_path_factory.mktemp("whole") / "py123d", python, "av2-sensor")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("sync.arrow", "expected a log of py123d"),
        ("ego_state_se3.arrow", "has no poses of the vehicle"),
        ("everything but", "py123d cannot read the log: "),
    ],
)
def test_a_broken_log_is_one_sentence_and_leaves_nothing(
    damage: str, words: str, whole: Path, python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "py123d"
    shutil.copytree(whole, path)
    if damage == "everything but":
        for file in path.glob("*.arrow"):
            file.write_bytes(b"broken")
    else:
        (path / damage).unlink()
    with pytest.raises(LogError, match=words) as problem:
        py123d_bridge.convert(path, tmp_path / "made", python)
    assert "\n" not in str(problem.value)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["py123d"]


STAND_IN = """#!{python}
import sys, time
if "-c" in sys.argv:
    print("{version}")
    sys.exit()
{body}
"""


def stand_in(root: Path, body: str, version: str = py123d_bridge.VERSION) -> Path:
    """Not py123d: something that is called in its place and speaks as the script does, or fails to."""
    python = root / "python"
    python.write_text(STAND_IN.format(python=sys.executable, version=version, body=body))
    python.chmod(0o755)
    (root / "log").mkdir()
    (root / "log" / "sync.arrow").touch()
    return python


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('noise'); print('[1]')", "py123d ended without a word: no error was printed"),
        ("raise RuntimeError('no memory')", "py123d ended without a word: RuntimeError: no memory"),
        ('print(\'{"error": "a\\\\nb"}\')', "py123d cannot read the log: a b"),
        ("print('{\"done\": true}')", "log.json: the log's description is missing"),
    ],
)
def test_a_script_that_fails_is_one_sentence(body: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=words):
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made", stand_in(tmp_path, body))
    assert not (tmp_path / "made").exists()


def test_cancelling_ends_the_script_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    python = stand_in(tmp_path, 'print(\'{"stage": "x", "fraction": 0.5}\', flush=True); time.sleep(600)')

    def stop(stage: str, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made", python, stop)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "python"]


def test_what_the_script_leaves_out_is_a_warning(tmp_path: Path) -> None:
    python = stand_in(tmp_path, 'print(\'{"warning": "camera 1 is left out"}\')')
    with warnings.catch_warnings(record=True) as caught, pytest.raises(LogError):
        warnings.simplefilter("always")
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made", python)
    assert [str(w.message) for w in caught if w.category is LogWarning] == [f"{tmp_path / 'log'}: camera 1 is left out"]


def test_another_version_and_a_python_that_is_none_are_refused(tmp_path: Path) -> None:
    python = stand_in(tmp_path, "", version="0.1.0")
    with pytest.raises(LogError, match=r"expected py123d 0\.7\.0, found 0\.1\.0"):
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made", python)
    with pytest.raises(LogError, match=r"expected a Python that has py123d 0\.7\.0"):
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made", tmp_path / "nowhere")


def test_without_an_environment_the_way_to_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stand_in(tmp_path, "")
    with pytest.raises(LogError, match="add --install, or name a Python that has it: --python"):
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made")
    assert py123d_bridge.installed() is None and tmp_path in py123d_bridge.environment().parents


def test_opening_a_log_of_py123d_says_how_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "sync.arrow").touch()
    with pytest.raises(LogError, match="this is a py123d log; make a log folder of it: flux4d bridge"):
        open_log(tmp_path)


def test_a_folder_with_something_in_it_is_not_written_into(tmp_path: Path) -> None:
    python = stand_in(tmp_path, "")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.json").write_text(json.dumps({}))
    with pytest.raises(LogError, match="exists already and is not an empty folder"):
        py123d_bridge.convert(tmp_path / "log", tmp_path / "made", python)
