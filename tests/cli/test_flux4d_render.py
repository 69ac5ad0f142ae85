"""`flux4d render`."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from ended import Flux4d

from flux4d_core.scene.paths.camera_path import CameraPath, Keyframe
from flux4d_core.scene.paths.nerfstudio import write_nerfstudio

QUICK = ["--fps", 10, "--slow", 0.5, "--device", "cpu"]


def read(path: Path) -> np.ndarray:
    return iio.imread(path, plugin="FFMPEG").astype(float)


def test_one_second_at_10_pictures_a_second_and_half_speed_is_21_pictures(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "film.mp4"
    options = ["--fps", 10, "--slow", 2, "--device", "cpu"]
    ended = flux4d("render", toy_scene_file, "--output", output, *options)
    assert ended.code == 0
    assert ended.out == f"{output}: 21 frames of 160x96 at 10 fps\n"
    assert read(output).shape == (21, 96, 160, 3)
    assert [path.name for path in output.parent.iterdir()] == ["film.mp4"]


def test_a_lane_shift_begins_on_the_recorded_path_and_leaves_it(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    films = {}
    for name, options in {
        "recorded": [],
        "none": ["--path", "lane-shift", "--shift", 0],
        "left": ["--path", "lane-shift", "--shift", 2],
        "right": ["--path", "lane-shift", "--shift", -2],
    }.items():
        flux4d("render", toy_scene_file, "--output", tmp_path / f"{name}.mp4", *QUICK, *options)
        films[name] = read(tmp_path / f"{name}.mp4")
    assert np.array_equal(films["recorded"], films["none"])
    assert np.abs(films["left"][0] - films["recorded"][0]).mean() < 2
    assert np.abs(films["left"][-1] - films["recorded"][-1]).mean() > 5
    assert np.abs(films["left"][-1] - films["right"][-1]).mean() > 5


def test_a_width_is_made_even_and_keeps_the_shape(flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path) -> None:
    ended = flux4d("render", toy_scene_file, "--output", tmp_path / "film.mp4", *QUICK, "--width", 81)
    assert "6 frames of 80x48" in ended.out


@pytest.mark.parametrize("path", ["s-curve", "lift", "stop-and-look", "orbit", "follow"])
def test_every_preset_makes_a_film(flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path, path: str) -> None:
    ended = flux4d("render", toy_scene_file, "--output", tmp_path / "film.mp4", *QUICK, "--path", path)
    assert ended.code == 0
    assert "6 frames of" in ended.out


def test_a_camera_path_file_says_where_the_camera_goes_and_options_change_the_picture(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    stands = [Keyframe(np.diag([1.0, 1, 1, 1]), 1.0, time, 0.5) for time in (0.0, 1.0)]
    write_nerfstudio(CameraPath(tuple(stands), fps=20.0, width=64, height=48), tmp_path / "path.json")
    options = ["--camera-path", tmp_path / "path.json", "--device", "cpu"]
    ended = flux4d("render", toy_scene_file, "--output", tmp_path / "a.mp4", *options)
    assert ended.out.endswith("11 frames of 64x48 at 20 fps\n")
    options += ["--fps", 4, "--width", 128, "--height", 64, "--projection", "panorama"]
    ended = flux4d("render", toy_scene_file, "--output", tmp_path / "b.mp4", *options)
    assert ended.out.endswith("3 frames of 128x64 at 4 fps\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "film.avi"], ["film.avi", ".mp4"]),
        (["--fps", "0"], ["--fps 0", "1 to 240"]),
        (["--fps", "nan"], ["--fps nan"]),
        (["--slow", "0"], ["--slow 0"]),
        (["--slow", "-3"], ["--slow -3"]),
        (["--slow", "1000", "--fps", "240"], ["240000", "100000"]),
        (["--width", "7"], ["--width 7", "16 to 8192"]),
        (["--shift", "nan"], ["--shift nan"]),
        (["--shift", "inf"], ["--shift inf"]),
        (["--camera", "nose"], ["'nose'", "front"]),
        (["--path", "zigzag"], ["zigzag", "lane-shift"]),
        (["--layer", "smell"], ["smell", "depth"]),
        (["--layer", "depth", "--near", "9", "--far", "3"], ["9 to 3 m"]),
        (["--quality", "11"], ["11", "0 to 10"]),
        (["--quality", "-1"], ["-1", "0 to 10"]),
        (["--path", "orbit", "--actor", "tram"], ["'tram'"]),
        (["--path", "orbit", "--radius", "0"], ["--radius 0"]),
        (["--fov", "180"], ["--fov 180", "1 to 170"]),
        (["--stop", "2"], ["--stop 2"]),
        (["--camera-path", "none.json"], ["none.json"]),
        (["--camera-path", "none.json", "--path", "orbit"], ["one of them"]),
    ],
)
def test_what_cannot_be_filmed_is_refused_and_nothing_is_written(
    flux4d: Flux4d,
    toy_scene_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert flux4d("render", toy_scene_file, "--output", "film.mp4", *options).is_refusal(*words)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_scene_is_refused(flux4d: Flux4d, tmp_path: Path) -> None:
    (tmp_path / "junk.f4d").write_text("junk")
    assert flux4d("render", tmp_path / "junk.f4d", "--output", tmp_path / "a.mp4").is_refusal("junk.f4d")
    assert flux4d("render", tmp_path / "none.f4d", "--output", tmp_path / "a.mp4").is_refusal("none.f4d")


def test_a_name_without_an_ending_is_a_folder_of_pngs_of_the_layer_that_is_wanted(
    flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path
) -> None:
    options = [*QUICK, "--layer", "dynamic"]
    ended = flux4d("render", toy_scene_file, "--output", tmp_path / "stills", *options)
    assert ended.out == f"{tmp_path / 'stills'}: 6 frames of 160x96 at 10 fps\n"
    files = sorted((tmp_path / "stills").iterdir())
    assert [file.name for file in files] == [f"frame{i:04d}.png" for i in range(1, 7)]
    assert (iio.imread(files[0])[0, 0] == 26).all()  # nothing moves in the sky


def test_a_gif_has_as_many_frames_as_the_video(flux4d: Flux4d, toy_scene_file: Path, tmp_path: Path) -> None:
    flux4d("render", toy_scene_file, "--output", tmp_path / "film.gif", *QUICK)
    assert iio.imread(tmp_path / "film.gif").shape[:3] == (6, 96, 160)
