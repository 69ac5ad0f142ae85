import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from miniature_logs import FRAMES, HEIGHT, WALL_AHEAD, WIDTH, write_dgp, write_folder, write_kitti

from flux4d_core.data.folder_writer import clip_as_log, write_log
from flux4d_core.data.formats import open_log
from flux4d_core.data.labels import labels_at
from flux4d_core.data.log import LogWarning
from flux4d_core.data.readers.folder import open_folder
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.progress import Cancelled
from flux4d_core.types import Camera, Clip, Frame, Sweep

DRIVE = Path(__file__).parents[3].parent / "shared" / "logs" / "kitti_raw"
WHOLE = Window(duration=0.4)


def made_clip(masked: bool = True) -> Clip:
    """Two cameras and two LiDARs for three tenths of a second, with random pixels and points."""
    random = torch.Generator().manual_seed(0)

    def pose(x: float, z: float) -> torch.Tensor:
        result = torch.eye(4)
        result[0, 3], result[2, 3] = x, z
        return result

    frames, sweeps = [], []
    for i in range(4):
        time = 0.1 * i
        for name in ("left", "right/über"):
            camera = Camera(
                K=torch.tensor([[40.0, 0, 32], [0, 40, 24], [0, 0, 1]]),
                camera_to_world=pose(10 * time, 1.5),
                width=WIDTH,
                height=HEIGHT,
                time=time + 0.01,
                camera_to_world_end=pose(10 * time + 0.2, 1.5) if name == "left" else None,
            )
            image = torch.randint(0, 256, (HEIGHT, WIDTH, 3), dtype=torch.uint8, generator=random)
            valid = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
            valid[40:] = False
            frames.append(Frame(image, camera, name, valid if masked and name == "left" else None))
        for name in ("top", "front"):
            points = torch.rand(50, 3, generator=random) * 100 - 50
            times = time + torch.rand(50, generator=random) * 0.1 - 0.05
            sweeps.append(Sweep(points, times, torch.rand(50, generator=random), pose(10 * time, 1.8), time, name))
    ego_times = torch.arange(-1, 5) * 0.1
    ego = torch.stack([pose(float(10 * time), 0.0) for time in ego_times])
    return Clip("street 7", 123_456_789_000_000_000, tuple(frames), tuple(sweeps), ego, ego_times)


def assert_same(found: Clip, expected: Clip) -> None:
    assert found.start_ns == expected.start_ns
    assert len(found.frames) == len(expected.frames) and len(found.sweeps) == len(expected.sweeps)
    for a, b in zip(found.frames, expected.frames, strict=True):
        assert a.sensor == b.sensor and torch.equal(a.image, b.image)
        assert a.camera.time == pytest.approx(b.camera.time, abs=1e-8)
        torch.testing.assert_close(a.camera.K, b.camera.K)
        torch.testing.assert_close(a.camera.camera_to_world, b.camera.camera_to_world, atol=1e-4, rtol=0)
        torch.testing.assert_close(a.camera.camera_to_world_end, b.camera.camera_to_world_end, atol=1e-4, rtol=0)
        assert (a.valid is None) == (b.valid is None)
        assert a.valid is None or (b.valid is not None and torch.equal(a.valid, b.valid))
    for a, b in zip(found.sweeps, expected.sweeps, strict=True):
        assert a.sensor == b.sensor and a.time == pytest.approx(b.time, abs=1e-8)
        torch.testing.assert_close(a.points, b.points, atol=1e-4, rtol=0)
        torch.testing.assert_close(a.times, b.times, atol=1e-6, rtol=0)
        torch.testing.assert_close(a.intensities, b.intensities)
        torch.testing.assert_close(a.lidar_to_world, b.lidar_to_world, atol=1e-4, rtol=0)


def edit(folder: Path, change: Callable[[Any], object]) -> None:
    document = json.loads((folder / "log.json").read_text())
    change(document)
    (folder / "log.json").write_text(json.dumps(document))


def test_a_made_clip_written_and_read_back_is_the_same(tmp_path: Path) -> None:
    clip = made_clip()
    write_log(clip_as_log(clip), tmp_path / "street")
    log = open_log(tmp_path / "street")
    assert log.name == "street 7" and log.format == "flux4d folder"
    assert_same(cut(log, Window(duration=0.3)), clip)


def test_a_clip_is_a_log_without_being_written_too() -> None:
    clip = made_clip()
    assert_same(cut(clip_as_log(clip), Window(duration=0.3)), clip)


@pytest.mark.parametrize("write", [write_kitti, write_dgp, write_folder])
def test_a_log_of_any_format_written_as_a_folder_gives_the_same_clip(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    log = open_log(write(tmp_path / "original"))
    write_log(log, tmp_path / "copy")
    copy = open_log(tmp_path / "copy")
    assert_same(cut(copy, WHOLE), cut(log, WHOLE))
    before, after = (labels_at(each, cut(each, WHOLE).start_ns, 0.2) for each in (log, copy))
    assert before.track_ids == after.track_ids and before.classes == after.classes
    torch.testing.assert_close(before.box_to_world, after.box_to_world)
    assert [lidar.name for lidar in copy.lidars] == [lidar.name for lidar in log.lidars]


@pytest.mark.skipif(not DRIVE.exists(), reason="the KITTI drive 0013 is not on this machine")
def test_a_second_of_a_real_drive_written_and_read_back_is_the_same(tmp_path: Path) -> None:
    clip = cut(open_log(DRIVE), Window(start=1.0, duration=0.1))
    write_log(clip_as_log(clip), tmp_path / "drive")
    assert_same(cut(open_log(tmp_path / "drive"), Window(duration=0.1)), clip)


def test_a_hand_written_folder_opens_with_mask_labels_and_licence(tmp_path: Path) -> None:
    log = open_folder(write_folder(tmp_path))
    assert log.name == "my drive" and log.notes == ("Licence: CC0",) and log.licence == "CC0"
    clip = cut(log, WHOLE)
    assert len(clip.frames) == len(clip.sweeps) == FRAMES
    assert all(frame.valid is not None and not frame.valid[40:].any() for frame in clip.frames)
    torch.testing.assert_close(labels_at(log, clip.start_ns, 0.2).box_to_world[0, 0, 3], torch.tensor(23.0))


@pytest.mark.parametrize("deskewed", [True, False])
def test_scans_are_de_skewed_exactly_where_the_log_says_that_they_are_not(deskewed: bool, tmp_path: Path) -> None:
    clip = cut(open_folder(write_folder(tmp_path, deskewed)), WHOLE)
    for sweep in clip.sweeps:
        torch.testing.assert_close(sweep.points, torch.from_numpy(WALL_AHEAD).float(), atol=1e-3, rtol=0)


def test_scans_that_need_de_skewing_need_times(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, deskewed=False)
    np.savez(folder / "sweeps/0.npz", points=np.ones((3, 3), np.float32))
    with pytest.raises(LogError, match=r"0\.npz: the log says that scans are not de-skewed, so 'times' are needed"):
        open_folder(folder).lidars[0].read_scan(0)


@pytest.mark.parametrize("text", [True, False])
def test_a_sweep_may_be_a_ply_file(text: bool, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    rows = np.array([(1.0, 2.0, 3.0, 0.5, 0.01), (4.0, 5.0, 6.0, 1.0, -0.01)], np.float32)
    form = "ascii" if text else "binary_little_endian"
    header = f"ply\nformat {form} 1.0\nelement vertex 2\n" + "".join(
        f"property float {name}\n" for name in ("x", "y", "z", "intensity", "time")
    )
    body = "\n".join(" ".join(map(str, row)) for row in rows.tolist()).encode() + b"\n" if text else rows.tobytes()
    (folder / "sweeps/0.ply").write_bytes(header.encode() + b"end_header\n" + body)
    edit(folder, lambda document: document["lidars"][0]["sweeps"][0].update(file="sweeps/0.ply"))
    sweep = cut(open_folder(folder), WHOLE).sweeps[0]
    torch.testing.assert_close(sweep.points, torch.from_numpy(rows[:, :3].copy()))
    torch.testing.assert_close(sweep.intensities, torch.tensor([0.5, 1.0]))
    torch.testing.assert_close(sweep.times, torch.tensor([0.01, -0.01]))


@pytest.mark.parametrize(
    "content",
    [b"", b"ply\n", b"hello", b"ply\nformat ascii 1.0\nelement vertex 999999999999\nproperty float x\nend_header\n1"],
)
def test_a_broken_ply_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    (folder / "sweeps/0.ply").write_bytes(content)
    edit(folder, lambda document: document["lidars"][0]["sweeps"][0].update(file="sweeps/0.ply"))
    with pytest.raises(LogError, match=r"0\.ply"):
        open_folder(folder).lidars[0].read_scan(0)


def at(*keys: str | int) -> Callable[[Any, Any], None]:
    """A setter for one place in log.json."""

    def change(document: Any, value: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


SCALED = np.diag([2.0, 2, 2, 1]).tolist()
WRONG: list[tuple[tuple[str | int, ...], object, str]] = [
    (("version",), 2, "version 2 is not read by this flux4d, which knows version 1"),
    (("format",), "other", "so this is not a flux4d log"),
    (("ego",), None, "the file lacks 'ego'"),
    (("ego",), [], "ego is empty"),
    (("cameras", 0, "K"), [[0, 0, 0], [0, 0, 0], [0, 0, 1]], r"cameras\[0\].K: expected a camera matrix"),
    (("cameras", 0, "K"), [[1, 2], [3, 4]], r"cameras\[0\].K: expected 3x3 finite numbers"),
    (("cameras", 0, "width"), 10**9, r"images have 1 to 10000 pixels a side, not 1000000000x48"),
    (("cameras", 0, "width"), "wide", r"cameras\[0\].width: expected an integer, found \"wide\""),
    (("cameras", 0, "name"), " ", r"cameras\[0\].name: expected a name"),
    (("cameras", 0, "name"), "top", r"expected cameras or lidars with different names"),
    (("cameras", 0, "images"), [], r"cameras\[0\].images is empty"),
    (("cameras", 0, "images", 1, "time_ns"), 0, r"images\[1\].time_ns: expected times that increase"),
    (("cameras", 0, "images", 0, "camera_to_global"), SCALED, r"camera_to_global: expected a rigid pose"),
    (("cameras", 0, "images", 0, "camera_to_global_end"), np.eye(4).tolist(), "for all images or for none"),
    (("cameras", 0, "images", 0, "file"), "../../secret.png", "leads out of the log's folder"),
    (("cameras", 0, "images", 0, "file"), "/etc/passwd", "leads out of the log's folder"),
    (("cameras", 0, "mask"), "masks/none.png", r"none\.png: the image is missing"),
    (("cameras", 0, "distortion"), [1, 2], r"cameras\[0\].distortion: expected 5 finite numbers"),
    (("cameras", 0, "distortion"), [0, 0, 0, 0, 1e308], r"cameras\[0\].distortion: expected \[k1, k2, p1, p2, k3\]"),
    (("lidars", 0, "deskewed"), "yes", r"lidars\[0\].deskewed: expected true or false, found \"yes\""),
    (("lidars", 0, "sweeps", 2, "time_ns"), 1.5, r"sweeps\[2\].time_ns: expected an integer, found 1.5"),
    (("ego", 3, "ego_to_global"), SCALED, r"ego\[3\].ego_to_global: expected a rigid pose"),
    (("labels", 0, "boxes", 0, "size"), [1, 0, 1], r"labels\[0\]: expected boxes with sizes above 0"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG, ids=[str(wrong[0][-1]) for wrong in WRONG])
def test_a_wrong_entry_is_one_sentence_that_says_where_it_stands(
    place: tuple[str | int, ...], value: object, message: str, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path)
    edit(folder, lambda document: at(*place)(document, value))
    with pytest.raises(LogError, match=message):
        open_folder(folder)


def test_a_nan_in_a_pose_is_not_json(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    edit(folder, lambda document: at("ego", 0, "ego_to_global", 0, 0)(document, float("nan")))
    with pytest.raises(LogError, match="NaN is not a number in JSON"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"points": np.full((3, 3), np.nan)}, "not finite"),
        ({"points": np.ones((3, 2))}, "expected 'points' as Nx3 floats"),
        ({"points": np.ones((0, 3))}, "at least one"),
        ({"other": np.ones((3, 3))}, "expected 'points'"),
        ({"points": np.ones((3, 3)), "times": np.ones(2)}, "expected 3 times"),
        ({"points": np.ones((3, 3)), "times": np.full(3, 1e9)}, "times count in seconds from the sweep's own"),
        ({"points": np.ones((3, 3)), "intensities": np.full(3, 200)}, "intensities lie in 0 to 1"),
    ],
)
def test_a_wrong_scan_is_one_sentence(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    np.savez(folder / "sweeps/0.npz", **arrays)  # pyright: ignore[reportArgumentType]
    with pytest.raises(LogError, match=rf"0\.npz.*{message}"):
        open_folder(folder).lidars[0].read_scan(0)


def test_an_existing_log_is_not_overwritten_and_an_empty_folder_is_filled(tmp_path: Path) -> None:
    log = clip_as_log(made_clip())
    (tmp_path / "empty").mkdir()
    write_log(log, tmp_path / "empty")
    with pytest.raises(LogError, match="exists already and is not an empty folder"):
        write_log(log, tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="exists already"):
        write_log(log, tmp_path / "file")


def test_cancelled_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    def cancel(stage: str, fraction: float) -> None:
        if stage == "writing sweeps" and fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_log(clip_as_log(made_clip()), tmp_path / "street", cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="the log cannot be written"):
        write_log(clip_as_log(made_clip()), tmp_path / "file" / "street")


def test_a_broken_image_is_left_out_of_the_copy_with_a_warning(tmp_path: Path) -> None:
    drive = write_kitti(tmp_path)
    (drive / "image_02/data/0000000003.png").write_bytes(b"broken")
    with pytest.warns(LogWarning, match="image_02: 1 of 5 left out"):
        write_log(open_log(drive), tmp_path / "copy")
    assert len(open_log(tmp_path / "copy").cameras[0].times_ns) == FRAMES - 1


def test_a_camera_that_changes_its_size_within_a_clip_is_refused() -> None:
    clip = made_clip()
    first = clip.frames[0]
    smaller = replace(first, camera=first.camera.resized(32, 24), image=first.image[::2, ::2], valid=None)
    with pytest.raises(LogError, match="left changes its size or its K"):
        clip_as_log(replace(clip, frames=(smaller, *clip.frames[1:])))


def test_an_empty_clip_is_not_written(tmp_path: Path) -> None:
    clip = replace(made_clip(), frames=(), sweeps=())
    with pytest.raises(LogError, match="no images and no sweeps"):
        write_log(clip_as_log(clip), tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
