"""Streets as no log should be, in every format that can say them: a sound clip with a word of gaps, or one sentence.

`pytest -s tests/data/test_odd_logs.py` prints what came of each.
"""

from __future__ import annotations

import gzip
import io
import os
import pickle
import shutil
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from every_format import writers
from judge_odd import Told, told, wrong
from odd_streets import ODD, PATCHES, Written, written

from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

_LAYOUT = "its writer needs a camera and a LiDAR, as every log of the dataset has them"
_NO_NAN = "JSON has no such number, and the writer keeps to it"
_POSES_FOR_ALL = "every image and sweep has its own pose in the tables"
_ONE_CLOUD = "there is one cloud, and neither sweeps nor a vehicle"
_IN_STEP = "images, sweeps and poses have the same number and count frames together"
_NO_PLACE = "what is not a place has no direction and no pixel"
_PACKED = "the image is packed in a table or in messages"
_RAYS = "a ray for each point: none, or ten thousand at once, cannot be written"
_NOT_AS_IS = "poses are tabled at other times or in other axes than the log's"

_RECKONED = ("argoverse2", "colmap", "dgp", "kitti", "nuscenes", "pandaset", "nerfstudio", "waymo")
_ROS = ("rosbag2", "mcap", "ros1")
CANNOT_SAY: dict[str, dict[str, str]] = {
    "one image and sweep": dict.fromkeys(("kitti", "kitti360"), _IN_STEP),
    "no images": dict.fromkeys(("kitti", "kitti360", "waymo", "zod"), _LAYOUT),
    "no LiDAR": dict.fromkeys(
        ("argoverse2", "dgp", "kitti", "kitti360", "ncore", "nuscenes", "pandaset", "waymo", "zod"), _LAYOUT
    ),
    "poses only": {
        "folder": "the writer refuses it",
        **dict.fromkeys(
            ("argoverse2", "dgp", "kitti", "kitti360", "ncore", "nuscenes", "pandaset", "waymo", "zod"), _LAYOUT
        ),
    },
    "times repeated": {
        "dgp": "its writer puts the boxes of a frame beside its sweep",
        "waymo": "its writer puts the boxes of a frame beside its sweep, one each",
    },
    "times out of order": {"kitti360": _IN_STEP},
    "images an hour late": {**dict.fromkeys(("colmap", "nerfstudio"), _ONE_CLOUD), "kitti360": _IN_STEP},
    "poses for half": {
        **dict.fromkeys(("argoverse2", "ncore", "nuscenes", "pandaset", "waymo", *_ROS), _POSES_FOR_ALL),
        **dict.fromkeys(("colmap", "nerfstudio"), _ONE_CLOUD),
        "kitti": _POSES_FOR_ALL,
        "kitti360": _IN_STEP,
    },
    "NaN in K": {"folder": _NO_NAN},
    "infinite K": {"folder": _NO_NAN},
    "NaN in points": {"kitti": _NO_PLACE, "kitti360": _NO_PLACE, "waymo": _NO_PLACE},
    "infinite points": {"waymo": _NO_PLACE},
    "NaN in poses": dict.fromkeys(_RECKONED, _NOT_AS_IS),
    "infinite poses": dict.fromkeys(_RECKONED, _NOT_AS_IS),
    "one point, no point": {
        **dict.fromkeys(("colmap", "nerfstudio"), _ONE_CLOUD),
        **dict.fromkeys(("ncore", "waymo", *_ROS), _RAYS),
    },
    "huge image": dict.fromkeys(("waymo", *_ROS), _PACKED),
}
"""What a format cannot hold, or its writer not write, and why."""
RESULTS: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """What came of each street, printed when all have been tried."""
    yield
    kinds = list(writers())
    print("\n\n| | " + " | ".join(kinds) + " |\n" + "|---" * (len(kinds) + 1) + "|")
    for odd in ODD:
        print(f"| {odd} | " + " | ".join(RESULTS.get((kind, odd), "not tried") for kind in kinds) + " |")
    outcomes = list(RESULTS.values())
    print("\n" + ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("read", "refused", "cannot say")))


class Whole:
    """A format with the sane street in it."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind, self.root = kind, root
        self.form: Written = written(kind)
        self.path = self.form.write(self.form.street, root)
        self.told: Told = told(self.path)


@pytest.fixture(scope="module", params=list(writers()))
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(request.param, tmp_path_factory.mktemp(request.param))


def test_the_sane_street_is_what_was_written(whole: Whole) -> None:
    assert whole.told.clip is not None
    assert wrong(whole.told, whole.told, whole.form.street, whole.form.street) == []


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_street_is_a_sound_clip_with_a_word_of_what_it_lacks_or_one_sentence(
    odd: str, whole: Whole, tmp_path: Path
) -> None:
    reason = CANNOT_SAY.get(odd, {}).get(whole.kind)
    if reason is not None:
        RESULTS[whole.kind, odd] = "cannot say"
        pytest.skip(reason)
    log = ODD[odd](whole.form.street)
    with np.errstate(invalid="ignore"):
        path = whole.form.write(log, tmp_path)
    assert odd not in PATCHES or PATCHES[odd](tmp_path, log), "there was nothing to change"
    outcome = told(path)
    if outcome.clip is None:
        RESULTS[whole.kind, odd] = "refused"
        assert str(tmp_path) in outcome.sentence, f"does not say which file: {outcome.sentence}"
        return
    RESULTS[whole.kind, odd] = "read"
    assert wrong(outcome, whole.told, log, whole.form.street) == []


def test_a_folder_may_have_any_name(whole: Whole, tmp_path: Path) -> None:
    root = tmp_path / "mein Ausflug ü"
    shutil.copytree(whole.root, root)
    outcome = told(root / whole.path.relative_to(whole.root))
    assert outcome.clip is not None and whole.told.clip is not None
    assert len(outcome.clip.frames) == len(whole.told.clip.frames)
    assert len(outcome.clip.sweeps) == len(whole.told.clip.sweeps)


def test_a_path_may_be_relative(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(whole.path.parent)
    outcome = told(Path(whole.path.name))
    assert outcome.clip is not None and whole.told.clip is not None
    assert len(outcome.clip.frames) == len(whole.told.clip.frames)
    if whole.path.is_dir():
        monkeypatch.chdir(whole.path)
        assert told(Path()).clip is not None


def test_a_log_may_be_reached_by_a_link_and_hold_links_of_its_owner(whole: Whole, tmp_path: Path) -> None:
    """A link to the whole log is the user's own. One inside it is followed, or it costs its file and is named."""
    (tmp_path / "link").symlink_to(whole.root)
    outcome = told(tmp_path / "link" / whole.path.relative_to(whole.root))
    assert outcome.clip is not None and whole.told.clip is not None
    assert len(outcome.clip.frames) == len(whole.told.clip.frames)
    root, elsewhere = tmp_path / "copy", tmp_path / "elsewhere"
    shutil.copytree(whole.root, root)
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    images = [path for path in files if path.suffix in (".png", ".jpg") and "mask" not in str(path)]
    moved = (images or sorted(files, key=lambda path: -path.stat().st_size))[0]
    shutil.move(moved, elsewhere)
    moved.symlink_to(elsewhere)
    outcome = told(root / whole.path.relative_to(whole.root))
    if outcome.clip is None:
        assert str(tmp_path) in outcome.sentence
    else:
        assert wrong(outcome, whole.told, whole.form.street, whole.form.street) == []


@pytest.mark.parametrize("name", ["nowhere", "a file", "an empty folder", "a folder of folders", "text.json"])
def test_a_path_without_a_log_is_one_sentence_that_names_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a file":
        path.write_bytes(b"\x00" * 100)
    elif name == "text.json":
        path.write_text("{}")
    elif name != "nowhere":
        (path / "a" / "b" / "c" if name == "a folder of folders" else path).mkdir(parents=True)
    outcome = told(path)
    assert outcome.clip is None and str(path) in outcome.sentence


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user that permissions bind")
def test_a_log_that_may_not_be_read_is_one_sentence(whole: Whole, tmp_path: Path) -> None:
    root = tmp_path / "closed"
    shutil.copytree(whole.root, root)
    root.chmod(0)
    try:
        outcome = told(root / whole.path.relative_to(whole.root))
    finally:
        root.chmod(0o700)
    assert outcome.clip is None and str(root) in outcome.sentence


class _Command:
    """What a pickle may hold: a call that runs when it is opened."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return os.symlink, ("ran", str(self.trace))


def test_no_pickle_of_a_log_runs_code(tmp_path: Path) -> None:
    form = written("pandaset")
    path = form.write(form.street, tmp_path)
    trace = tmp_path / "trace"
    content = pickle.dumps(_Command(trace))
    pickle.loads(content)  # noqa: S301  (so that it is known to be a dangerous one)
    assert trace.is_symlink()
    trace.unlink()
    tables = sorted(path.rglob("*.pkl.gz"))
    assert len(tables) == 12
    for table in tables:
        before = table.read_bytes()
        table.write_bytes(gzip.compress(content))
        outcome = told(path)
        assert not trace.is_symlink()
        assert "which could run code" in outcome.sentence + " ".join(outcome.remarks), table
        table.write_bytes(before)
    for table in tables:
        table.write_bytes(gzip.compress(content))
    told(path)
    assert not trace.is_symlink()


def test_an_archive_that_climbs_out_of_its_folder_writes_nothing_outside(tmp_path: Path) -> None:
    form = written("folder")
    path = form.write(form.street, tmp_path / "inner")
    sweep = sorted(path.rglob("*.npz"))[0]
    with zipfile.ZipFile(sweep, "a") as archive:
        archive.writestr("../../../../climbed.npy", archive.read("points.npy"))
    before = sorted(tmp_path.rglob("*"))
    assert told(path).clip is not None
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("climbs", ["name", "link"])
def test_a_tar_that_climbs_out_of_its_folder_writes_and_reads_nothing_outside(climbs: str, tmp_path: Path) -> None:
    from write_ncore import write_ncore

    path = write_ncore(written("ncore").street, tmp_path / "inner", as_tar=True)
    (tmp_path / "secret").write_text("secret")
    lidars = next(path.glob("*-lidars.zarr.itar"))
    with tarfile.open(lidars, "a") as archive:
        if climbs == "name":
            member = tarfile.TarInfo("../../climbed")
            member.size = 5
            archive.addfile(member, io.BytesIO(b"climb"))
        else:
            # The last of that name counts: a link in place of the points' times.
            name = next(name for name in archive.getnames() if name.endswith("timestamp_us/0"))
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
            archive.addfile(member)
    before = sorted(tmp_path.rglob("*"))
    outcome = told(path)
    assert outcome.clip is None or climbs == "name" or len(outcome.clip.sweeps) == 6 or outcome.remarks
    assert "secret" not in outcome.sentence.replace(str(tmp_path), "")
    assert sorted(tmp_path.rglob("*")) == before


def _with_header(path: Path, rows: int, content: bytes) -> None:
    """A scan of that many points according to its header, with whatever bytes behind it."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 3), }}".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + content
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("points.npy", array)


@pytest.mark.parametrize("rows", [10**7, 10**12])
def test_a_header_of_more_points_than_there_are_costs_the_sweep_and_no_memory(rows: int, tmp_path: Path) -> None:
    form = written("folder")
    path = form.write(form.street, tmp_path)
    sweep = sorted(path.rglob("*.npz"))[0]
    _with_header(sweep, rows, b"\x00" * 1200)
    tracemalloc.start()
    try:
        outcome = told(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.clip is not None and len(outcome.clip.sweeps) == 5
    assert any(sweep.name in remark for remark in outcome.remarks)
    assert most < 20 * 2**20


def _remarks_of(log: Log, window: Window) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cut(log, window)
    return [str(warning.message) for warning in caught]


def _opened(tmp_path: Path) -> Log:
    form = written("folder")
    return open_log(form.write(form.street, tmp_path))


def test_a_whole_window_is_cut_without_a_word(tmp_path: Path) -> None:
    assert _remarks_of(_opened(tmp_path), Window(duration=0.5)) == []


def test_cutting_says_that_the_log_is_shorter_than_the_window(tmp_path: Path) -> None:
    (remark,) = _remarks_of(_opened(tmp_path), Window(duration=2.0))
    assert "the log ends at 0.50 s, so 0.50 s are read" in remark


def test_cutting_says_which_image_and_which_sweep_is_left_out(tmp_path: Path) -> None:
    log = _opened(tmp_path)
    image, sweep = (sorted(log.path.rglob(name))[2] for name in ("*.png", "*.npz"))
    image.write_bytes(b"no image")
    sweep.write_bytes(b"no sweep")
    remarks = _remarks_of(log, Window(duration=0.5))
    assert len(remarks) == 2
    assert any("lidar: 1 of 6 left out" in remark and str(sweep) in remark for remark in remarks)
    assert any("front: 1 of 6 left out" in remark and str(image) in remark for remark in remarks)


def test_cutting_says_that_poses_end_within_the_window(tmp_path: Path) -> None:
    log = _opened(tmp_path)
    short = replace(log, ego_times_ns=log.ego_times_ns[:4], ego_to_global=log.ego_to_global[:4])
    (remark,) = _remarks_of(short, Window(duration=0.5))
    assert "the own vehicle's pose is not known at 2 of 6 instants" in remark
    with pytest.raises(LogError, match="the own vehicle's pose at the start of the window is unknown"):
        cut(short, Window(start=0.5, duration=0.0))


def test_cutting_says_that_images_of_a_camera_that_was_late_are_left_out(tmp_path: Path) -> None:
    """The second half of one camera's images was stamped an hour late."""
    log = _opened(tmp_path)
    camera = log.cameras[0]
    times_ns = camera.times_ns + np.where(np.arange(6) < 3, 0, 3_600_000_000_000)
    late = replace(log, cameras=(replace(camera, times_ns=times_ns), *log.cameras[1:]))
    (remark,) = _remarks_of(late, Window(duration=0.5))
    assert remark.startswith("front: 3 of 6 images lie before the log's first or after its last stamp")
