"""COLMAP's folders as logs."""

import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cloud_street import cloud_street, write_street_points
from PIL import Image
from same_log import Tolerance, check_same_log
from sound_or_refused import DAMAGES, outcome_of
from write_colmap import write_colmap

from flux4d_core.data.choice import LogChoice
from flux4d_core.data.lens import Brown, Fisheye
from flux4d_core.data.readers.colmap import list_logs, open_colmap, recognises
from flux4d_core.data.readers.colmap_model import read_cameras, read_images, read_points
from flux4d_core.errors import LogError

TOLERANCE = Tolerance(points=1e-6, time_ns=1000, point_time_ns=1000, intensity=None, boxes=None)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_the_street_comes_back_from_colmaps_folder(binary: bool, tmp_path: Path) -> None:
    expected = cloud_street()
    path = write_colmap(write_street_points(expected), tmp_path / "street", binary)
    assert recognises(path) and list_logs(path) == ("street",)
    check_same_log(open_colmap(path, LogChoice()), expected, TOLERANCE)


CAMERAS = "1 SIMPLE_PINHOLE 64 48 40 32 24\n"
IMAGES = "{0} 1 0 0 0 {1} 0 0 1 {2}\n\n"


def small(root: Path, names: list[str], cameras: str = CAMERAS, points: str = "1 0 0 5 0 0 0 0\n") -> Path:
    """Images on a line to the left of each other, 0.5 m apart, that all look along z; y is down."""
    model = root / "sparse" / "0"
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text(cameras)
    (model / "images.txt").write_text("".join(IMAGES.format(i + 1, 0.5 * i, name) for i, name in enumerate(names)))
    (model / "points3D.txt").write_text(points)
    for name in names:
        (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(root / "images" / name)
    return root


def test_without_times_images_follow_in_the_order_of_their_names_at_10_hertz(tmp_path: Path) -> None:
    log = open_colmap(small(tmp_path, ["a10.png", "a2.png", "a1.png"]), LogChoice())
    assert log.cameras[0].names == ("a1", "a2", "a10")
    assert log.cameras[0].times_ns.tolist() == [0, 100_000_000, 200_000_000]
    assert any("Times are unknown" in note for note in log.notes)
    assert any("The scale is unknown" in note for note in log.notes)


def test_images_of_equal_names_in_folders_of_cameras_share_a_moment(tmp_path: Path) -> None:
    log = open_colmap(small(tmp_path, ["left/7.png", "left/9.png", "right/9.png", "right/8.png"]), LogChoice())
    assert {camera.name: camera.times_ns.tolist() for camera in log.cameras} == {
        "left": [0, 200_000_000],
        "right": [100_000_000, 200_000_000],
    }
    assert log.lidars[0].times_ns.tolist() == [0, 100_000_000, 200_000_000]


def test_names_with_spaces_and_points_left_out_are_read(tmp_path: Path) -> None:
    path = small(tmp_path, ["my drive 1.png", "my drive 2.png"])
    images = path / "sparse" / "0" / "images.txt"
    images.write_text(images.read_text().replace("\n\n", "\n"))
    assert open_colmap(path, LogChoice()).cameras[0].names == ("my drive 1", "my drive 2")


def test_the_vehicle_is_level_and_looks_where_the_camera_looks(tmp_path: Path) -> None:
    log = open_colmap(small(tmp_path, ["1.png", "2.png"]), LogChoice())
    assert np.allclose(log.ego_to_global[0, :3, :3], [[0, -1, 0], [0, 0, -1], [1, 0, 0]], atol=1e-12)


def test_masks_are_found_under_colmaps_name_and_the_images_own(tmp_path: Path) -> None:
    path = small(tmp_path, ["1.jpg", "2.jpg", "3.jpg"])
    (path / "masks").mkdir()
    for name, value in (("1.jpg.png", 0), ("2.png", 255)):
        Image.new("L", (64, 48), value).save(path / "masks" / name)
    read_valid = open_colmap(path, LogChoice()).cameras[0].read_valid
    assert read_valid is not None
    first, second = read_valid(0), read_valid(1)
    assert first is not None and not first.any() and second is not None and second.all() and read_valid(2) is None


def test_one_of_several_models_is_opened_by_its_number(tmp_path: Path) -> None:
    path = small(tmp_path, ["1.png"])
    small(tmp_path / "other", ["1.png", "2.png"])
    (tmp_path / "other" / "sparse" / "0").rename(path / "sparse" / "1")
    (tmp_path / "other" / "images" / "2.png").rename(path / "images" / "2.png")
    assert list_logs(path) == ("0", "1")
    assert len(open_colmap(path, LogChoice(name="1")).cameras[0].times_ns) == 2
    with pytest.raises(LogError, match="expected one COLMAP model, found 2"):
        open_colmap(path, LogChoice())


MODELS = [
    ("SIMPLE_PINHOLE", "40 32 24", Brown(40, 40, 32, 24)),
    ("PINHOLE", "40 41 32 24", Brown(40, 41, 32, 24)),
    ("SIMPLE_RADIAL", "40 32 24 0.1", Brown(40, 40, 32, 24, k1=0.1)),
    ("RADIAL", "40 32 24 0.1 0.2", Brown(40, 40, 32, 24, k1=0.1, k2=0.2)),
    ("OPENCV", "40 41 32 24 0.1 0.2 0.3 0.4", Brown(40, 41, 32, 24, k1=0.1, k2=0.2, p1=0.3, p2=0.4)),
    ("FULL_OPENCV", "40 41 32 24 1 2 3 4 5 6 7 8", Brown(40, 41, 32, 24, 1, 2, 3, 4, 5, 6, 7, 8)),
    ("OPENCV_FISHEYE", "40 41 32 24 1 2 3 4", Fisheye(40, 41, 32, 24, 1, 2, 3, 4)),
    ("SIMPLE_RADIAL_FISHEYE", "40 32 24 0.1", Fisheye(40, 40, 32, 24, 0.1)),
    ("RADIAL_FISHEYE", "40 32 24 0.1 0.2", Fisheye(40, 40, 32, 24, 0.1, 0.2)),
    ("SIMPLE_FISHEYE", "40 32 24", Fisheye(40, 40, 32, 24)),
    ("FISHEYE", "40 41 32 24", Fisheye(40, 41, 32, 24)),
]


@pytest.mark.parametrize(("model", "numbers", "lens"), MODELS, ids=[model for model, _, _ in MODELS])
def test_each_model_of_camera_is_the_lens_that_it_says(
    model: str, numbers: str, lens: Brown | Fisheye, tmp_path: Path
) -> None:
    (tmp_path / "cameras.txt").write_text(f"7 {model} 64 48 {numbers}\n")
    assert read_cameras(tmp_path / "cameras.txt")[7].lens == lens


BROKEN = {
    "an unknown model": ("cameras.txt", "1 FISHY 64 48 40 32 24", "of the model FISHY, expected one of"),
    "a model that is not undone": ("cameras.txt", "1 FOV 64 48 40 40 32 24 0.5", "of the model FOV, expected"),
    "too few numbers": ("cameras.txt", "1 PINHOLE 64 48 40 32 24", r"has 4 numbers \(fx, fy, cx, cy\), found 3"),
    "a focal length of zero": ("cameras.txt", "1 SIMPLE_PINHOLE 64 48 0 32 24", "focal lengths above 0"),
    "nan": ("cameras.txt", "1 SIMPLE_PINHOLE 64 48 nan 32 24", "focal lengths above 0"),
    "a focal length that overflows": ("cameras.txt", "1 SIMPLE_PINHOLE 64 48 1e300 32 24", "focal lengths above 0"),
    "a huge size": ("cameras.txt", "1 SIMPLE_PINHOLE 640000 48 40 32 24", "this should have 640000x48"),
    "no number": ("cameras.txt", "1 SIMPLE_PINHOLE 64 48 wide 32 24", "expected lines of CAMERA_ID"),
    "another camera": ("cameras.txt", "2 SIMPLE_PINHOLE 64 48 40 32 24", "camera 1, which cameras.txt does not hold"),
    "a broken image": ("images.txt", "1 2 3", "expected lines of IMAGE_ID"),
    "a quaternion of zero": ("images.txt", "1 0 0 0 0 0 0 0 1 1.png\n", "expected a pose"),
    "a pose with nan": ("images.txt", "1 1 0 0 0 nan 0 0 1 1.png\n", "expected a pose"),
    "no images": ("images.txt", "# none\n", "expected images with poses, found none"),
    "an image elsewhere": ("images.txt", "1 1 0 0 0 0 0 0 1 ../1.png\n", "leads out of the log's folder"),
    "a missing image": ("images.txt", "1 1 0 0 0 0 0 0 1 5.png\n", "the image 5.png is missing; looked beside"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_one_sentence(case: str, tmp_path: Path) -> None:
    file, content, words = BROKEN[case]
    path = small(tmp_path, ["1.png"])
    (path / "sparse" / "0" / file).write_text(content)
    with pytest.raises(LogError, match=words):
        open_colmap(path, LogChoice())


@pytest.mark.parametrize(
    ("content", "words"),
    [("1 x y z", "expected lines of POINT3D_ID"), ("\n", "is empty"), (None, "no cloud of points")],
)
def test_broken_points_are_left_out_with_a_note(content: str | None, words: str, tmp_path: Path) -> None:
    path = small(tmp_path, ["1.png"])
    points = path / "sparse" / "0" / "points3D.txt"
    points.write_text(content) if content is not None else points.unlink()
    log = open_colmap(path, LogChoice())
    assert log.lidars == () and any(words in note for note in log.notes)


@pytest.mark.parametrize(("content", "words"), [("1.png soon", "found '1.png soon'"), ("2.png 1", "has none for 1")])
def test_times_that_are_broken_are_left_out_with_a_note(content: str, words: str, tmp_path: Path) -> None:
    path = small(tmp_path, ["1.png"])
    (path / "times.txt").write_text(content)
    assert any(words in note for note in open_colmap(path, LogChoice()).notes)


@pytest.mark.parametrize("reads", [read_cameras, read_images, read_points])
def test_a_binary_file_that_claims_more_than_it_holds_is_one_sentence(reads, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(struct.pack("<Q", 2**60) + bytes(100))
    with pytest.raises(LogError, match=f"claims {2**60} records; copy the file again"):
        reads(path)


@pytest.fixture(scope="module", params=[False, True], ids=["text", "binary"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one camera and few points."""
    log = write_street_points(cloud_street(every=50))
    return write_colmap(replace(log, cameras=log.cameras[:1]), tmp_path_factory.mktemp("whole"), request.param)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_each_file_damaged_leaves_a_sound_log_or_one_sentence(
    whole: Path, name: str, damage: str, tmp_path: Path
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(whole, root)
    (file,) = (root / "sparse" / "0").glob(f"{name}.*")
    DAMAGES[damage](file)
    outcome = outcome_of(lambda: open_colmap(root, LogChoice()))
    # Half of a text may be whole lines of points, or of images.
    half = damage == "cut in half" and file.suffix == ".txt"
    assert isinstance(outcome, LogError) or name == "points3D" or half
    if name == "points3D" and not half:
        assert not isinstance(outcome, LogError) and outcome.lidars == ()
