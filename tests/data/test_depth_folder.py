"""Depth images from a folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from miniature_logs import HEIGHT, WIDTH, write_dgp, write_folder, write_kitti
from PIL import Image

from flux4d_core.data.depth_folder import DepthUnit, with_depth_folder
from flux4d_core.data.formats import open_log
from flux4d_core.data.lens import brown
from flux4d_core.data.log import Log
from flux4d_core.data.window import Window, cut
from flux4d_core.errors import LogError
from flux4d_core.types import Clip

WHOLE = Window(duration=0.4)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return open_log(write_folder(tmp_path / "log"))


def fill(folder: Path, log: Log, write: Callable[[Path, int], None]) -> None:
    """One file for every image, under its camera's and its own name."""
    for camera in log.cameras:
        (folder / camera.name).mkdir(parents=True)
        for number, name in enumerate(camera.names):
            write(folder / camera.name / name, number)


def png(value: int, mode: type = np.uint16) -> Callable[[Path, int], None]:
    def write(path: Path, number: int) -> None:
        Image.fromarray(np.full((HEIGHT, WIDTH), value, mode)).save(path.with_suffix(".png"))

    return write


def depths(clip: Clip, frame: int = 0) -> torch.Tensor:
    depth = clip.frames[frame].depth
    assert depth is not None
    assert depth.is_metric
    return 1 / depth.inverse


@pytest.mark.parametrize(("unit", "meters"), [("mm", 5.12), ("kitti", 20.0)])
def test_5120_steps_are_5_12_metres_in_millimetres_and_20_metres_in_kittis_unit(
    tmp_path: Path, log: Log, unit: DepthUnit, meters: float
) -> None:
    fill(tmp_path / "depth", log, png(5120))
    clip = with_depth_folder(cut(log, WHOLE), log, tmp_path / "depth", unit)
    assert torch.allclose(depths(clip), torch.full((HEIGHT, WIDTH), meters))


def test_nothing_is_known_where_a_png_is_black(tmp_path: Path, log: Log) -> None:
    fill(tmp_path / "depth", log, png(0))
    clip = with_depth_folder(cut(log, WHOLE), log, tmp_path / "depth", "mm")
    assert depths(clip).isnan().all()


def test_every_image_gets_the_map_of_its_own_name_also_in_a_later_window(tmp_path: Path, log: Log) -> None:
    fill(tmp_path / "depth", log, lambda path, number: np.save(path, np.full((HEIGHT, WIDTH), number + 1, np.float32)))
    whole = with_depth_folder(cut(log, WHOLE), log, tmp_path / "depth", "mm")
    later = with_depth_folder(cut(log, Window(start=0.2, duration=0.2)), log, tmp_path / "depth", "mm")
    assert float(depths(whole)[0, 0]) == 1
    assert float(depths(later)[0, 0]) == 3


def test_nan_and_less_than_nothing_are_unknown_and_infinity_is_the_sky(tmp_path: Path, log: Log) -> None:
    known = np.full((HEIGHT // 2, WIDTH // 2), 8.0)
    known[0, :4] = [np.nan, 0, -1, np.inf]
    fill(tmp_path / "depth", log, lambda path, number: np.savez_compressed(path, depth=known))
    clip = with_depth_folder(cut(log, WHOLE), log, tmp_path / "depth", "mm")
    depth = clip.frames[0].depth
    assert depth is not None
    assert depth.inverse.shape == (HEIGHT // 2, WIDTH // 2)
    assert depth.inverse[0, :3].isnan().all()
    assert depth.inverse[0, 3] == 0
    assert depth.inverse[1, 0] == 1 / 8


@pytest.mark.parametrize(("write", "name"), [(write_kitti, "0000000000"), (write_dgp, None)])
def test_other_formats_name_their_images_too(tmp_path: Path, write: Callable[[Path], Path], name: str | None) -> None:
    for camera in open_log(write(tmp_path / "log")).cameras:
        assert len(camera.names) == len(set(camera.names)) == len(camera.times_ns)
        assert name is None or camera.names[0] == name


def test_a_map_loses_its_lens_distortion_with_its_image(tmp_path: Path, log: Log) -> None:
    camera = replace(log.cameras[0], lens=brown(log.cameras[0].K, -0.2, 0.0, 0.0, 0.0))
    bent = replace(log, cameras=(camera, *log.cameras[1:]))
    columns = np.broadcast_to(np.arange(WIDTH, dtype=np.float32) + 1, (HEIGHT, WIDTH))
    fill(tmp_path / "depth", log, lambda path, number: np.save(path, columns))
    clip = with_depth_folder(cut(bent, WHOLE), bent, tmp_path / "depth", "mm")
    frame = next(f for f in clip.frames if f.sensor == camera.name)
    assert frame.depth is not None
    straight = 1 / frame.depth.inverse
    # a barrel lens shows a ray nearer to the middle than an ideal camera
    assert straight[HEIGHT // 2, 2] > columns[0, 2]
    assert abs(float(straight[HEIGHT // 2, WIDTH // 2]) - (WIDTH / 2 + 1)) <= 1


def refused(tmp_path: Path, log: Log, write: Callable[[Path, int], None]) -> str:
    fill(tmp_path / "depth", log, write)
    with pytest.raises(LogError) as caught:
        with_depth_folder(cut(log, WHOLE), log, tmp_path / "depth", "mm")
    return str(caught.value)


def test_a_missing_map_is_named(tmp_path: Path, log: Log) -> None:
    sentence = refused(tmp_path, log, lambda path, number: None)
    assert f"{log.cameras[0].name}/{log.cameras[0].names[0]}.png" in sentence
    assert "found none" in sentence


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (png(7, np.uint8), "16-bit grey"),
        (lambda path, number: np.save(path, np.ones((HEIGHT, 2 * WIDTH), np.float32)), f"{WIDTH}x{HEIGHT}"),
        (lambda path, number: np.save(path, np.ones((HEIGHT, WIDTH), np.int32)), "floating point metres"),
        (lambda path, number: np.save(path, np.array([{}]), allow_pickle=True), "plain numbers"),
        (lambda path, number: np.savez(path, a=np.ones(3), b=np.ones(3)), "expected one array, found a, b"),
        (lambda path, number: path.with_suffix(".png").write_bytes(b"junk"), "not a PNG"),
        (lambda path, number: path.with_suffix(".npy").write_bytes(b"junk"), "not a readable .npy"),
    ],
)
def test_what_is_no_depth_is_refused_in_one_sentence(
    tmp_path: Path, log: Log, write: Callable[[Path, int], None], words: str
) -> None:
    assert words in refused(tmp_path, log, write)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, log: Log) -> None:
    with pytest.raises(LogError, match="expected a folder with depth images, found nothing"):
        with_depth_folder(cut(log, WHOLE), log, tmp_path / "none", "mm")
