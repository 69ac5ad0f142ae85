"""Films of a scene: mp4, GIF and PNGs."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Cancelled
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.export.films import FilmFile, write_film
from flux4d_core.scene.film import Film
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.paths.make import make_path
from flux4d_core.scene.paths.presets import Recorded, Take

NAMES = ["toy.mp4", "toy.gif", "toy"]


def recorded() -> Film:
    """The recorded camera's way at ten pictures a second."""
    return film(make_path(stage(toy_scene()), Recorded(), Take(fps=10.0)))


def test_a_film_has_every_frame_and_the_red_ball_flies_away_in_it(tmp_path: Path) -> None:
    write_film(stage(toy_scene()), recorded(), FilmFile(tmp_path / "toy.mp4"))
    frames = iio.imread(tmp_path / "toy.mp4", plugin="FFMPEG")
    assert frames.shape == (11, 96, 160, 3)
    red = (frames[..., 0].astype(int) - frames[..., 2] > 60).sum((1, 2))
    assert red[0] > 50
    assert red[-1] < red[0]  # 16 m away instead of 10
    assert frames.min(axis=(1, 2, 3)).max() < 255
    assert (frames.mean((1, 2, 3)) > 60).all()  # no black frame


def test_a_dot_in_a_folders_name_is_no_ending_where_the_kind_is_said(tmp_path: Path) -> None:
    write_film(stage(toy_scene()), recorded(), FilmFile(tmp_path / "demo_0.0s_path", kind="png"))
    assert len(list((tmp_path / "demo_0.0s_path").iterdir())) == 11


def test_pngs_are_the_pictures_themselves_and_the_gif_is_nearly_so_and_loops(tmp_path: Path) -> None:
    write_film(stage(toy_scene()), recorded(), FilmFile(tmp_path / "stills"))
    write_film(stage(toy_scene()), recorded(), FilmFile(tmp_path / "toy.gif"))
    names = sorted(path.name for path in (tmp_path / "stills").iterdir())
    assert names == [f"frame{i:04d}.png" for i in range(1, 12)]
    stills = np.stack([np.asarray(Image.open(tmp_path / "stills" / name)) for name in names]).astype(int)
    assert stills.shape == (11, 96, 160, 3)
    with Image.open(tmp_path / "toy.gif") as gif:
        assert gif.n_frames == 11  # pyright: ignore[reportAttributeAccessIssue]
        assert gif.info["loop"] == 0
        assert gif.info["duration"] == 100
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - stills[0]).mean() < 6
        gif.seek(10)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - stills[10]).mean() < 6


def test_a_higher_quality_is_a_larger_file(tmp_path: Path) -> None:
    for quality in (2, 9):
        write_film(stage(toy_scene()), recorded(), FilmFile(tmp_path / f"{quality}.mp4", quality))
    assert (tmp_path / "2.mp4").stat().st_size < (tmp_path / "9.mp4").stat().st_size


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_film_cancelled_before_its_first_frame_or_after_some_leaves_nothing_behind(
    tmp_path: Path, share: float, name: str
) -> None:
    def report(stage: str, fraction: float) -> None:
        if fraction >= share:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_film(stage(toy_scene()), recorded(), FilmFile(tmp_path / name), report=report)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_ending_a_full_folder_and_a_wrong_quality_are_refused(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for file, words in (
        (FilmFile(tmp_path / "toy.avi"), r"ends in \.mp4 or \.gif"),
        (FilmFile(tmp_path / "full"), "new or empty folder"),
        (FilmFile(tmp_path / "toy.mp4", quality=11), "0 to 10"),
    ):
        with pytest.raises(Flux4dError, match=words):
            write_film(stage(toy_scene()), recorded(), file)
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
