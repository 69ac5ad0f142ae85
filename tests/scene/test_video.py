"""Films of a scene."""

from pathlib import Path

import imageio.v3 as iio
import pytest
from toy_scene import toy_scene

from flux4d_core.errors import Flux4dError
from flux4d_core.progress import Cancelled
from flux4d_core.scene.edit.apply import stage
from flux4d_core.scene.film import Film
from flux4d_core.scene.paths.camera_path import film
from flux4d_core.scene.paths.make import make_path
from flux4d_core.scene.paths.presets import Recorded, Take
from flux4d_core.scene.stage import Stage
from flux4d_core.scene.video import render_path, write_video


def recorded(stage: Stage) -> Film:
    """The recorded camera's way at ten pictures a second."""
    return film(make_path(stage, Recorded(), Take(fps=10.0)))


def test_a_film_has_every_frame_and_the_red_ball_flies_away_in_it(tmp_path: Path) -> None:
    scene = toy_scene()
    write_video(render_path(stage(scene), recorded(stage(scene))), tmp_path / "toy.mp4", fps=10.0)
    frames = iio.imread(tmp_path / "toy.mp4", plugin="FFMPEG")
    assert frames.shape == (11, 96, 160, 3)
    red = (frames[..., 0].astype(int) - frames[..., 2] > 60).sum((1, 2))
    assert red[0] > 50
    assert red[-1] < red[0]  # 16 m away instead of 10
    assert frames.min(axis=(1, 2, 3)).max() < 255
    assert (frames.mean((1, 2, 3)) > 60).all()  # no black frame


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
def test_a_film_cancelled_before_its_first_frame_or_after_some_leaves_nothing_behind(
    tmp_path: Path, share: float
) -> None:
    scene = toy_scene()

    def report(stage: str, fraction: float) -> None:
        if fraction >= share:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_video(render_path(stage(scene), recorded(stage(scene)), report), tmp_path / "toy.mp4", 10.0)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_mp4_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Flux4dError, match=r"ends in \.mp4"):
        write_video(iter([]), tmp_path / "toy.avi", 10.0)
