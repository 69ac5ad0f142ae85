"""Whatever is broken in a recording of ROS, the outcome is a log of what is left, or one sentence."""

import random
import re
import shutil
import sqlite3
import struct
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from street import street
from write_ros import LogWriter, Make, RosOptions, Stamped, type_store, write_messages, write_ros

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.describe import describe
from flux4d_core.data.formats import open_log
from flux4d_core.data.log import Log
from flux4d_core.data.readers.ros.calibration import Intrinsics, camera_model, read_camera_info
from flux4d_core.data.readers.ros.chunks import unpack
from flux4d_core.data.readers.ros.images import raw_image
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError

OPTIONS = {
    "sqlite3": RosOptions(container="sqlite3"),
    "mcap": RosOptions(container="mcap file", compression="lz4", images="jpeg"),
    "mcap plain": RosOptions(container="mcap file"),
    "video": RosOptions(container="mcap file", images="h264"),
    "ros1": RosOptions(container="ros1"),
}


def small() -> Log:
    """One camera and the LiDAR, few points: enough to be broken."""
    log = street()
    lidar = log.lidars[0]

    def read_scan(i: int) -> Any:
        scan = lidar.read_scan(i)
        return replace(scan, points=scan.points[::50], times_ns=scan.times_ns[::50], intensities=scan.intensities[::50])

    return replace(log, labels=(), cameras=log.cameras[:1], lidars=(replace(lidar, read_scan=read_scan),))


def outcome(path: Path) -> Log | LogError:
    """Everything that a user would do; only LogError and warnings may come out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            log = open_log(path, LogChoice())
            assert str(describe(log))
            clip = cut(log, Window(duration=0.3))
        except LogError as problem:
            assert "\n" not in str(problem) and len(str(problem)) > 20
            return problem
    assert all(bool(sweep.points.isfinite().all()) for sweep in clip.sweeps)
    return log


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    paths = {}
    for name, options in OPTIONS.items():
        paths[name] = write_ros(small(), tmp_path_factory.mktemp("pristine"), options)
        assert not isinstance(outcome(paths[name]), LogError)
    return paths


def copied(path: Path, root: Path) -> Path:
    if path.is_dir():
        return Path(shutil.copytree(path, root / path.name))
    return Path(shutil.copy(path, root / path.name))


def payload(path: Path) -> Path:
    return next(path.glob("*.db3")) if path.is_dir() else path


def empty(content: bytes) -> bytes:
    return b""


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def garbage(content: bytes) -> bytes:
    return random.Random(0).randbytes(len(content))


def head_only(content: bytes) -> bytes:
    return content[:100]


@pytest.mark.parametrize("damage", [empty, half, garbage, head_only])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_broken_file_gives_one_sentence_or_what_is_left(
    name: str, damage: Callable[[bytes], bytes], pristine: dict[str, Path], tmp_path: Path
) -> None:
    path = copied(pristine[name], tmp_path)
    payload(path).write_bytes(damage(payload(path).read_bytes()))
    result = outcome(path)
    if damage is half and name == "mcap plain":
        # Several chunks: those before the cut are whole.
        assert not isinstance(result, LogError), result
        assert any("cut off" in note for note in result.notes) and len(result.lidars[0].times_ns) >= 2
    else:
        assert isinstance(result, LogError)
        assert str(path) in str(result)
        assert damage is not half or "mcap" not in path.name or "was cut off" in str(result)


@pytest.mark.parametrize("name", OPTIONS)
def test_bytes_changed_anywhere_never_raise_anything_else(name: str, pristine: dict[str, Path], tmp_path: Path) -> None:
    dice, path = random.Random(1), copied(pristine[name], tmp_path)
    content = payload(path).read_bytes()
    for _ in range(25):
        broken = bytearray(content)
        for _ in range(dice.choice([1, 10, 100])):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        # Heads and tails hold the index.
        start = dice.choice([0, max(0, len(broken) - 3000), dice.randrange(len(broken))])
        for _ in range(5):
            broken[min(start + dice.randrange(200), len(broken) - 1)] = dice.choice([0, 255, dice.randrange(256)])
        payload(path).write_bytes(bytes(broken))
        result = outcome(path)
        assert isinstance(result, Log) or str(path) in str(result), result


def test_without_metadata_the_files_of_the_folder_are_read(pristine: dict[str, Path], tmp_path: Path) -> None:
    path = copied(pristine["sqlite3"], tmp_path)
    (path / "metadata.yaml").write_text("not: [the, right: thing")
    result = outcome(path)
    assert isinstance(result, Log) and any("metadata.yaml" in note for note in result.notes)
    (path / "metadata.yaml").unlink()
    assert isinstance(outcome(path), Log)


def test_metadata_that_names_a_file_longer_than_names_can_be_is_noted(
    pristine: dict[str, Path], tmp_path: Path
) -> None:
    path = copied(pristine["sqlite3"], tmp_path)
    (path / "metadata.yaml").write_text((path / "metadata.yaml").read_text().replace("drive.db3", "9" * 300 + ".db3"))
    result = outcome(path)
    assert isinstance(result, Log) and any("expected a file name" in note for note in result.notes)


def test_metadata_cannot_name_a_file_outside_of_the_folder(pristine: dict[str, Path], tmp_path: Path) -> None:
    path = copied(pristine["sqlite3"], tmp_path)
    text = (path / "metadata.yaml").read_text()
    (path / "metadata.yaml").write_text(text.replace("drive.db3", "../../../etc/passwd"))
    result = outcome(path)
    assert isinstance(result, Log) and any("passwd, which is missing" in note for note in result.notes)


def test_a_view_in_place_of_the_messages_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.db3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE topics (id INTEGER, name TEXT, type TEXT, serialization_format TEXT)")
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 1 AS topic_id FROM n"
        database.execute(f"CREATE VIEW messages AS {endless}")
    database.close()
    result = outcome(path)
    assert isinstance(result, LogError) and "the tables 'topics' and 'messages'" in str(result)


def test_definitions_in_the_recording_are_not_used(tmp_path: Path) -> None:
    """`rosbags` turns definitions into code and runs it, so that a stranger's must not get there."""
    path = write_ros(small(), tmp_path, OPTIONS["mcap plain"])
    content = path.read_bytes()
    assert b"string distortion_model" in content
    path.write_bytes(content.replace(b"string distortion_model", b"string __import__('os')"))
    assert isinstance(outcome(path), Log)


def messages_of(log: Log, change: Callable[[Make, Stamped], Stamped | None]) -> Callable[[Path], Path]:
    """Writes the log with its messages changed or dropped."""

    def write(root: Path) -> Path:
        writer = LogWriter(log, RosOptions(container="mcap file"))
        make = Make(type_store(False), False)
        changed = [change(make, message) for message in sorted(writer.messages(), key=lambda message: message[2])]
        return write_messages([message for message in changed if message], root, "mcap file", writer.store, "")

    return write


def without(word: str) -> Callable[[Make, Stamped], Stamped | None]:
    return lambda make, message: None if word in message[0] else message


def only(word: str) -> Callable[[Make, Stamped], Stamped | None]:
    return lambda make, message: message if word in message[0] else None


def unknown_encoding(make: Make, message: Stamped) -> Stamped:
    topic, kind, time_ns, content = message
    return topic, kind, time_ns, content.replace(b"rgb8\0", b"rgbX\0") if "image" in topic else content


def retyped(make: Make, message: Stamped) -> Stamped:
    """Images said to be point clouds."""
    topic, kind, time_ns, content = message
    return topic, "sensor_msgs/msg/PointCloud2" if "image" in topic else kind, time_ns, content


def turned_to_nan(make: Make, message: Stamped) -> Stamped:
    topic, kind, time_ns, content = message
    if topic == "/tf":
        content = content[:-56] + struct.pack("<7d", *[float("nan")] * 7)
    return topic, kind, time_ns, content


def in_a_circle(make: Make, message: Stamped) -> Stamped:
    topic, kind, time_ns, content = message
    if topic == "/tf_static":
        pairs = [("base_link", "lidar"), ("lidar", "front"), ("front", "base_link")]
        content = make.tf([make.transform(0, parent, child, np.eye(4)) for parent, child in pairs])
    return topic, kind, time_ns, content


def shortened(make: Make, message: Stamped) -> Stamped:
    topic, kind, time_ns, content = message
    return topic, kind, time_ns, content[: len(content) // 2] if "points" in topic else content


def unstamped(make: Make, message: Stamped) -> Stamped:
    """Headers that nobody filled in."""
    topic, kind, time_ns, content = message
    sensor = "image" in topic or "points" in topic
    return topic, kind, time_ns, content[:4] + bytes(8) + content[12:] if sensor else content


NOTES = {
    "no camera_info": (without("camera_info"), "front is left out: .* has no camera_info topic"),
    "no tf_static": (without("tf_static"), "KISS-ICP|left out: .* tf does not connect"),
    "an unknown encoding": (unknown_encoding, "front is left out: .* in the encoding 'rgbX' are not read"),
    "images said to be clouds": (retyped, "left out"),
    "clouds cut off": (shortened, "lidar is left out: .* is not a readable sensor_msgs/msg/PointCloud2"),
    "no stamps": (unstamped, "no message has a stamp"),
}
"""What is wrong, and what the rest of the log says of it."""
REFUSED = {
    "only tf": (only("tf"), "expected a topic with scans or images"),
    "only images": (only("front"), "has no poses"),
    "frames in a circle": (in_a_circle, "each other's parents"),
    "nothing": (only("no such topic"), "holds no messages|not a readable MCAP"),
}


@pytest.mark.parametrize("what", NOTES)
def test_what_is_missing_or_broken_is_noted_and_the_rest_is_read(what: str, tmp_path: Path) -> None:
    change, expected = NOTES[what]
    result = outcome(messages_of(small(), change)(tmp_path))
    if what == "no tf_static":
        assert isinstance(result, Log) and any("does not connect" in note or "KISS" in note for note in result.notes)
    else:
        assert isinstance(result, Log), result
        assert [note for note in result.notes if re.search(expected, note)], result.notes


@pytest.mark.parametrize("what", REFUSED)
def test_what_makes_no_log_is_refused_in_one_sentence(what: str, tmp_path: Path) -> None:
    change, expected = REFUSED[what]
    result = outcome(messages_of(small(), change)(tmp_path))
    assert isinstance(result, LogError) and re.search(expected, str(result)), result


def test_poses_that_are_no_numbers_leave_the_scans_to_tell_them(tmp_path: Path) -> None:
    pytest.importorskip("kiss_icp", reason="KISS-ICP is not installed")
    result = outcome(messages_of(street(), turned_to_nan)(tmp_path))
    assert isinstance(result, Log), result
    assert any("transforms of tf are broken" in note for note in result.notes)
    assert any("KISS-ICP" in note for note in result.notes)


def image(**wrong: Any) -> Any:
    good = {"width": 4, "height": 2, "step": 12, "encoding": "rgb8", "is_bigendian": 0}
    return SimpleNamespace(**{**good, "data": np.zeros(24, np.uint8), **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 5},
        {"height": 3},
        {"step": 11},
        {"width": 2**31, "step": 0},
        {"width": 0},
        {"encoding": "32FC1"},
        {"encoding": ""},
        {"encoding": "bayer_rggb8", "width": 5},
    ],
)
def test_an_image_that_does_not_fit_itself_is_refused(wrong: dict[str, Any]) -> None:
    assert raw_image(image(), "here").shape == (2, 4, 3)
    with pytest.raises(LogError, match=r"^here: "):
        raw_image(image(**wrong), "here")


GOOD_K = np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]])


@pytest.mark.parametrize(
    "intrinsics",
    [
        Intrinsics(64, 48, np.zeros((3, 3))),
        Intrinsics(64, 48, GOOD_K * np.nan),
        Intrinsics(64, 48, GOOD_K, "plumb_bob", (0.1, float("nan"))),
        Intrinsics(64, 48, GOOD_K, "plumb_bob", (0.1, 0.1)),
        Intrinsics(64, 48, GOOD_K, "thin_prism", (0.1,)),
        Intrinsics(64, 96, GOOD_K),
        Intrinsics(64, 48, GOOD_K + np.array([[0, 0, 0], [0, 0, 0], [0.1, 0, 0]])),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(intrinsics: Intrinsics) -> None:
    with pytest.raises(LogError, match=r"^here: "):
        camera_model(intrinsics, 64, 48, "here")


def test_calibrations_count_from_the_first_pixels_centre_and_follow_the_images_size() -> None:
    plain = camera_model(Intrinsics(64, 48, GOOD_K), 64, 48, "here")
    assert plain.lens is None and plain.K[0, 2] == 32 and plain.K[1, 2] == 24
    halved = camera_model(Intrinsics(128, 96, np.array([[100.0, 0, 63.5], [0, 100, 47.5], [0, 0, 1]])), 64, 48, "here")
    assert np.allclose(halved.K, plain.K)


def test_binning_and_a_region_of_interest_are_taken_into_account() -> None:
    roi = SimpleNamespace(x_offset=32, y_offset=0, width=64, height=96)
    info = SimpleNamespace(
        width=128, height=96, distortion_model="plumb_bob", d=np.zeros(5), r=np.eye(3).reshape(-1), p=np.zeros(12),
        k=np.array([100.0, 0, 63.5, 0, 100, 47.5, 0, 0, 1]), binning_x=2, binning_y=2, roi=roi,
    )  # fmt: skip
    found = read_camera_info(info, False, "here")
    K = camera_model(found, 32, 48, "here").K
    # The axis is in the middle of 128 columns, of which the middle 64 are kept, two and two together.
    assert (found.width, found.height) == (32, 48) and np.allclose(K, [[50, 0, 16], [0, 50, 24], [0, 0, 1]])


@pytest.mark.parametrize("compression", ["lz4", "bz2", "zstd"])
def test_a_chunk_that_unpacks_to_too_much_is_refused(compression: str) -> None:
    import bz2

    import lz4.frame

    zeros = bytes(10**6)
    if compression == "zstd":
        zstd = pytest.importorskip("backports.zstd")
        packed = zstd.compress(zeros)
    else:
        packed = bz2.compress(zeros) if compression == "bz2" else lz4.frame.compress(zeros)
    assert unpack(packed, compression, 10**6) == zeros
    with pytest.raises(LogError, match="would unpack to more"):
        unpack(packed, compression, 10**5)
