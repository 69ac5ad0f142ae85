"""NCore V4: the street through its stores, and what is broken in them."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from damages import (
    Damage,
    a_folder,
    changed,
    cut_in_half,
    empty,
    garbage,
    missing,
    outcome_of_damage,
    overwritten,
    thinned,
    written,
)
from denser_track import denser
from same_log import Tolerance, check_same_log, pose_difference
from street import street
from write_ncore import READ_OUT_NS, SEQUENCE, write_ncore

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.folder_writer import write_log
from flux4d_core.data.formats import open_log
from flux4d_core.data.lens import pinhole
from flux4d_core.data.readers.ncore import list_logs, open_ncore, recognises
from flux4d_core.data.readers.ncore_lens import Windshield
from flux4d_core.errors import LogError

pytest.importorskip("numcodecs", reason="NCore's arrays are packed with Blosc: pip install numcodecs")

AS_WRITTEN = Tolerance(point_time_ns=1_000)
BASIS, CAMERAS, LIDARS, CUBOIDS = (
    f"{SEQUENCE}.ncore4{group}.zarr" for group in ("", "-cameras", "-lidars", "-cuboids")
)
POSES = f"{BASIS}/poses/default"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ncore(thinned(denser(street())), tmp_path_factory.mktemp("ncore"))


@pytest.fixture(scope="module")
def tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ncore(thinned(denser(street())), tmp_path_factory.mktemp("ncore_tar"), as_tar=True)


@pytest.mark.parametrize("as_tar", [False, True])
def test_the_street_comes_back_from_ncore(tmp_path: Path, as_tar: bool) -> None:
    log = open_log(write_ncore(denser(street()), tmp_path, as_tar))
    assert log.notes == () and log.format == "NCore V4"
    check_same_log(log, street(), AS_WRITTEN)


def test_the_last_row_is_read_out_when_the_frame_ends(whole: Path) -> None:
    log = open_ncore(whole)
    front = log.cameras[0]
    assert front.camera_to_global_end is not None
    # At 12 m/s, in the half of ten milliseconds from the middle of the image to its last row.
    moved = front.camera_to_global_end[:, :3, 3] - front.camera_to_global[:, :3, 3]
    assert np.linalg.norm(moved, axis=-1) == pytest.approx(12.0 * READ_OUT_NS / 2e9, rel=0.1)


@pytest.mark.parametrize(
    ("shutter", "sign"), [("ROLLING_BOTTOM_TO_TOP", -1), ("GLOBAL", 0), ("ROLLING_LEFT_TO_RIGHT", 0)]
)
def test_images_read_upwards_end_before_their_middle(shutter: str, sign: int, whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(whole, root)
    for file in root.glob(f"{BASIS}/intrinsics/default/cameras/*/.zattrs"):
        changed("ROLLING_TOP_TO_BOTTOM", shutter)(file)
    front, before = open_ncore(root).cameras[0], open_ncore(whole).cameras[0]
    assert (front.camera_to_global_end is None) == (sign == 0)
    if front.camera_to_global_end is not None and before.camera_to_global_end is not None:
        middle = (front.camera_to_global_end[:, :3, 3] + before.camera_to_global_end[:, :3, 3]) / 2
        assert np.abs(middle - front.camera_to_global[:, :3, 3]).max() < 1e-3


def test_a_sequence_is_found_from_its_folder_from_above_and_from_each_store(whole: Path, tar: Path) -> None:
    for path in (whole, whole / BASIS, whole / LIDARS, tar, tar / f"{CUBOIDS}.itar"):
        assert list_logs(path) == (SEQUENCE,)
        assert open_ncore(path).name == SEQUENCE
    assert not recognises(whole / BASIS / "poses") and not recognises(whole / "nothing.ncore4.zarr.itar")


def test_of_several_sequences_one_is_named(whole: Path, tmp_path: Path) -> None:
    for name in ("clip_a", "clip_b"):
        for store in whole.iterdir():
            shutil.copytree(store, tmp_path / name / store.name.replace(SEQUENCE, name))
    assert list_logs(tmp_path) == ("clip_a", "clip_b")
    assert open_ncore(tmp_path, LogChoice(name="clip_b")).name == "clip_b"
    with pytest.raises(LogError, match=r"expected one NCore sequence, found 2 \(clip_a, clip_b\)"):
        open_ncore(tmp_path)


def test_boxes_between_sweeps_are_moved_to_the_middle_of_each(whole: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(whole, root)
    file = root / CUBOIDS / "cuboids/default/cuboids/.zattrs"
    observations = json.loads(file.read_text())["cuboid_track_observations"]
    # Each box's own stamp 20 ms later, and its place where it is then: between its places at two sweeps.
    tracks: dict[str, list[dict]] = {}
    for observation in observations:
        tracks.setdefault(observation["track_id"], []).append(observation)
    exact = open_ncore(whole).labels
    name = max(tracks, key=lambda track: len(tracks[track]))
    kept = tracks[name][1::2]
    file.write_text(json.dumps({"cuboid_track_observations": kept}))
    labels = open_ncore(root).labels
    assert 3 <= len(labels) <= len(exact)
    for found in labels:
        whole_labels = next(each for each in exact if each.time_ns == found.time_ns)
        place = whole_labels.track_ids.index(name)
        meters, degrees = pose_difference(found.box_to_global, whole_labels.box_to_global[place : place + 1])
        assert meters < 0.05 and degrees < 1.0


def test_a_lens_that_log_folders_have_no_words_for_is_one_sentence(tmp_path: Path) -> None:
    log = thinned(street())
    lens = Windshield(pinhole(log.cameras[0].K), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    with pytest.raises(LogError, match=r"log\.json has no words for the lens of front \(Windshield\)"):
        write_log(replace(log, cameras=(replace(log.cameras[0], lens=lens),)), tmp_path / "log")


def first(whole: Path, pattern: str) -> str:
    return str(min(whole.glob(pattern)).relative_to(whole))


@pytest.mark.parametrize(
    ("file", "damage", "sentence"),
    [
        (f"{BASIS}/.zattrs", missing, "no poses, without which its sensors cannot be placed"),
        (f"{BASIS}/.zattrs", changed('"v4"', '"v3"'), "no poses, without which its sensors cannot be placed"),
        (f"{POSES}/dynamic_poses/.zattrs", missing, "poses/default/dynamic_poses/.zattrs is missing"),
        (f"{POSES}/dynamic_poses/.zattrs", cut_in_half, "dynamic_poses/.zattrs is not readable JSON"),
        (f"{POSES}/dynamic_poses/.zattrs", garbage, "dynamic_poses/.zattrs is not readable JSON"),
        (f"{POSES}/dynamic_poses/.zattrs", written("{}"), "neither images nor scans that can be used"),
        (f"{POSES}/dynamic_poses/.zattrs", changed("1.0]]", "2.0]]"), "expected rigid poses"),
        (f"{POSES}/dynamic_poses/.zattrs", changed("('rig', 'world')", "__import__('os')"), "a key like"),
        (f"{POSES}/dynamic_poses/.zattrs", changed('"timestamps_us": [', '"timestamps_us": [2, '), "finite numbers"),
        (f"{POSES}/static_poses/.zattrs", changed("[[", "[[NaN, "), "NaN is not a number in JSON"),
        (f"{POSES}/static_poses/.zattrs", changed("[0.0, 0.0, 0.0, 1.0]", "[0, 0, 0, 2]"), "expected rigid poses"),
    ],
)
def test_without_poses_there_is_no_log(file: str, damage: Damage, sentence: str, whole: Path, tmp_path: Path) -> None:
    outcome = outcome_of_damage(whole, file, damage, tmp_path)
    assert sentence in outcome.error, outcome


FRONT = "cameras/front"
INTRINSICS = f"{BASIS}/intrinsics/default/{FRONT}/.zattrs"


@pytest.mark.parametrize(
    ("pattern", "damage", "remark"),
    [
        (INTRINSICS, missing, "cameras/front: left out: .*intrinsics/default/cameras/front/.zattrs is missing"),
        (INTRINSICS, changed("opencv-pinhole", "omni"), "cameras/front: left out: .*'ftheta', 'opencv-pinhole' or"),
        (INTRINSICS, changed('"resolution": [', '"resolution": [9, '), "cameras/front: left out: .*2 finite numbers"),
        (INTRINSICS, changed('"resolution": [', '"resolution": [1e9, 1], "x": ['), "left out: .*1 to 10000 pixels"),
        (INTRINSICS, changed('"focal_length": [', '"focal_length": [-'), "left out: .*two focal lengths above 0"),
        (f"{CAMERAS}/{FRONT}/frames/.zattrs", written("{}"), "cameras/front: left out: .*lacks 'frames_timestamps_us'"),
        (f"{CAMERAS}/{FRONT}/frames/.zattrs", changed("[[", "[[5], ["), "left out: .*a start and an end"),
        (f"{CAMERAS}/{FRONT}/.zattrs", changed('"v1"', '"v2"'), "cameras/front: left out: .*expected version 'v1'"),
        (f"{CAMERAS}/{FRONT}/.zattrs", missing, "cameras/front: left out: .*cameras/front/.zattrs is missing"),
        (f"{CAMERAS}/{FRONT}/frames/*/image/0", missing, "front: 1 of 4 left out: .*image/0 is missing"),
        (f"{CAMERAS}/{FRONT}/frames/*/image/0", empty, "front: 1 of 4 left out: .*is empty"),
        (f"{CAMERAS}/{FRONT}/frames/*/image/0", cut_in_half, "front: 1 of 4 left out: .*expected [0-9]+ bytes, found"),
        (f"{CAMERAS}/{FRONT}/frames/*/image/0", garbage, "front: 1 of 4 left out: .*not a PNG or JPEG"),
        (f"{CAMERAS}/{FRONT}/frames/*/image/.zarray", changed("|S", "|O"), "1 of 4 left out: .*one text of bytes"),
        (f"{CAMERAS}/{FRONT}/frames/*/image/.zarray", changed("|S", "|S99999"), "left out: .*a text of 1 to"),
        (f"{BASIS}/masks/default/{FRONT}/ego/0", cut_in_half, "front: the mask of the own car is left out: .*bytes"),
        (f"{LIDARS}/lidars/*/frames/.zattrs", cut_in_half, "lidars/.*: left out: .*not readable JSON"),
        (f"{LIDARS}/lidars/*/frames/*/ray_bundle/direction/0.0", missing, "left out: .*the scan holds no returns"),
        (f"{LIDARS}/lidars/*/frames/*/ray_bundle/direction/0.0", cut_in_half, "1 of 4 left out: .*packed with Blosc"),
        (f"{LIDARS}/lidars/*/frames/*/ray_bundle/direction/0.0", garbage, "1 of 4 left out: .*packed with Blosc"),
        (f"{LIDARS}/lidars/*/frames/*/ray_bundle/direction/.zarray", changed("<f4", "|O"), "a type of plain numbers"),
        (
            f"{LIDARS}/lidars/*/frames/*/ray_bundle/direction/.zarray",
            changed('"filters": null', '"filters": [{"id": "pickle"}]'),
            "1 of 4 left out: .*without filters",
        ),
        (
            f"{LIDARS}/lidars/*/frames/*/ray_bundle/direction/.zarray",
            changed('"shape": [', '"shape": [1000000000000, 3], "x": ['),
            "1 of 4 left out: .*an array of at most 1 GiB",
        ),
        (f"{LIDARS}/lidars/*/frames/*/ray_bundle/timestamp_us/.zarray", changed("<u8", "<f8"), "times as integers"),
        (f"{LIDARS}/lidars/*/frames/*/ray_bundle/timestamp_us/.zarray", a_folder, "timestamp_us is missing"),
        (f"{CUBOIDS}/cuboids/default/cuboids/.zattrs", cut_in_half, "Labels left out: .*not readable JSON"),
        (f"{CUBOIDS}/cuboids/default/cuboids/.zattrs", changed('"dim": [', '"dim": [-'), "Labels left out: .*a box"),
        (f"{CUBOIDS}/cuboids/default/cuboids/.zattrs", changed('"rig"', '"moon"'), "frame 'moon' to 'world'"),
    ],
)
def test_what_is_broken_costs_itself_and_is_named(
    pattern: str, damage: Damage, remark: str, whole: Path, tmp_path: Path
) -> None:
    outcome = outcome_of_damage(whole, first(whole, pattern), damage, tmp_path)
    assert not outcome.error and re.search(remark, outcome.remarks), outcome


@pytest.mark.parametrize("damage", [empty, cut_in_half, garbage])
def test_a_broken_tar_file_costs_what_is_in_it(damage: Damage, tar: Path, tmp_path: Path) -> None:
    outcome = outcome_of_damage(tar, f"{CAMERAS}.itar", damage, tmp_path)
    assert not outcome.error and outcome.remarks


@pytest.mark.parametrize("seed", range(12))
def test_a_few_wrong_bytes_in_a_tar_file_never_do_more_than_cost_something(
    seed: int, tar: Path, tmp_path: Path
) -> None:
    for store in (BASIS, LIDARS, CUBOIDS):
        outcome = outcome_of_damage(tar, f"{store}.itar", overwritten(seed, 60), tmp_path / store)
        assert not outcome.error or "ncore4" in outcome.error, outcome


def test_links_out_of_a_store_are_not_followed(whole: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(b"secret")

    def link(path: Path) -> None:
        path.unlink()
        path.symlink_to(outside)

    outcome = outcome_of_damage(whole, first(whole, f"{CAMERAS}/{FRONT}/frames/*/image/0"), link, tmp_path)
    assert "leads out of the log's folder, so it is not opened" in outcome.remarks


def test_returns_without_a_distance_are_no_points(tmp_path: Path) -> None:
    log = thinned(denser(street()))
    counts = [len(log.lidars[0].read_scan(i).points) for i in range(len(log.lidars[0].times_ns))]
    read = open_ncore(write_ncore(replace(log, labels=()), tmp_path))
    assert [len(read.lidars[0].read_scan(i).points) for i in range(len(counts))] == counts
