"""Camera paths of other tools, read and written."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flux4d_core.errors import Flux4dError
from flux4d_core.scene.paths.camera_lists import write_colmap, write_inria
from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.scene.paths.files import parse_camera_path, read_camera_path
from flux4d_core.scene.paths.nerfstudio import write_nerfstudio

SPAN = (0.0, 2.0)
AHEAD = np.array([[0.0, 0, 1, 3], [-1, 0, 0, 4], [0, -1, 0, 5], [0, 0, 0, 1]])
"""At (3, 4, 5), looking along the world's x axis."""
ASIDE = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1], [0, 0, 0, 1]])
PATH = CameraPath(
    (Keyframe(AHEAD, math.radians(40), 0.25, 1.5), Keyframe(ASIDE, math.radians(70), 0.25, 3.0)),
    loop=True,
    tension=0.25,
    fps=24.0,
    width=800,
    height=600,
    projection="fisheye",
    center=(0.5, 0.45),
)


def parse(document: object, name: str = "path.json") -> CameraPath:
    return parse_camera_path(name, json.dumps(document).encode(), SPAN)


def test_a_path_comes_back_from_nerfstudios_file_as_it_was(tmp_path: Path) -> None:
    write_nerfstudio(PATH, tmp_path / "path.json")
    back = read_camera_path(tmp_path / "path.json", SPAN)
    assert replace(back, keyframes=()) == replace(PATH, keyframes=())
    for keyframe, wanted in zip(back.keyframes, PATH.keyframes, strict=True):
        assert np.array_equal(keyframe.camera_to_world, wanted.camera_to_world)
        assert keyframe.fov == pytest.approx(wanted.fov)
        assert (keyframe.time, keyframe.seconds) == (wanted.time, wanted.seconds)


def test_nerfstudio_finds_opengl_axes_row_by_row_degrees_and_every_picture(tmp_path: Path) -> None:
    write_nerfstudio(replace(PATH, loop=False), tmp_path / "path.json")
    document = json.loads((tmp_path / "path.json").read_text())
    # right as ours, up against our down, back against our forward
    assert document["keyframes"][0]["matrix"] == [0, 0, -1, 3, -1, 0, 0, 4, 0, 1, 0, 5, 0, 0, 0, 1]
    assert document["keyframes"][0]["fov"] == pytest.approx(40)
    assert document["camera_type"] == "fisheye"
    assert len(document["camera_path"]) == 37  # 1.5 s at 24 pictures a second
    assert document["seconds"] == 1.5


IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def nerfstudio(times: list[float] | None = None, **more: object) -> dict[str, object]:
    """As nerfstudio writes it: three keyframes, two seconds apart."""
    keyframes: list[dict[str, object]] = [
        {"matrix": IDENTITY, "fov": 75, "aspect": 1.3, "override_transition_enabled": False} for _ in range(3)
    ]
    for keyframe, time in zip(keyframes, times or [], strict=bool(times)):
        keyframe["render_time"] = time
    return (
        {"camera_type": "perspective", "render_height": 480, "render_width": 640, "fps": 24}
        | {
            "keyframes": keyframes,
            "is_cycle": False,
            "smoothness_value": 0.5,
            "default_transition_sec": 2.0,
        }
        | more
    )


def test_a_nerfstudio_file_without_times_gets_times_spread_over_the_scene() -> None:
    path = parse(nerfstudio())
    assert [keyframe.time for keyframe in path.keyframes] == [0.0, 1.0, 2.0]
    assert [keyframe.seconds for keyframe in path.keyframes] == [2.0, 2.0, 2.0]
    assert path.tension == 0.5
    assert np.array_equal(path.keyframes[0].camera_to_world, np.diag([1.0, -1, -1, 1]))


def test_nerfstudios_times_are_shares_of_the_scene() -> None:
    assert [k.time for k in parse(nerfstudio([0.0, 0.5, 0.5])).keyframes] == [0.0, 1.0, 1.0]


def test_a_file_without_keyframes_is_read_picture_by_picture() -> None:
    frames = [{"camera_to_world": IDENTITY, "fov": 50.0, "aspect": 1.0} for _ in range(5)]
    path = parse(nerfstudio(keyframes=[], camera_path=frames, fps=10))
    assert len(path.keyframes) == 5
    assert path.seconds == pytest.approx(0.4)
    assert path.keyframes[-1].time == 2.0


# the camera of the world: at (3, 4, 5), looking along x. World-to-camera: x_c = -y + 4, y_c = -z + 5, z_c = x - 3
IMAGES = """# a comment
2 0.5 0.5 -0.5 0.5 4 5 -3 1 second.png

1 0.5 0.5 -0.5 0.5 4 5 -3 1 first.png
10 20 -1 30.5 40.5 7
"""
CAMERAS = "# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n1 PINHOLE 640 480 300 240 320 240\n"


def test_colmaps_pose_is_turned_round(tmp_path: Path) -> None:
    (tmp_path / "images.txt").write_text(IMAGES)
    (tmp_path / "cameras.txt").write_text(CAMERAS)
    path = read_camera_path(tmp_path / "images.txt", SPAN)
    assert len(path.keyframes) == 2
    assert np.allclose(path.keyframes[0].camera_to_world, AHEAD)
    assert path.keyframes[0].fov == pytest.approx(math.radians(90))  # half of 480 is 240
    assert [keyframe.time for keyframe in path.keyframes] == [0.0, 2.0]
    assert (path.width, path.height, path.seconds) == (640, 480, 2.0)


@pytest.mark.parametrize("kind", ["colmap", "inria"])
def test_a_path_written_as_a_list_of_cameras_comes_back_picture_by_picture(tmp_path: Path, kind: str) -> None:
    plain = replace(PATH, projection="pinhole", loop=False, fps=2.0)
    file = tmp_path / ("images.txt" if kind == "colmap" else "cameras.json")
    (write_colmap if kind == "colmap" else write_inria)(plain, file)
    back = read_camera_path(file, SPAN)
    assert len(back.keyframes) == 4
    for keyframe, view in zip(back.keyframes, plain.views(plain.moments), strict=True):
        assert np.allclose(keyframe.camera_to_world, view.camera_to_world, atol=1e-9)
        assert keyframe.fov == pytest.approx(view.fov)


def test_inrias_rotation_takes_the_camera_to_the_world() -> None:
    entry = {"id": 0, "img_name": "a", "width": 640, "height": 480, "fx": 300, "fy": 240}
    path = parse([entry | {"position": [3, 4, 5], "rotation": AHEAD[:3, :3].tolist()}])
    assert np.array_equal(path.keyframes[0].camera_to_world, AHEAD)
    assert path.keyframes[0].fov == pytest.approx(math.radians(90))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", b"{", "a.json: expected a camera path as JSON"),
        ("a.json", b"\xff\xfe\x00", "other bytes"),
        ("a.json", b"3", "a single value"),
        ("a.json", b"[" * 100_000, "found neither"),
        ("a.json", b"{}", "found none"),
        ("a.json", b"[]", "1 to 20000 cameras, found 0"),
        ("a.json", b'[{"position": 3}]', "position, rotation"),
        ("a.json", b'{"keyframes": 7}', "a list of at most"),
        ("a.json", json.dumps(nerfstudio(camera_type="ortho")).encode(), "found 'ortho'"),
        ("a.json", json.dumps(nerfstudio(fps="fast")).encode(), '"fps" to be a number'),
        ("a.json", json.dumps(nerfstudio(fps=0)).encode(), "0 pictures a second"),
        ("a.json", json.dumps(nerfstudio(render_width=1e9)).encode(), "16 to 8192 pixels"),
        ("a.json", json.dumps(nerfstudio(keyframes=[{"matrix": [1, 2]}])).encode(), "16 numbers, found 2"),
        ("a.json", json.dumps(nerfstudio(keyframes=[{"matrix": [0] * 16}])).encode(), "orthogonal unit axes"),
        ("a.json", json.dumps(nerfstudio([0, 1, math.nan])).encode(), '"render_time" to be a number'),
        ("images.txt", b"1 2 3\n", "expected lines of IMAGE_ID"),
        ("images.txt", b"1 0 0 0 0 1 2 3 1 a.png\n\n", "quaternion"),
        ("images.txt", b"# nothing\n", "found 0"),
    ],
)
def test_what_is_no_camera_path_is_refused_in_words(name: str, content: bytes, words: str) -> None:
    with pytest.raises(Flux4dError, match=words):
        parse_camera_path(name, content, SPAN)


def test_an_unknown_colmap_camera_and_model_are_refused() -> None:
    with pytest.raises(Flux4dError, match=r"camera 1, which cameras\.txt does not hold"):
        parse_camera_path("images.txt", IMAGES.encode(), SPAN, b"7 PINHOLE 640 480 300 240 320 240")
    with pytest.raises(Flux4dError, match="camera 1 is of the model FISHY, expected one of SIMPLE_PINHOLE"):
        parse_camera_path("images.txt", IMAGES.encode(), SPAN, b"1 FISHY 640 480 300")


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Flux4dError, match="could not read it"):
        read_camera_path(tmp_path / "none.json", SPAN)
    monkeypatch.setattr("flux4d_core.scene.paths.files.MAX_BYTES", 10)
    (tmp_path / "large.json").write_bytes(b" " * 11)
    with pytest.raises(Flux4dError, match="at most"):
        read_camera_path(tmp_path / "large.json", SPAN)
